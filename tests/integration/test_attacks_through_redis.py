"""Attacks through Redis: who can write to it still cannot run code. Each attack is real, against a real worker.

Every attack ends in the same way: nothing of it ran, the refusal is recorded, the queue is clean, and the same worker
process runs the next honest batch.
"""

from __future__ import annotations

import json
import os
import pickle
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rq import Callback, Queue
from rq.command import send_shutdown_command
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from rq.suspension import suspend
from rq.webhook import Webhook

from tests.oracle import count_words, results_bytes
from tests.processes import Running, eventually, started, word_counter
from word_counter import JobFailedError, Master, UsageError, run
from word_counter.job.model import Chunk, Cursor, JobState, Source, Stage
from word_counter.job.snapshot import Batch, TaskAttempt
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.queue.admission import LONGEST_BYTES, TASK_FUNCTION, pack
from word_counter.queue.batch_queue import queue_name
from word_counter.queue.payload import Payload
from word_counter.store.connection import Redis, connect
from word_counter.store.job_store import JobStore
from word_counter.store.keys import REFUSED

SECRET = "known to the master and the worker"
TEXT = b"one two two\nthree three three\n" * 20


class Marker:
    """A file that attacks try to make, from wherever they get to run something."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "attacked"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Make the file, when this is unpickled."""
        return os.mkdir, (str(self.path),)

    @property
    def touched(self) -> bool:
        return self.path.exists()


class Victim:
    """A private server with one worker, whose only other master is the test."""

    def __init__(self, server: EmbeddedRedis, worker: Running, folder: Path) -> None:
        self.url = server.url
        self.worker = worker
        self.folder = folder
        self.inputs = folder / "input"
        self.marker = Marker(folder)
        self.connection: Redis = connect(server.url)
        self.queue = queue_name(SECRET)
        self._before = self.refusals()
        self._children = self.children()

    def rq_queue(self, serializer: Any = JSONSerializer) -> Queue:
        return Queue(self.queue, connection=self.connection, serializer=serializer)

    def push(self, data: bytes, rq_job: str = "", **fields: Any) -> str:
        """Put an RQ job of any content into the worker's queue; return its id."""
        rq_job = rq_job or f"evil-{uuid4().hex[:8]}"
        self.connection.hset(f"rq:job:{rq_job}", mapping={"data": data, "origin": self.queue, **fields})
        self.connection.rpush(f"rq:queue:{self.queue}", rq_job)
        return rq_job

    def refusals(self) -> dict[str, str]:
        """Return the reason of each refusal so far, by RQ job."""
        entries = [fields for _, fields in self.connection.xrange(REFUSED)]
        assert all(fields[b"action"] == b"refused" and int(fields[b"at"]) > 0 for fields in entries)
        return {fields[b"rq_job"].decode(): fields[b"reason"].decode() for fields in entries}

    def children(self) -> list[str]:
        """Return the process ids of the worker's children."""
        path = Path(f"/proc/{self.worker.pid}/task/{self.worker.pid}/children")
        return path.read_text().split() if path.exists() else []

    def run(self, inputs: Any = None, **settings: Any) -> Any:
        """Run a job with this worker as an honest master would."""
        output = str(self.folder / "results.json")
        defaults = {"redis": self.url, "secret": SECRET, "workers": 0, "output": output, "partitions": 2}
        return run(inputs or str(self.inputs / "text.txt"), **{**defaults, **settings})

    def assert_refused(self, rq_job: str, *reasons: str) -> None:
        """See to it that an attack was refused for this reason, and that it did nothing else."""
        reason = eventually(lambda: self.refusals().get(rq_job, ""))
        assert all(text in reason for text in reasons), reason
        self.assert_unharmed()
        lines = [line for line in self.worker.err.splitlines() if rq_job in line]
        assert len(lines) == 1, "each refusal is logged once"
        assert "refused" in lines[0]

    def assert_unharmed(self) -> None:
        """See to it that the queue is clean and that the same worker process does the next honest batch."""
        (self.folder / "results.json").unlink(missing_ok=True)
        self.run()
        assert (self.folder / "results.json").read_bytes() == results_bytes(count_words(TEXT))
        assert not self.marker.touched
        assert self.worker.process.poll() is None
        assert self.children() == self._children
        for key in (f"rq:queue:{self.queue}", f"rq:queue:{self.queue}:intermediate"):
            assert self.connection.llen(key) == 0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedRedis, Running, Path]]:
    folder = tmp_path_factory.mktemp("door")
    (folder / "input").mkdir()
    (folder / "input" / "text.txt").write_bytes(TEXT)
    with EmbeddedRedis() as server:
        env = {"WORD_COUNTER_SECRET": SECRET, "WORD_COUNTER_INPUT_ROOT": str(folder / "input"), "REDIS_URL": server.url}
        with started("worker", folder=folder, env=env) as worker:
            connection = connect(server.url)
            eventually(lambda: connection.smembers("rq:workers"))
            connection.close()
            yield server, worker, folder


