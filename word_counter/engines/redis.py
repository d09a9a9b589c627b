"""Redis engine: a master, a queue and any number of worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from word_counter.engines.base import Engine
from word_counter.job.job import Job
from word_counter.job.model import Inputs
from word_counter.master.master import Master
from word_counter.observer import Observer, Outcome
from word_counter.settings import config


class RedisEngine(Engine):
    """Runs a job over Redis with local workers, one for each core unless told otherwise."""

    def run(self, inputs: Inputs | None, job: Job, observer: Observer, settings: Mapping[str, Any]) -> Outcome:
        """Run the job; see :meth:`word_counter.master.master.Master.run` for what it raises."""
        workers = config.load(settings, job.settings).worker_count
        return Master(inputs, job, observer=observer, **{**settings, "workers": workers}).run()
