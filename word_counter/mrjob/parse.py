"""What jobs and their tests read: a job's standard error, and addresses of files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from os.path import abspath
from typing import Any
from urllib.parse import urljoin, urlparse
from urllib.request import pathname2url

from word_counter.mrjob.py2 import to_unicode

__all__ = ["is_s3_uri", "is_uri", "parse_mr_job_stderr", "parse_s3_uri", "to_uri", "urlparse"]

_COUNTER = re.compile(r"reporter:counter:([^,]*),([^,]*),(-?\d+)")
_STATUS = re.compile(r"reporter:status:(.*)")
_S3 = {"s3", "s3a", "s3n"}


def parse_mr_job_stderr(
    stderr: bytes | Iterable[bytes], counters: dict[str, dict[str, int]] | None = None
) -> dict[str, Any]:
    """Return the counters (by group and name), the statuses and the other lines of what a job wrote there."""
    found: dict[str, dict[str, int]] = {} if counters is None else counters
    statuses, other = [], []
    for raw in stderr.splitlines(keepends=True) if isinstance(stderr, bytes) else stderr:
        line = to_unicode(raw)
        if match := _COUNTER.fullmatch(line.rstrip("\r\n")):
            group = found.setdefault(match[1], {})
            group[match[2]] = group.get(match[2], 0) + int(match[3])
        elif match := _STATUS.fullmatch(line.rstrip("\r\n")):
            statuses.append(match[1])
        else:
            other.append(line)
    return {"counters": found, "statuses": statuses, "other": other}


def is_uri(uri: str) -> bool:
    """Whether this is the address of a file, with a scheme."""
    return "://" in uri and bool(urlparse(uri).scheme)


def to_uri(path_or_uri: str) -> str:
    """Return the address of a file; a path becomes a ``file://`` one."""
    return path_or_uri if is_uri(path_or_uri) else urljoin("file:", pathname2url(abspath(path_or_uri)))


def is_s3_uri(uri: str) -> bool:
    """Whether this is an address in S3."""
    parts = urlparse(uri)
    return parts.scheme in _S3 and "/" in parts.path


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an address in S3; ValueError when it is none."""
    if not is_s3_uri(uri):
        message = f"not an address in S3: {uri}"
        raise ValueError(message)
    parts = urlparse(uri)
    return parts.netloc, parts.path[1:]
