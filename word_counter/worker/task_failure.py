"""Task failure: turns the exception that ended a task into a failure, with its kind, message and origin."""

from __future__ import annotations

from word_counter.errors import (
    EncodingError,
    ForbiddenError,
    InputChangedError,
    RecordError,
    TooManyBadError,
    UnguardedRunError,
    WordCounterError,
)
from word_counter.job.snapshot import BAD_DATA, CHANGED, RAISED, REFUSED, TOO_MANY, Failure, Origin, TaskAttempt
from word_counter.loading.user_code import has_own_frame, origin_of, user_traceback

#: The kinds of failure for those of our errors that a retry would raise again.
_KINDS: tuple[tuple[type[WordCounterError], str], ...] = (
    (EncodingError, BAD_DATA),
    (InputChangedError, CHANGED),
    (UnguardedRunError, REFUSED),
    (ForbiddenError, REFUSED),
    (TooManyBadError, TOO_MANY),
)


def failure_of(attempt: TaskAttempt, worker: str, error: Exception, started: int, at: int) -> Failure:
    """Return the failure of an attempt that began at ``started`` (ms since 1970), and raised ``error`` at ``at``."""
    if isinstance(error, WordCounterError):
        kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), RAISED)
        message = str(error)
    else:
        kind, message = RAISED, user_traceback(error)
    return Failure(
        attempt.task,
        attempt.attempt,
        worker,
        kind,
        # File names in it may have lone surrogates, which Lua scripts cannot read.
        message.encode("utf-8", "backslashreplace").decode(),
        at,
        started=started,
        origin=_origin(error),
    )


def _origin(error: Exception) -> Origin | None:
    """Return where the user's code raised; None when the error is not of the user's code."""
    if isinstance(error, RecordError):
        return None if error.__cause__ is None else origin_of(error.__cause__)
    return origin_of(error) if not isinstance(error, WordCounterError) and has_own_frame(error) else None
