"""Odd surroundings: homes, standard streams, temporary and current folders, limits, and what Python is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, Ended, environment, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis

_RESULTS = {"a": 2, "b": 1}


@pytest.fixture
def work(folder: Path) -> Path:
    """A folder that anybody may write into, with an input of three words."""
    (folder / "in.txt").write_text("A b a\n")
    folder.chmod(0o777)
    return folder


def _command(
    *args: str,
    folder: Path,
    before: Callable[[], None] | None = None,
    through: Sequence[str] = (),
    env: dict[str, str] | None = None,
) -> Ended:
    """Run the command; ``before`` is called in its process first, ``through`` are the arguments of what starts it."""
    done = subprocess.run(
        [*through, sys.executable, "-m", "word_counter", *args],
        cwd=folder,
        env=environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        preexec_fn=before,
    )
    return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def _results(folder: Path, name: str = "o.json") -> object:
    return json.loads((folder / name).read_text())


class TestTemporaryFolders:
    def test_a_percent_sign_in_its_path_means_itself(self, work: Path) -> None:
        (work / "a%2Fb").mkdir()

        ended = word_counter(
            "run", "in.txt", "--output", "o.json", "-q", folder=work, env={"TMPDIR": str(work / "a%2Fb")}
        )

        assert (ended.code, ended.err) == (0, "")
        assert _results(work) == _RESULTS
        assert os.listdir(work / "a%2Fb") == []

    def test_where_none_can_be_written_the_error_names_tmpdir(self, work: Path) -> None:
        # As on a read-only root: tempfile finds no folder among those that it tries.
        (work / "sitecustomize.py").write_text(
            "import tempfile\ntempfile._candidate_tempdir_list = lambda: ['/proc']\n"
        )
        args = ["run", "in.txt", "--output", "o.json", "--sort=-value", "--engine", "inline"]

        ended = word_counter(*args, folder=work, env={"PYTHONPATH": _with(work)})

        assert ended.code == 2
        assert "there is no folder for temporary files" in ended.err
        assert "TMPDIR" in ended.err
        assert "Traceback" not in ended.err
        assert "make" not in ended.err  # it is not the output that is to blame


def _with(folder: Path) -> str:
    return os.pathsep.join([str(folder), environment()["PYTHONPATH"]])


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to become nobody known")
class TestAUserWithoutAHome:
    """A user who is in no password database, and has no HOME; who may read all files, and write none but his own."""

    _RIGHTS = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    _BECOME = ("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", *_RIGHTS, "env", "-u", "HOME")
    _NO_STATE = ("-u", "XDG_STATE_HOME", "-u", "XDG_CACHE_HOME")

    @pytest.fixture
    def command(self, work: Path) -> Callable[..., Ended]:
        if subprocess.run([*self._BECOME, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this machine does not let us become another user")
        return partial(_command, folder=work, through=(*self._BECOME, *self._NO_STATE))

    def test_a_private_server_needs_none(self, command: Callable[..., Ended], work: Path) -> None:
        ended = command("run", "in.txt", "--output", "o.json", "-q")

        assert (ended.code, ended.err) == (0, "")
        assert not (work / "~").exists()

    def test_a_run_with_its_own_workers_says_that_no_secret_is_kept(
        self, command: Callable[..., Ended], work: Path, server: EmbeddedRedis
    ) -> None:
        server.socket_path.chmod(0o777)
        server.socket_path.parent.chmod(0o711)

        ended = command("run", "in.txt", "--output", "o.json", "--workers", "1", "--redis", server.url)

        assert ended.code == 0, ended.err
        assert "warning: no secret can be kept (user 12345 has no home folder" in ended.err
        assert not (work / "~").exists()

    @pytest.mark.parametrize("args", [("master", "in.txt"), ("worker", "--burst")])
    def test_a_master_and_a_worker_ask_for_a_secret(
        self, command: Callable[..., Ended], work: Path, server: EmbeddedRedis, args: tuple[str, ...]
    ) -> None:
        ended = command(*args, "--redis", server.url)

        assert ended.code == 2
        assert "set WORD_COUNTER_SECRET" in ended.err
        assert not (work / "~").exists()

    def test_incremental_runs_keep_nothing_and_say_so(self, command: Callable[..., Ended], work: Path) -> None:
        ended = command("run", "in.txt", "--output", "o.json", "--incremental", "--workers", "1")

        assert ended.code == 0, ended.err
        assert "nothing is kept for --incremental" in ended.err
        assert "WORD_COUNTER_CACHE" in ended.err
        assert not (work / "~").exists()


def test_a_tilde_is_the_home_also_where_no_shell_expands_it(work: Path) -> None:
    ended = word_counter(
        "run", "in.txt", "--output=~/sub/o.json", "--engine", "inline", "-q", folder=work, env={"HOME": str(work)}
    )

    assert (ended.code, ended.err) == (0, "")
    assert _results(work / "sub") == _RESULTS
    assert not (work / "~").exists()


def _close(*numbers: int) -> None:
    for number in numbers:
        with suppress(OSError):
            os.close(number)


class TestClosedStreams:
    @pytest.mark.parametrize("engine", ["redis", "inline"])
    @pytest.mark.parametrize("numbers", [(2,), (0, 1, 2)])
    def test_results_are_written_all_the_same(self, work: Path, numbers: tuple[int, ...], engine: str) -> None:
        ended = _command(
            "run", "in.txt", "--output", "o.json", "--engine", engine, folder=work, before=partial(_close, *numbers)
        )

        assert ended.code == 0
        assert _results(work) == _RESULTS

    def test_user_code_may_print_where_standard_output_is_closed(self, work: Path) -> None:
        (work / "loud.py").write_text(
            "import sys\nfrom word_counter import Mapper, Sum\n"
            "class M(Mapper):\n    def map(self, line):\n        sys.stdout.write(line)\n        yield line, 1\n"
            "class S(Sum): pass\n"
        )
        args = ["run", "in.txt", "--job", "loud.py", "--output", "o.json", "--engine", "inline"]

        ended = _command(*args, folder=work, before=partial(_close, 1))

        assert ended.code == 0, ended.err
        assert _results(work) == {"A b a": 1}

    def test_reading_standard_input_is_an_error_of_one_line(self, work: Path) -> None:
        ended = _command("run", "-", "--output", "-", folder=work, before=partial(_close, 0))

        assert ended.code == 2
        assert ended.err.splitlines() == [
            "Error: standard input is closed, and so there is nothing to read from -; name files instead"
        ]

    def test_writing_standard_output_is_an_error_of_one_line(self, work: Path) -> None:
        ended = _command("run", "in.txt", "--output", "-", folder=work, before=partial(_close, 1))

        assert ended.code == 2
        assert ended.err.splitlines() == ["Error: standard output is closed; name a file with --output"]


class TestACurrentFolderThatWasRemoved:
    @pytest.fixture
    def gone(self, work: Path) -> Callable[..., Ended]:
        here = work / "here"
        here.mkdir()
        return partial(_command, folder=here, before=here.rmdir)

    def test_what_needs_none_works(self, gone: Callable[..., Ended], work: Path) -> None:
        ended = gone("run", str(work / "in.txt"), "--output", str(work / "o.json"), "-q")

        assert (ended.code, ended.err) == (0, "")
        assert _results(work) == _RESULTS

    @pytest.mark.parametrize("args", [("--shuffle", "here"), ("--job", "my_job.py")])
    def test_what_is_relative_to_it_is_an_error_that_says_so(
        self, gone: Callable[..., Ended], work: Path, args: tuple[str, ...]
    ) -> None:
        ended = gone("run", str(work / "in.txt"), "--output", str(work / "o.json"), *args)

        assert ended.code == 2
        assert ended.err.splitlines()[-1] == "Error: the current folder was removed: change to one that is there"


def test_too_many_open_files_are_told_of(work: Path, server: EmbeddedRedis) -> None:
    import resource

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    args = ["worker", "--burst", "--processes", "40", "--redis", server.url]

    ended = _command(*args, folder=work, before=limited)

    assert ended.code == 2
    assert "Too many open files: raise the limit (ulimit -n)" in ended.err
    assert "Traceback" not in ended.err


class TestPythonWithoutDocstrings:
    @pytest.mark.parametrize("args", [("--help",), ("run", "--help"), ("doctor", "--help"), ("jobs", "--shipped")])
    def test_help_is_the_same(self, work: Path, args: tuple[str, ...]) -> None:
        usual, without = (word_counter(*args, folder=work, env=env) for env in ({}, {"PYTHONOPTIMIZE": "2"}))

        assert without == usual
        assert usual.out.strip()

    def test_what_a_setting_may_be_is_told(self, work: Path) -> None:
        ended = word_counter("run", "in.txt", "--job-id", "?", folder=work, env={"PYTHONOPTIMIZE": "2"})

        assert ended.err.splitlines() == ["Error: job-id must be letters, digits, '-' and '_', 64 at the most, not '?'"]


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONOPTIMIZE": "2", "PYTHONSAFEPATH": "1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONHASHSEED": "0"},
    ],
)
def test_results_do_not_depend_on_what_python_is_told(work: Path, env: dict[str, str]) -> None:
    (work / "in.txt").write_text("Ünder b ünder\n", encoding="utf-8")

    ended = word_counter("run", "in.txt", "--output", "-", "-q", "--workers", "1", folder=work, env=env)

    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == {"b": 1, "ünder": 2}
