"""Lines of logs by level and by template of the message.

`word-counter run /var/log/shop/ --job log_patterns`. Lines are Apache's or nginx's combined, syslog, JSON or
Log4j-style; numbers, addresses, ids and what is quoted become `<n>`, `<ip>`, `<hex>`, `<uuid>`, `<text>`.
"""

from __future__ import annotations

from collections.abc import Iterator

from word_counter import Job, Sum
from word_counter.logs import LINE_PARAMS, LogMapper, Record, template


class Patterns(LogMapper):
    """Yields the level and the template of a line."""

    def map_record(self, record: Record) -> Iterator[tuple[tuple[str, str], int]]:
        yield (record.level, template(record.message)), 1


class LogPatterns(Job):
    """Lines by level and template."""

    mapper = Patterns
    reducer = Sum
    params = LINE_PARAMS
    settings = LogMapper.KEPT
