"""Signatures: what a file is by its first bytes, whatever its name is.

Packings and archives that are not read are refused by name: their bytes would pass for words. Other binary files are
read as they lie there, and told of. The signatures are those that the formats' own documents give.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from word_counter.errors import InputError
from word_counter.inputs.encodings import encoding_of, marked, unmarked
from word_counter.inputs.kinds.decompression import HEAD_BYTES, packing_of


class _Unread(NamedTuple):
    """A packing or an archive that is not read: what begins like this, what it is, and what unpacks it."""

    pattern: bytes
    what: str
    by: str


_LZ4 = _Unread(rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18", "packed with lz4", "lz4 -d")
_COMPRESS = _Unread(rb"\x1f[\x9d\xa0\x1e]", "packed with compress (.Z)", "gzip -d")
_LZMA = _Unread(rb"\x5d\0\0[\0-\xff]{2}(\xff{8}|[\0-\xff]{5}\0{3})", "packed with lzma", "xz --format=lzma -d")
_LZOP = _Unread(rb"\x89LZO\0\r\n\x1a\n", "packed with lzop", "lzop -d")
_SNAPPY = _Unread(rb"\xff\x06\0\0sNaPpY", "packed with snappy", "snzip -d")
_UNREAD = (
    _LZ4,
    _COMPRESS,
    _LZMA,
    _LZOP,
    _SNAPPY,
    _Unread(rb"LZIP[\0\1]", "packed with lzip", "lzip -d"),
    _Unread(rb"LRZI[\0-\x1f]", "packed with lrzip", "lrzip -d"),
    _Unread(rb"BZ0[\0-\xff]", "packed with bzip", "bzip -d"),
    _Unread(rb"bvx[12n-]", "packed with lzfse", "lzfse -decode"),
    _Unread(rb"7z\xbc\xaf'\x1c", "a 7z archive", "7z x"),
    _Unread(rb"Rar!\x1a\x07", "a rar archive", "unrar x"),
    _Unread(rb"MSCF\0{4}", "a cab archive", "cabextract"),
    _Unread(rb"xar!\0", "a xar archive", "xar -xf"),
    _Unread(rb"!<(arch|thin)>\n", "an ar archive", "ar x"),
    _Unread(rb"07070[127][0-7A-Fa-f]{64}|(\xc7\x71|\x71\xc7)[\0-\xff]{4}", "a cpio archive", "cpio -i"),
    _Unread(rb"[\0-\xff]{2}-l[hz][0-9a-z]-", "an lha archive", "lha x"),
    _Unread(rb"\x60\xea[\0-\xff]{2}[\x1e-\x30]", "an arj archive", "arj x"),
    _Unread(rb"zPQ[\1\2]|7kSt\xa0", "a zpaq archive", "zpaq x"),
    _Unread(rb"\xed\xab\xee\xdb", "an rpm package", "rpm2archive"),
    _Unread(rb"hsqs|sqsh", "a squashfs image", "unsquashfs"),
    _Unread(rb"Salted__|age-encryption\.org/v1\n", "encrypted", "the tool that made it"),
)
_UNREAD_AT_ALL = re.compile(b"|".join(b"(?:%b)" % one.pattern for one in _UNREAD))
_ZLIB = _Unread(b"", "packed with zlib", "pigz -d")
#: Packings by the ends of names, for those that have no signature, or have it not always.
_BY_NAME = {
    ".br": _Unread(b"", "packed with brotli", "brotli -d"),
    ".deflate": _Unread(b"", "packed with deflate", "pigz -d"),
    ".zz": _ZLIB,
    ".zlib": _ZLIB,
    ".lz4": _LZ4,
    ".lzma": _LZMA,
    ".lzo": _LZOP,
    ".sz": _SNAPPY,
    ".snappy": _SNAPPY,
    ".z": _COMPRESS,
}
_ENDS = tuple(_BY_NAME)
#: Files of data that are no text, by their beginnings; they are read all the same, and told of.
_BINARY = (
    (rb"%PDF-", "a PDF document"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    (rb"PAR1|PARE", "a Parquet file"),
    (rb"Obj\x01", "an Avro file"),
    (rb"ORC", "an ORC file"),
    (rb"ARROW1\0|FEA1", "an Arrow file"),
    (rb"SQLite format 3\0", "an SQLite database"),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF[\0-\xff]{4}WEBP", "a picture"),
    (rb"\x7fELF|MZ|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe", "a program"),
)
_BINARY_AT_ALL = re.compile(b"|".join(b"(?:%b)" % pattern for pattern, _ in _BINARY))
_TAR_BLOCK = 512


def refuse_unread(head: bytes, name: str, *, by_name: bool = True, encoding: str = "") -> None:
    """Raise InputError when a file begins like a packing or an archive that is not read; it says which and what to do.

    Args:
        head: its first :data:`HEAD_BYTES` bytes, or all there are; unpacked, if it is packed.
        name: what it is called.
        by_name: whether the name may tell where there is no signature.
        encoding: in what somebody said that it is encoded.
    """
    if unread := _unread(head, name, by_name=by_name):
        message = (
            f"{name} is {unread.what}, which is not read here; unpack it ({unread.by}), and name what comes out, or "
            "leave it out with --exclude"
        )
        raise InputError(message)
    if not encoding and marked(head) is None and (guessed := unmarked(head)):
        message = (
            f"{name} looks like text in {guessed.upper()} without a byte order mark; read it with --encoding "
            f"{guessed}, or as it is (bytes that are zero and all) with --encoding utf-8, or leave it out with "
            "--exclude"
        )
        raise InputError(message)


def refuse_archive(head: bytes, name: str, *, streamed: bool = False) -> None:
    """Raise InputError when what was unpacked, or came as a stream, is an archive, or packed once more."""
    what = "a tar archive" if is_tar(head) else "a zip archive" if is_zip(head) else ""
    if what and streamed:
        message = f"{name} is {what}, which cannot be read from a stream; write it to a file, and name that"
        raise InputError(message)
    if packing := "" if what else packing_of(head):
        what = f"packed with {packing}"
    if what:
        message = f"{name} is {what} inside, which is not read there; unpack it, and name what comes out"
        raise InputError(message)


def _unread(head: bytes, name: str, *, by_name: bool) -> _Unread | None:
    if _UNREAD_AT_ALL.match(head) and (head.startswith(b"!<") or not _is_text(head)):
        return next(one for one in _UNREAD if re.match(one.pattern, head))
    if head[:1] == b"x" and _is_zlib(head):
        return _ZLIB
    end = name[-8:].lower()
    if by_name and end.endswith(_ENDS) and not _is_text(head):
        return next(one for known, one in _BY_NAME.items() if end.endswith(known))
    return None


def _is_zlib(head: bytes) -> bool:
    """Whether a file is packed by zlib: its header has a checksum, and its beginning can be unpacked."""
    if len(head) < 2 or int.from_bytes(head[:2], "big") % 31 or head[1] & 0x20:  # noqa: PLR2004 (by RFC 1950)
        return False
    try:
        unpacked = zlib.decompressobj().decompress(head, HEAD_BYTES)
    except zlib.error:
        return False
    return bool(unpacked) and not _is_text(head)


def _is_text(head: bytes) -> bool:
    """Whether a beginning is UTF-8, but perhaps for a character that is cut off, without control characters."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return not re.search(r"[\0-\x08\x0e-\x1a\x1c-\x1f]", text)


