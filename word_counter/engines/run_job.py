"""Runs a job: ``run()`` picks the engine and runs the job on it."""

from __future__ import annotations

from typing import Any

from word_counter.engines.base import Engine
from word_counter.engines.inline import InlineEngine
from word_counter.engines.redis import RedisEngine
from word_counter.job.job import Job
from word_counter.job.model import Inputs
from word_counter.jobs.word_count import WordCount
from word_counter.loading.job_import import refuse_while_importing
from word_counter.loading.job_reference import made
from word_counter.observer import GuardedObserver, Observer, Outcome
from word_counter.settings import config

_ENGINES: dict[str, type[Engine]] = {"redis": RedisEngine, "inline": InlineEngine}


def run(
    inputs: Inputs | None = None,
    job: type[Job] | Job = WordCount,
    *,
    observer: Observer | None = None,
    **settings: Any,
) -> Outcome:
    """Run a job to its end and return its outcome; the results are in its ``output`` file.

    Args:
        inputs: files, directories and globs; by default the job's own.
        job: a Job class or instance; by default the word count.
        observer: is told what happens.
        settings: any of :class:`word_counter.config.Settings`, by name, such as ``engine="inline"``.

    Raises:
        UsageError: the request cannot be carried out; nothing was started or written.
        JobFailedError: the job failed; says where and why. With the inline engine the user's own exception is raised.
        StoreUnavailableError: Redis cannot be reached.
    """
    refuse_while_importing()
    instance = made(job)
    chosen = _ENGINES[config.load(settings, instance.settings).engine]
    return chosen().run(inputs, instance, GuardedObserver.of(observer), settings)
