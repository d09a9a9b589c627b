"""One function for plurals, and no message that goes without it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT
from word_counter.settings.plurals import count, plural

#: What people count here. Behind a number they stand in the right form only when :func:`count` puts them there.
_NOUNS = (
    "attempts|batches|bytes|chunks|cores|entries|fields|files|inputs|jobs|keys|lines|pairs|"
    "partitions|processes|records|retries|rows|seconds|segments|tasks|times|values|workers"
)
#: Numbers that are never one.
_ALWAYS_MANY = re.compile(r"[A-Z_]{2,}|MOST|LONGEST|LISTED")


def test_one_is_one_and_all_else_is_many() -> None:
    assert [count(n, "line") for n in (0, 1, 2, 1024)] == ["0 lines", "1 line", "2 lines", "1,024 lines"]
    assert [count(n, "process", "processes") for n in (1, 2)] == ["1 process", "2 processes"]
    assert [plural(n, "differs", "differ") for n in (1, 2, 0.5)] == ["differs", "differ", "differ"]


def _numbers_with_nouns(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = ast.unparse(node)
            for found in re.finditer(rf"\{{([^{{}}]+)\}} (?:unpacked |failed |more )?(?:{_NOUNS})\b(?! \")", text):
                if not _ALWAYS_MANY.search(found[1]):
                    yield found[0]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (found[0] for found in re.finditer(rf"%[di] (?:{_NOUNS})\b", node.value))


@pytest.mark.parametrize("line", ["f'{n} lines'", "f'{len(x):,} bytes of it'", "'%d processes'"])
def test_a_noun_behind_a_bare_number_is_found(line: str) -> None:
    assert list(_numbers_with_nouns(ast.parse(line)))


def test_no_noun_stands_behind_a_bare_number() -> None:
    package = ROOT / "word_counter"
    found = {
        str(path.relative_to(package)): names
        for path in sorted(Path(package).rglob("*.py"))
        if (names := list(_numbers_with_nouns(ast.parse(path.read_text(encoding="utf-8")))))
    }

    assert not found
