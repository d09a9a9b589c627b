"""URLs of files: tells them from paths, finds passwords in them, and says which library a URL needs."""

from __future__ import annotations

import os
import re
import socket
from urllib.parse import unquote_to_bytes

from word_counter.errors import UsageError
from word_counter.settings.distribution import how_to_install

_URL = re.compile(r"[a-z][a-z0-9+.-]*(::[a-z][a-z0-9+.-]*)*://", re.IGNORECASE)
_PASSWORD = re.compile(r"[^/]*://[^/@]*:[^/@]*@")
#: Names in a query whose values let anybody in.
_TOKEN = re.compile(
    r"[?&;]([\w.-]*(password|passwd|secret|token|signature|credential|api[-_]?key)[\w.-]*|sig|key|auth|pwd)=",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"(file|local):(//|(?=/))", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z0-9+.-]+)://", re.IGNORECASE)
#: The extras of this package by the schemes that fsspec reads with them.
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfs", "az": "abfs"}
_EXTRAS |= {"http": "http", "https": "http", "hdfs": "hdfs", "sftp": "sftp", "ssh": "sftp"}
#: Schemes of files that no other process sees.
_OF_ONE_PROCESS = {"memory"}
#: Schemes of files that can only be read.
_READ_ONLY = {"http", "https", "data", "github", "git"}


def is_url(name: str) -> bool:
    """Return whether a name is a URL rather than a path of this machine."""
    return "://" in name and _URL.match(name) is not None


def holds_secret(url: str) -> bool:
    """Return whether whoever sees a URL could use it: it has a password beside its user, or a token in its query.

    Presigned URLs are among these: of S3, Google's and Azure's stores.
    """
    return _PASSWORD.match(url) is not None or _TOKEN.search(url) is not None


def plain(name: str) -> str:
    """Return a name unchanged; for a URL of a local file, return its path, as RFC 8089 says.

    Such a URL is ``file:/path``, ``file:///path`` or ``file://localhost/path``; ``%20`` in it is a space.

    Raises:
        UsageError: the URL names another machine, or is no path.
    """
    local = _LOCAL.match(name)
    if local is None:
        return name
    path = name[local.end() :]
    if local[2]:
        host, slash, rest = path.partition("/")
        if host and not (slash and host.lower() in {"localhost", "127.0.0.1", "[::1]", socket.gethostname().lower()}):
            message = (
                f"{name} names a file of the machine {host}; write file:///PATH with the whole path of a file of this "
                "machine, or the path alone"
            )
            raise UsageError(message)
        path = f"/{rest}" if slash else ""
    path = os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    if not path or "\0" in path:
        message = f"{name} names no file: write file:///PATH with the whole path of one"
        raise UsageError(message)
    return path


def needs(url: str, error: ImportError) -> str:
    """Return what a URL needs that is not installed, and how it is, to follow its name."""
    otherwise = "fsspec" if error.name == "fsspec" else ""
    extra = next((_EXTRAS[scheme] for scheme in _schemes(url) if scheme in _EXTRAS), otherwise)
    how = f"{how_to_install(extra)} ({error})" if extra else str(error)
    return f"needs another package: {how}"


def refusal(url: str, *, written: bool = False) -> str:
    """Return why no job can read, or write, a URL; "": it may be possible. The text follows the URL in messages."""
    schemes = _schemes(url)
    if _OF_ONE_PROCESS & set(schemes):
        return "is in the memory of one process alone, which no worker sees and which ends with it"
    if written and _READ_ONLY & set(schemes):
        return f"cannot be written: {schemes[0]} is for reading"
    return ""


def _schemes(url: str) -> list[str]:
    """Return the schemes of a URL: several when one store is read through another, as in zip://a.txt::s3://b/c.zip."""
    return [scheme.lower() for scheme in _SCHEME.findall(url)]
