"""What a job costs, counted and not timed: commands, round trips, bytes, calls of Python, memory.

These numbers are the same on every machine and under any load, so that work which creeps into a hot path fails a test.
Each limit is what was counted when it was set (in a comment beside it) and a little headroom for other versions of
Python and of the libraries. A change that needs more may raise a limit, and says why. Times are in benchmarks/.
"""

from __future__ import annotations

import random
import signal
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest
from redis.connection import AbstractConnection

from word_counter import Job, Lines, Mapper, Sum
from word_counter.compute.merge import merge
from word_counter.compute.stages import run_map, run_reduce
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Chunk, Cursor, Stage
from word_counter.job.snapshot import Batch, TaskAttempt
from word_counter.jobs.word_count import WordCount
from word_counter.loading.job_reference import refer_to
from word_counter.master.dispatcher import Dispatcher
from word_counter.master.leader_lease import LeaderLease
from word_counter.master.make_spec import make_spec
from word_counter.master.submit_or_resume import SubmitOrResume
from word_counter.native import kernel
from word_counter.observer import Observer
from word_counter.queue.batch_queue import BatchQueue, queue_name
from word_counter.queue.payload import Payload
from word_counter.queue.rq_worker import BatchWorker
from word_counter.settings.config import Settings
from word_counter.store.connection import Redis
from word_counter.store.job_store import JobStore
from word_counter.worker.permissions import Permissions
from word_counter.worker.task_runner import TaskRunner

WORD_COUNT = refer_to(WordCount())


