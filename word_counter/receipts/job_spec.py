"""The plan: what was asked of a job, fixed when it is made and kept in the store, so that any master can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from word_counter.errors import UsageError
from word_counter.files.locations import absolute
from word_counter.inputs.input_format import chosen_format
from word_counter.job.job import Job, Source
from word_counter.job.side_file import SideFile
from word_counter.outputs.sink import Sink
from word_counter.security.signing import verify
from word_counter.settings.config import Settings
from word_counter.shuffle.run_locations import AUTO, place_name

#: What a plan is signed for.
PURPOSE = "plan"
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "dict[str, Any]": (dict,),
    "dict[str, str]": (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a job is to do.

    ``output`` is an absolute path, a URL or "-"; ``shuffle`` is one of the first two, "redis" or "auto"; ``digest`` is
    that of the sources; ``files`` has that of each side file.
    """

    job_id: str
    name: str
    code: str
    code_digest: str
    params: dict[str, Any]
    files: dict[str, str]
    output: str
    partitions: int
    phases: int
    chunk_size: int
    digest: str
    timeout: float
    lease_seconds: float
    task_timeout: float
    max_attempts: int
    on_bad_chunk: str
    max_bad_records: int
    retention_seconds: int
    form: str = "json"
    sort: str = "key"
    top: int = 0
    whole_files: bool = False
    inline: bool = False
    input_format: str = "lines"
    shuffle: str = AUTO
    incremental: bool = False

    @property
    def skip(self) -> bool:
        """Whether bad chunks go into quarantine rather than to fail the job."""
        return self.on_bad_chunk == "skip"

    @property
    def sink(self) -> Sink:
        """Where the results go."""
        return Sink(self.output, self.form, self.sort, self.top)

    @property
    def all_partitions(self) -> int:
        """How many partitions the phases of the job have in all; those of a phase follow those of the one before."""
        return self.partitions * self.phases

    def partitions_of(self, phase: int) -> range:
        """Return the numbers of a phase's partitions."""
        return range(phase * self.partitions, (phase + 1) * self.partitions)

    def results_name(self, partition: int) -> str:
        """Say what a phase's results of a partition are, where later phases name their input."""
        return f"the results of phase {partition // self.partitions + 1}, partition {partition}"

    def to_json(self) -> str:
        """Return the plan's text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan of a text; UsageError when it is none."""
        try:
            content: dict[str, Any] = json.loads(text)
            plan = cls(**{field.name: content[field.name] for field in fields(cls)})
            for field in fields(cls):
                if not isinstance(getattr(plan, field.name), _TYPES[str(field.type)]):
                    message = f"{field.name} is no {field.type}"
                    raise TypeError(message)  # noqa: TRY301 (one way to say that it is no plan)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"the job's plan in Redis is none of this version of word_counter: {error}"
            raise UsageError(message) from error
        return plan

    @classmethod
    def make(
        cls,
        settings: Settings,
        job_id: str,
        job: Job,
        code: str,
        code_digest: str,
        sources: Sequence[Source],
        files: Mapping[str, SideFile],
    ) -> Plan:
        """Return the plan of a new run of ``job``; UsageError when a param or the output of it is not allowed."""
        sink = Sink.of(settings, job.form)
        return cls(
            job_id=job_id,
            name=job.name,
            code=code,
            code_digest=code_digest,
            params=job.param_values(),
            files={name: file.digest for name, file in files.items()},
            output=absolute(sink.output),
            partitions=settings.partitions,
            phases=len(job.phases()),
            chunk_size=settings.chunk_size,
            digest=digest_of(sources),
            timeout=settings.timeout,
            lease_seconds=settings.lease_seconds,
            task_timeout=settings.task_timeout,
            max_attempts=settings.max_attempts,
            on_bad_chunk=settings.on_bad_chunk,
            max_bad_records=settings.max_bad_records,
            retention_seconds=settings.retention_seconds,
            form=sink.form,
            sort=sink.sort,
            top=sink.top,
            whole_files=job.phases()[0].whole_files,
            incremental=settings.incremental,
            input_format=chosen_format(settings.input_format, job.phases()[0]),
            inline=settings.transport == "inline",
            shuffle=place_name(settings.shuffle),
        )


def check_signed(fields: Mapping[str, str], job_id: str, secret: str) -> None:
    """Raise UsageError unless the plan in a job's fields was signed with this secret.

    Whoever can write to Redis could otherwise name any code, any input and any output.
    """
    if not verify(fields.get("plan", ""), fields.get("signature", ""), secret, purpose=PURPOSE):
        message = (
            f"the plan of job {job_id} is not signed with the secret of this command; "
            "set WORD_COUNTER_SECRET to what its master was started with, or go on as the user who started it"
        )
        raise UsageError(message)


def read_plan(fields: Mapping[str, str], job_id: str, sources: Sequence[Source]) -> Plan:
    """Return the plan in a job's fields; UsageError when it is none, or does not fit the job or its sources."""
    plan = Plan.from_json(fields.get("plan", ""))
    if plan.job_id != job_id or digest_of(sources) != plan.digest:
        message = f"the plan of job {job_id} does not fit what is in Redis; somebody changed it"
        raise UsageError(message)
    return plan


def digest_of(sources: Sequence[Source]) -> str:
    """Return the SHA-256 of the sources' paths, sizes, times of change and packings: the plan vouches for them too."""
    listed = json.dumps([source.listed() for source in sources])
    return hashlib.sha256(listed.encode()).hexdigest()
