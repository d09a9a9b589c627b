"""What verifying found: plain values, and a reason in words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold: of the "receipt" itself, of a "result" or of an "input"; which, and what."""

    of: str
    name: str
    what: str


@dataclass(slots=True)
class Verification:
    """What was found. ``unchecked`` are names of what cannot be looked at again, with the reason."""

    receipt: str
    job: str = ""
    results: int = 0  #: how many files of results were looked at
    inputs: int = 0
    bytes: int = 0  #: how much was read
    faults: list[Fault] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found that does not hold."""
        return not self.faults


def reason_of(error: Exception) -> str:
    """Return why a file could not be looked at, in words."""
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return f"it cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
