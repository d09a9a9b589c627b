"""Header: what stands before the message of a Log4j-style line. Its level is the first word that is one.

time, a zone, ``[thread]`` or ``(context)`` or a pid, a host or a logger, up to three of them; then one plain word, such
as a service or ``root``; then the level. ``-`` and ``|`` may stand between any of them.

Ordinary words are never passed over, or a level would be taken out of a message such as ``found an ERROR``. So there is
one plain word at the most. It is none in capitals alone, as ``AUDIT`` or PostgreSQL's ``LOG:`` may be somebody's level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby

from word_counter.logs.levels import SPELLINGS

_ALL = sorted(word for name, others in SPELLINGS.items() for word in (name, *others))
_WORDS = [word for word in _ALL if len(word) > len("D1")]
#: These are levels in capitals and brackets alone: elsewhere one letter is a word, an initial or a drive.
_LETTERS = [word for word in _ALL if len(word) <= len("D1")]
#: Words that any sentence may begin with are levels in capitals alone.
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


def _any_of(words: Iterable[str], *, small: bool = False) -> str:
    """Return a pattern of words, by their first letters: so hardly any word of a line is compared with all of them."""
    initials = ((first, "|".join(word[1:] for word in some)) for first, some in groupby(words, lambda word: word[0]))
    if small:
        return "(?:" + "|".join(f"[{first}{first.lower()}](?i:{rest})" for first, rest in initials) + ")"
    return "(?:" + "|".join(f"{first}(?:{rest})" for first, rest in initials) + ")"


_LEVEL, _LETTER = _any_of(_WORDS), _any_of(_LETTERS)
_IN_ANY_CASE = _any_of(_WORDS, small=True)
_SMALL = _any_of((word for word in _WORDS if word not in _PLAIN_ENGLISH), small=True)
_BRACKETS = r"(?:\[[^\]]*\]|\([^)]*\)|<[^>]*>|\{[^}]*\}|-+|\|)"
#: Those of the usual databases and runtimes; ``EDIT`` or ``GET`` is none.
_ZONE = r"(?:Z|UTC|GMT|[CEW]ES?T|[ACEMP][SD]T|A[CEW][SD]T|NZ[SD]T|BST|HKT|IST|JST|KST|MSK|SGT|[+-]\d\d:?\d\d)"
_MARKED = r"(?=\S*?(?:\d|[-./@$=#_\\:][^\s:]))[^\s\[\](){}<>|\"',;!?]+"
_PLAIN = r"(?![A-Z]+:?\s)[^\W\d_]+:?"
#: A service may be named ``alert``, and a level stand behind it: which of the two it is, nobody knows.
_SMALL_LEVEL = rf"{_SMALL}(?=\s|$)(?!\s+{_LEVEL}(?:\s|$))"

#: A regular expression for what is between the time and the message, with the groups ``context`` and ``level``.
#: Whatever it may pass over it passes over last. What was passed over must be no level, see :func:`names_a_level`.
#: Runs of blanks are possessive: else the time that a line takes would grow with the square of its blanks.
HEADER = (
    rf"(?P<context>(?:{_ZONE}\s++)??(?:(?:{_BRACKETS}|{_MARKED})(?:\s++[-|])?\s++){{0,3}}?"
    rf"(?P<plain>{_PLAIN}\s++(?:{_BRACKETS}\s++){{0,2}}?)??)"
    rf"(?:[\[(<]\s*+)?(?P<level>{_LEVEL}(?=\s|$)|{_IN_ANY_CASE}(?=\s*[\])>]|:(?:\s|$))|{_LETTER}(?=\s*[\])>])"
    rf"|(?(plain)(?!)|{_SMALL_LEVEL}))(?:\s*+[\])>])?:?(?=\s|$)"
)
_NAMED = re.compile(rf"(?<!\S)(?:[\[(<{{]\s*+)?(?:{_LETTER}|{_IN_ANY_CASE})(?:\s*+[\])>}}])?:?(?=\s|$)")


@lru_cache(1024)  # a log has few contexts
def names_a_level(context: str) -> bool:
    """Return whether one of the words before the level of a line is a level too: so the line cannot be read."""
    return _NAMED.search(context) is not None
