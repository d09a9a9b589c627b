"""The pages of docs/ and the README, done as they say: files are written, commands run, and print what is shown."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import alike, told
from tests.processes import PATIENCE_SECONDS, ROOT, environment

PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if told(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_following_a_page_gives_the_output_that_it_shows(page: Path, folder: Path) -> None:
    there = folder / "my-logs"
    there.mkdir()
    for given in ("examples", "input"):
        shutil.copytree(ROOT / given, there / given)
    path = f"{Path(sys.executable).parent}:{environment()['PATH']}"

    for block in told(page):
        if block.file:
            (there / block.file).parent.mkdir(exist_ok=True)
            (there / block.file).write_text(block.content, encoding="utf-8")
            continue
        for command, shown in block.commands():
            ended = subprocess.run(
                ["bash", "-c", command],
                cwd=there,
                env=environment(PATH=path, COLUMNS="100"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            assert any(alike(shown, text) for text in (ended.stdout, ended.stderr)), (
                f"{command}\n{ended.stdout}{ended.stderr}"
            )
            assert shown or ended.returncode == 0, command
