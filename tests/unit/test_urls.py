"""URLs: which names are URLs, what they mean here, and which libraries they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from word_counter.errors import InputError, OutputError, UsageError
from word_counter.files.locations import checked
from word_counter.files.urls import is_url, needs, plain
from word_counter.inputs.sources import find_sources
from word_counter.security.input_roots import roots_of
from word_counter.shuffle.run_locations import location_name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("file:///a/b", "/a/b"),
        ("LOCAL:///a", "/a"),
        ("s3://a/b", "s3://a/b"),
        ("a/file://b", "a/file://b"),
        ("file:///a%20b/%25c", "/a b/%c"),
        ("file://localhost/a", "/a"),
        ("file://LOCALHOST/a", "/a"),
        ("file:/a/b%23c", "/a/b#c"),
        ("file:///a?b#c", "/a?b#c"),
        ("file:///caf%C3%A9", "/caf\u00e9"),
        ("file:///caf%E9", "/caf\udce9"),
        ("file:a", "file:a"),
        (Path("/a b/\u00e9%").as_uri(), "/a b/\u00e9%"),
    ],
)
def test_a_url_of_this_machine_means_a_path(name: str, meant: str) -> None:
    assert plain(name) == meant


@pytest.mark.parametrize("name", ["file://host/a", "file://a", "file://~/a", "file://", "file:///a%00b"])
def test_a_url_of_another_machine_or_of_no_file_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"write file:///PATH with the whole path"):
        plain(name)


def test_results_go_to_the_file_that_a_url_means(folder: Path) -> None:
    assert checked(f"file://{folder}/o%20o.json") == f"{folder}/o o.json"


def test_a_path_is_no_url_though_it_looks_a_little_like_one() -> None:
    assert [is_url(name) for name in ("s3://a", "zip://a.txt::s3://b", "C:\\a", "a:b", "./s3://a", "-")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_file_that_is_named_by_a_url_is_read_as_any_file_is(folder: Path) -> None:
    (folder / "a.txt").write_text("a\n")

    (source,) = find_sources(f"file://{folder}/a.txt")

    assert source == find_sources(folder / "a.txt")[0]
    assert roots_of([f"file://{folder}"], [source.path]) == [str(folder)]


@pytest.mark.parametrize(
    ("url", "extra"),
    [("sftp://h/a", "sftp"), ("ssh://h/a", "sftp"), ("gcs://b/a", "gs"), ("zip://a.txt::abfss://b/c.zip", "abfs")],
)
def test_what_is_missing_is_named_as_it_is_installed(url: str, extra: str) -> None:
    assert f"pip install 'word-counter-mapreduce[{extra}]'" in needs(url, ImportError("no such library"))


def test_of_what_no_extra_brings_the_library_says_what_to_install() -> None:
    assert needs("hf://a", ImportError("install it")) == "needs another package: install it"


def test_the_memory_of_a_process_is_neither_read_nor_written_by_a_job() -> None:
    with pytest.raises(InputError, match="memory of one process"):
        find_sources("memory://a")
    with pytest.raises(OutputError, match="memory of one process"):
        checked("memory://a")
    with pytest.raises(UsageError, match=r"^--shuffle memory:///runs is in the memory of one process"):
        location_name("memory:///runs")


def test_the_web_is_not_written() -> None:
    with pytest.raises(OutputError, match=r"https://host/r\.json cannot be written"):
        checked("https://host/r.json")


def test_files_of_a_store_are_within_the_roots_of_their_run_whatever_they_are_called() -> None:
    assert roots_of(["https://host/*.txt"], ["https://host/a.txt?x=1"]) == ["https://host/a.txt?x=1"]


@pytest.mark.parametrize("encoded", ["%3F", "%3f", "%2A", "%5B1%5D", "%5b!x%5d"])
def test_a_percent_encoded_wildcard_is_a_character_of_a_name_and_no_glob(folder: Path, encoded: str) -> None:
    for name in ("a.txt", "a1.txt", "ab.txt"):
        (folder / name).write_text("a\n")

    with pytest.raises(InputError, match="no such file or directory: "):
        find_sources(f"file://{folder}/a{encoded}.txt")
    meant = Path(plain(f"file://{folder}/a{encoded}.txt"))
    meant.write_text("b\n")
    assert [source.path for source in find_sources(meant.as_uri())] == [str(meant)]


def test_a_wildcard_that_is_written_as_it_is_stays_a_glob_in_a_url_of_this_machine(folder: Path) -> None:
    for name in ("a b1.txt", "a b2.txt"):
        (folder / name).write_text("a\n")

    found = find_sources(f"file://{folder}/a%20b*.txt")

    assert [Path(source.path).name for source in found] == ["a b1.txt", "a b2.txt"]
