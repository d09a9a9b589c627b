"""The contract that every engine keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from word_counter.job.job import Job
from word_counter.job.model import Inputs
from word_counter.observer import Observer, Outcome


class Engine(ABC):
    """Runs jobs. The same job over the same inputs gives the same bytes on every engine."""

    @abstractmethod
    def run(self, inputs: Inputs | None, job: Job, observer: Observer, settings: Mapping[str, Any]) -> Outcome:
        """Run ``job`` over ``inputs`` (None: its own), write the results and return the outcome."""
