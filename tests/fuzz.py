"""Throw bytes at the native kernel, built with AddressSanitizer and UndefinedBehaviorSanitizer: ``make fuzz``.

Every input is counted by both paths of the native kernel and by the word rule, and what is counted is encoded by both
encoders. Whatever differs, reads or writes where it may not, or keeps memory, ends the run with the input that did it.
Inputs are mutations of earlier ones and of pieces that matter; the same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests import native
from tests.oracle import count_words, known_words
from word_counter import Collect, Count, Max, Min, Sum
from word_counter.compute import grouping as gathering
from word_counter.native.python_kernel import count_in_python
from word_counter.native.word_rule import apply_rule, words_in
from word_counter.shuffle.partitioning import canonical, encode_plainly

_PIECES = [
    *(bytes([byte]) for byte in range(256)),
    *(letter.encode() for letter in "\u2019\u03a3\u0130\u212a\u00e9\u00df\ufb01\u4f60\u0301\u0345\u00b7\U0001d49c"),
    *(mark.encode() for mark in "\u0307\u0331\u0344\u093c\u0915\u094d\u093f\u1100\u1161\u20dd\U0001d165\u200c"),
    *(space.encode() for space in "\u00a0\u2028\u3000\u0085\u200d\ufeff"),
    *(b"don't", b"'", b"''", b"x'", b"'x", b"\r\n", b"\xe2\x80", b"\xf0\x9f", b"\xed\xa0\x80", b"\xc0\xaf"),
    *(b"a" * n for n in (15, 16, 17, 24, 31, 32, 33, 63, 64, 65, 128)),
    *(b"Ab'9" * n for n in (4, 5, 16, 33)),
    *(b" " * n for n in (15, 16, 63, 64)),
]  # fmt: skip
#: What the kernel looks at in one go, in bytes: inputs should cross it.
_BLOCK = 64


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """Make the next input."""
    content = bytearray(chance.choice(corpus) if chance.random() < 0.8 else b"")
    for _ in range(chance.choice((1, 2, 4, 8, 32))):
        at = chance.randint(0, len(content))
        kind = chance.random()
        if kind < 0.55:
            content[at:at] = chance.choice(_PIECES) * chance.choice((1, 1, 1, 2, 5))
        elif kind < 0.7:
            del content[at : at + chance.choice((1, 1, 2, 16, 64))]
        elif kind < 0.8:
            content[at:at] = chance.choice(corpus)[:200]
        elif kind < 0.9:
            content[at:at] = chance.randbytes(chance.choice((1, 3, 20)))
        elif content:
            content[at % len(content)] ^= 1 << chance.randrange(8)
    if chance.random() < 0.01:
        filler = chance.choice((b"a", b" ", b"word ", b"a.", "\u00e9".encode(), b"x'"))
        content[:0] = filler * ((chance.choice((1, 2, 100)) * _BLOCK - chance.randint(-5, 5)) // len(filler))
    return bytes(content)


def check(build: native.Build, content: bytes, partitions: int) -> None:
    """Raise AssertionError unless the native kernel does with the content what the rule says."""
    expected = count_words(content)
    # memory of its very own size: one byte too far is one byte beyond it
    exact = (ctypes.c_char * len(content)).from_buffer_copy(content) if content else b""
    words: dict[Any, int]
    words, tokens = build.module.count(exact)
    apply_rule(tokens, words)
    assert words == expected, "native"
    assert count_in_python(content) == expected, "python"
    assert build.module.encode_counts(words, partitions) == encode_plainly(words, partitions), "encoded"
    weird: dict[Any, int] = {content.decode("latin-1"): -(2**63), content.decode("utf-8", "replace"): 2**63 - 1}
    assert build.module.encode_counts(weird, partitions) == encode_plainly(weird, partitions), "escaped"
    gathered(build, content, expected)
    known = known_words(tokens, partitions % 3)
    straight, pairs = build.module.word_partials(exact, partitions, known, words_in)
    assert {n: json.loads(text) for n, text in straight.items()} == {
        n: json.loads(text) for n, text in encode_plainly(words, partitions).items()
    }, "partials"
    assert pairs == len(words), "pairs"
    assert build.module.newlines(exact, 1, len(content)) == content.count(b"\n", 1), "newlines"
    summed(build, content, words)
    build.left.value = partitions % 7
    try:
        build.module.count(exact)
        build.module.encode_counts(words, partitions)
        build.module.word_partials(exact, partitions, known, words_in)
        build.module.Sums().add(json.dumps(words, separators=(",", ":")))
    except MemoryError:
        pass
    finally:
        build.left.value = -1
    assert build.held.value == 0, "memory is kept"


def summed(build: native.Build, content: bytes, words: dict[str, int]) -> None:
    """Raise AssertionError unless partials are added up natively as in Python, and nonsense is declined."""
    sums = build.module.Sums()
    partial = json.dumps(words, ensure_ascii=False, separators=(",", ":"))
    assert sums.add(partial), "a partial was declined"
    for nonsense in (content, partial[: len(content) % (len(partial) + 1)], partial.encode() + content):
        if nonsense not in {partial, partial.encode(), b"{}", "{}"}:
            assert not sums.add(nonsense), "nonsense was taken"
    assert sums.add(partial.encode()), "a partial was declined"
    assert {key: (total, n) for key, total, n in sums.items()} == {key: (2 * n, 2) for key, n in words.items()}, "sums"
    texts = sums.segments(50, "{}")
    assert [pair for text in texts for pair in json.loads(text).items()] == sorted(
        (key, 2 * n) for key, n in words.items()
    ), "segments"


def gathered(build: native.Build, content: bytes, words: dict[str, int]) -> None:
    """Raise AssertionError unless pairs are gathered natively as the reducers say."""
    pairs: list[Any] = [pair for word, n in words.items() for pair in ((word, n), ((word, n, None), -n), (n, word))]
    pairs += [(None, 2**63 - 1), (True, 1), (1.0, content[:9].decode("latin-1")), ((), 2**63 - 1), [(), 1]]
    with patch.object(gathering, "native", lambda: build.module):
        for reducer in (Count(), Max(), Min(), Collect(), Sum()):
            into: dict[Any, Any] = {}
            plainly: dict[Any, Any] = {}
            told = [pair for pair in pairs if reducer.__class__ is not Sum or isinstance(pair[1], int)]
            gathering.gather(reducer, iter(told), into)
            reducer.gather((tuple(pair) for pair in told), plainly, canonical)
            assert into == plainly, f"gathered by {reducer.__class__.__name__}"
        partials = build.module.encode_counts({key: n for key, n in into.items() if isinstance(key, bytes)}, 3)
        assert partials in (None, encode_plainly({key: n for key, n in into.items() if isinstance(key, bytes)}, 3))


def fuzz(builds: list[native.Build], seed: int, seconds: float) -> int:
    """Go on for so long and return how many inputs there were."""
    chance = random.Random(seed)
    corpus = [
        b"",
        b"Don't stop.\n",
        "caf\u00e9 \u0391\u03a3.\u0391 it\u2019s e\u0301\r\n".encode(),
        b"a" * 70,
        b"a b " * 40,
    ]
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end:
        content = mutated(chance, corpus)
        n += 1
        for build in builds:
            try:
                check(build, content, chance.choice((1, 2, 8, 1000)))
            except AssertionError as difference:
                message = f"seed {seed}, input {n}: {difference}: {content!r}"
                raise SystemExit(message) from difference
        if len(content) < 4_000 and chance.random() < 0.2:
            corpus.append(content)
            if len(corpus) > 2_000:
                del corpus[5 + chance.randrange(1_000)]
    return n


def main() -> None:
    """Build, start again with the sanitizer's library in front, and fuzz."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--builds", type=Path, nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    if given.builds:
        n = fuzz([native.load(path) for path in given.builds], seed, given.minutes * 60)
        print(f"{n} inputs, seed {seed}: every count as the rule has it, no sanitizer spoke")  # noqa: T201
        return
    if not native.compiler():
        sys.exit("a C compiler and Python's headers are needed")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, flags in (("simd", []), ("plain", native.PLAIN_C)):
            Path(folder, name).mkdir()
            paths.append(str(native.build(Path(folder, name), *native.SANITIZERS, *flags)))
        asked = [*native.compiler(), "-print-file-name=libasan.so"]
        library = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        surroundings = {
            **os.environ,
            "LD_PRELOAD": library,
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",  # Python itself ends with memory in hand
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONMALLOC": "malloc",  # each object in memory of its own, which the sanitizer knows the ends of
        }
        command = [sys.executable, "-m", "tests.fuzz", "--minutes", str(given.minutes), "--seed", str(seed)]
        sys.exit(subprocess.run([*command, "--builds", *paths], env=surroundings, check=False).returncode)


if __name__ == "__main__":
    main()
