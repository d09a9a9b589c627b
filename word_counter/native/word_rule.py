"""Word rule: what a word is, and the words in tokens. The rule is slow, so each distinct token is looked at once."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: What a word is. ``[^\W_]`` is a letter or digit; an apostrophe, straight or curly, counts between two of them.
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


#: The words of tokens that were seen before.
known_tokens: dict[bytes, tuple[str, ...]] = {}

#: How many tokens are kept there, and how long they may be, in bytes. They take 20 MB or so at most.
_MOST_KNOWN = 50_000
_KNOWN_BYTES = 48


def words_in(tokens: Mapping[bytes, int]) -> dict[str, int]:
    """Return the words of tokens, each as often as its tokens occur."""
    words: dict[str, int] = {}
    apply_rule(tokens, words)
    return words


def apply_rule(tokens: Mapping[bytes, int], words: dict[str, int]) -> None:
    """Add the words of tokens to ``words``, each as often as its token occurs.

    Most tokens of a chunk were in an earlier one, so their words are known. The rule is applied to the others as one
    text, in which newlines separate them.
    """
    get, known, new = words.get, known_tokens.get, []
    for token, n in tokens.items():
        found = known(token)
        if found is None:
            new.append(token)
        else:
            for word in found:
                words[word] = get(word, 0) + n
    text = b"\n".join(new).decode("utf-8", "replace").lower()
    for token, line in zip(new, text.split("\n"), strict=True) if new else ():
        found = tuple(WORD.findall(line))
        if len(token) <= _KNOWN_BYTES and len(known_tokens) < _MOST_KNOWN:
            known_tokens[token] = found
        n = tokens[token]
        for word in found:
            words[word] = get(word, 0) + n
