"""Fixtures of all tests: a clean environment, private servers, and unique job names."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect
from word_counter.store.job_store import JobStore

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Before anything reads it: a Redis or a setting of the person who runs the tests is none of the tests' business.
for _name in list(os.environ):
    if _name.startswith(("REDIS_", "WORD_COUNTER_")) or _name == "CHUNK_SIZE":
        del os.environ[_name]
# Whoever runs the tests in the background may ignore Ctrl-C, which the processes that they start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
# And no test leaves a secret in that person's home.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="wct-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """A private server without workers, shared by the tests of a process: name jobs with ``job_id``."""
    with EmbeddedRedis() as running:
        yield running


@pytest.fixture
def fresh_server() -> Iterator[EmbeddedRedis]:
    """A private server for one test alone."""
    with EmbeddedRedis() as running:
        yield running


@pytest.fixture
def redis(fresh_server: EmbeddedRedis) -> Iterator[Redis]:
    """A connection to the server for one test alone."""
    made = connect(fresh_server.url)
    yield made
    made.close()


@pytest.fixture
def connection(server: EmbeddedRedis) -> Iterator[Redis]:
    """A connection to the shared server."""
    made = connect(server.url)
    yield made
    made.close()


@pytest.fixture
def job_id() -> str:
    """A job's name that nobody else has."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def store(connection: Redis, job_id: str) -> JobStore:
    """The store of a job of its own, not made yet."""
    return JobStore(connection, job_id)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path, which other users may enter too."""
    made = Path(tempfile.mkdtemp(prefix="wct-")).resolve()
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
