"""The engines under contract, each as a function that runs a job; redis has real workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.processes import started
from word_counter import Job, Outcome, run
from word_counter.jobs.word_count import WordCount
from word_counter.local_cluster.embedded_redis import EmbeddedRedis


class Crowd:
    """Private servers, each with so many worker processes; started when they are first wanted."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._urls: dict[int, str] = {}

    def url(self, workers: int) -> str:
        """Return the URL of a server with so many worker processes."""
        if workers not in self._urls:
            server = self._stack.enter_context(EmbeddedRedis())
            self._stack.enter_context(
                started(
                    *("worker", "--processes", str(workers), "--redis", server.url, "--allow", "tests"),
                    folder=self._folder,
                )
            )
            self._urls[workers] = server.url
        return self._urls[workers]


class EngineUnderTest:
    """Runs jobs on one engine. The results go to a file of its own, of which ``results`` gives the bytes."""

    def __init__(self, name: str, crowd: Crowd, folder: Path) -> None:
        self.name = name
        self._crowd = crowd
        self.output = folder / "results.json"

    def run(self, inputs: Any, job: type[Job] | Job = WordCount, *, workers: int = 2, **settings: Any) -> Outcome:
        if self.name == "redis":
            settings |= {"redis": self._crowd.url(workers), "workers": 0}
        return run(inputs, job, engine=self.name, output=str(self.output), **settings)

    def results(self, inputs: Any, job: type[Job] | Job = WordCount, **settings: Any) -> bytes:
        """Run a job and return the bytes of its results file."""
        self.output.unlink(missing_ok=True)
        self.run(inputs, job, **settings)
        return self.output.read_bytes()

    def failure(self, inputs: Any, job: type[Job] | Job, **settings: Any) -> tuple[BaseException, str]:
        """Run a job that must fail; return the error and all that it tells, and see to it that nothing was written."""
        self.output.unlink(missing_ok=True)
        with pytest.raises(BaseException) as caught:  # noqa: PT011 (whatever user code raises, and how, is the point)
            self.run(inputs, job, **{"max_attempts": 1, **settings})
        assert not self.output.exists()
        error = caught.value
        return error, "\n".join([str(error), *getattr(error, "__notes__", [])])


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with ExitStack() as stack:
        yield Crowd(stack, tmp_path_factory.mktemp("workers"))


@pytest.fixture(scope="module", params=["inline", "redis"])
def engine(request: pytest.FixtureRequest, crowd: Crowd, tmp_path_factory: pytest.TempPathFactory) -> EngineUnderTest:
    return EngineUnderTest(request.param, crowd, tmp_path_factory.mktemp(request.param))
