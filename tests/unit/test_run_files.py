"""Run files: how runs are merged, and how changes of them are noticed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from word_counter import Job, Lines, Mapper, Reducer, Sum
from word_counter.compute.stages import run_map, run_reduce
from word_counter.errors import RecordError, ShuffleError, ShuffleUnseenError, UsageError
from word_counter.job.reducers import Collect, Count, Max, Mean, TopN, Unique, Values
from word_counter.job.step import Phase
from word_counter.shuffle import external_sort as sorting
from word_counter.shuffle import run_files as files
from word_counter.shuffle import run_format as lines
from word_counter.shuffle import spill_file
from word_counter.shuffle import value_stream as streamed
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.partitioning import decode_partial
from word_counter.shuffle.run_files import RunFiles, folder_of
from word_counter.shuffle.run_format import Reference
from word_counter.shuffle.run_locations import check_location, location_name

PARTITIONS = 3


class Pairs(Mapper):
    """Yields the pairs that each line lists as JSON; a list is a tuple as key."""

    def map(self, line: str) -> Iterator[tuple[Any, Any]]:
        for key, value in json.loads(line):
            yield tuple(key) if isinstance(key, list) else key, value


class Joined(Reducer):
    """What depends on the order of the values, and on all of them."""

    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return "-".join(map(str, values))


class Newest(Joined):
    """The same, sorted by their last digit: many are equal, and stay in the order of the input."""

    order: ClassVar[Any] = staticmethod(lambda value: str(value)[-1])


class Widest(Reducer):
    """One with a combine of its own."""

    def combine(self, key: Any, values: Iterable[Any]) -> Any:
        return self.reduce(key, values)

    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return max(values, key=lambda value: (len(str(value)), value))


class FirstOnly(Reducer):
    """Reads one value of a key and leaves the others."""

    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return next(iter(values))


def _phase(reducer: type[Reducer], *, last: bool = True) -> Phase:
    phase = Job(mapper=Pairs, reducer=reducer).phases()[0]
    return phase if last else Phase(mappers=phase.mappers, reducer=phase.reducer, last=False)


def _partials(phase: Phase, chunks: list[list[tuple[Any, Any]]]) -> list[dict[int, str]]:
    raw = [json.dumps(chunk).encode() + b"\n" for chunk in chunks]
    return [run_map(phase, Lines(text, "in"), PARTITIONS).partials for text in raw]


def _by_redis(phase: Phase, partials: list[dict[int, str]]) -> tuple[list[list[str]], list[tuple[int, int]]]:
    weights = [KeySkew() for _ in range(PARTITIONS)]
    results = [
        list(run_reduce(phase, [given[n] for given in partials if n in given], {}, weights[n]))
        for n in range(PARTITIONS)
    ]
    return results, [(skew.keys, skew.values) for skew in weights]


def _by_files(
    phase: Phase, partials: list[dict[int, str]], where: RunFiles
) -> tuple[list[list[str]], list[tuple[int, int]]]:
    folds = phase.make_reducer().folds
    kept = [where.keep(chunk, given, folds=folds) for chunk, given in enumerate(partials)]
    for made_of, stood_for in zip(partials, kept, strict=True):
        for n, text in made_of.items():
            assert dict(decode_partial(where.partial(stood_for[n]))) == dict(decode_partial(text))
    results, weights = [], []
    for n in range(PARTITIONS):
        skew = KeySkew()
        entries = where.entries([given[n] for given in kept if n in given], folds=folds)
        amounts: dict[str, int] = {}
        references = list(where.keep_segments(n, run_reduce(phase, (), {}, skew, entries=entries), amounts))
        results.append([where.content(reference.encode()).decode() for reference in references])
        assert amounts == {"segments": len(references), "result_bytes": len("".join(results[-1]).encode())}
        weights.append((skew.keys, skew.values))
    return results, weights


@pytest.fixture
def made(folder: Path) -> RunFiles:
    found = RunFiles(folder_of(str(folder), "job", "somebody"))
    found.make()
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all limits be small, so that a few values are many."""
    monkeypatch.setattr(lines, "_LINE_VALUES", 2)
    monkeypatch.setattr(files, "_MERGED_AT_ONCE", 2)
    monkeypatch.setattr(lines, "_LINE_BYTES", 24)
    monkeypatch.setattr(spill_file, "PIECE_BYTES", 16)
    monkeypatch.setattr(streamed, "LISTED_VALUES", 3)
    monkeypatch.setattr(streamed, "_FOLDED_AT_ONCE", 2)
    monkeypatch.setattr(sorting, "_RUN_VALUES", 3)
    monkeypatch.setattr("word_counter.shuffle.run_locations.PIECE_BYTES", 16)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the rule is asked for, not the disk


