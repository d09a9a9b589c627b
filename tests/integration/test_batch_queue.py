"""Batch queue: batches are RQ jobs that people can look at, and that only our workers can run."""

from __future__ import annotations

import json

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from word_counter.job.model import Chunk, Source, Stage
from word_counter.job.snapshot import TaskAttempt
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.queue.admission import admit, queue_id
from word_counter.queue.batch_queue import QUEUE, BatchQueue, discard, queue_name
from word_counter.queue.payload import Payload
from word_counter.queue.rq_bookkeeping import RqBookkeeping
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import JobKeys


@pytest.fixture
def own(fresh_server: EmbeddedRedis) -> Redis:
    return connect(fresh_server.url)


def _payload(number: int, job: str = "job-1") -> Payload:
    return Payload(
        job=job,
        batch=f"m{number}-ab12",
        stage=Stage.MAP,
        code="word_counter.jobs.word_count:WordCount",
        partitions=2,
        lease_seconds=10.0,
        task_timeout=60.0,
        max_bad_records=0,
        tasks=(TaskAttempt(f"map:{number}", 1),),
        chunks=(Chunk(number, 0, 0, 5, 1, 1),),
        sources={0: Source("/in/\u00fc.txt", 5, 1)},
    )


def test_batches_come_out_in_the_order_they_went_in_whole_and_signed(own: Redis) -> None:
    payloads = [_payload(number) for number in range(5)]

    BatchQueue(own, "secret").enqueue(payloads)

    queue = Queue(queue_name("secret"), connection=own, serializer=JSONSerializer)
    assert queue.job_ids == [queue_id("job-1", payload.batch) for payload in payloads]
    found = [admit(id_, own.hget(f"rq:job:{id_}", "data"), "secret") for id_ in queue.job_ids]
    assert found == payloads
    own.close()


def test_a_worker_takes_what_is_behind_the_batches_of_jobs_that_it_leaves_to_others(own: Redis) -> None:
    for job in ("job-1", "job-2", "job-2-3", "ended"):
        own.hset(JobKeys(job).job, "state", "mapping" if job != "ended" else "failed")
    payloads = [_payload(1), _payload(2), _payload(3, "job-2"), _payload(4), _payload(5, "job-2-3")]
    BatchQueue(own, "secret").enqueue(payloads)
    ids = [queue_id(payload.job, payload.batch) for payload in payloads]
    queue = Queue(queue_name("secret"), connection=own, serializer=JSONSerializer)
    bookkeeping = RqBookkeeping(own, queue.name)
    left = {"job-1", "ended", "gone"}

    assert bookkeeping.take_past(left).decode() == ids[2]
    assert left == {"job-1"}
    assert queue.job_ids == [ids[0], ids[1], ids[3], ids[4]]
    assert bookkeeping.take_past(left).decode() == ids[4]
    assert bookkeeping.take_past(left) == b""
    assert queue.job_ids == [ids[0], ids[1], ids[3]]
    assert own.lrange(queue.intermediate_queue_key, 0, -1) == [ids[2].encode(), ids[4].encode()]


def test_what_is_queued_can_be_read_by_a_person(own: Redis) -> None:
    BatchQueue(own, "secret").enqueue([_payload(3)])

    queue = Queue(queue_name("secret"), connection=own, serializer=JSONSerializer)
    (job,) = queue.jobs
    assert queue.name.startswith(QUEUE)
    assert job.description == "job-1: map:3"
    assert json.loads(job.args[0])["tasks"] == [["map:3", 1]]
    own.close()


def test_it_tells_which_batches_it_still_holds(own: Redis) -> None:
    queue = BatchQueue(own, "secret")
    queue.enqueue([_payload(1), _payload(2), _payload(1, "job-2")])
    own.lpop(f"rq:queue:{queue.name}")

    assert queue.held("job-1", ["m1-ab12", "m2-ab12", "m3-ab12"]) == {"m2-ab12"}
    own.close()


def test_those_with_another_secret_have_another_queue(own: Redis) -> None:
    mine, theirs = BatchQueue(own, "mine"), BatchQueue(own, "theirs")

    mine.enqueue([_payload(1)])

    assert mine.name != theirs.name
    assert theirs.held("job-1", ["m1-ab12"]) == set()
    assert "mine" not in mine.name
    own.close()


def test_discarding_a_job_takes_its_batches_and_no_others(own: Redis) -> None:
    queue = BatchQueue(own, "secret")
    queue.enqueue([_payload(1), _payload(2), _payload(1, "job-1-2"), _payload(1, "job-2")])

    assert discard(own, "job-1") == 2

    assert queue.held("job-1", ["m1-ab12", "m2-ab12"]) == set()
    assert queue.held("job-1-2", ["m1-ab12"]) == queue.held("job-2", ["m1-ab12"]) == {"m1-ab12"}
    assert not own.exists("rq:job:job-1-m1-ab12")
    assert own.exists("rq:job:job-1-2-m1-ab12")
    own.close()


def test_the_description_says_which_tasks_a_batch_has(own: Redis) -> None:
    payload = _payload(3)
    more = Payload.from_json(payload.to_json())
    chunks = tuple(Chunk(number, 0, 0, 5, 1, 1) for number in (3, 4, 5))
    tasks = tuple(TaskAttempt(f"map:{chunk.id}", 1) for chunk in chunks)
    content = json.loads(more.to_json()) | {"tasks": tasks, "chunks": chunks}

    BatchQueue(own, "secret").enqueue([Payload.from_json(json.dumps(content))])

    (job,) = Queue(queue_name("secret"), connection=own, serializer=JSONSerializer).jobs
    assert job.description == "job-1: map:3 to map:5"
    own.close()
