"""`make wheel`: what it builds installs into a new environment, and counts natively there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests import native
from tests.oracle import count_words
from tests.processes import ROOT
from word_counter import __version__

_NO_SOURCES = shutil.ignore_patterns(
    ".venv", ".git", ".*_cache", "__pycache__", "*.so", "*.egg-info", "build", "dist", "tests"
)


@pytest.fixture
def outside() -> dict[str, str]:
    """An environment in which nothing of this tree can be imported."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not native.compiler(), reason="a C compiler and Python's headers are needed")
def test_the_wheel_runs_a_job_natively_in_a_new_environment(folder: Path, outside: dict[str, str]) -> None:
    # Given the wheel, built from a copy of the sources
    shutil.copytree(ROOT, folder / "src", ignore=_NO_SOURCES)
    made = ["make", "-C", "src", "wheel", "--old-file=.venv/.test", f"PY={sys.executable}", f"DIST={folder / 'dist'}"]
    _run(made, folder, outside)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    assert sdist.name == f"word_counter_mapreduce-{__version__}.tar.gz"
    assert wheel.name.startswith(f"word_counter_mapreduce-{__version__}-cp311-abi3-")
    assert sys.platform != "linux" or re.search("-(many|musl)linux", wheel.name)

    # When it is installed into a new environment, which takes its libraries from this one as there may be no network
    _run([sys.executable, "-m", "venv", "--without-pip", "env"], folder, outside)
    python = folder / "env" / "bin" / "python"
    purelib = _run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder, outside
    ).strip()
    libraries = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    Path(purelib, "libraries.pth").write_text("\n".join(libraries) + "\n")
    installed = ["--python", str(python), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    _run([sys.executable, "-m", "pip", *installed], folder, outside)

    # Then the command there counts, by the kernel in the wheel
    text = "one two two\nthree don't\n" * 100
    (folder / "in.txt").write_text(text)
    command = str(folder / "env" / "bin" / "word-counter")
    _run(
        [command, "run", "in.txt", "--output", "out.json", "--workers", "1"],
        folder,
        outside | {"WORD_COUNTER_KERNEL": "native"},
    )
    assert json.loads((folder / "out.json").read_text()) == count_words(text.encode())
    assert _run([command, "--version"], folder, outside).split()[-1] == __version__
    where = _run([str(python), "-c", "import word_counter.native._kernel as k; print(k.__file__)"], folder, outside)
    assert Path(where.strip()).is_relative_to(folder / "env")
