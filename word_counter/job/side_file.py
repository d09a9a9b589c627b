"""Side files: small files that every mapper and reducer of a job may read, wherever it runs.

Their content goes through Redis, and is checked against the digest in the job spec, which is signed.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from word_counter.errors import InputChangedError, InputError, UsageError
from word_counter.settings.plurals import count

#: The most bytes of all side files of a job together: each process that works for it has them in memory.
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SideFile:
    """A small file in memory, read like a :class:`pathlib.Path`."""

    name: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The SHA-256 of its content."""
        return hashlib.sha256(self.content).hexdigest()

    def read_bytes(self) -> bytes:
        """Return its content."""
        return self.content

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return its content as text."""
        return self.content.decode(encoding, errors)

    def open(self, mode: str = "r", encoding: str = "utf-8", newline: str | None = None) -> IO[Any]:
        """Return a file to read text from, or bytes when the mode is "rb"; ValueError for any other mode."""
        if mode == "rb":
            return io.BytesIO(self.content)
        if mode != "r":
            message = f"a side file can only be read: the mode must be 'r' or 'rb', not {mode!r}"
            raise ValueError(message)
        return io.TextIOWrapper(io.BytesIO(self.content), encoding=encoding, newline=newline)


def read_side_files(paths: Iterable[str | Path]) -> dict[str, SideFile]:
    """Return the side files of these paths, by their names.

    Raises:
        InputError: one cannot be read.
        UsageError: two have one name, or they are too large.
    """
    found: dict[str, SideFile] = {}
    for path in paths:
        name = os.path.basename(path)
        if name in found:
            message = f"two side files are called {name}; mappers could not tell them apart"
            raise UsageError(message)
        try:
            name.encode()  # Redis and JSON have to hold it
            found[name] = SideFile(name, Path(path).read_bytes())
        except UnicodeEncodeError as error:
            message = f"the name of the side file {path!r} is not UTF-8; rename it"
            raise UsageError(message) from error
        except OSError as error:
            message = f"cannot read {path}, a side file of the job: {error.strerror}"
            raise InputError(message) from error
    check_size(found)
    return found


def check_size(files: Mapping[str, SideFile]) -> None:
    """Raise UsageError when side files are too large together."""
    size = sum(len(file.content) for file in files.values())
    if size > MOST_BYTES:
        message = (
            f"the side files have {count(size, 'byte')}, and may have {MOST_BYTES:,}, as they go through Redis into "
            "the memory of each worker; put larger ones where all workers can open them, or join them as an input"
        )
        raise UsageError(message)


def checked(contents: Mapping[str, bytes], digests: Mapping[str, str]) -> dict[str, SideFile]:
    """Return the side files of a job.

    Args:
        contents: their content in Redis, by name.
        digests: their SHA-256 in the job spec, by name.

    Raises:
        InputChangedError: one is missing, or is not what the job was made with.
    """
    found = {}
    for name, digest in digests.items():
        file = SideFile(name, contents.get(name, b""))
        if name not in contents or file.digest != digest:
            message = f"the side file {name} in Redis is not the one that the job was made with; run the job again"
            raise InputChangedError(message)
        found[name] = file
    return found
