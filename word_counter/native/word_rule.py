"""What a word is, and the words of tokens: the rule is slow, so it is applied to each distinct token only once.

A *run* is a letter or digit, and all letters, digits, marks and joiners that follow it. A word is a run, or several
that are joined by a single apostrophe each, straight or curly. It is counted under its *key*: its NFC form in lower
case, in NFC again. So a word is the same however its accents are encoded.

=================  ========================================================================================
letter or digit    what ``str.isalnum`` says: ``²``, ``½`` and ``Ⅷ`` are digits, ``_`` is neither
mark               the Unicode categories Mn, Mc and Me: combining accents, vowel signs, viramas
joiner             ZERO WIDTH JOINER and NON-JOINER, which decide how letters beside them look
=================  ========================================================================================

Which characters these are is for Python's own Unicode tables to say: a newer Python knows a few more of rare scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from unicodedata import category, normalize

_JOINERS = "\u200c\u200d"


class _WordPattern:
    r"""The pattern of a word.

    ``[^\W_]`` is what ``str.isalnum`` says. For marks ``re`` has no class: the pattern names those that were seen so
    far. There are some 2,400, and most texts have few or none of them.
    """

    def __init__(self) -> None:
        self._known = _patterns(frozenset(_JOINERS))

    def within(self, text: str) -> re.Pattern[str]:
        """Return the pattern of a word that knows all marks of a text."""
        named, word, unnamed = self._known
        if text.isascii():
            return word
        seen = {character for character in set(unnamed.findall(text)) if category(character)[0] == "M"}
        if seen:
            named, word, unnamed = self._known = _patterns(named | seen)  # other threads may lose it, and find it again
        return word


def _patterns(named: frozenset[str]) -> tuple[frozenset[str], re.Pattern[str], re.Pattern[str]]:
    """Return marks and joiners, the pattern of a word that may have them, and one of other characters beyond ASCII."""
    follows = "".join(sorted(named))
    run = rf"[^\W_]+(?:[{follows}]+[^\W_]*)*"
    return named, re.compile(rf"{run}(?:['\u2019]{run})*"), re.compile(rf"[^\w\0-\x7f\u2019{follows}]")


_pattern = _WordPattern()


#: The words of tokens that were seen, as many and as long ones as take some 20 MB at the most.
known_tokens: dict[bytes, tuple[str, ...]] = {}


_MOST_KNOWN = 50_000


_KNOWN_BYTES = 48


def words_of(text: str) -> list[str]:
    """Return the keys of the words of a text, in their order."""
    return _split(_keys("\n".join(_pattern.within(text).findall(text))), "\n")


def words_in(tokens: Mapping[bytes, int]) -> dict[str, int]:
    """Return the words of tokens, each as often as its tokens occur."""
    words: dict[str, int] = {}
    apply_rule(tokens, words)
    return words


def apply_rule(tokens: Mapping[bytes, int], words: dict[str, int]) -> None:
    """Add the words of tokens to ``words``, each as often as its token occurs.

    Most tokens of a chunk were in an earlier one, so that their words are known. The rule is applied to the others as
    one text, in which newlines cut them as they were cut out of the chunk.
    """
    get, known, new = words.get, known_tokens.get, []
    for token, n in tokens.items():
        found = known(token)
        if found is None:
            new.append(token)
        else:
            for word in found:
                words[word] = get(word, 0) + n
    for token, found in zip(new, _words_of_each(new), strict=True):
        if len(token) <= _KNOWN_BYTES and len(known_tokens) < _MOST_KNOWN:
            known_tokens[token] = found
        n = tokens[token]
        for word in found:
            words[word] = get(word, 0) + n


def _words_of_each(tokens: list[bytes]) -> Iterator[tuple[str, ...]]:
    """Yield the words of each token, found all at once: control characters keep tokens and words apart."""
    if not tokens:
        return iter(())
    text = b"\n".join(tokens).decode("utf-8", "replace")
    found = map(_pattern.within(text).findall, text.split("\n"))
    return (tuple(_split(line, "\0")) for line in _keys("\n".join(map("\0".join, found))).split("\n"))


def _keys(words: str) -> str:
    """Return the keys of words that control characters keep apart: nothing that is done here looks across these."""
    return normalize("NFC", normalize("NFC", words).lower())


def _split(words: str, between: str) -> list[str]:
    return words.split(between) if words else []
