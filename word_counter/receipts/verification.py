"""Verification: what verifying found, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not match the receipt: in the "receipt" itself, a "result" or an "input"."""

    of: str
    name: str
    what: str


@dataclass(slots=True)
class Verification:
    """What was found. ``unchecked`` has the names of what cannot be checked again, with the reasons."""

    receipt: str
    job: str = ""
    results: int = 0  #: how many files of results were checked
    inputs: int = 0
    bytes: int = 0  #: how much was read
    faults: list[Fault] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything that was checked matches."""
        return not self.faults


def reason_of(error: Exception) -> str:
    """Return in words why a file could not be checked."""
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return f"it cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
