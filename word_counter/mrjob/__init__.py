"""mrjob's API on this engine: jobs that were written for mrjob run here as they are.

Only what jobs and their tests call is here, written anew. What is not supported is refused with its name.
"""

from __future__ import annotations

from word_counter.mrjob.job import MRJob
from word_counter.mrjob.step import MRStep

__all__ = ["MRJob", "MRStep"]

#: The version of mrjob whose API this is.
__version__ = "0.7.4"