@pytest.fixture
def victim(stage: tuple[EmbeddedRedis, Running, Path]) -> Iterator[Victim]:
    made = Victim(*stage)
    yield made
    made.connection.close()


def signed(victim: Victim, **changes: Any) -> Payload:
    """Return a payload as an honest master makes it, for a job that has ended."""
    source = Source(str(victim.inputs / "text.txt"), len(TEXT), 1)
    fields: dict[str, Any] = {
        "job": "j",
        "batch": f"m0-{uuid4().hex[:8]}",
        "stage": Stage.MAP,
        "code": "word_counter.jobs.word_count:WordCount",
        "partitions": 2,
        "lease_seconds": 10.0,
        "task_timeout": 60.0,
        "max_bad_records": 0,
        "tasks": (TaskAttempt("map:0", 1),),
        "chunks": (Chunk(0, 0, 0, len(TEXT), 1, 40),),
        "sources": {0: source},
    }
    return Payload(**{**fields, **changes})


def envelope(*args: Any, function: Any = TASK_FUNCTION, instance: Any = None, options: Any = None) -> bytes:
    return json.dumps([function, instance, args, options or {}]).encode()


# -- jobs that RQ itself would run ------------------------------------------------------------------


def test_a_pickled_job_is_not_unpickled(victim: Victim) -> None:
    job = victim.rq_queue(serializer=None).enqueue(
        os.mkdir, Marker(victim.folder), meta={"also": Marker(victim.folder)}
    )
    victim.assert_refused(job.id, "not JSON")


def test_a_pickle_in_any_field_is_not_unpickled(victim: Victim) -> None:
    evil = pickle.dumps(victim.marker)
    rq_job = victim.push(evil, meta=evil, result=evil, exc_info=evil, status=evil, timeout=evil, dependency_ids=evil)
    victim.assert_refused(rq_job, "not JSON")


@pytest.mark.parametrize(
    "function", ["os.system", "builtins.eval", "word_counter.worker.task_runner.serve", "antigravity.x"]
)
def test_no_function_is_run_that_a_job_names(victim: Victim, function: str) -> None:
    job = victim.rq_queue().enqueue(function, f"mkdir {victim.marker.path}")
    victim.assert_refused(job.id, repr(function), "workers run nothing but")


def test_no_method_of_an_object_is_run(victim: Victim) -> None:
    payload = signed(victim)
    rq_job = victim.push(envelope(*pack(payload, SECRET), instance="os"), f"j-{payload.batch}")
    victim.assert_refused(rq_job, "arguments")


@pytest.mark.parametrize("field", ["success_callback_name", "failure_callback_name", "stopped_callback_name"])
def test_no_callback_is_called_even_of_a_batch_that_is_signed(victim: Victim, field: str) -> None:
    payload = signed(victim)
    data = envelope(*pack(payload, SECRET))
    rq_job = victim.push(data, f"j-{payload.batch}", **{field: "os.abort"})
    victim.assert_refused(rq_job, field)


def test_rq_s_own_way_to_a_callback_is_refused_too(victim: Victim) -> None:
    job = victim.rq_queue().enqueue(TASK_FUNCTION, "x", on_failure=Callback("os.abort"))
    victim.assert_refused(job.id, "failure_callback_name")


