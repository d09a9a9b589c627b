"""Where the run files of one job are, as its spec says."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.errors import UsageError
from word_counter.job.job_spec import JobSpec
from word_counter.settings.user_folders import temporary_folder
from word_counter.shuffle.run_files import RunFiles, folder_of
from word_counter.shuffle.run_locations import AUTO, REDIS


def run_files_of(fields: Mapping[str, str], job_id: str) -> RunFiles | None:
    """Return the run files of a job, given its fields in the store; None: it has none, or its spec cannot be read."""
    try:
        place = shuffle_location_of(JobSpec.from_json(fields.get("spec", "")))
    except UsageError:
        return None
    return RunFiles(folder_of(place, job_id, fields.get("made_by", ""))) if place else None


def shuffle_roots_of(spec: JobSpec, *, private: bool) -> list[str]:
    """Return below what the workers of a run's own may keep files of its shuffle; ``private``: so is its server."""
    if spec.shuffle == AUTO and not private:
        return []
    place = shuffle_location_of(spec)
    return [place] if place else []


def shuffle_location_of(spec: JobSpec) -> str:
    """Return where the run files of a job are, if it has any; "": it never has."""
    if spec.shuffle == AUTO:
        return temporary_folder()
    return "" if spec.shuffle == REDIS else spec.shuffle
