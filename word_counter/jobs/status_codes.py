"""Requests by status, from the logs of a web server.

`word-counter run /var/log/nginx/ --job status_codes`. With `--param by=path` each path has its own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from word_counter import Job, Param, Sum
from word_counter.logs import LINE_PARAMS, LogMapper, Record


class StatusOfRequest(LogMapper):
    """Yields the status of a request, with the field of the param ``by``."""

    def map_record(self, record: Record) -> Iterator[tuple[str | tuple[str, str], int]]:
        status, by = record.field("status"), self.params["by"]
        yield (record.field(by), status) if by else status, 1


class StatusCodes(Job):
    """Requests by status."""

    mapper = StatusOfRequest
    reducer = Sum
    params = {**LINE_PARAMS, "by": Param("", "a field to tell apart, such as path, method or host")}
    settings = LogMapper.KEPT