def test_no_webhook_is_sent(victim: Victim) -> None:
    heard = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/told"
        hooks = [Webhook(url, status) for status in ("finished", "failed")]
        payload = signed(victim)
        data = envelope(*pack(payload, SECRET))
        rq_job = victim.push(data, f"j-{payload.batch}", webhooks=json.dumps([hook.to_dict() for hook in hooks]))
        victim.assert_refused(rq_job, "webhooks")
        server.shutdown()
    assert heard == []


def test_commands_by_pubsub_reach_nobody(victim: Victim) -> None:
    names = [name.decode().rpartition(":")[2] for name in victim.connection.smembers("rq:workers")]
    for name in names:
        send_shutdown_command(victim.connection, name)
    assert names
    assert victim.connection.pubsub_channels("rq:pubsub:*") == []
    victim.assert_unharmed()


def test_rq_suspend_does_not_stop_the_workers(victim: Victim) -> None:
    suspend(victim.connection)
    try:
        victim.assert_unharmed()
    finally:
        victim.connection.delete("rq:suspended")


def test_dependents_are_not_released(victim: Victim) -> None:
    waiting = victim.push(envelope("x", function="os.abort"), "waiting")
    victim.assert_refused(waiting, "os.abort")
    payload = signed(victim)
    rq_job = f"j-{payload.batch}"
    victim.connection.sadd(RqJob.dependents_key_for(rq_job), waiting)
    victim.push(envelope(*pack(payload, SECRET)), rq_job)  # of a job that is over: does nothing
    victim.assert_unharmed()
    assert len([line for line in victim.worker.err.splitlines() if "refused waiting" in line]) == 1


# -- what is not as a master made it ----------------------------------------------------------------


def test_an_unsigned_payload_is_refused(victim: Victim) -> None:
    text = signed(victim).to_json()
    victim.assert_refused(victim.push(envelope(text, "")), "signature")
    victim.assert_refused(victim.push(envelope(text, "0" * 64)), "signature")
    victim.assert_refused(victim.push(envelope(text)), "arguments")


def test_a_payload_signed_with_another_secret_is_refused(victim: Victim) -> None:
    victim.assert_refused(victim.push(envelope(*pack(signed(victim), "guessed"))), "signature")


def test_an_altered_payload_is_refused_before_it_is_read(victim: Victim) -> None:
    payload = signed(victim)
    text, signature = pack(payload, SECRET)
    altered = text.replace("word_counter.jobs.word_count:WordCount", "os:system")
    assert altered != text
    victim.assert_refused(victim.push(envelope(altered, signature), f"j-{payload.batch}"), "signature")
    victim.assert_refused(victim.push(envelope("[" * 100_000, signature)), "signature")


def test_a_signed_payload_under_another_name_is_refused(victim: Victim) -> None:
    victim.assert_refused(victim.push(envelope(*pack(signed(victim), SECRET))), "another RQ job")


def test_a_replayed_batch_changes_nothing(victim: Victim) -> None:
    # Given a job over many chunks, and somebody who queues each of its batches again and again as soon as it is seen
    stop = threading.Event()
    replayed: Counter[bytes] = Counter()

    def replay() -> None:
        connection = connect(victim.url)
        while not stop.is_set():
            for key in connection.scan_iter("rq:job:replay-*"):
                if replayed[key] < 10:
                    connection.rpush(f"rq:queue:{victim.queue}", *[key.removeprefix(b"rq:job:")] * 2)
                    replayed[key] += 2
        connection.close()

    attacker = threading.Thread(target=replay)
    attacker.start()
    # When it runs
    job_id = f"replay-{uuid4().hex[:8]}"
    try:
        outcome = victim.run(job_id=job_id, chunk_size=1)
    finally:
        stop.set()
        attacker.join()
    # Then each task was committed once, by its first attempt, and the result is exact
    assert replayed  # how often each was, is a matter of time
    assert (victim.folder / "results.json").read_bytes() == results_bytes(count_words(TEXT))
    assert (outcome.chunks, outcome.lines, outcome.retries) == (40, 40, 0)
    store = JobStore(victim.connection, job_id)
    receipts = [json.loads(raw) for raw in victim.connection.hvals(store.keys.receipts(Stage.MAP))]
    assert [receipt["attempt"] for receipt in receipts] == [1] * 40
    eventually(lambda: not victim.connection.llen(f"rq:queue:{victim.queue}"))
    victim.assert_unharmed()


