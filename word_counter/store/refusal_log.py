"""Refusal log: records what workers found in the queue and refused to run."""

from __future__ import annotations

import logging
import time

from word_counter.store.connection import Redis, RedisError
from word_counter.store.keys import REFUSED

log = logging.getLogger(__name__)

#: About how many refusals are kept, and for how long after the last one, in seconds.
_KEPT = 1000
_TTL_SECONDS = 7 * 24 * 3600
#: How many characters are kept of a text that comes from outside.
_LONGEST_TEXT = 300


class RefusalLog:
    """Writes a line to the log and an entry to Redis for each refusal."""

    def __init__(self, connection: Redis, worker: str) -> None:
        self._connection = connection
        self._worker = worker

    def record(self, reason: str, rq_job: str, job: str = "") -> None:
        """Record a refusal. Never fails: when it cannot be recorded, the batch is refused all the same.

        Args:
            reason: why, in our own words.
            rq_job: the id of the RQ job that brought it; foreign text.
            job: the job it says it is of, when that is known.
        """
        reason, rq_job = _harmless(reason), _harmless(rq_job)
        extra = {"action": "refused", "job": job, "worker": self._worker}
        log.warning("refused %s: %s", rq_job or "what the queue held", reason, extra=extra)
        fields = {
            "action": "refused",
            "reason": reason,
            "rq_job": rq_job,
            "job": job,
            "worker": self._worker,
            "at": time.time_ns() // 1_000_000,
        }
        try:
            pipeline = self._connection.pipeline(transaction=False)
            pipeline.xadd(REFUSED, fields, maxlen=_KEPT, approximate=True)
            pipeline.expire(REFUSED, _TTL_SECONDS)
            pipeline.execute()
        except RedisError as error:
            log.warning("could not record a refusal: %s", error, extra=extra)


def _harmless(text: str) -> str:
    """Return foreign text, shortened and with control characters escaped, so that a terminal can show it."""
    shown = text if text.isprintable() else text.encode("unicode_escape", "backslashreplace").decode("ascii")
    return shown if len(shown) <= _LONGEST_TEXT else shown[:_LONGEST_TEXT] + "..."
