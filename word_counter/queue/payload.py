"""Payload: what an RQ job carries to a worker, as JSON text.

It holds all that the worker needs: the job, where its code is, and the tasks with their chunks. It comes from outside,
so it is validated strictly: anything that does not fit exactly is refused.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from word_counter.errors import WordCounterError
from word_counter.job.model import Chunk, Source, Stage, parse_task
from word_counter.job.snapshot import Suspicion, TaskAttempt

#: Leases must be shorter than this, in seconds. No person sets a longer one.
_LONGEST_LEASE_SECONDS = 86_400


class PayloadError(WordCounterError):
    """A payload that this package did not write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A batch of tasks of one stage of one phase of a job. Map tasks have one entry of ``chunks`` each, in order."""

    job: str
    batch: str
    stage: Stage
    code: str
    partitions: int
    lease_seconds: float
    task_timeout: float
    max_bad_records: int
    tasks: tuple[TaskAttempt, ...]
    chunks: tuple[Chunk, ...] = ()
    sources: dict[int, Source] = field(default_factory=dict)
    suspicion: Suspicion | None = None
    code_digest: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    phase: int = 0
    inline: bool = False
    input_format: str = "lines"
    shuffle: str = ""  #: the folder of the job's run files, a path or a URL; "" when it shuffles through Redis
    incremental: bool = False

    @property
    def job_facts(self) -> dict[str, Any]:
        """All that the map output of a chunk depends on, besides the chunk."""
        names = ("code", "code_digest", "params", "files", "partitions", "input_format")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> str:
        """Return the payload's text."""
        content = {
            "job": self.job,
            "batch": self.batch,
            "stage": self.stage.value,
            "code": self.code,
            "code_digest": self.code_digest,
            "params": self.params,
            "files": self.files,
            "phase": self.phase,
            "inline": self.inline,
            "input_format": self.input_format,
            "shuffle": self.shuffle,
            "incremental": self.incremental,
            "partitions": self.partitions,
            "lease_seconds": self.lease_seconds,
            "task_timeout": self.task_timeout,
            "max_bad_records": self.max_bad_records,
            "tasks": self.tasks,
            "chunks": self.chunks,
            "sources": {str(index): source.listed() for index, source in self.sources.items()},
            "suspicion": None if self.suspicion is None else asdict(self.suspicion),
        }
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Payload:
        """Return the payload in a text; PayloadError when it is not one."""
        try:
            content = json.loads(text)
            payload = cls(
                job=_text(content["job"]),
                batch=_text(content["batch"]),
                stage=Stage(content["stage"]),
                code=_text(content["code"]),
                code_digest=_text(content["code_digest"]),
                params=_object(content["params"]),
                files={_text(name): _text(digest) for name, digest in content["files"].items()},
                phase=_number(content["phase"]),
                inline=content["inline"] is True,
                input_format=_text(content["input_format"]),
                shuffle=_text(content["shuffle"]),
                incremental=content["incremental"] is True,
                partitions=_number(content["partitions"]),
                lease_seconds=float(content["lease_seconds"]),
                task_timeout=float(content["task_timeout"]),
                max_bad_records=_number(content["max_bad_records"]),
                tasks=tuple(TaskAttempt(_text(task), _number(attempt)) for task, attempt in content["tasks"]),
                chunks=tuple(Chunk(*map(_number, chunk)) for chunk in content["chunks"]),
                suspicion=_suspicion(content["suspicion"]),
                sources={int(index): _source(*source) for index, source in content["sources"].items()},
            )
            payload._check()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            message = f"not a payload of word_counter: {type(error).__name__}: {error}"
            raise PayloadError(message) from error
        return payload

    def _check(self) -> None:
        """Raise ValueError unless the parts fit each other."""
        if (
            not self.tasks
            or self.partitions < 1
            or self.phase < 0
            or not self.task_timeout > 0
            or not 0 < self.lease_seconds < _LONGEST_LEASE_SECONDS
        ):
            message = "a value is out of its range"
            raise ValueError(message)
        for number, attempt in enumerate(self.tasks):
            stage, task = parse_task(attempt.task)
            if stage is not self.stage or attempt.attempt < 1 or task < 0:
                message = f"task {attempt.task} does not belong"
                raise ValueError(message)
            if stage is Stage.REDUCE and task // self.partitions != self.phase:
                message = f"partition {task} is not of phase {self.phase}"
                raise ValueError(message)
            if stage is Stage.MAP:
                chunk = self.chunks[number] if number < len(self.chunks) else None
                if chunk is None or chunk.id != task or min(chunk) < 0 or not self._is_source(chunk.source):
                    message = f"task {attempt.task} has no chunk"
                    raise ValueError(message)

    def _is_source(self, source: int) -> bool:
        """Whether chunks of this phase may come from it: it is a source, or a partition of the phase before."""
        return source // self.partitions == self.phase - 1 if self.phase else source in self.sources


def _source(path: Any, size: Any, modified: Any, packing: Any, member: Any, encoding: Any = "") -> Source:
    return Source(_text(path), _number(size), _number(modified), _text(packing), _text(member), _text(encoding))


def _suspicion(value: Any) -> Suspicion | None:
    if value is None:
        return None
    suspect = value["suspect"]
    skip = tuple((_number(index), _text(why)) for index, why in value["skip"])
    return Suspicion(None if suspect is None else _number(suspect), skip, _number(value["free"]))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(type(value).__name__)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(type(value).__name__)
    return value