def test_an_attempt_starts_once_however_often_it_is_delivered(victim: Victim, job_id: str) -> None:
    # Given a batch that a worker has started
    store, attempt = JobStore(victim.connection, job_id), TaskAttempt("map:0", 1)
    fields: dict[str, str | int] = {
        "state": JobState.MAPPING.value,
        "partitions": 1,
        "epoch": 0,
        "split": "open",
        "cursor": "[0,0,0,1]",
    }
    assert store.create(fields, [])
    epoch = store.take("test", 10.0)
    chunk = Chunk(0, 0, 0, 5, 1, 1)
    assert store.plan(epoch, [chunk], Cursor(1, 0, 5, 2), [Batch("m0-a", (attempt,))], split_done=True)
    assert store.start("m0-a", attempt, "first", 10.0) == "OK"
    # When it is delivered again, to whom ever
    # Then it does not start, not even after it was given up
    assert store.start("m0-a", attempt, "second", 10.0) == "STALE"
    assert store.start("m0-b", attempt, "second", 10.0) == "REVOKED"
    store.revoke("m0-a", "crashed", "for this test")
    assert store.start("m0-a", attempt, "first", 10.0) == "REVOKED"
    assert store.plan(epoch, [], None, [Batch("m0-c", (attempt,))], split_done=True)
    assert store.start("m0-c", attempt, "second", 10.0) == "STALE"
    store.remove(1)


def test_an_honest_batch_that_was_spoilt_is_queued_again(fresh_server: EmbeddedRedis, folder: Path) -> None:
    # Given a job whose batches somebody spoils before a worker comes
    (folder / "text.txt").write_bytes(TEXT)
    env = {"REDIS_URL": fresh_server.url, "WORD_COUNTER_SECRET": SECRET}
    connection = connect(fresh_server.url)
    with started("master", "text.txt", "--job-id", "spoilt", "--chunk-size", "10", folder=folder, env=env) as master:
        keys = eventually(lambda: connection.keys("rq:job:spoilt-m*"))
        for key in keys:
            connection.hset(key, "success_callback_name", "os.abort")
        # When one comes
        with started("worker", folder=folder, env=env):
            ended = master.wait()
    # Then the batches are refused, and their tasks done all the same, at their first attempt
    assert ended.code == 0
    assert (folder / "output" / "results.json").read_bytes() == results_bytes(count_words(TEXT))
    assert connection.xlen(REFUSED) == len(keys)
    receipts = connection.hvals(JobStore(connection, "spoilt").keys.receipts(Stage.MAP))
    assert [json.loads(raw)["attempt"] for raw in receipts] == [1] * 4
    connection.close()


# -- junk -------------------------------------------------------------------------------------------


def test_junk_in_the_queue_is_taken_out(victim: Victim) -> None:
    evil = f"junk-{uuid4().hex[:6]}"
    queue = f"rq:queue:{victim.queue}"
    victim.connection.set(f"rq:job:{evil}-1", "no hash")
    victim.connection.hset(f"rq:job:{evil}-2", "origin", "no data")
    victim.connection.rpush(queue, f"{evil}-1", f"{evil}-2", f"{evil}-none", b"\xff\xfe", b"", b"\x1b[31m" * 200)
    too_long, bomb = b"x" * (LONGEST_BYTES + 1), zlib.compress(b"x" * 10 * LONGEST_BYTES)
    content: list[Any] = [b"", b"{", b"[" * 100_000, b"9" * 5000, b"\xff", too_long, bomb, b"null", b"[1,2,3,4]"]
    pushed = [victim.push(item) for item in content]
    functions: list[Any] = [None, 1, [], {}, "x" * 10_000]
    pushed += [victim.push(envelope("x", "y", function=name)) for name in functions]
    for rq_job in (f"{evil}-1", f"{evil}-2", *pushed):
        victim.assert_refused(rq_job)
    assert f"{evil}-none" not in victim.refusals(), "a batch whose job was purged is no attack"
    assert "\x1b" not in victim.worker.err
    assert all(len(line) < 1000 for line in victim.worker.err.splitlines())


