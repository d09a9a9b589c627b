"""Signatures: what tells the texts that holders of the secret wrote from those that anybody put into Redis.

HMAC-SHA256 (RFC 2104, FIPS 198-1) over the text's purpose and the text. The purpose keeps what was signed for one
thing from being passed off as another: a payload as a plan, say. A signature says who wrote a text, not when: what
must not be done twice needs a mark of its own in the text (payloads name their job and attempts).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

#: What a payload of the queue is signed for.
PAYLOAD = "payload"
#: How many random bytes a secret has that nobody chose.
_SECRET_BYTES = 32


def make_secret() -> str:
    """Return a fresh random secret, as text that fits into an environment variable."""
    return secrets.token_hex(_SECRET_BYTES)


def sign(text: str, secret: str, *, purpose: str = PAYLOAD) -> str:
    """Return the signature of a text: 64 hexadecimal digits.

    Raises:
        ValueError: the secret is empty, so that anybody could sign; or the purpose holds a NUL.
    """
    if not secret or "\0" in purpose:
        message = "a signature needs a secret, and a purpose without NUL"
        raise ValueError(message)
    # No purpose holds a NUL, so that no two pairs of purpose and text make the same bytes.
    signed = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode("utf-8", "surrogateescape"), signed, hashlib.sha256).hexdigest()


def verify(text: str, signature: str, secret: str, *, purpose: str = PAYLOAD) -> bool:
    """Whether a signature is that of the text, compared in constant time. With no secret nothing is."""
    if not secret:
        return False
    expected = sign(text, secret, purpose=purpose)
    return hmac.compare_digest(expected.encode("ascii"), signature.encode("utf-8", "surrogatepass"))
