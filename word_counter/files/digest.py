"""Digests of chunks, inputs and results.

The digest of a chunk is the BLAKE3 hash of its bytes, which a worker computes as it reads them. The digest of an input
is that of the lengths and digests of its chunks, in order. So no process has to read it as a whole, and verifying can
compute it again from the file and the lengths. BLAKE3 is cryptographic, and several times as fast as those of hashlib.
"""

from __future__ import annotations

from blake3 import blake3


def digest_of(content: bytes | memoryview) -> str:
    """Return the digest of bytes: 64 hexadecimal digits, as ``b3sum`` prints them."""
    return blake3(content).hexdigest()


class Digest:
    """The digest of content that comes piece by piece. ``size`` is the number of bytes so far."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = blake3()

    def update(self, content: bytes | memoryview) -> None:
        """Add bytes."""
        self._hash.update(content)
        self.size += len(content)

    @property
    def text(self) -> str:
        """The digest of all that came so far."""
        return self._hash.hexdigest()


def chunk_line(length: int, digest: str) -> bytes:
    """Return the bytes that a chunk of this length and digest adds to the digest of its input."""
    return f"{length} {digest}\n".encode()