class FirstWord(Mapper):
    """Yields one pair a line, as many a user's mapper does."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield line.split(" ", 1)[0], 1


class FirstWords(Job):
    mapper, reducer = FirstWord, Sum


@dataclass(frozen=True)
class Traffic:
    """What work sent to a server and got from it."""

    trips: int  #: round trips: a pipeline is one
    scripts: int  #: scripts that were called
    commands: int  #: commands, and those that scripts called
    taken_bytes: int
    given_bytes: int

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(*(mine - its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))


class Meter:
    """Counts the traffic of this process with a server that nobody else talks to."""

    def __init__(self, connection: Redis, patch: pytest.MonkeyPatch) -> None:
        self._connection = connection
        self._trips = 0
        send = AbstractConnection.send_packed_command

        def counted(sender: AbstractConnection, *args: Any, **words: Any) -> None:
            self._trips += 1
            send(sender, *args, **words)  # type: ignore[no-untyped-call]

        patch.setattr(AbstractConnection, "send_packed_command", counted)

    def of(self, work: Callable[[], object]) -> Traffic:
        """Return what work costs."""
        before = self._seen()
        work()
        return self._seen() - before

    def _seen(self) -> Traffic:
        trips = self._trips
        stats, commands = self._connection.info("stats"), self._connection.info("commandstats")
        self._trips = trips
        return Traffic(
            trips,
            sum(commands.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval")),
            stats["total_commands_processed"],
            stats["total_net_input_bytes"],
            stats["total_net_output_bytes"],
        )


def words_text(size: int, seed: int = 1) -> bytes:
    """Return about so many bytes of lines of words, common and rare ones."""
    chance = random.Random(seed)
    words = [f"w{number:x}" for number in range(20_000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    drawn = iter(chance.choices(words, weights, k=size // 4))
    text = bytearray()
    while len(text) < size:
        text += " ".join(next(drawn) for _ in range(10)).encode() + b"\n"
    return bytes(text)


class Workplace:
    """A job that is planned, and a runner in this process to map it: nothing else talks to the server."""

    def __init__(self, connection: Redis, folder: Path, text: bytes, chunk_size: int, job_id: str, secret: str) -> None:
        path = folder / f"{job_id}.txt"
        path.write_bytes(text)
        sources = find_sources(path)
        self._chunks: list[Chunk] = [chunk for chunk, *_ in split_sources(sources, Cursor(), Cutting(chunk_size))]
        self._connection, self._secret = connection, secret  # a queue of its own goes with the secret
        self._store = JobStore(connection, job_id)
        settings = Settings(output="-", chunk_size=chunk_size)
        self.spec = make_spec(settings, job_id, WordCount(), WORD_COUNT, "", sources, {})
        self._leader_lease = LeaderLease(self._store, 30.0)
        assert SubmitOrResume(self._store, self._leader_lease, secret, settings, Observer(), {}).make(
            self.spec, sources
        )
        self._runner = TaskRunner(connection, "worker-1", lambda _: None, Permissions(secret))
        self._dispatch = Dispatcher(self._store, BatchQueue(connection, secret), self._leader_lease, self.spec, sources)
        self._sources = sources

    @property
    def chunks(self) -> int:
        return len(self._chunks)

    def split(self, batches: int) -> None:
        """Split, plan and queue all chunks, as the master does."""
        snapshot = self._store.snapshot()
        assert snapshot is not None
        self._dispatch.split(snapshot, batches, self.chunks // batches, 0)

    def serve(self) -> None:
        """Take batches from the queue until there are none, as a worker does."""
        queue = queue_name(self._secret)
        BatchWorker(queue, "worker-1", self._connection, self._secret, self._runner.run, self._runner.left).work(
            burst=True, logging_level="CRITICAL"
        )

    def look(self) -> None:
        """Read the snapshot that the master decides by."""
        snapshot = self._store.snapshot()
        assert snapshot is not None
        assert snapshot.mapped == self.chunks

    def map(self) -> None:
        """Plan all chunks as one batch and run it, without the queue."""
        tasks = tuple(TaskAttempt(f"map:{chunk.id}", 1) for chunk in self._chunks)
        self._store.plan(1, self._chunks, Cursor(self.chunks, 0, 0, 1), [Batch("m0", tasks)], split_done=True)
        payload = Payload(
            job=self.spec.job_id,
            batch="m0",
            stage=Stage.MAP,
            code=WORD_COUNT,
            partitions=8,
            lease_seconds=30.0,
            task_timeout=60.0,
            max_bad_records=0,
            tasks=tasks,
            chunks=tuple(self._chunks),
            sources=dict(enumerate(self._sources)),
        )
        assert self._runner.run(payload) == "done"


def lines_of_three(chunks: int) -> bytes:
    return b"".join(b"alpha beta gamma%d\n" % (number % 7) for number in range(chunks))


#: Makes a workplace for a text and so many lines a chunk.
Make = Callable[[bytes, int], Workplace]


@pytest.fixture
def meter(connection: Redis, monkeypatch: pytest.MonkeyPatch) -> Meter:
    return Meter(connection, monkeypatch)


@pytest.fixture
def make(connection: Redis, folder: Path, job_id: str) -> Iterator[Make]:
    numbers = count()

    def made(text: bytes, chunk_size: int) -> Workplace:
        return Workplace(connection, folder, text, chunk_size, f"{job_id}-{next(numbers)}", job_id)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    first = made(lines_of_three(10), 1)
    first.map()
    first.look()
    second = made(lines_of_three(10), 1)
    second.split(1)
    second.serve()  # from now on server and client know what they ask each other once
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)  # a queue worker has set its own


class TestRedis:
    def test_a_chunk_costs_a_worker_two_round_trips(self, make: Make, meter: Meter) -> None:
        few, many = (make(lines_of_three(chunks), 1) for chunks in (50, 150))

        more = meter.of(many.map) - meter.of(few.map)

        assert more.scripts <= 100 * 2  # 2: start and commit
        assert more.trips <= 100 * 2  # the same
        assert more.commands <= 100 * 40  # 38, all but 2 of them within the scripts
        assert more.taken_bytes <= 100 * 1_700  # 1,470
        assert more.given_bytes <= 100 * 24  # 24: an answer, and when the attempt began

    def test_a_batch_costs_a_worker_few_round_trips(self, make: Make, meter: Meter) -> None:
        few, many = (make(lines_of_three(batches * 2), 1) for batches in (5, 25))
        few.split(5)
        fewer = meter.of(few.serve)
        many.split(25)
        more = meter.of(many.serve) - fewer

        assert more.trips <= 20 * 20  # 17: the 4 scripts, and what RQ and we do around a batch
        assert more.scripts <= 20 * 4  # 4: start and commit of its two chunks
        many.look()

    def test_a_chunk_costs_the_master_its_place_alone(self, make: Make, meter: Meter) -> None:
        few, many = (make(lines_of_three(chunks), 1) for chunks in (100, 1_100))

        more = meter.of(lambda: many.split(10)) - meter.of(lambda: few.split(10))

        assert (more.scripts, more.trips) == (0, 0)  # what is split together is planned and queued together
        assert more.commands <= 1_000 * 2.1  # 2
        assert more.taken_bytes <= 1_000 * 80  # 63

    def test_what_the_master_looks_at_does_not_grow_with_what_is_done(self, make: Make, meter: Meter) -> None:
        few, many = (make(lines_of_three(chunks), 1) for chunks in (20, 220))
        few.map()
        many.map()

        more = meter.of(many.look) - meter.of(few.look)

        assert (more.scripts, more.trips, more.commands) == (0, 0, 0)
        assert more.given_bytes <= 100  # a few digits

    def test_of_a_text_its_distinct_words_alone_go_through_redis(self, make: Make, meter: Meter) -> None:
        text = words_text(300_000)
        distinct = len(set(text.split()))
        place = make(text, 100_000)
        assert place.chunks == 1

        used = meter.of(place.map)

        assert used.taken_bytes <= distinct * 11  # 10: a word, its count, and what JSON puts around them
        assert used.given_bytes <= 8_000  # 5,060, which is what the server says of itself

    def test_the_keys_of_a_job_do_not_grow_with_its_chunks(self, connection: Redis, make: Make) -> None:
        counts = []
        for chunks in (10, 200):
            before = connection.dbsize()
            make(lines_of_three(chunks), 1).map()
            counts.append(connection.dbsize() - before)

        assert counts[0] == counts[1]


class Calls:
    """Counts calls while it is entered: of Python functions, a generator each time it goes on, and of C functions."""

    def __init__(self) -> None:
        self.python = self.c = 0

    def _note(self, _frame: FrameType, event: str, _what: Any) -> None:
        self.python += event == "call"
        self.c += event == "c_call"

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


def calls(work: Callable[[], object]) -> Calls:
    with Calls() as counted:
        work()
    return counted


def peak_bytes(work: Callable[[], object]) -> int:
    """Return how much memory work takes at a time, beyond what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def mapped(job: Job, text: bytes) -> Callable[[], object]:
    return lambda: run_map(job.phases()[0], Lines(text), 8)


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Choose the kernel of the word count."""

    def chosen(name: str) -> None:
        monkeypatch.setenv("WORD_COUNTER_KERNEL", name)
        kernel._kernel.cache_clear()

    yield chosen
    kernel._kernel.cache_clear()


needs_native = pytest.mark.skipif(kernel.active() != "native", reason="there is no native kernel")


class TestPython:
    @pytest.mark.parametrize(
        ("chosen", "python", "c"),
        [
            pytest.param("native", 2, 1, marks=needs_native),  # map is entered and left; its own str.split
            ("python", 3, 4),  # its pair is handed on by a generator, put into JSON and looked up
        ],
    )
    def test_a_line_costs_a_mapper_little_but_its_own_calls(
        self, choose: Callable[[str], None], chosen: str, python: int, c: int
    ) -> None:
        choose(chosen)

        few, many = (calls(mapped(FirstWords(), lines_of_three(lines))) for lines in (100, 2_100))

        assert many.python - few.python <= 2_000 * python
        assert many.c - few.c <= 2_000 * c

    @pytest.mark.parametrize("chosen", ["python", pytest.param("native", marks=needs_native)])
    def test_the_word_count_calls_nothing_a_line(self, choose: Callable[[str], None], chosen: str) -> None:
        choose(chosen)
        text = words_text(50_000)

        once, often = (calls(mapped(WordCount(), text * times)) for times in (1, 20))

        assert often.python <= once.python + 5
        assert often.c <= once.c + 20

    @pytest.mark.parametrize(
        ("chosen", "python", "c"),
        [
            pytest.param("native", 1, 0, marks=needs_native),  # a pair comes out of the merge
            ("python", 19, 19),  # with three partials
        ],
    )
    def test_a_key_costs_reducing_and_merging_a_bounded_number_of_calls(
        self, choose: Callable[[str], None], chosen: str, python: int, c: int
    ) -> None:
        choose(chosen)

        def reduced(keys: int) -> Callable[[], object]:
            (phase,) = WordCount().phases()
            text = b"".join(b"k%d\n" % number for number in range(keys))
            partial = run_map(phase, Lines(text), 1).partials[0]
            return lambda: list(merge([run_reduce(phase, [partial] * 3, {})]))

        few, many = (calls(reduced(keys)) for keys in (100, 2_100))

        assert many.python - few.python <= 2_000 * python + 50
        assert many.c - few.c <= 2_000 * c + 50

    def test_mapping_a_chunk_takes_memory_in_proportion(self) -> None:
        text = words_text(300_000)

        assert peak_bytes(mapped(FirstWords(), text)) <= 4 * len(text)  # 3.4: the text decoded, and each line of it

    @needs_native
    def test_the_native_kernel_takes_memory_for_distinct_words_alone(self) -> None:
        text = words_text(100_000)

        once, often = (peak_bytes(mapped(WordCount(), text * times)) for times in (1, 10))

        distinct = len(set(text.split()))
        assert often <= once + 2 * distinct  # each of the numbers has a digit more
