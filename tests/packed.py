"""Packed files and archives for tests: the functions that make them, by the names that word_counter uses."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from typing import Any


def zstd() -> Any:
    """Return the library that word_counter unpacks zstd with."""
    try:
        return import_module("compression.zstd")
    except ModuleNotFoundError:
        return import_module("backports.zstd")


#: How each kind of file is packed, and how the name of one ends.
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, 1),
    "bzip2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
    "zstd": lambda content: bytes(zstd().compress(content)),
}
SUFFIXES = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst"}


def tar(files: dict[str, bytes], **how: Any) -> bytes:
    """Return a tar archive with a folder in it; ``how`` as for :func:`tarfile.open`."""
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w", **how) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))
    return made.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip archive with a folder in it."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()
