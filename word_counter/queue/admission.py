"""Admission: which of the RQ jobs in the queue a worker accepts.

Anybody who can write to Redis can put an RQ job into the queue. RQ itself would import what the job names, unpickle
what it holds, call its callbacks and send its webhooks. This module reads one field only, the data. The data must be
JSON and must name the task function with a payload and a signature. The signature is checked before anything in the
payload is read.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from word_counter.errors import RefusedError
from word_counter.queue.payload import Payload, PayloadError
from word_counter.security.signing import sign, verify

#: The name of the only function that workers run.
TASK_FUNCTION = "word_counter.worker.task_runner.run_batch"
#: The data of an RQ job has so many parts: function, object, arguments, named arguments.
_PARTS = 4
#: The largest batch, compressed or not, in bytes.
LONGEST_BYTES = 8_000_000


def admit(rq_job: str, data: bytes, secret: str) -> Payload:
    """Return the payload in an RQ job's data, if it was signed with the secret.

    Raises:
        RefusedError: the data is not a signed payload; says why.
    """
    text, signature = _envelope(_unpacked(data))
    if not verify(text, signature, secret):
        message = "its signature is not one of this worker's secret"
        raise RefusedError(message)
    try:
        payload = Payload.from_json(text)
    except PayloadError as error:  # signed, but by another version of this package
        raise RefusedError(str(error)) from error
    if queue_id(payload.job, payload.batch) != rq_job:
        message = "it carries the batch of another RQ job"
        raise RefusedError(message)
    return payload


def pack(payload: Payload, secret: str) -> tuple[str, str]:
    """Return the arguments of the task function: the text of a payload and its signature."""
    text = payload.to_json()
    return text, sign(text, secret)


def queue_id(job: str, batch: str) -> str:
    """Return the id of the RQ job that carries a batch."""
    return f"{job}-{batch}"


def _unpacked(data: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(data, LONGEST_BYTES)
    except zlib.error:
        return data  # RQ does the same: the data is not compressed
    if unpacker.unconsumed_tail:
        message = f"unpacked it is longer than {LONGEST_BYTES} bytes"
        raise RefusedError(message)
    return unpacked


def _envelope(data: bytes) -> tuple[str, str]:
    """Return the payload's text and its signature from an RQ job's data."""
    try:
        content: Any = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        message = "its data is not JSON: it may be a pickle, which could run anything"
        raise RefusedError(message) from error
    if not isinstance(content, list) or len(content) != _PARTS:
        message = "its data is not that of an RQ job"
        raise RefusedError(message)
    function, instance, args, options = content
    if function != TASK_FUNCTION:
        named = repr(function) if isinstance(function, str) else "no function"
        message = f"it names {named}, and workers run nothing but {TASK_FUNCTION}"
        raise RefusedError(message)
    if instance is not None or options != {} or not _two_texts(args):
        message = "its arguments are not a payload and a signature"
        raise RefusedError(message)
    return args[0], args[1]


def _two_texts(args: Any) -> bool:
    return isinstance(args, list) and [type(arg) for arg in args] == [str, str]
