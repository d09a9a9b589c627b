"""Job spec: all that a master needs to run a job. It is fixed when the job is made and kept in Redis for any master."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from word_counter.errors import UsageError
from word_counter.job.model import Source

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "dict[str, Any]": (dict,),
    "dict[str, str]": (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job is to do.

    ``output`` is an absolute path, a URL or "-"; ``shuffle`` is a path, a URL, "redis" or "auto". ``digest`` is the
    digest of the sources. ``files`` has the digest of each side file by name.
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
    empty_files: bool = False
    inline: bool = False
    input_format: str = "lines"
    shuffle: str = "auto"
    incremental: bool = False
    retry_errors: bool = False

    @property
    def skip(self) -> bool:
        """Whether bad chunks go into quarantine instead of failing the job."""
        return self.on_bad_chunk == "skip"

    @property
    def all_partitions(self) -> int:
        """How many partitions all phases of the job have. Those of a phase follow those of the phase before."""
        return self.partitions * self.phases

    def partitions_of(self, phase: int) -> range:
        """Return the numbers of a phase's partitions."""
        return range(phase * self.partitions, (phase + 1) * self.partitions)

    def results_name(self, partition: int) -> str:
        """Return the name of a partition's results, which later phases use for their input."""
        return f"the results of phase {partition // self.partitions + 1}, partition {partition}"

    def to_json(self) -> str:
        """Return the spec as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> JobSpec:
        """Return the spec in a JSON text; UsageError when it is not one."""
        try:
            content: dict[str, Any] = json.loads(text)
            spec = cls(**{field.name: content[field.name] for field in fields(cls)})
            for field in fields(cls):
                if not isinstance(getattr(spec, field.name), _TYPES[str(field.type)]):
                    message = f"{field.name} is no {field.type}"
                    raise TypeError(message)  # noqa: TRY301 (one message for all that is wrong with it)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"the job's spec in Redis is not one of this version of word_counter: {error}"
            raise UsageError(message) from error
        return spec


def read_spec(fields: Mapping[str, str], job_id: str, sources: Sequence[Source]) -> JobSpec:
    """Return the spec in a job's fields; UsageError when it is not one, or does not fit the job or its sources."""
    spec = JobSpec.from_json(fields.get("spec", ""))
    if spec.job_id != job_id or digest_of(sources) != spec.digest:
        message = f"the spec of job {job_id} does not fit what is in Redis; somebody changed it"
        raise UsageError(message)
    return spec


def digest_of(sources: Sequence[Source]) -> str:
    """Return the SHA-256 of the sources' paths, sizes, times of change and packings, so that the spec covers them."""
    listed = json.dumps([source.listed() for source in sources])
    return hashlib.sha256(listed.encode()).hexdigest()
