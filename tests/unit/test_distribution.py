"""What the package is called where it is installed from, in the code, the documents and what people are told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

import word_counter
from tests.processes import ROOT
from word_counter.errors import OutputError
from word_counter.files.drafts import library
from word_counter.settings.distribution import NAME, how_to_install, libraries_of

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file that people read, or that tells them something."""
    rooms = ("word_counter", "tests", "docs", "examples", "benchmarks", ".ci")
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    kinds = {"", ".md", ".py", ".toml", ".txt", ".yml", ".conf", ".pyi", ".sh"}
    for path in files:
        if path.suffix in kinds and path.name != "CHANGELOG.md":  # which tells what was
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")


def test_the_name_is_that_of_the_project() -> None:
    assert PROJECT["name"] == NAME
    assert word_counter.__version__ == PROJECT["version"]


def test_nobody_is_told_to_install_the_other_program_of_a_like_name() -> None:
    other = re.compile(r"pip install[^\n]*\bword[-_]counter(?!-mapreduce)\b|\bword-counter" + r"\[")

    assert [(name, found[0]) for name, text in texts() for found in other.finditer(text)] == []


def test_every_extra_that_is_named_is_there() -> None:
    named = re.compile(rf"(?:{NAME}|['`]\.)\[([\w,]+)\]")
    found = {(name, extra) for name, text in texts() for extras in named.findall(text) for extra in extras.split(",")}

    assert {extra for _, extra in found} >= {"s3", "test", "bench"}
    assert [(name, extra) for name, extra in found if extra not in EXTRAS] == []


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"test", "bench"}))
def test_the_libraries_of_an_extra_are_those_of_the_project(extra: str) -> None:
    required = [needed for needed in EXTRAS[extra] if not needed.startswith(NAME)]
    of_others = [needed for own in EXTRAS[extra] if own.startswith(NAME) for needed in EXTRAS["fsspec"]]

    assert list(libraries_of(extra)) == [re.split("[>=<;]", needed)[0] for needed in required + of_others]


def test_a_missing_library_is_told_with_what_installs_it() -> None:
    with pytest.raises(OutputError) as caught:
        library("no_such_library", "postgresql", "in a table")

    told = "the output in a table needs no_such_library: pip install 'word-counter-mapreduce[postgresql]', or pip"
    assert str(caught.value).startswith(f"{told} install 'psycopg[binary]' (")


def test_of_an_unknown_extra_only_its_name_is_told() -> None:
    assert how_to_install("unknown") == f"pip install '{NAME}[unknown]'"
