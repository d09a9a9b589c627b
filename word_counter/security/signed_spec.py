"""Signed spec: checks that the spec of a job in Redis was signed with the secret of its master."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.errors import UsageError
from word_counter.security.signing import verify

#: The purpose in the signature of a spec.
PURPOSE = "spec"


def check_signed(fields: Mapping[str, str], job_id: str, secret: str) -> None:
    """Raise UsageError unless the spec in a job's fields was signed with this secret.

    Otherwise anybody who can write to Redis could name any code, any input and any output.
    """
    if not verify(fields.get("spec", ""), fields.get("signature", ""), secret, purpose=PURPOSE):
        message = (
            f"the spec of job {job_id} is not signed with the secret of this command; "
            "set WORD_COUNTER_SECRET to what its master was started with, or go on as the user who started it"
        )
        raise UsageError(message)
