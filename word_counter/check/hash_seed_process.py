"""Hash seed process: runs trials in fresh Python processes, each with another hash seed (PYTHONHASHSEED).

Python salts the hashes of texts anew in each process. So results that depend on ``hash(key)`` or the order of a set
differ from worker to worker, but are the same in all trials of a single process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self

from word_counter.check.trial_run import Record, Seen, Shape, TrialRun, run_trial
from word_counter.errors import JobLoadError, UsageError
from word_counter.inputs.input_format import reading_of_json, reading_to_json
from word_counter.job.model import Stage
from word_counter.loading.job_reference import make_job
from word_counter.settings import config

#: How often such a process looks whether its parent still runs, in seconds.
_LOOK_SECONDS = 0.5


class HashSeedProcess:
    """A process that runs trials of one job under one hash seed, until it is closed."""

    def __init__(self, seed: int, code: str, params: Mapping[str, Any], files: Sequence[str]) -> None:
        """Start it with a job: its reference, the values of all its params, the paths of its side files."""
        self.seed = seed
        self._process = subprocess.Popen(
            [sys.executable, "-m", "word_counter.check.hash_seed_process"],
            env={**config.environment(), "PYTHONHASHSEED": str(seed)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._send({"code": code, "params": dict(params), "files": files, "parent": os.getpid()})

    def wait(self) -> None:
        """Wait until it has imported the job; JobLoadError when it cannot."""
        error = self._receive()
        if error:
            raise JobLoadError(error)

    def begin(self, sample: Sequence[Record]) -> None:
        """Have it run a trial over a sample, in one piece, with the pairs of its map tasks; see :meth:`answer`."""
        self._send([[r.source, r.offset, r.line, r.raw.decode("latin-1"), reading_to_json(r.reading)] for r in sample])

    def answer(self) -> TrialRun:
        """Return the trial of the sample that :meth:`begin` sent."""
        content = self._receive()
        if isinstance(content, str):
            return TrialRun(error=content)
        return _trial(content)

    def _send(self, content: Any) -> None:
        assert self._process.stdin is not None  # noqa: S101 (for type checkers)
        with contextlib.suppress(BrokenPipeError):  # it has ended: reading its answer reports that
            self._process.stdin.write(json.dumps(content) + "\n")
            self._process.stdin.flush()

    def _receive(self) -> Any:
        assert self._process.stdout is not None  # noqa: S101 (as above)
        line = self._process.stdout.readline()
        return json.loads(line) if line else f"a process ended with exit code {self._process.wait()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _trial(content: Mapping[str, Any]) -> TrialRun:
    seen = tuple(
        Seen(Stage(seen["stage"]), seen["phase"], tuple((p, key, value) for p, key, value in seen["pairs"]))
        for seen in content["seen"]
    )
    return TrialRun(seen, content["error"], content["encoding"])


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, even in the middle of a trial that would never end."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def main() -> None:
    """Run such a process. The first line of its input, JSON, names the job; each further line is a sample."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # so that what user code prints does not get among the answers
        asked = json.loads(sys.stdin.readline() or "null")
        if asked is None:
            return
        threading.Thread(target=_end_with, args=(asked["parent"],), daemon=True).start()
        try:
            job = make_job(asked["code"], asked["params"])
            job.files = asked["files"]
            phases, error = job.phases(asked["params"], job.side_files()), ""
        except UsageError as failed:
            phases, error = [], str(failed)
        answers.write(json.dumps(error) + "\n")
        answers.flush()
        for line in sys.stdin:
            sample = [
                Record(source, offset, number, raw.encode("latin-1"), reading_of_json(reading))
                for source, offset, number, raw, reading in json.loads(line)
            ]
            answers.write(json.dumps(asdict(run_trial(phases, sample, Shape(), pairs=True))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
