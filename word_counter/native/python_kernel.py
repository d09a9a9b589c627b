"""The kernel of the word count in Python: what counts words where there is no compiled one."""

from __future__ import annotations

import re
from collections import Counter

from word_counter.native.word_rule import words_in

#: The ASCII characters at which a line may be cut: all but letters, digits and the apostrophe, as no word holds them.
CUTS = "".join(character for character in map(chr, range(128)) if not re.match(r"[a-zA-Z0-9']", character))


#: What makes bytes.split() cut at them, and each ASCII letter lower case. That is no matter of where it stands: the key
#: of a word is in lower case, and NFC composes letters of either case, at the latest when it is applied again.
_TABLE = bytes.maketrans(CUTS.encode(), b" " * len(CUTS)).translate(bytes(range(256)).lower())


def count_in_python(chunk: bytes) -> dict[str, int]:
    """Count the words of a chunk without the native kernel."""
    return words_in(Counter(chunk.translate(_TABLE).split()))
