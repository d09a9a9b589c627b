"""Makes the job spec of a new run from the settings and the job, checked and complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from word_counter.files.locations import absolute
from word_counter.inputs.input_format import chosen_format
from word_counter.job.job import Job
from word_counter.job.job_spec import JobSpec, digest_of
from word_counter.job.model import Source
from word_counter.job.side_file import SideFile
from word_counter.outputs.sink import Sink
from word_counter.settings.config import Settings
from word_counter.shuffle.run_locations import location_name


def make_spec(
    settings: Settings,
    job_id: str,
    job: Job,
    code: str,
    code_digest: str,
    sources: Sequence[Source],
    files: Mapping[str, SideFile],
) -> JobSpec:
    """Return the spec of a new run of ``job``; UsageError when one of its params or its output is not allowed."""
    sink = Sink.of(settings, job.form)
    return JobSpec(
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
        retry_errors=settings.retry_errors,
        on_bad_chunk=settings.on_bad_chunk,
        max_bad_records=settings.max_bad_records,
        retention_seconds=settings.retention_seconds,
        form=sink.form,
        sort=sink.sort,
        top=sink.top,
        whole_files=job.phases()[0].whole_files,
        empty_files=job.phases()[0].empty_files,
        incremental=settings.incremental,
        input_format=chosen_format(settings.input_format, job.phases(job.param_values())[0]),
        inline=settings.transport == "inline",
        shuffle=location_name(settings.shuffle),
    )
