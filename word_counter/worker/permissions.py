"""Permissions: what a worker may load, read and write, and the secret that its batches must be signed with."""

from __future__ import annotations

from dataclasses import dataclass, field

from word_counter.inputs.chunker import travels
from word_counter.queue.batch_queue import queue_name
from word_counter.queue.payload import Payload
from word_counter.security.allow_list import AllowList
from word_counter.security.input_roots import InputRoots
from word_counter.security.secret import find_secret
from word_counter.security.shuffle_roots import ShuffleRoots
from word_counter.settings.config import Settings


@dataclass(frozen=True, slots=True)
class Permissions:
    """The secret that batches must be signed with, the jobs that may be loaded, and the files that may be used.

    ``shuffles`` says below which folders and URLs run files may be kept; ``own`` that a run started the worker for
    itself alone.
    """

    secret: str = field(repr=False)
    jobs: AllowList = field(default_factory=AllowList)
    inputs: InputRoots = field(default_factory=InputRoots)
    shuffles: ShuffleRoots = field(default_factory=ShuffleRoots)
    own: bool = False

    @classmethod
    def of(cls, settings: Settings, *, own: bool = False) -> Permissions:
        """Return what the settings allow; UsageError when there is no secret and none can be stored."""
        inputs, shuffles = InputRoots(settings.input_root), ShuffleRoots(settings.shuffle_root)
        return cls(find_secret(settings), AllowList(settings.allow), inputs, shuffles, own)

    def check(self, payload: Payload) -> None:
        """Raise ForbiddenError, naming what to do, when a batch is of what this worker may not load, read or write.

        Nothing of the batch is imported or opened yet. Each file is checked again when it is opened.
        """
        self.jobs.check(payload.code)
        if payload.shuffle:
            self.shuffles.check(payload.shuffle)
        for source in payload.sources.values():
            if not travels(source, inline=payload.inline):
                self.inputs.check(source.path)

    @property
    def queue(self) -> str:
        """The name of the queue to serve."""
        return queue_name(self.secret)
