"""Incremental cache: whatever happened to the inputs, an entry is what mapping would give."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from word_counter import Job, Lines, Mapper, Sum
from word_counter.compute.merge import merge
from word_counter.compute.stages import MapOutput, run_map, run_reduce
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor, Stage
from word_counter.queue.payload import Payload
from word_counter.worker.incremental_cache import Bounds, IncrementalCache, sweep

PARTITIONS = 3
FOREVER = 10**9


class Places(Mapper):
    """Yields all that a mapper can see: the words of a line, and where it is."""

    def map_chunk(self, lines: Lines) -> Iterator[tuple[str, int]]:
        self.count("chunks")
        for number, line in enumerate(lines):
            yield f"{Path(lines.source).name}:{lines.line + number}:{line}", 1
            for word in str(line).split():
                yield word, 1
        yield f"offset {lines.offset}", 1


class Placed(Job):
    mapper, reducer = Places, Sum


class World:
    """A folder of files, and a cache; ``results`` are those of a job over all files that are there."""

    def __init__(self, folder: Path, form: str = "lines", **bounds: int) -> None:
        self.inputs = folder / "in"
        self.inputs.mkdir()
        self.bounds = Bounds(str(folder / "cache"), **{"seconds": FOREVER, "bytes": FOREVER, **bounds})
        self.records = InputFormat.parse(form)
        self.reused = self.mapped = 0

    def results(self, cache: IncrementalCache | None = None) -> tuple[dict[str, Any], int]:
        self.reused = self.mapped = 0
        (phase,) = Placed().phases()
        sources = find_sources(self.inputs)
        outputs: list[MapOutput] = []
        with closing(ChunkReader(dict(enumerate(sources)), records=self.records)) as reader:
            for chunk, _, content in split_sources(sources, Cursor(), Cutting(2, records=self.records)):
                fetched = reader.fetch(chunk, content)

                def run() -> MapOutput:
                    return run_map(phase, reader.lines(fetched), PARTITIONS)  # noqa: B023 (it is called right away)

                if cache is None:
                    outputs.append(run())
                    continue
                output, reused = cache.mapped(sources[chunk.source], fetched, reader.header(fetched), run)
                outputs.append(output)
                self.reused += reused
                self.mapped += not reused
        counters = sum(output.counters["chunks"] for output in outputs)
        partials = [[one.partials[n] for one in outputs if n in one.partials] for n in range(PARTITIONS)]
        return dict(merge([list(run_reduce(phase, texts, {})) for texts in partials])), counters

    def cache(self, **job: Any) -> IncrementalCache:
        return IncrementalCache(self.bounds, job)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


_NAMES = st.sampled_from(["a.txt", "b.txt", "c.txt"])
_TEXTS = st.lists(st.sampled_from(["x,1", "y z,2", "w,x"]), max_size=7).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _NAMES, _TEXTS),
        st.tuples(st.just("append"), _NAMES, _TEXTS),
        st.tuples(st.just("insert"), _NAMES, _TEXTS),
        st.tuples(st.just("delete"), _NAMES, st.just("")),
        st.tuples(st.just("rename"), _NAMES, _NAMES),
        st.tuples(st.just("copy"), _NAMES, _NAMES),
    ),
    min_size=1,
    max_size=4,
)


def change(folder: Path, how: str, name: str, what: str) -> None:
    path = folder / name
    before = path.read_text() if path.exists() else ""
    if how == "delete":
        path.unlink(missing_ok=True)
    elif how in {"rename", "copy"}:
        (folder / what).write_text(before)
        if how == "rename" and name != what:
            path.unlink(missing_ok=True)
    else:
        at = before.find("\n", len(before) // 2) + 1
        path.write_text({"write": what, "append": before + what, "insert": before[:at] + what + before[at:]}[how])


@settings(max_examples=25)
@given(days=st.lists(_CHANGES, min_size=1, max_size=4), form=st.sampled_from(["lines", "csv"]))
def test_every_day_comes_to_what_a_full_run_does(days: list[list[tuple[str, str, str]]], form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), form)
        for changes in days:
            for one in changes:
                change(world.inputs, *one)
            (world.inputs / "always.txt").write_text("h,i\nx,y\n")
            assert world.results(world.cache()) == world.results()


def test_only_the_last_chunk_of_a_file_that_grew_is_mapped_again(world: World) -> None:
    path = world.inputs / "a.log"
    path.write_text("one\ntwo\nthree\nfour\nfive\n")
    world.results(world.cache())

    path.write_text(path.read_text() + "six\nseven\n")
    world.results(world.cache())
    assert (world.reused, world.mapped) == (2, 2)
    world.results(world.cache())
    assert world.mapped == 0


PAYLOAD = Payload(
    job="job",
    batch="1",
    stage=Stage.MAP,
    code="a.py",
    code_digest="as it was",
    partitions=PARTITIONS,
    lease_seconds=1,
    task_timeout=1,
    max_bad_records=0,
    tasks=(),
)


@pytest.mark.parametrize(
    "change",
    [
        {"code": "b.py"},
        {"code_digest": "as it is"},
        {"params": {"n": 1}},
        {"files": {"a": "digest"}},
        {"partitions": 2},
        {"input_format": "csv"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_job_finds_nothing_and_another_run_of_it_all(world: World, change: dict[str, Any]) -> None:
    (world.inputs / "a.log").write_text("one\n")
    world.results(world.cache(**PAYLOAD.job_facts))

    world.results(world.cache(**replace(PAYLOAD, **change).job_facts))
    assert world.reused == 0
    another_run = replace(PAYLOAD, job="tomorrow", batch="2", max_bad_records=9, lease_seconds=2)
    world.results(world.cache(**another_run.job_facts))
    assert world.reused == 1


def _entries(world: World) -> list[Path]:
    return [path for path in Path(world.bounds.folder).rglob("*") if path.is_file()]


@pytest.mark.parametrize("damage", [b"", b"x", b"0" * 64 + b"\n[1,1,{},{}]"])
def test_an_entry_that_is_damaged_is_none(world: World, damage: bytes) -> None:
    (world.inputs / "a.log").write_text("one\ntwo\nthree\n")
    world.results(world.cache())

    for path in _entries(world):
        path.write_bytes(damage)

    assert world.results(world.cache()) == world.results()
    assert not world.reused
    world.results(world.cache())
    assert world.mapped == 0


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_cache_is_for_its_user_alone_whatever_the_umask(world: World, umask: int) -> None:
    (world.inputs / "a.txt").write_text("a b\n")
    before = os.umask(umask)
    try:
        world.results(world.cache())
    finally:
        os.umask(before)

    made = [Path(world.bounds.folder), *Path(world.bounds.folder).rglob("*")]
    assert len(made) >= 3
    assert not [path for path in made if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("part", ["entry", "folder", "cache"])
def test_an_entry_that_others_may_write_is_none(world: World, caplog: pytest.LogCaptureFixture, part: str) -> None:
    (world.inputs / "a.txt").write_text("a b\n")
    expected = world.results(world.cache())
    [entry] = [path for path in Path(world.bounds.folder).rglob("*") if path.is_file()]
    {"entry": entry, "folder": entry.parent, "cache": Path(world.bounds.folder)}[part].chmod(0o777)

    assert world.results(world.cache()) == expected

    assert world.reused == 0
    assert "others may write to it" in caplog.text


def test_an_entry_that_is_cut_off_is_none(world: World) -> None:
    (world.inputs / "a.log").write_text("one\n")
    world.results(world.cache())
    (path,) = _entries(world)
    path.write_bytes(path.read_bytes()[:-1])

    world.results(world.cache())

    assert world.reused == 0


def test_what_nobody_used_for_long_is_none_and_goes(tmp_path: Path) -> None:
    world = World(tmp_path, seconds=100)
    (world.inputs / "a.log").write_text("one\ntwo\nthree\n")
    world.results(world.cache())
    used, unused = _entries(world)
    for path, age in ((used, 90), (unused, 110)):
        os.utime(path, (time.time() - age,) * 2)

    world.results(world.cache())
    assert (world.reused, world.mapped) == (1, 1)
    assert time.time() - used.stat().st_mtime < 60  # it is young again
    os.utime(unused, (time.time() - 110,) * 2)
    sweep(world.bounds)

    assert _entries(world) == [used]


def test_of_too_much_the_oldest_goes(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    for age in range(10):
        (folder / str(age)).write_bytes(b"x" * 100)
        os.utime(folder / str(age), (time.time() - age,) * 2)

    sweep(Bounds(str(folder), FOREVER, 1000))
    assert len(list(folder.iterdir())) == 10
    sweep(Bounds(str(folder), FOREVER, 500))

    assert sorted(path.name for path in folder.iterdir()) == ["0", "1", "2", "3"]  # nine tenths of what it may be


def test_a_cache_stays_within_its_bounds_while_it_is_filled(tmp_path: Path) -> None:
    world = World(tmp_path, bytes=3000)
    (world.inputs / "a.log").write_text("".join(f"line {n}\n" for n in range(80)))

    world.results(world.cache())

    assert sum(path.stat().st_size for path in _entries(world)) <= 3000 * 1.1


def test_a_cache_that_cannot_be_written_is_done_without(world: World, caplog: pytest.LogCaptureFixture) -> None:
    (world.inputs / "a.log").write_text("one\ntwo\nthree\n")
    Path(world.bounds.folder).write_text("in the way")

    assert world.results(world.cache()) == world.results()

    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1


class Touchy(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield line, int(line)


def test_chunks_with_bad_records_are_not_kept(world: World) -> None:
    from word_counter.compute.skip_bad_records import SkipBadRecords

    (world.inputs / "a.log").write_text("1\nbad\n")
    (phase,) = Job(mapper=Touchy, reducer=Sum).phases()
    (source,) = find_sources(world.inputs)
    ((chunk, _, _),) = split_sources([source], Cursor(), Cutting(9))
    with closing(ChunkReader({0: source})) as reader:
        fetched = reader.fetch(chunk)
        for _ in range(2):
            output, reused = world.cache().mapped(
                source, fetched, b"", lambda: run_map(phase, reader.lines(fetched), PARTITIONS, SkipBadRecords(1))
            )
            assert not reused
            assert json.loads(output.aside.entries()[1])["text"] == "bad"
