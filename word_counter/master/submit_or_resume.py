"""How a master comes to be in charge of a job: it makes (submits) a new one, or takes over one whose master is gone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from secrets import token_hex

from word_counter.errors import (
    JobFailedError,
    JobNotFoundError,
    NotNeededError,
    SetAsideError,
    UsageError,
    WordCounterError,
)
from word_counter.inputs.sources import check_sources
from word_counter.job.job_spec import JobSpec, read_spec
from word_counter.job.model import JobState, Source
from word_counter.job.side_file import SideFile, checked
from word_counter.master.leader_lease import LeaderLease
from word_counter.observer import Observer
from word_counter.outputs.quarantine import quarantine_path
from word_counter.outputs.sink import Sink
from word_counter.security.signed_spec import PURPOSE, check_signed
from word_counter.security.signing import sign
from word_counter.settings.config import Settings
from word_counter.store.job_store import JobStore

#: How often a standby master looks again whether the other one is gone, in seconds.
_LOOK_SECONDS = 1.0
_ENDED = {state.value for state in JobState if state.ended}


class SubmitOrResume:
    """Makes one job, or takes it over, for one master."""

    def __init__(
        self,
        store: JobStore,
        leader_lease: LeaderLease,
        secret: str,
        settings: Settings,
        observer: Observer,
        files: Mapping[str, SideFile],
    ) -> None:
        self._store = store
        self._leader_lease = leader_lease
        self._secret = secret
        self._settings = settings
        self._observer = observer
        self._job_id = store.job_id
        self.made = False  #: whether the job is this master's own, rather than one that it took over
        #: The side files of the job.
        self.files = dict(files)

    def make(self, spec: JobSpec, sources: list[Source]) -> bool:
        """Make the job, with :attr:`files`, and acquire its leader lease; False when a job of its name exists."""
        text = spec.to_json()
        fields: dict[str, str | int] = {
            "state": JobState.MAPPING.value,
            "name": spec.name,
            "spec": text,
            "signature": sign(text, self._secret, purpose=PURPOSE) if self._secret else "",
            "partitions": spec.all_partitions,
            "phases": spec.phases,
            "phase": 0,
            "first_chunks": "[0]",
            "output": spec.output,
            "epoch": self._leader_lease.epoch,
            "split": "open",
            "cursor": "[0,0,0,1]",
            "files": len(sources),
            "bytes": sum(source.size for source in sources),
        }
        contents = {name: file.content for name, file in self.files.items()}
        made = self._store.create(fields, sources, f"{self._leader_lease.master}-{token_hex(4)}", contents)
        self.made = made and self._leader_lease.acquire() > 0
        return self.made

    def make_or_take(self, spec: JobSpec, sources: list[Source]) -> tuple[JobSpec, list[Source]]:
        """Make the job; with ``resume`` or ``standby`` take over the unfinished one of its name, if there is one.

        A job that failed, was cancelled, or was done with another spec is made anew.

        Returns:
            The spec of the job and its sources.

        Raises:
            UsageError: there is a job of this name that may not be taken over; says why.
            InputChangedError: an input has changed since the job was made.
            NotNeededError: the job is done with the same spec, or was completed while this master stood by.
        """
        stood_by = False
        while not self.make(spec, sources):
            if not (self._settings.resume or self._settings.standby):
                message = f"there is a job {self._job_id} already; choose another --job-id, purge it, or --resume it"
                raise UsageError(message)
            fields = self._store.fields()
            if fields.get("state") in _ENDED:
                if stood_by:
                    raise self._ended_meanwhile(spec, fields)
                if _is_done_already(spec, fields):
                    raise self._not_needed(
                        spec,
                        f"job {self._job_id} is done already, and its results are in {spec.output}",
                        f"; to do it again: word-counter purge {self._job_id}",
                    )
                # When another master was faster, the next look shows the job that it has made.
                self._store.remove(int(fields.get("partitions", 1)), fields.get("made_by", ""))
                continue
            epoch = self._leader_lease.acquire()
            if not epoch and not self._settings.standby:
                epoch = self._wait_for_lease()
            if epoch > 0:
                return self._resumed(spec)
            if not stood_by:
                self._observer.warned(f"job {self._job_id} has a master; standing by to take over")
            stood_by = True
            time.sleep(_LOOK_SECONDS)
        return spec, sources

    def _ended_meanwhile(self, spec: JobSpec, fields: dict[str, str]) -> WordCounterError:
        if fields.get("state") == JobState.DONE.value:
            return self._not_needed(spec, f"job {self._job_id} was completed by the master that this one stood by for")
        ended = f"{fields.get('state')} {fields.get('reason')}"
        return JobFailedError(f"job {self._job_id} ended while this master stood by: {ended}")

    def _not_needed(self, spec: JobSpec, message: str, advice: str = "") -> NotNeededError:
        """Return the error for a job that is done already, with the same exit code as its own master had."""
        if not self._store.set_aside():
            return NotNeededError(message + advice)
        return SetAsideError(f"{message}, but for what {quarantine_path(spec.output, spec.job_id)} names{advice}")

    def take(self) -> tuple[JobSpec, list[Source]]:
        """Take over a job of which only the name is known; return its spec and its sources.

        Raises:
            JobNotFoundError: there is no such job.
            UsageError: it has ended, another master is in charge, or its spec was not signed with our secret.
            InputChangedError: an input has changed since the job was made.
        """
        fields = self._store.fields()
        if not fields:
            message = f"there is no job {self._job_id} in this Redis"
            raise JobNotFoundError(message)
        epoch = self._leader_lease.acquire() or self._wait_for_lease()
        if epoch < 0:
            message = f"job {self._job_id} has ended: it is {self._store.fields().get('state', 'gone')}"
            raise UsageError(message)
        return self._resumed(None)

    def _wait_for_lease(self) -> int:
        """Wait until the leader lease of a master that may be dead runs out, and acquire it.

        Raises:
            UsageError: the master is alive: it has renewed its lease meanwhile.
        """
        held = self._store.fields().get("held_until", "0")
        self._observer.warned(
            f"job {self._job_id} had a master until lately; waiting for some seconds to see that it is gone"
        )
        while not (epoch := self._leader_lease.acquire()):
            fields = self._store.fields()
            if fields.get("held_until", "0") != held:
                message = (
                    f"another master ({fields.get('master')}) is in charge of job {self._job_id}, and alive; "
                    "to take over when it is gone: run ... --standby"
                )
                raise UsageError(message)
            time.sleep(_LOOK_SECONDS / 4)
        return epoch

    def _resumed(self, own: JobSpec | None) -> tuple[JobSpec, list[Source]]:
        """Return the spec in the store and its sources, checked; ``own`` is the one that this command asks for."""
        try:
            return self._checked_spec(own)
        except BaseException:
            self._leader_lease.release()
            raise

    def _checked_spec(self, own: JobSpec | None) -> tuple[JobSpec, list[Source]]:
        fields = self._store.fields()
        sources = self._store.sources()
        spec = read_spec(fields, self._job_id, sources)
        check_sources(sources, all_read=fields.get("split") == "done")
        if own is not None and own.digest != spec.digest:
            message = (
                f"job {self._job_id} has other inputs than this command names; purge it or choose another --job-id"
            )
            raise UsageError(message)
        if own != spec:
            check_signed(fields, self._job_id, self._secret)
        Sink.of_spec(spec).check(spec.job_id)
        self.files = checked(self._store.files() if spec.files else {}, spec.files)
        return spec, sources


def _is_done_already(spec: JobSpec, fields: dict[str, str]) -> bool:
    """Whether a job was done with the same spec, and its results are still where they should be."""
    if fields.get("state") != JobState.DONE.value:
        return False
    return fields.get("spec") == spec.to_json() and Sink.of_spec(spec).holds(spec.job_id, spec.partitions)
