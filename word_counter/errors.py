"""Every error this package raises on purpose, as one tree.

The tree says what a caller can do about it, and so decides the exit code of the command line:

* :class:`UsageError` (exit 2): the request cannot be carried out; change it.
* :class:`StoreUnavailableError` (exit 3): Redis cannot be reached; the job's state is kept there.
* :class:`JobFailedError` (exit 1): the job ran and ended without a result.

This module imports nothing of the package.
"""

from __future__ import annotations

import re

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: Backslashes that begin what looks like an escape of :func:`spelled`, or stand before one.
_LIKE_ESCAPES = re.compile(r"\\+(?=x[89a-f][0-9a-f]|ud[89a-f][0-9a-f]{2}|[\ud800-\udfff])")
#: The lone surrogates that stand for bytes which could not be decoded: byte 0xe9 is 0xdce9 (PEP 383).
_BYTES = range(0xDC80, 0xDD00)


def spelled(text: str) -> str:
    r"""Return text that every file and terminal takes: bytes in a file name that are no UTF-8 become ``\xe9``, say.

    Python holds such bytes as lone surrogates, which no encoding can write. Others become ``\ud83d``, say.
    """
    return text if text.isascii() else _LONE_SURROGATE.sub(_spelled, text)


def spelled_name(name: str) -> str:
    r"""Return the name of a file as :func:`spelled` does, so that no two names become one.

    What stands in a name and looks like the escape of a byte gets a second backslash: the name ``\xe9`` becomes
    ``\\xe9``. So do backslashes before an escape. All other backslashes stay as they are.
    """
    if "\\" in name:
        name = _LIKE_ESCAPES.sub(r"\g<0>\g<0>", name)
    return spelled(name)


def _spelled(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number & 0xFF:02x}" if number in _BYTES else f"\\u{number:04x}"


class WordCounterError(Exception):
    """The base of all errors of this package. ``exit_code`` is what the command line ends with."""

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(spelled(arg) if isinstance(arg, str) else arg for arg in args))


class UsageError(WordCounterError):
    """The request cannot be carried out: a wrong option, a missing file, a job without a method."""

    exit_code = 2


class NoHomeError(UsageError):
    """There is nowhere to keep anything for this user: no home folder, and no other place is named."""


class UnsupportedServerError(UsageError):
    """What a Redis URL names is no single server that this package can work with."""


class InputError(UsageError):
    """An input cannot be found or read."""


class OutputError(UsageError):
    """The result cannot be written where it should go."""


class JobLoadError(UsageError):
    """A job class cannot be imported, or is not a complete job."""


class UnguardedRunError(JobLoadError):
    """The file of a job starts a run when it is imported, which each worker has to do."""


class ForbiddenError(UsageError):
    """A worker's own settings forbid it: a job that is not on its allow-list, a file outside its input roots."""


class RefusedError(WordCounterError):
    """Content of Redis was not written by this package, or not signed with the secret. It was not used."""


class ForeignValueError(UsageError):
    """A key of ours in Redis holds a value of another type: it is somebody else's."""


class JobNotFoundError(UsageError):
    """There is no job of this id in Redis."""


class StoreUnavailableError(WordCounterError):
    """Redis cannot be reached, or refuses commands. What the job had committed is still in it."""

    exit_code = 3


class StoreForbiddenError(StoreUnavailableError):
    """Redis does not allow this user to do what is needed: waiting would not help."""


class JobFailedError(WordCounterError):
    """The job ended without a result. The message says where and why."""


class UnreadableRecordError(JobFailedError):
    """What Redis holds of a job is not what this package wrote there: somebody else changed it."""


class JobCancelledError(JobFailedError):
    """The job was cancelled, by ``cancel`` or by an interrupt."""


class JobGoneError(WordCounterError):
    """A job, or part of it, is not in Redis any more: the server lost its memory, or somebody purged the job."""


class ShuffleError(WordCounterError):
    """A run file of the shuffle cannot be written or read, or has changed."""


class ShuffleUnseenError(ShuffleError):
    """This machine does not see the run files of a shuffle."""

    exit_code = 2


class TooManyBadError(JobFailedError):
    """More records raised than the job allows."""


class NotNeededError(WordCounterError):
    """A master was not needed: the job is done, perhaps by the master that it stood by for. Exit code 0."""

    exit_code = 0


class SetAsideError(NotNeededError):
    """A master was not needed: the job is done, except for what is in its quarantine. Exit code 4."""

    exit_code = 4


class EncodingError(JobFailedError):
    """A key or a value that JSON cannot hold exactly; the message names the key and who yielded it."""


class InvalidTextError(EncodingError):
    """A key or a value has a lone surrogate, which no text file holds. The record that it comes from is a bad one."""


class BadRecordError(ValueError):
    """A record of the input is not what it should be; the message follows its place. No code is to blame.

    It counts as an error of the mapper that reads the record: the record is a bad one, which may be set aside. Hence it
    is none of this package's own errors, which end a task.

    Attributes:
        index: the line on which the record begins, by its index in the chunk; None: the line that was read last.
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class InputChangedError(JobFailedError):
    """A file changed while the job was reading it, so no count of it would be right."""


class RecordError(JobFailedError):
    """The user's own code raised. Says the file, the byte offset and the line, and carries the traceback."""
