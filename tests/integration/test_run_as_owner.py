"""The entrypoint of docker-compose.yml: whom it becomes, what it gives up, and how it serves as the first process."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, eventually
from word_counter.security.run_as_owner import UNPRIVILEGED, chosen_user

SCRIPT = str(ROOT / "word_counter" / "security" / "run_as_owner.py")
PRINT_STATUS = ["cat", "/proc/self/status"]
OWNER = 4321, 4322

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="containers run Linux")
as_root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user")


def entrypoint(*arguments: str) -> list[str]:
    return [sys.executable, "-IS", SCRIPT, *arguments]


def as_first_process(*arguments: str) -> list[str]:
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare (util-linux)")
    return ["unshare", "--pid", "--fork", "--kill-child", *entrypoint(*arguments)]


def status_of(command: list[str]) -> dict[str, str]:
    """Run a command that prints its /proc/self/status; return that."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = (line.partition(":") for line in done.stdout.splitlines() if line)
    return {name: value.strip() for name, _, value in lines}


def state(user: int, mode: int) -> os.stat_result:
    return os.stat_result((stat.S_IFDIR | mode, 1, 1, 1, user, user + 1, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("user", "mode", "why", "chosen"),
    [
        (1000, 0o755, {"to_read": False, "real_root": True}, (1000, 1001)),
        (1000, 0o700, {"to_read": True, "real_root": True}, (1000, 1001)),
        (0, 0o755, {"to_read": False, "real_root": True}, (0, 1)),  # nobody else could write there
        (0, 0o755, {"to_read": True, "real_root": True}, UNPRIVILEGED),
        (0, 0o750, {"to_read": True, "real_root": True}, (0, 1)),  # nobody else could read there
        (0, 0o755, {"to_read": True, "real_root": False}, (0, 1)),  # of rootless Docker: it is the user who started it
    ],
)
def test_the_user_is_the_owner_of_the_folder_but_root_only_where_it_must(
    user: int, mode: int, why: dict[str, bool], chosen: tuple[int, int]
) -> None:
    assert chosen_user(state(user, mode), **why) == chosen


@as_root
@pytest.mark.parametrize("owner", [OWNER, (0, 0)])
def test_the_command_runs_as_the_owner_without_any_privilege(folder: Path, owner: tuple[int, int]) -> None:
    os.chown(folder, *owner)

    status = status_of(entrypoint(str(folder), *PRINT_STATUS))

    assert status["Uid"].split() == [str(owner[0])] * 4
    assert status["Gid"].split() == [str(owner[1])] * 4
    assert status["Groups"] == ""
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


@as_root
def test_whoever_is_not_root_stays_who_they_are(folder: Path) -> None:
    other = (
        f"import os, sys; sys.path.insert(0, {os.path.dirname(SCRIPT)!r}); import run_as_owner; "
        f"run_as_owner.become(*{OWNER}); run_as_owner.main(sys.argv[1:])"
    )

    status = status_of([sys.executable, "-I", "-c", other, str(folder), *PRINT_STATUS])

    assert status["Uid"].split() == [str(OWNER[0])] * 4
    assert status["Gid"].split() == [str(OWNER[1])] * 4
    assert status["NoNewPrivs"] == "1"


@linux_only
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("/no/such/folder", "true"), "cannot run as the owner of /no/such/folder: "),
        (("/", "no-such-command"), "cannot run no-such-command: "),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(arguments: tuple[str, str], told: str) -> None:
    if arguments[0] != "/" and os.geteuid() != 0:
        pytest.skip("only root looks at the folder")

    done = subprocess.run(entrypoint(*arguments), capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 126
    assert done.stderr.startswith(f"Error: {told}")
    assert len(done.stderr.splitlines()) == 1


@as_root
@pytest.mark.parametrize(("end", "code"), [("raise SystemExit(3)", 3), ("os.kill(os.getpid(), 9)", 128 + 9)])
def test_the_first_process_ends_as_its_command_does(folder: Path, end: str, code: int) -> None:
    command = as_first_process(str(folder), sys.executable, "-c", f"import os; {end}")

    assert subprocess.run(command, timeout=60, check=False).returncode == code


@as_root
def test_the_first_process_hands_signals_on_and_waits_for_the_end(folder: Path) -> None:
    waits = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); "
        f"open('{folder}/ready', 'w').close(); signal.pause(); signal.pause()"
    )
    with subprocess.Popen(as_first_process(str(folder), sys.executable, "-c", waits)) as running:
        eventually((folder / "ready").exists)
        (first,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()

        os.kill(int(first), signal.SIGTERM)

        assert running.wait(60) == 7


@as_root
def test_the_first_process_reaps_what_others_leave(folder: Path) -> None:
    orphan = "import os, time\nwhile os.getppid() != 1: time.sleep(0.01)\n"
    leaves = f"""
import os, subprocess, sys
if os.fork() == 0:
    subprocess.Popen([sys.executable, "-c", {orphan!r}])
    os._exit(0)
os.wait()
open("{folder}/ready", "w").close()
sys.stdin.read()
"""
    command = as_first_process(str(folder), sys.executable, "-c", leaves)
    with subprocess.Popen(command, stdin=subprocess.PIPE) as running:
        eventually((folder / "ready").exists)
        (first,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        children = Path(f"/proc/{first}/task/{first}/children")

        assert eventually(lambda: len(children.read_text().split()) == 1)
        assert running.stdin is not None
        running.stdin.close()
        assert running.wait(60) == 0
