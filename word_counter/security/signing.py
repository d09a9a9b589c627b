"""Signing: tells texts that holders of the secret wrote from texts that others put into Redis.

A signature is the HMAC-SHA256 (RFC 2104, FIPS 198-1) of the text's purpose and the text. Because of the purpose, a text
that was signed as one thing cannot be passed off as another: a payload as a job spec, say. A signature says who wrote a
text, not when. So a text that must not be used twice names what it is for: payloads name their job and attempts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

#: The purpose in the signature of a payload of the queue.
PAYLOAD = "payload"
#: How many random bytes a generated secret has.
_SECRET_BYTES = 32


def make_secret() -> str:
    """Return a fresh random secret, as text that fits into an environment variable."""
    return secrets.token_hex(_SECRET_BYTES)


def sign(text: str, secret: str, *, purpose: str = PAYLOAD) -> str:
    """Return the signature of a text: 64 hexadecimal digits.

    Raises:
        ValueError: the secret is empty, so that anybody could sign; or the purpose contains a NUL.
    """
    if not secret or "\0" in purpose:
        message = "a signature needs a secret, and a purpose without NUL"
        raise ValueError(message)
    # A purpose has no NUL, so that no two pairs of purpose and text give the same bytes.
    signed = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode("utf-8", "surrogateescape"), signed, hashlib.sha256).hexdigest()


def verify(text: str, signature: str, secret: str, *, purpose: str = PAYLOAD) -> bool:
    """Whether a signature is that of the text, compared in constant time. Always False without a secret."""
    if not secret:
        return False
    expected = sign(text, secret, purpose=purpose)
    return hmac.compare_digest(expected.encode("ascii"), signature.encode("utf-8", "surrogatepass"))
