"""Small functions that jobs and their tests import from mrjob."""

from __future__ import annotations

import ast
import logging
import os
import random
import shlex
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

_Item = TypeVar("_Item")

NullHandler = logging.NullHandler
shlex_split = shlex.split
which = shutil.which


def cmd_line(args: Iterable[Any]) -> str:
    """Return arguments as one command line for a shell."""
    return shlex.join(map(str, args))


def expand_path(path: str | None) -> str | None:
    """Return a path with ``~`` and environment variables replaced."""
    return None if path is None else os.path.expanduser(os.path.expandvars(path))


def file_ext(filename: str) -> str:
    """Return all that follows the first dot of a name, with it, as in ``.tar.gz``; a dot at its start is none."""
    _, dot, rest = filename.lstrip(".").partition(".")
    return dot + rest


def log_to_null(name: str | None = None) -> None:
    """Let what a logger says be lost."""
    logging.getLogger(name).addHandler(logging.NullHandler())


def log_to_stream(
    name: str | None = None,
    stream: Any = None,
    format: str | None = None,  # noqa: A002 (mrjob's name)
    level: int | None = None,
    debug: bool = False,  # noqa: FBT001, FBT002 (mrjob's signature)
) -> None:
    """Write what a logger says to a stream, standard error by default, from level INFO on."""
    if level is None:
        level = logging.DEBUG if debug else logging.INFO
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(format or "%(message)s"))
    logger = logging.getLogger(name)
    logger.setLevel(level)
    logger.addHandler(handler)


def random_identifier() -> str:
    """Return 16 hexadecimal digits."""
    return f"{random.getrandbits(64):016x}"


def safeeval(expr: str | bytes, globals: Any = None, locals: Any = None) -> Any:  # noqa: A002, ARG001 (mrjob's signature)
    """Return the value of a literal of Python; ValueError or SyntaxError when it is none. Nothing is ever run."""
    return ast.literal_eval(expr.decode() if isinstance(expr, bytes) else expr)


@contextmanager
def save_current_environment() -> Iterator[None]:
    """Put back all environment variables as they were."""
    before = os.environ.copy()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def save_cwd() -> Iterator[None]:
    """Go back to the current folder as it was."""
    before = os.getcwd()
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def save_sys_path() -> Iterator[None]:
    """Put back ``sys.path`` as it was."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path = before


@contextmanager
def save_sys_std() -> Iterator[None]:
    """Put back the standard streams as they were."""
    before = sys.stdin, sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def strip_microseconds(delta: timedelta) -> timedelta:
    """Return a time without its fraction of a second."""
    return timedelta(delta.days, delta.seconds)


def to_lines(chunks: Any) -> Iterable[bytes]:
    r"""Return bytes in pieces as lines, each with its ``\n``. An empty piece ends a line; a file is passed through."""
    return chunks if hasattr(chunks, "readline") else _lines(chunks)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []
    for chunk in chunks:
        first, *lines = chunk.split(b"\n")
        begun.append(first)
        for line in lines:
            yield b"".join(begun) + b"\n"
            begun = [line]
        if not chunk and (rest := b"".join(begun)):
            yield rest
            begun = []
    if rest := b"".join(begun):
        yield rest


def unique(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield each item once, in the order in which they come."""
    yield from dict.fromkeys(items)


def unarchive(archive_path: str, dest: str) -> None:
    """Unpack a tar or zip file into a folder; OSError when it is neither. Nothing is written outside the folder."""
    if tarfile.is_tarfile(archive_path):
        with tarfile.open(archive_path) as archive:
            archive.extractall(dest, filter="data")
    elif zipfile.is_zipfile(archive_path):
        with zipfile.ZipFile(archive_path) as packed:
            packed.extractall(dest)  # noqa: S202 (zipfile keeps what it unpacks in the folder)
    else:
        message = f"neither a tar nor a zip file: {archive_path}"
        raise OSError(message)


def zip_dir(dir: str, out_path: str, filter: Callable[[str], bool] | None = None, prefix: str = "") -> None:  # noqa: A002 (mrjob's)
    """Pack the files of a folder into a zip file, below ``prefix``; ``filter`` says of relative paths which."""
    if not os.path.isdir(dir):
        message = f"not a folder: {dir}"
        raise OSError(message)
    with zipfile.ZipFile(out_path, "w", zipfile.ZIP_DEFLATED) as packed:
        for parent, _, names in os.walk(dir, followlinks=True):
            for name in names:
                path = os.path.join(parent, name)
                relative = os.path.relpath(path, dir)
                if filter is None or filter(relative):
                    packed.write(os.path.realpath(path), os.path.join(prefix, relative))