_KEYS = st.one_of(
    st.sampled_from(["", "a", "b", "é", "\x00", "1", "1.0", '"', "𝄞", "\uffff", "true", "[1,2]", "ab\nc"]),
    st.sampled_from([1, 1.0, True, None, -3]),
    st.lists(st.sampled_from([1, "x", None]), max_size=2),
)
_REDUCERS = [Sum, Count, Max, Mean, TopN, Unique, Collect, Values, Joined, Newest, Widest, FirstOnly]
_CHUNKS = st.lists(st.lists(st.tuples(_KEYS, st.integers(-9, 10**30)), max_size=12), max_size=7)


@pytest.mark.usefixtures("small")
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reducer=st.sampled_from(_REDUCERS), chunks=_CHUNKS)
def test_files_come_to_the_same_bytes_as_redis(
    reducer: type[Reducer], chunks: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    phase = _phase(reducer, last=False)  # whose results may have keys that look alike
    where = RunFiles(folder_of(str(tmp_path_factory.mktemp("runs")), "job", "somebody"))
    where.make()

    partials = _partials(phase, chunks)

    assert _by_files(phase, partials, where) == _by_redis(phase, partials)


# -- many values ------------------------------------------------------------------------------------


def _reduced(reducer: type[Reducer], chunks: list[list[tuple[Any, Any]]], where: RunFiles) -> dict[str, Any]:
    phase = _phase(reducer)
    results, _ = _by_files(phase, _partials(phase, chunks), where)
    return {key: value for segments in results for text in segments for key, value in json.loads(text).items()}


class Careless(Reducer):
    """Does with values what only a list can; says in ``way`` what."""

    way: ClassVar[Any]

    def reduce(self, key: Any, values: Any) -> Any:
        return type(self).way(values)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("way", "what"),
    [
        (lambda values: sum(values) / len(values), "tell their number"),
        (lambda values: sum(values) + sum(values), "be read twice"),
        (lambda values: values[0], "be indexed"),
    ],
    ids=["len", "twice", "index"],
)
def test_a_reducer_that_takes_many_values_for_a_list_is_told_so(made: RunFiles, way: Any, what: str) -> None:
    Careless.way = staticmethod(way)
    few = [[("a", 1), ("a", 2)], [("a", 3)]]

    assert _reduced(Careless, few, made)["a"] == way([1, 2, 3])
    with pytest.raises(RecordError, match=f"the key 'a' has more than 3 values, .*cannot {what}"):
        _reduced(Careless, [*few, [("a", 4)]], made)


def test_many_values_that_are_tested_for_being_there_are(made: RunFiles, small: None) -> None:
    Careless.way = staticmethod(lambda values: list(values) if values else None)

    assert _reduced(Careless, [[("a", n)] for n in range(5)], made) == {"a": [0, 1, 2, 3, 4]}


def test_no_more_of_a_key_is_in_memory_than_a_part_of_its_values(made: RunFiles) -> None:
    class Bounded(Reducer):
        def reduce(self, key: Any, values: Iterable[Any]) -> Any:
            return sum(len(value) for value in values)

    phase = _phase(Bounded)
    chunk = _partials(phase, [[("a", "x" * 1_000)] * 200])[0]
    kept = [made.keep(n, chunk, folds=False) for n in range(100)]  # 20 MB
    (partition,) = chunk
    tracemalloc.start()

    entries = made.entries([given[partition] for given in kept], folds=False)
    (result,) = run_reduce(phase, (), {}, entries=entries)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert json.loads(result) == {"a": 20_000_000}
    assert peak < 10_000_000


# -- files that are not what they were --------------------------------------------------------------


def _damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[: content.rindex(b"[")])
    elif how == "cut in a line":
        path.write_bytes(content[:-3])
    elif how == "longer":
        path.write_bytes(content + content)
    else:
        path.write_bytes(content.replace(b"1", b"2"))