def no_text(which: str, what: str) -> str:
    """Return the warning of what looks like no text; ``what`` is of :func:`binary_kind`."""
    return f"looks like no text: {which} ({what}); its bytes are read as lines all the same"


def old_breaks(which: str) -> str:
    """Return the warning of what :func:`has_old_breaks`."""
    return (
        f"the lines of {which} end with a carriage return alone, which ends no line here: write it anew, as by "
        "tr '\\r' '\\n'"
    )


def has_old_breaks(head: bytes) -> bool:
    """Whether a text begins with lines that end as those of old Macs."""
    return b"\r" in head and b"\n" not in head and b"\0" not in head


def binary_kind(head: bytes, encoding: str = "") -> str:
    """Return what binary file this is, by its beginning; nothing: it may be text, in this encoding."""
    if _BINARY_AT_ALL.match(head) and not _is_text(head):
        return next(what for pattern, what in _BINARY if re.match(pattern, head))
    zeros = b"\0" in head and marked(head) is None and encoding_of(encoding).width == 1
    return "bytes that are zero" if zeros else ""


def is_office(names: Sequence[str]) -> bool:
    """Whether a zip file of files with these names is an office document."""
    return "[Content_Types].xml" in names or (bool(names) and names[0] == "mimetype")


def is_zip(head: bytes) -> bool:
    """Whether a file is a zip file, an empty one and one of several parts included."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


def is_tar(head: bytes) -> bool:
    """Whether a file is a tar file, by the checksum of its first header; old ones have no signature."""
    if len(head) < _TAR_BLOCK or not head[0]:
        return False
    block = head[:_TAR_BLOCK]
    if block[257:262] == b"ustar":
        return True
    checksum = block[148:156].strip(b" \0")
    if not checksum.isdigit() or b"\0" not in block:
        return False
    try:
        return int(checksum, 8) == sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
    except ValueError:
        return False
