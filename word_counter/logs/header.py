"""Header: what stands before the message of a Log4j-style line. Its level is the first word that is one.

time, a zone, ``[thread]`` or ``(context)`` or a pid, a host or a logger, up to three of them; then one plain word, such
as a service or ``root``; then the level. ``-`` and ``|`` may stand between any of them.

Ordinary words are never passed over, or a level would be taken out of a message such as ``found an ERROR``. So there is
one plain word at the most. It is none in capitals alone, as ``AUDIT`` or PostgreSQL's ``LOG:`` may be somebody's level.
"""

from __future__ import annotations

from word_counter.logs.levels import SPELLINGS

_ALL = [word for name, others in SPELLINGS.items() for word in (name, *others)]
_WORDS = "|".join(word for word in _ALL if len(word) > len("D1"))
#: These are levels in capitals and brackets alone: elsewhere one letter is a word, an initial or a drive.
_LETTERS = "|".join(word for word in _ALL if len(word) <= len("D1"))
#: Those that no sentence begins with, unless it says how bad something is. The others are levels in capitals alone.
_PLAIN_ENGLISH = {
    "CONFIG",
    "FAIL",
    "FINE",
    "FINER",
    "FINEST",
    "INFORMATION",
    "INFORMATIONAL",
    "NOTE",
    "SILLY",
    "VERBOSE",
}
_SMALL = "|".join(word for word in _WORDS.split("|") if word not in _PLAIN_ENGLISH)

_NO_LEVEL = rf"(?![\[(<{{]?\s*(?:{_LETTERS}|(?i:{_WORDS}))(?:[\])>}}]|:?(?=\s)))"
_BRACKETS = r"(?:\[[^\]]*\]|\([^)]*\)|<[^>]*>|\{[^}]*\}|-+|\|)"
_ZONE = r"(?:Z|UTC|GMT|[A-Z]{2,3}T|[+-]\d\d:?\d\d)"
_MARKED = r"(?=\S*?(?:\d|[-./@$=#_\\:][^\s:]))[^\s\[\](){}<>|\"',;!?]+"
_PLAIN = r"(?![A-Z]+:?\s)[^\W\d_]+:?"
_BARE_LEVEL = rf"(?:{_WORDS})(?=\s|$)"
_MARKED_LEVEL = rf"(?:{_LETTERS})(?=\s*[\])>])|(?i:{_WORDS})(?=\s*[\])>]|:(?:\s|$))"
#: A service may be named ``alert``, and a level stand behind it: which of the two it is, nobody knows.
_SMALL_LEVEL = rf"(?i:{_SMALL})(?=\s|$)(?!\s+(?:{_WORDS})(?:\s|$))"

#: A regular expression for what is between the time and the message, with the groups ``context`` and ``level``.
HEADER = (
    rf"(?P<context>(?:{_NO_LEVEL}{_ZONE}\s+)?(?:{_NO_LEVEL}(?:{_BRACKETS}|{_MARKED})(?:\s+[-|])?\s+){{0,3}}?"
    rf"(?P<plain>{_NO_LEVEL}{_PLAIN}\s+(?:{_NO_LEVEL}{_BRACKETS}\s+){{0,2}})?)"
    rf"[\[(<]?\s*(?P<level>{_MARKED_LEVEL}|{_BARE_LEVEL}|(?(plain)(?!)|{_SMALL_LEVEL}))\s*[\])>]?:?(?=\s|$)"
)
