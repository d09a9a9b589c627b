"""Unpacking: what gzip, bzip2, xz and zstd files hold, as a stream of blocks, however large it is.

A file may be several packed ones after each other, as ``cat a.gz b.gz`` makes them. One that ends in the middle, or
whose checksum is wrong, is an error that names it: a part of a file must not pass for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Protocol

from word_counter.errors import InputError
from word_counter.inputs.path_filter import PathFilter
from word_counter.settings.plurals import count

#: How much is read, and how much is unpacked at the most, at a time, in bytes.
_READ_BYTES = 256 * 1024
_BLOCK_BYTES = 1024 * 1024
#: So much of a file's beginning tells what it is, in bytes: a tar file says so at byte 257.
HEAD_BYTES = 4096
#: So much of it tells how it is packed.
_LEAST_BYTES = 10
#: So much of a packed file is unpacked to see what it holds, in bytes; more of it where blocks are longer.
_PEEK_BYTES = 256 * 1024
#: The longest window of zstd that is kept in memory, in bytes; longer ones come of zstd --long=28 and more.
ZSTD_WINDOW_BYTES = 128 * 1024 * 1024
#: How a file may be packed.
PACKINGS = frozenset({"gzip", "bzip2", "xz", "zstd"})
#: How the names of packed files end, and how they are packed.
SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_ARCHIVES = {
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
    ".tbz2": "tar",
    ".txz": "tar",
    ".tzst": "tar",
    ".tar.gz": "tar",
    ".tar.bz2": "tar",
    ".tar.xz": "tar",
    ".tar.zst": "tar",
}
_ENDS = tuple(_ARCHIVES)
#: What kinds of archives there are.
ARCHIVES = frozenset(_ARCHIVES.values())
_BZIP2_HEADS = (b"1AY&SY", b"\x17rE8P\x90")


class _Decompressor(Protocol):
    """What the decompressors of Python's libraries have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def archive_kind(path: str) -> str:
    """Return what kind of archive a file is by its name: "tar", which may be packed, "zip", or nothing."""
    name = path[-16:].lower()
    return next(kind for end, kind in _ARCHIVES.items() if name.endswith(end)) if name.endswith(_ENDS) else ""


def is_wanted(name: str, path_filter: PathFilter) -> bool:
    """Whether a file is wanted that was found; an archive is looked into for files that are."""
    return path_filter.takes(name) or (bool(archive_kind(name)) and not path_filter.excludes(name))


