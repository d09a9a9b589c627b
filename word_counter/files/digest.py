"""Digests: what bytes are known by, where they came from and where they went.

A chunk's is the BLAKE3 hash of its bytes, which a worker makes as it reads them. A file's is that of the lengths and
digests of its chunks, in their order, so that nobody has to read it as a whole; who knows the lengths can make it
again from the file. BLAKE3 is cryptographic, and several times as fast as what hashlib has.
"""

from __future__ import annotations

from blake3 import blake3


def digest_of(content: bytes | memoryview) -> str:
    """Return the digest of bytes: 64 hexadecimal digits, as ``b3sum`` prints them."""
    return blake3(content).hexdigest()


class Digest:
    """The digest of what comes piece by piece; ``size`` is how many bytes came."""

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
    """Return what a chunk of this length, in bytes, and digest adds to the digest of its file."""
    return f"{length} {digest}\n".encode()
