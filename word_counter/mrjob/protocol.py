"""Protocols: how a key and a value become a line, and a line a key and a value.

``read(line)`` and ``write(key, value)`` work on bytes without the newline. Any class with these two methods will do.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

from word_counter.loading.mrjob_aliases import refused
from word_counter.mrjob.py2 import to_unicode
from word_counter.mrjob.util import safeeval

#: What else mrjob has, and why it is not here.
_REFUSED = {
    **dict.fromkeys(
        ("PickleProtocol", "PickleValueProtocol"),
        "nothing is ever unpickled here; JSONProtocol, ReprProtocol or a protocol of your own will do",
    ),
    **dict.fromkeys(
        ("RapidJSONProtocol", "RapidJSONValueProtocol", "UltraJSONProtocol", "UltraJSONValueProtocol"),
        "it writes JSON in another form than JSONProtocol, which will do",
    ),
}


class _TwoParts(ABC):
    """Key and value, each encoded alike, with a tab in between."""

    _read = b"", None

    @abstractmethod
    def _loads(self, text: bytes) -> Any: ...

    @abstractmethod
    def _dumps(self, value: Any) -> bytes: ...

    def read(self, line: bytes) -> tuple[Any, Any]:
        key, value = line.split(b"\t", 1)
        if key != self._read[0]:  # neighbours often have one key
            self._read = key, self._loads(key)
        return self._read[1], self._loads(value)

    def write(self, key: Any, value: Any) -> bytes:
        return self._dumps(key) + b"\t" + self._dumps(value)


class StandardJSONProtocol(_TwoParts):
    """Key and value as JSON."""

    def _loads(self, text: bytes) -> Any:
        return json.loads(text)

    def _dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()


class StandardJSONValueProtocol:
    """The value as JSON; there is no key."""

    def read(self, line: bytes) -> tuple[None, Any]:
        return None, json.loads(line)

    def write(self, key: Any, value: Any) -> bytes:  # noqa: ARG002 (the contract's signature)
        return json.dumps(value).encode()


class ReprProtocol(_TwoParts):
    """Key and value as Python writes its literals."""

    def _loads(self, text: bytes) -> Any:
        return safeeval(text)

    def _dumps(self, value: Any) -> bytes:
        return repr(value).encode()


class ReprValueProtocol:
    """The value as Python writes its literals; there is no key."""

    def read(self, line: bytes) -> tuple[None, Any]:
        return None, safeeval(line)

    def write(self, key: Any, value: Any) -> bytes:  # noqa: ARG002 (the contract's signature)
        return repr(value).encode()


class BytesProtocol:
    """Key and value as bytes; what is None, and the tab before it, is left out."""

    def read(self, line: bytes) -> tuple[bytes, bytes | None]:
        key, tab, value = line.partition(b"\t")
        return key, value if tab else None

    def write(self, key: bytes | None, value: bytes | None) -> bytes:
        return b"\t".join(part for part in (key, value) if part is not None)


class BytesValueProtocol:
    """The line is the value, as bytes."""

    def read(self, line: bytes) -> tuple[None, bytes]:
        return None, line

    def write(self, key: Any, value: bytes) -> bytes:  # noqa: ARG002 (the contract's signature)
        return value


class TextProtocol:
    """Key and value as text; what is None, and the tab before it, is left out. A line that is no UTF-8 is latin-1."""

    def read(self, line: bytes) -> tuple[str, str | None]:
        key, tab, value = to_unicode(line).partition("\t")
        return key, value if tab else None

    def write(self, key: str | None, value: str | None) -> bytes:
        return b"\t".join(part.encode() for part in (key, value) if part is not None)


class TextValueProtocol:
    """The line is the value, as text. A line that is no UTF-8 is latin-1."""

    def read(self, line: bytes) -> tuple[None, str]:
        return None, to_unicode(line)

    def write(self, key: Any, value: str) -> bytes:  # noqa: ARG002 (the contract's signature)
        return value.encode()


JSONProtocol = SimpleJSONProtocol = StandardJSONProtocol
JSONValueProtocol = SimpleJSONValueProtocol = StandardJSONValueProtocol
RawProtocol = TextProtocol
RawValueProtocol = TextValueProtocol


def __getattr__(name: str) -> Any:
    return refused(__name__, name, _REFUSED)
