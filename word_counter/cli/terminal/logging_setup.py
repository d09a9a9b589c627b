"""Logging: one line for each event on standard error, text for people or JSON for machines.

A JSON line has ``time`` (seconds since 1970), ``level``, ``action`` and ``message``, and where they apply ``job``,
``task``, ``attempt``, ``batch``, ``worker``, ``kind``, ``seconds``, ``output``, ``output_format``, ``quarantine``,
``receipt``, and of what user code raised ``exception``, ``code_file`` and ``code_line``.
"""

from __future__ import annotations

import json
import logging
import sys

#: The facts that an event may have besides its action.
_FACTS = (
    *("job", "task", "attempt", "batch", "worker", "kind", "seconds"),
    *("output", "output_format", "quarantine", "receipt"),
    *("exception", "code_file", "code_line"),
)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        action = getattr(record, "action", record.name)
        event: dict[str, object] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "action": action,
        }
        event.update({name: getattr(record, name) for name in _FACTS if hasattr(record, name)})
        event["message"] = record.getMessage()
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event)


def configure_logging(log_format: str = "text", *, verbose: bool = False, quiet: bool = False) -> None:
    """Set up logging for a command: only warnings when ``quiet``, each task too when ``verbose``."""
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(_JsonFormatter() if log_format == "json" else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("word_counter").setLevel(level)


def leave_logging_to_the_display() -> None:
    """Suppress log lines: the display of a run shows the events to people in its own way."""
    logging.getLogger("word_counter").addHandler(logging.NullHandler())
    logging.getLogger("word_counter").propagate = False
