"""Worker registry: which workers are alive, by their heartbeats."""

from __future__ import annotations

from uuid import uuid4

import pytest

from word_counter.store.connection import Redis
from word_counter.store.keys import WORKER_PREFIX, WORKERS
from word_counter.store.worker_registry import GONE_AFTER_SECONDS, WorkerRegistry


@pytest.fixture
def name() -> str:
    return f"host-{uuid4().hex[:8]}"


def test_a_worker_that_signs_is_there_until_it_leaves(connection: Redis, name: str) -> None:
    worker_registry = WorkerRegistry(connection)
    before = worker_registry.processes()

    worker_registry.heartbeat(name, {"host": "h", "processes": 3})

    assert name in worker_registry.names()
    assert worker_registry.facts(name) == {"host": "h", "processes": "3"}
    assert worker_registry.processes() == before + 3
    worker_registry.leave(name)
    assert name not in worker_registry.names()
    assert worker_registry.facts(name) == {}


def test_a_worker_that_falls_silent_is_gone_after_a_while(connection: Redis, name: str) -> None:
    worker_registry = WorkerRegistry(connection)
    worker_registry.heartbeat(name, {"processes": 1})
    long_ago = connection.zscore(WORKERS, name) - GONE_AFTER_SECONDS * 1000 - 1

    connection.zadd(WORKERS, {name: long_ago})

    assert name not in worker_registry.names()
    assert 0 < connection.ttl(WORKER_PREFIX + name) <= GONE_AFTER_SECONDS


def test_a_worker_is_gone_no_later_than_it_said(connection: Redis, name: str) -> None:
    worker_registry = WorkerRegistry(connection)

    worker_registry.heartbeat(name, {"processes": 1}, 2.5)

    assert 0 < connection.pttl(WORKER_PREFIX + name) <= 2_000
    worker_registry.leave(name)


def test_workers_without_a_heartbeat_for_long_are_removed_by_the_next_heartbeat(connection: Redis, name: str) -> None:
    connection.zadd(WORKERS, {f"{name}-silent": 1})

    WorkerRegistry(connection).heartbeat(name, {"processes": 1})

    assert connection.zscore(WORKERS, f"{name}-silent") is None
    WorkerRegistry(connection).leave(name)
