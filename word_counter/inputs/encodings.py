"""Encodings: text that is not UTF-8 is cut at its own line breaks, and becomes UTF-8 where it is read.

A chunk of a file keeps the file's bytes and places. A line break is the line feed as the encoding writes it: two bytes
in UTF-16, four in UTF-32, where the same bytes across two characters are none.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from functools import cache, reduce
from operator import and_

from word_counter.errors import InputError, UsageError
from word_counter.inputs.line_splitter import LONGEST_CONTENT, cut
from word_counter.job.mapper import BYTES, Unit
from word_counter.job.model import Chunk, Cursor

#: What a file begins with, and its encoding by that; the longer ones first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, ""),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_FIRST_BYTES = frozenset(mark[:1] for mark, _ in _MARKS)
#: Of an encoding whose order of bytes nobody gave it is the one of nearly all machines.
_ORDERED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8": "", "utf-8-sig": ""}
#: Codecs that do not cut into lines: they keep a state over line breaks, or are no encodings of text files.
_UNCUTTABLE = re.compile(r"utf-7|hz|iso2022.*|.*unicode-escape|punycode|idna|undefined|charmap|mbcs|oem")
#: Encodings of several bytes a character in whose characters no byte is a line feed.
_OF_SEVERAL = re.compile(r"(utf-(16|32)-[lb]e)|gb2312|gbk|gb18030|big5(hkscs)?|cp9(32|49|50)|johab|(euc|shift)[-\w]+")


#: A beginning that is shorter is a whole file, in bytes.
_LEAST_CUT_BYTES = 512
#: So many of the zeros are in the high bytes of characters, and fewer of the characters are two letters in one.
_SHARE_OF_ZEROS, _SHARE_OF_PAIRS = 0.9, 0.4
_LETTERS = frozenset(range(0x20, 0x7F))
#: What is UTF-8 and has fewer controls than this share of its bytes is UTF-8, with some controls in it.
_SHARE_OF_CONTROLS = 0.25
_NO_CONTROLS = bytes({*range(0x20, 0x100), *b"\t\n\f\r"})


class TextEncoding:
    """How text is encoded, and what follows for cutting and reading it."""

    def __init__(self, name: str) -> None:
        """Make it of a name that :func:`encoding_named` returned."""
        self.name = name
        self.line_break = "\n".encode(name)
        self.width = len(self.line_break)
        self.unit = Unit("byte", self._measure)
        self._tables = [bytes(10 if byte == wanted else 0 for byte in range(256)) for wanted in self.line_break]
        self._plainly = self.line_break == b"\n"
        # A character that is cut off at the end must not take the line break before the end with it: so more follow.
        self._after = b"\n" * 4 if self._plainly and _OF_SEVERAL.fullmatch(name) else b""

    def refuse_cut_off(self, size: int, name: str) -> None:
        """Raise InputError when a text of UTF-16 or UTF-32 has half a character at its end; size is in bytes."""
        if size % self.width:
            message = (
                f"{name} is cut off: it ends in the middle of a character of {self.name.upper()}; write it anew, or "
                "leave it out with --exclude"
            )
            raise InputError(message)

    def utf8(self, raw: bytes) -> bytes:
        """Return text in UTF-8; what cannot be decoded is replaced."""
        text = (raw + self._after).decode(self.name, "replace")
        return text[: len(text) - len(self._after)].encode()

    def _measure(self, text: bytes) -> int:
        """Return how many bytes a text takes that is UTF-8 here; of what was replaced that is a guess."""
        return len(text.decode("utf-8", "replace").encode(self.name, "replace"))

    def transcoded(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield in UTF-8 what comes in blocks."""
        decoder = codecs.getincrementaldecoder(self.name)("replace")
        for block in blocks:
            if text := decoder.decode(block):
                yield text.encode()
        text = decoder.decode(self._after, final=True)
        if text := text[: len(text) - len(self._after)]:
            yield text.encode()

    def count(self, raw: bytes) -> int:
        """Return how many lines there are, the last of which may have no line break."""
        if not raw:
            return 0
        breaks = raw.count(b"\n") if self._plainly else self._breaks(raw).count(b"\n")
        whole = len(raw) % self.width == 0 and raw.endswith(self.line_break)
        return breaks if whole else breaks + 1

    def lines(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield lines, each with its line break, of what comes in blocks; bytes as they are."""
        if self._plainly:
            yield from _lines(blocks)
            return
        width, rest = self.width, b""
        for block in blocks:
            content = rest + block
            breaks = self._breaks(content)
            start = 0
            while end := breaks.find(b"\n", start) + 1:
                yield content[start * width : end * width]
                start = end
            rest = content[start * width :]
        if rest:
            yield rest

    def cut(
        self, blocks: Iterable[bytes], cursor: Cursor, chunk_size: int, chunk_bytes: int, *, name: str, keep: bool
    ) -> Iterator[tuple[Chunk, bytes]]:
        """Yield chunks as :func:`word_counter.inputs.line_splitter.cut`, which cuts what is one byte a character."""
        if self._plainly:
            yield from cut(blocks, cursor, chunk_size, chunk_bytes, name=name, keep=keep)
            return
        width, held, end = self.width, bytearray(), cursor.offset

        def breaks() -> Iterator[bytes]:
            nonlocal end
            rest = b""
            for block in blocks:
                end += len(block)
                content = rest + block
                whole = len(content) - len(content) % width
                rest = content[whole:]
                if keep:
                    held.extend(block)
                    if len(held) > LONGEST_CONTENT + len(block):
                        message = f"{name}: a chunk would be longer than the {LONGEST_CONTENT:,} bytes that can travel"
                        raise InputError(message)
                if whole:
                    yield self._breaks(content[:whole])
            if rest:
                yield self._breaks(rest)

        first = cursor._replace(offset=cursor.offset // width)
        for chunk, _ in cut(breaks(), first, chunk_size, max(1, chunk_bytes // width), keep=False):
            offset = chunk.offset * width
            length = min(chunk.length * width, end - offset)  # the last character may be cut off
            content = bytes(held[:length])
            del held[:length]
            yield chunk._replace(offset=offset, length=length), content

    def _breaks(self, raw: bytes) -> bytes:
        """Return a byte a character: a line feed for each line break, and zeros."""
        missing = -len(raw) % self.width
        raw += bytes(missing)
        if missing:
            raw = raw[: -self.width] + bytes([255]) * self.width  # half a character is no line break
        parts = [raw[n :: self.width].translate(table) for n, table in enumerate(self._tables)]
        both = reduce(and_, (int.from_bytes(part, "little") for part in parts))
        return both.to_bytes(len(parts[0]), "little")


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for block in blocks:
        first, *lines = block.split(b"\n")
        if not lines:
            rest.append(first)
            continue
        yield b"".join([*rest, first, b"\n"])
        yield from (line + b"\n" for line in lines[:-1])
        rest = [lines[-1]] if lines[-1] else []
    if rest:
        yield b"".join(rest)


class _Utf8(TextEncoding):
    """The encoding of most text, which needs nothing."""

    def __init__(self) -> None:
        super().__init__("utf-8")
        self.name = ""
        self.unit = BYTES

    def utf8(self, raw: bytes) -> bytes:
        """Return the same text."""
        return raw

    def transcoded(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Return the same blocks."""
        return iter(blocks)


UTF8: TextEncoding = _Utf8()


@cache
def encoding_of(name: str) -> TextEncoding:
    """Return the encoding of a name that :func:`encoding_named` returned, or of ``utf-8``."""
    return UTF8 if name in {"", "utf-8"} else TextEncoding(name)


def encoding_named(name: str) -> str:
    """Return the one name of an encoding, nothing for UTF-8.

    Raises:
        UsageError: there is none of this name, or its text cannot be cut at line breaks.
    """
    try:
        known = codecs.lookup(name.strip()).name.replace("_", "-") if name.strip() else "utf-8"
        known = _ORDERED.get(known, known)
        if _UNCUTTABLE.fullmatch(known):
            raise LookupError  # noqa: TRY301 (it is as good as unknown)
        of_one_byte = len(bytes(range(256)).decode(known or "utf-8", "replace")) == 256  # noqa: PLR2004
        if known and not of_one_byte and not _OF_SEVERAL.fullmatch(known):
            raise LookupError  # noqa: TRY301
    except (LookupError, UnicodeError, TypeError, ValueError):
        message = (
            f"{name!r} is no encoding that can be read here: give one that Python knows and that can be cut at line "
            "breaks, such as utf-16-le, utf-32-be, latin-1, cp1252, shift_jis or gb18030"
        )
        raise UsageError(message) from None
    return known


def marked(head: bytes) -> str | None:
    """Return the encoding that a byte order mark at the beginning tells; None: there is none."""
    if head[:1] not in _FIRST_BYTES:
        return None
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def unmarked(head: bytes) -> str:
    """Return the encoding of UTF-16 or UTF-32 without a byte order mark, as far as its beginning tells; else nothing.

    All of it can be decoded, but for what the end of a longer beginning cuts off. Each space and line break in such
    text has bytes that are zero, nearly all on one side of a character; no character is a control, and few are two
    letters of ASCII in one. Line breaks are those of the encoding: where there are others alone, it is text with zeros.
    """
    zeros = head.count(0)
    if zeros and len(head.translate(None, _NO_CONTROLS)) < _SHARE_OF_CONTROLS * len(head) and _is_utf8(head):
        return ""
    for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be") if zeros else ():
        width = 4 if "32" in name else 2
        text = _decoded(head, name)
        if text is None:
            continue
        whole = head[: len(head) - len(head) % width]
        high = (
            [whole[n::width] for n in range(1, width)]
            if name.endswith("le")
            else [whole[n::width] for n in range(width - 1)]
        )
        if sum(part.count(0) for part in high) < _SHARE_OF_ZEROS * zeros:
            continue
        if "\n" not in text and any(b"\n" in part for part in high):
            continue
        letters = sum(
            first in _LETTERS and second in _LETTERS for first, second in zip(whole[::2], whole[1::2], strict=True)
        )
        if "".join(text.split()).isprintable() and letters < _SHARE_OF_PAIRS * len(text):
            return name
    return ""


def _decoded(head: bytes, name: str) -> str | None:
    """Return the text of a beginning in UTF-16 or UTF-32; None: it is none. A short one is a whole file."""
    try:
        return codecs.getincrementaldecoder(name)().decode(head, final=len(head) < _LEAST_CUT_BYTES)
    except UnicodeDecodeError:
        return None


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
