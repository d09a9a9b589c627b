"""Names of mrjob before 0.7 that jobs still import: what starts a job is the job itself."""

from __future__ import annotations

from word_counter.mrjob.job import MRJob as MRJobLauncher
from word_counter.mrjob.options import FROM_SYS_ARGV as _READ_ARGS_FROM_SYS_ARGV

__all__ = ["_READ_ARGS_FROM_SYS_ARGV", "MRJobLauncher"]