def test_what_was_refused_can_be_looked_at_and_is_forgotten_in_time(victim: Victim) -> None:
    rq_job = victim.push(b"junk")
    victim.assert_refused(rq_job)
    assert 0 < victim.connection.ttl(f"rq:job:{rq_job}") <= 24 * 3600
    assert 0 < victim.connection.ttl(REFUSED) <= 7 * 24 * 3600


def test_the_record_of_refusals_does_not_grow_without_end_and_may_be_spoilt(victim: Victim) -> None:
    for _ in range(3):
        victim.connection.delete(REFUSED)
        victim.connection.set(REFUSED, "spoilt")
        rq_job = victim.push(b"junk")
        eventually(lambda rq_job=rq_job: rq_job in victim.worker.err)  # type: ignore[misc]
    victim.connection.delete(REFUSED)
    victim.assert_unharmed()
    ids = [f"many-{n}" for n in range(2500)]
    for rq_job in ids:
        victim.connection.hset(f"rq:job:{rq_job}", "data", "junk")
    victim.connection.rpush(f"rq:queue:{victim.queue}", *ids)
    eventually(lambda: ids[-1] in victim.refusals())
    assert victim.connection.xlen(REFUSED) < 1500
    victim.assert_unharmed()


# -- what a signed batch may not ask for ------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "module", "joined"])
def test_a_job_that_is_not_on_the_allow_list_is_not_imported(
    victim: Victim, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a job whose import leaves a trace
    name = f"forbidden_{form}"
    file, trace = victim.folder / f"{name}.py", victim.folder / f"{name}.trace"
    file.write_text(
        f"import os\nopen({str(trace)!r}, 'a').write(str(os.getpid()) + ' ')\n"
        "from word_counter import Job, Mapper, Sum\n"
        "class M(Mapper):\n    def map(self, line): yield line, 1\n"
        "class J(Job): mapper, reducer = M, Sum\n"
    )
    reference = {"file": f"{file}:J", "module": f"{name}:J", "joined": f"{file}:M+word_counter.job.reducers:Sum"}[form]
    trace.write_text("")
    # When it comes in a signed batch, from a master that does not load it itself
    monkeypatch.setattr("word_counter.master.master.refer_to", lambda _: reference)
    with pytest.raises(JobFailedError, match="--allow") as caught:
        victim.run()
    monkeypatch.undo()
    # Then no line of it was run, the job fails for good with what to do, and it is recorded
    assert trace.read_text() == ""
    assert name in str(caught.value)
    reasons = eventually(lambda: [reason for reason in victim.refusals().values() if name in reason])
    assert len(reasons) == 1
    victim.assert_unharmed()


@pytest.mark.parametrize("way", ["plain", "dots", "link", "linked folder"])
def test_no_input_is_read_outside_the_roots(victim: Victim, way: str) -> None:
    # Given a file outside of the worker's roots, and a way to it
    outside = victim.folder / "private"
    outside.mkdir(exist_ok=True)
    (outside / "key.txt").write_text("nobody's business\n")
    link, folder = victim.inputs / "link.txt", victim.inputs / "folder"
    link.unlink(missing_ok=True)
    folder.unlink(missing_ok=True)
    link.symlink_to(outside / "key.txt")
    folder.symlink_to(outside)
    path = {
        "plain": outside / "key.txt",
        "dots": victim.inputs / ".." / "private" / "key.txt",
        "link": link,
        "linked folder": folder / "key.txt",
    }[way]
    # When a signed batch names it
    with pytest.raises(JobFailedError, match="--input-root") as caught:
        victim.run(str(path))
    # Then it is not read, which the job and the record tell
    assert "outside its input roots" in str(caught.value)
    assert any(str(outside) in reason or str(path) in reason for reason in victim.refusals().values())
    victim.assert_unharmed()


def test_a_link_that_stays_within_the_roots_is_read(victim: Victim) -> None:
    link = victim.inputs / "inside.txt"
    link.unlink(missing_ok=True)
    link.symlink_to("text.txt")
    assert victim.run(str(link)).lines == 40


def test_a_result_path_that_redis_holds_is_not_believed(victim: Victim, job_id: str) -> None:
    # Given a job that its master left unfinished, and somebody who changes in Redis where its results go
    target = victim.folder / "elsewhere" / "results.json"
    env = {"REDIS_URL": victim.url, "WORD_COUNTER_SECRET": "of no worker"}
    args = ["master", "input/text.txt", "--job-id", job_id, "--output", "out.json"]
    store = JobStore(victim.connection, job_id)
    with started(*args, folder=victim.folder, env=env) as master:
        eventually(store.fields)
        master.process.kill()
        master.process.wait()
    text = store.fields()["spec"]
    altered = text.replace(str(victim.folder / "out.json"), str(target))
    assert altered != text
    victim.connection.hset(store.keys.job, mapping={"spec": altered, "output": str(target), "held_until": 0})
    # When the job is gone on with
    # Then it is refused, and nothing is written
    with pytest.raises(UsageError, match="not signed"):
        Master.resume(job_id, redis=victim.url, secret="of no worker")
    assert not target.parent.exists()
    store.remove(8)


# -- who has which secret ---------------------------------------------------------------------------


def test_a_master_with_another_secret_is_told_and_takes_no_worker_from_others(victim: Victim, job_id: str) -> None:
    env = {"REDIS_URL": victim.url, "WORD_COUNTER_SECRET": "another"}
    args = ["master", "input/text.txt", "--job-id", job_id, "--output", "out.json", "--progress", "log"]
    with started(*args, folder=victim.folder, env=env) as master:
        eventually(lambda: "WORD_COUNTER_SECRET" in master.err)
        assert "has this master's secret" in master.err
        assert "another" not in master.err.replace("another ", "")
        victim.assert_unharmed()
    assert not [rq_job for rq_job in victim.refusals() if rq_job.startswith(job_id)]
    word_counter("purge", job_id, "--force", folder=victim.folder, env=env)


def test_a_run_with_workers_of_its_own_needs_no_secret_and_leaves_others_alone(victim: Victim) -> None:
    job = victim.folder / "own_job.py"
    job.write_text(
        "from word_counter import Job, Mapper, Sum\n"
        "class M(Mapper):\n    def map(self, line): yield 'lines', 1\n"
        "class J(Job): mapper, reducer = M, Sum\n"
    )
    env = {"REDIS_URL": victim.url, "WORD_COUNTER_ALLOW": "", "WORD_COUNTER_INPUT_ROOT": ""}
    args = ["run", "input", "--job", "own_job.py", "--workers", "1", "--output", "own.json", "-q"]
    ended = word_counter(*args, folder=victim.folder, env=env)
    assert (ended.code, ended.err) == (0, "")
    assert json.loads((victim.folder / "own.json").read_text())["lines"] >= 40
    victim.assert_unharmed()


def test_master_and_worker_of_one_user_on_one_machine_need_no_configuration(victim: Victim, folder: Path) -> None:
    (folder / "text.txt").write_bytes(TEXT)
    env = {"REDIS_URL": victim.url, "XDG_STATE_HOME": str(folder / "state")}
    with started("worker", folder=folder, env=env):
        ended = word_counter("master", "text.txt", "-q", folder=folder, env=env)
    assert (ended.code, ended.err) == (0, "")
    assert (folder / "output" / "results.json").read_bytes() == results_bytes(count_words(TEXT))


def test_without_a_place_for_a_secret_a_lone_worker_says_what_to_do(victim: Victim, folder: Path) -> None:
    (folder / "text.txt").write_bytes(TEXT)
    folder.chmod(0o777)
    (folder / "state").write_text("a file, where a folder should be")
    env = {"REDIS_URL": victim.url, "XDG_STATE_HOME": str(folder / "state")}
    for args in (["worker"], ["master", "text.txt"]):
        ended = word_counter(*args, folder=folder, env=env)
        assert ended.code == UsageError.exit_code
        assert "WORD_COUNTER_SECRET" in ended.err
    assert word_counter("run", "text.txt", "-q", "--workers", "1", folder=folder, env=env).code == 0
