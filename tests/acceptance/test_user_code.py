"""User code as people write it: scripts without a guard, and files named like modules that other code imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, environment, started, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis

ENGINES = pytest.mark.parametrize("engine", ["inline", "redis"])

_JOB = """
from word_counter import Job, Mapper, Master, Sum, Worker, run

class Lines(Mapper):
    def map(self, line):
        yield line, 1

class LineCount(Job):
    mapper, reducer = Lines, Sum
"""


@pytest.fixture
def text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text("a\nb\na\n")
    return path


def _python(*args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.usefixtures("text")
class TestAScriptWithoutGuard:
    SAID = 'put that part of it under  if __name__ == "__main__":'

    @pytest.mark.parametrize(
        "start",
        [
            "run('text.txt', LineCount, workers=1, output='out.json')",
            "Master('text.txt', LineCount, workers=1, output='out.json').run()",
            "try:\n    run('text.txt', LineCount, workers=1, output='out.json')\nfinally:\n    print('after it')",
        ],
    )
    def test_fails_at_once_and_is_told_what_to_do(self, folder: Path, start: str) -> None:
        (folder / "script.py").write_text(_JOB + start + "\n")

        ended = _python("script.py", folder=folder)

        assert ended.returncode == 1
        last = ended.stderr[ended.stderr.rindex("JobFailedError") :]
        assert f"{folder / 'script.py'} starts a run or a worker as soon as it is imported" in last
        assert self.SAID in last
        assert "attempts" not in last
        assert not (folder / "out.json").exists()

    @pytest.mark.parametrize(
        "start",
        [
            "run('text.txt', LineCount, workers=1)",
            "run('text.txt', LineCount, engine='inline')",
            "Worker('redis://localhost:1').run()",
        ],
    )
    def test_is_no_job_file(self, folder: Path, start: str) -> None:
        (folder / "script.py").write_text(_JOB + start + "\n")

        ended = word_counter("run", "text.txt", "--job", "script.py", folder=folder)

        assert ended.code == 2
        assert ended.err.startswith("Error: script.py starts a run")
        assert self.SAID in ended.err
        assert not (folder / "output").exists()

    def test_is_refused_by_a_standing_worker(self, folder: Path, fresh_server: EmbeddedRedis) -> None:
        start = f"run({str(folder / 'text.txt')!r}, LineCount, redis={fresh_server.url!r}, workers=0)"
        (folder / "script.py").write_text(_JOB + start + "\n")
        (folder / "away").mkdir()
        env = {"REDIS_URL": fresh_server.url, "WORD_COUNTER_ALLOW": str(folder)}

        with started("worker", folder=folder / "away", env=env):
            ended = _python("script.py", folder=folder)

        assert ended.returncode == 1
        assert self.SAID in ended.stderr

    def test_that_runs_a_job_of_another_module_needs_none(self, folder: Path) -> None:
        (folder / "my_job.py").write_text(_JOB)
        (folder / "script.py").write_text(
            "from word_counter import run\nfrom my_job import LineCount\n"
            "print(run('text.txt', LineCount, workers=1, output='out.json').results)\n"
        )

        ended = _python("script.py", folder=folder)

        assert ended.stdout == "{'a': 2, 'b': 1}\n", ended.stderr


@pytest.mark.usefixtures("text")
class TestFilesNamedLikeModules:
    @pytest.fixture(autouse=True)
    def shadows(self, folder: Path) -> None:
        for name in ("redis", "rq", "json", "csv", "click", "random", "queue", "calendar", "hashlib", "mmh3"):
            (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} is shadowed')\n")

    @pytest.fixture
    def job(self, folder: Path) -> Path:
        path = folder / "my_job.py"
        path.write_text(
            _JOB.replace("yield line, 1", "datetime.strptime('1', '%d'); yield line, beside.ONE")
            + "import beside\nfrom datetime import datetime\n"
        )
        (folder / "beside.py").write_text("ONE = 1\n")
        return path

    @ENGINES
    @pytest.mark.parametrize("reference", ["my_job.py", "my_job:LineCount"])
    @pytest.mark.usefixtures("job")
    def test_do_not_take_the_place_of_what_the_command_needs(self, folder: Path, reference: str, engine: str) -> None:
        args = ["run", "text.txt", "--job", reference, "--engine", engine, "--workers", "1", "--output", "-", "-q"]

        ended = word_counter(*args, folder=folder)

        assert ended.code == 0, ended.err
        assert json.loads(ended.out) == {"a": 2, "b": 1}

    @pytest.mark.usefixtures("job")
    def test_do_not_replace_modules_that_the_workers_of_a_script_need(self, folder: Path) -> None:
        (folder / "script.py").write_text(
            "import sys\n"
            "own = sys.path.pop(0)\n"
            "from word_counter import run\n"
            "import word_counter.engines.run_job\n"
            "sys.path.insert(0, own)\n"
            "from my_job import LineCount\n"
            "if __name__ == '__main__':\n"
            "    print(run('text.txt', LineCount, workers=1, output='out.json').results)\n"
        )

        ended = _python("script.py", folder=folder)

        assert ended.stdout == "{'a': 2, 'b': 1}\n", ended.stderr

    def test_do_not_keep_a_worker_from_starting(self, folder: Path, fresh_server: EmbeddedRedis) -> None:
        ended = word_counter("worker", "--burst", folder=folder, env={"REDIS_URL": fresh_server.url})

        assert ended.code == 0, ended.err


def test_a_script_may_import_its_job_from_its_own_folder_wherever_it_is_started(folder: Path, text: Path) -> None:
    (folder / "far").mkdir()
    (folder / "far" / "shop_jobs.py").write_text(_JOB)
    (folder / "far" / "script.py").write_text(
        "from word_counter import run\nfrom shop_jobs import LineCount\n"
        f"if __name__ == '__main__':\n    print(run({str(text)!r}, LineCount, workers=1, output='out.json').results)\n"
    )

    ended = _python("far/script.py", folder=folder)

    assert ended.stdout == "{'a': 2, 'b': 1}\n", ended.stderr


def test_what_stands_beside_a_script_comes_before_what_stands_in_the_current_folder(folder: Path, text: Path) -> None:
    (folder / "far").mkdir()
    for place, name in (("", "near"), ("far/", "far")):
        (folder / f"{place}naming.py").write_text(f"NAME = {name!r}\n")
    (folder / "far" / "shop_jobs.py").write_text(
        "from naming import NAME\nfrom word_counter import Job, Mapper, Sum\n\n\n"
        "class Named(Mapper):\n    def map(self, line):\n        yield NAME, 1\n\n\n"
        "class Naming(Job):\n    mapper, reducer = Named, Sum\n"
    )
    (folder / "far" / "script.py").write_text(
        "from word_counter import run\nfrom shop_jobs import Naming\n"
        f"if __name__ == '__main__':\n    print(run({str(text)!r}, Naming, workers=1, output='out.json').results)\n"
    )

    ended = _python("far/script.py", folder=folder)

    assert ended.stdout == "{'far': 3}\n", ended.stderr


def test_a_worker_does_not_mistake_what_stands_beside_one_job_for_what_stands_beside_another(
    folder: Path, fresh_server: EmbeddedRedis
) -> None:
    (folder / "text.txt").write_text("a b\n")
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "naming.py").write_text(f"NAME = '{name}'\n")
        (folder / name / "job.py").write_text(
            "from naming import NAME\n"
            "from word_counter import Job, Mapper, Sum\n\n\n"
            "class Named(Mapper):\n"
            "    def map(self, line):\n"
            "        yield NAME, 1\n\n\n"
            "class Naming(Job):\n"
            "    mapper, reducer = Named, Sum\n"
        )
    env = {"WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_ALLOW": str(folder)}

    found = []
    with started("worker", "--processes", "1", folder=folder, env=env):
        for name in ("one", "two", "one"):
            args = ("master", "text.txt", "--job", f"{name}/job.py", "--output", "o.json", "--progress", "none")
            ended = word_counter(*args, folder=folder, env=env)
            assert ended.code == 0, ended.err
            found.append(json.loads((folder / "o.json").read_text()))

    assert found == [{"one": 1}, {"two": 1}, {"one": 1}]