@pytest.mark.parametrize("how", ["gone", "truncated", "cut in a line", "longer", "edited"])
@pytest.mark.parametrize("reducer", [Sum, Values])
def test_a_run_that_is_not_what_was_written_comes_to_light(
    made: RunFiles, folder: Path, how: str, reducer: type[Reducer]
) -> None:
    phase = _phase(reducer)
    partials = _partials(phase, [[("a", 1), ("b", 1)], [("a", 1)]])
    kept = [made.keep(n, given, folds=phase.make_reducer().folds) for n, given in enumerate(partials)]
    ((partition, _),) = kept[1].items()
    (run,) = folder.glob(f"*/*/mr-1-{partition}")

    _damaged(run, how)

    entries = made.entries([given[partition] for given in kept if partition in given], folds=True)
    with pytest.raises(ShuffleError, match=r"mr-1-.*run the job again, with a --shuffle that nothing else"):
        list(run_reduce(phase, (), {}, entries=entries))


@pytest.mark.parametrize("how", ["gone", "truncated", "edited"])
def test_results_that_are_not_what_was_written_come_to_light(made: RunFiles, folder: Path, how: str) -> None:
    (reference,) = made.keep_segments(5, ['{"a":1}'], {})
    (path,) = folder.glob("*/*/mr-out-5")
    assert made.content(reference.encode()) == b'{"a":1}'

    if how == "truncated":
        path.write_bytes(b'{"a"')
    else:
        _damaged(path, how)

    with pytest.raises(ShuffleError, match="mr-out-5"):
        made.content(reference.encode())


def test_a_reducer_that_swallows_what_reading_raises_does_not_hide_it(
    made: RunFiles, folder: Path, small: None
) -> None:
    def swallowing(values: Iterable[Any]) -> Any:
        try:
            return sum(values)
        except Exception:  # noqa: BLE001
            return -1

    Careless.way = staticmethod(swallowing)
    phase = _phase(Careless)
    kept = [made.keep(n, given, folds=False) for n, given in enumerate(_partials(phase, [[("a", 1)] * 9] * 2))]
    ((partition, _),) = kept[1].items()
    _damaged(next(folder.glob("*/*/mr-1-*")), "truncated")

    entries = made.entries([given[partition] for given in kept], folds=False)
    with pytest.raises(ShuffleError, match="mr-1-"):
        list(run_reduce(phase, (), {}, entries=entries))


def test_nobody_writes_into_a_folder_that_is_gone_or_not_mounted(made: RunFiles, folder: Path) -> None:
    (reference,) = made.keep_segments(5, ['{"a":1}'], {})
    for path in folder.glob("wc-*"):
        shutil.rmtree(path)

    for process in (made, RunFiles(str(path))):
        with pytest.raises(ShuffleUnseenError, match="does not see"):
            process.keep(0, {0: '{"a":1}'}, folds=True)
    with pytest.raises(ShuffleUnseenError, match="does not see"):
        made.content(reference.encode())

    assert not list(folder.iterdir())


def test_a_disk_that_is_full_is_an_error_that_says_so_and_leaves_nothing_behind(
    made: RunFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made.keep(0, {0: '{"a":1}'}, folds=True)
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ShuffleError, match="No space left on device; make room there, or give another --shuffle"):
        made.keep(1, {0: '{"a":1}'}, folds=True)

    assert [path.name for path in folder.glob("*/*/*")] == ["mr-0-0"]


# -- names ------------------------------------------------------------------------------------------


@given(st.text(alphabet="abc/.-0", min_size=1), st.integers(0), st.integers(0), st.integers(0, 2**32 - 1))
def test_a_reference_comes_back_as_it_was_unless_it_leads_elsewhere(
    name: str, offset: int, length: int, checksum: int
) -> None:
    reference = Reference(name, offset, length, checksum)

    if {"", ".", ".."} & {*name.split("/")}:
        with pytest.raises(ValueError, match="no name of a run"):
            Reference.from_text(reference.to_text())
    else:
        assert Reference.from_text(reference.to_text().encode()) == reference


def test_what_is_named_is_a_place_for_any_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    assert location_name("redis") == "redis"
    assert location_name("./redis") == str(folder / "redis")
    assert location_name("s3://bucket/runs/") == "s3://bucket/runs"
    assert location_name("file:///data") == "/data"
    for bad in ("", "-", "postgresql://host/db", "s3://key:word@bucket/runs"):
        with pytest.raises(UsageError):
            location_name(bad)


def test_a_place_where_nothing_can_be_written_is_told_before_the_job_begins(folder: Path) -> None:
    (folder / "file").touch()

    check_location(str(folder / "new" / "place"))
    with pytest.raises(UsageError, match=r"file.*give another --shuffle"):
        check_location(str(folder / "file"))


def test_two_jobs_of_one_name_have_folders_of_their_own() -> None:
    assert folder_of("/data", "job", "one") != folder_of("/data", "job", "two")
    assert folder_of("/", "job", "one").startswith("/wc-job-")