def packing_of(head: bytes) -> str:
    """Return how a file is packed whose first :data:`HEAD_BYTES` bytes these are, or fewer; nothing when it is not."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in _BZIP2_HEADS:
        return "bzip2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    # A frame, or what may stand before one and is passed over.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):  # noqa: PLR2004
        return "zstd"
    return ""


def unpacked(read: Callable[[int], bytes], packing: str, name: str) -> Iterator[bytes]:
    """Yield what a packed file holds, in blocks of up to 1 MiB, none of them empty.

    Args:
        read: returns the next bytes of the file, as many as asked for or fewer, none at its end.
        packing: what :func:`packing_of` said of it.
        name: the file, for errors.

    Raises:
        InputError: it is cut off, damaged, or followed by what is not packed.
    """
    make, broken = _library(packing)
    decompressor = make()
    total = 0
    begun = False  # whether the running decompressor was given anything
    while True:
        rest = b""
        if decompressor.eof:
            rest = _after(decompressor.unused_data, read, packing)
            if not rest:
                return
            if packing_of(rest.ljust(_LEAST_BYTES)) != packing and len(rest) >= _LEAST_BYTES:
                message = f"{name}: what follows {count(total, 'unpacked byte')} is not {packing}; it may be damaged"
                raise InputError(message)
            decompressor, begun = make(), False
        if decompressor.needs_input and not rest:
            rest = read(_READ_BYTES)
            if not rest:
                what = "in the middle" if begun else "before they begin"
                message = f"{name} is cut off: its {packing} data end {what}, after {count(total, 'unpacked byte')}"
                raise InputError(message)
        _check_frame(b"" if begun else rest, packing, name)
        begun = begun or bool(rest)
        try:
            block = decompressor.decompress(rest, _BLOCK_BYTES)
        except broken as error:
            message = (
                f"{name} is damaged: its {packing} data cannot be read after {count(total, 'unpacked byte')}: {error}"
            )
            raise InputError(message) from error
        total += len(block)
        if block:
            yield block


def _check_frame(head: bytes, packing: str, name: str) -> None:
    """Raise InputError when a zstd frame needs a larger window, or a dictionary; see RFC 8878, section 3.1.1.1."""
    if packing != "zstd" or len(head) < _LEAST_BYTES or not head.startswith(b"\x28\xb5\x2f\xfd"):
        return
    flags = head[4]
    one_segment, dictionary = flags & 0x20, (0, 1, 2, 4)[flags & 3]
    at = 5 if one_segment else 6
    if dictionary and (number := int.from_bytes(head[at : at + dictionary], "little")):
        message = f"{name} needs the zstd dictionary {number}; unpack it with that (zstd -d -D DICTIONARY)"
        raise InputError(message)
    if one_segment:
        length = 1 << (flags >> 6)
        window = int.from_bytes(head[at + dictionary : at + dictionary + length], "little")
    else:
        exponent, mantissa = head[5] >> 3, head[5] & 7
        window = (1 << (10 + exponent)) * (8 + mantissa) // 8
    if window > ZSTD_WINDOW_BYTES:
        log = (window - 1).bit_length()
        message = (
            f"{name} needs a zstd window of {window / 2**20:,.0f} MiB, and {ZSTD_WINDOW_BYTES >> 20} MiB of memory are "
            f"what is taken for that here: unpack it before, as by zstd -d --long={log} -c FILE | word-counter run -"
        )
        raise InputError(message)


def inner_head(read: Callable[[int], bytes], packing: str) -> bytes:
    """Return the beginning of what a packed file holds, as far as little of it tells; nothing: it does not."""
    make, broken = _library(packing)
    decompressor = make()
    head, peeked = b"", 0
    try:
        while len(head) < HEAD_BYTES and peeked < _PEEK_BYTES and not decompressor.eof:
            part = read(HEAD_BYTES) if decompressor.needs_input else b""
            if decompressor.needs_input and not part:
                break
            peeked += len(part)
            head += decompressor.decompress(part, HEAD_BYTES - len(head))
    except broken:  # whoever reads it says what is wrong with it
        return b""
    return head


def unpacked_by_head(read: Callable[[int], bytes], name: str) -> Iterator[bytes]:
    """Yield what a file holds that is packed if its head says so; see :func:`unpacked`."""
    head = b""
    while len(head) < _LEAST_BYTES and (more := read(_LEAST_BYTES - len(head))):
        head += more
    left = [head] if head else []

    def again(n: int) -> bytes:
        return left.pop() if left else read(n)

    if packing := packing_of(head.ljust(_LEAST_BYTES)):
        return unpacked(again, packing, name)
    return iter(lambda: again(_BLOCK_BYTES), b"")


def _after(rest: bytes, read: Callable[[int], bytes], packing: str) -> bytes:
    """Return what comes after the end of one packed stream, without the zeros that may fill up a file.

    At least so much of it that its head can be told, if there is as much.
    """
    fills = packing in {"gzip", "xz"}
    while True:
        if fills:
            rest = rest.lstrip(b"\0")
        if len(rest) >= _LEAST_BYTES:
            return rest
        more = read(_READ_BYTES)
        if not more:
            return rest
        rest += more


def _library(packing: str) -> tuple[Callable[[], _Decompressor], tuple[type[Exception], ...]]:
    """Return what makes a decompressor, and what one raises over damaged data. Imported only when needed."""
    if packing == "gzip":
        return _gzip()
    if packing == "bzip2":
        import bz2

        return bz2.BZ2Decompressor, (OSError, ValueError)
    if packing == "xz":
        import lzma

        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), (lzma.LZMAError,)
    try:
        zstd: Any = import_module("compression.zstd")  # from Python 3.14 on
    except ModuleNotFoundError:
        zstd = import_module("backports.zstd")
    return zstd.ZstdDecompressor, (zstd.ZstdError,)


def _gzip() -> tuple[Callable[[], _Decompressor], tuple[type[Exception], ...]]:
    try:
        isal: Any = import_module("isal.igzip_lib")
    except ModuleNotFoundError:  # there is no wheel of it for this platform
        import zlib

        return _Zlib, (zlib.error,)
    return lambda: isal.IgzipDecompressor(flag=isal.DECOMP_GZIP), (isal.IsalError,)


class _Zlib:
    """The decompressor of zlib for gzip, which is told of the rest of its input by its caller, like the others."""

    def __init__(self) -> None:
        import zlib

        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
