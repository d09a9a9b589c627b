"""The documents: what they point to is there, what they name exists, and their code runs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from docs import from_code
from tests.pages import blocks
from tests.processes import ROOT, environment, word_counter
from word_counter.cli.main import main
from word_counter.job.model import JobState, Stage
from word_counter.job.snapshot import BAD_DATA, CHANGED, CRASHED, EXPIRED, HUNG, RAISED, REFUSED, TOO_MANY
from word_counter.logs.formats import FORMATS, reader
from word_counter.settings.config import Settings
from word_counter.store import keys
from word_counter.store.keys import JobKeys

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What tells how to do things: all but the decisions, which tell of versions that were.
GUIDES = README + "".join(
    page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")) if page.parent.name != "decisions"
)
COMMANDS = {
    name: command
    for name in main.list_commands(click.Context(main))
    if (command := main.get_command(click.Context(main), name))
}
INLINE = ("--engine", "inline", "--output", "-")
#: Code that is no file of its own, as a reader would run it, with its number among the blocks of its page.
CODE = [
    pytest.param(page, number, id=f"{page.relative_to(DOCS)}-{number}")
    for page in sorted(DOCS.rglob("*.md"))
    for number, block in enumerate(blocks(page.read_text(encoding="utf-8")))
    if block.language == "python" and not block.file
]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that a page links to, with the anchors."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path if path else page).resolve(), anchor


@each_page
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}, which is not there"
        assert target.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(target), f"{page.name} links to #{anchor} of {target.name}"


def test_the_tour_comes_by_every_room() -> None:
    seen = {target for target, _ in links(ROOT / "docs" / "tour.md")}

    rooms = {path.parent for path in (ROOT / "word_counter").rglob("*.py")} - {ROOT / "word_counter"}
    rooms -= {ROOT / "word_counter" / "mrjob" / "tasks"}  # a part of a room, which the tour comes by
    assert [room for room in rooms if not any(target.is_relative_to(room) for target in seen)] == []


def test_the_classes_in_the_glossary_are_where_it_says() -> None:
    page = (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)` in \[([\w./]+)\]", page)

    assert len(named) > 40
    for name, room in named:
        files = (ROOT / "word_counter" / room).glob("*.py") if room.endswith("/") else [ROOT / "word_counter" / room]
        assert any(f"\nclass {name}" in file.read_text(encoding="utf-8") for file in files), f"{name} in {room}"


def test_every_key_is_explained() -> None:
    made = JobKeys("J")
    names = {getattr(made, name) for name in vars(made)} - {made.prefix}
    names |= {made.receipts(stage) for stage in Stage}
    names |= {f"{made.prefix}partials:P", f"{made.prefix}results:P", f"{made.prefix}staged:P:A"}
    names |= {keys.JOBS, keys.JOB_EXPIRIES, keys.WORKERS, f"{keys.WORKER_PREFIX}W", keys.REFUSED}
    page = (DOCS / "reference" / "redis_keys.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `(wc:[^`]+)` \|", page, re.MULTILINE)) == names


def test_the_state_diagram_is_that_of_the_schedule() -> None:
    docstring = (ROOT / "word_counter" / "master" / "scheduler.py").read_text(encoding="utf-8").split('"""')[1]
    page = (DOCS / "explanation" / "how_it_works.md").read_text(encoding="utf-8")
    arrows = re.compile(r"planned --(\w)--> queued --(\w)--> running --(\w)--> committed")
    back = re.compile(r"\+------(\w)--- failed --(\w)--> the job fails, or the chunk goes into quarantine")

    for lines in (arrows, back):
        found = lines.search(docstring)
        assert found is not None
        assert found[0] in page


def test_every_command_and_option_in_the_docs_exists() -> None:
    commands = COMMANDS
    options = {name: {o for p in c.params for o in (*p.opts, *p.secondary_opts)} for name, c in commands.items()}
    called = re.findall(r"\bword-counter ([a-z]+)([^\n`|]*)", GUIDES)

    assert {name for name, _ in called} >= set(commands)
    for name, arguments in called:
        assert name in commands, name
        for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", re.split(r"#| -- ", arguments)[0]):
            assert option in options[name] | {"--help"}, f"{name} {option}"
    every = set().union(*options.values()) | {"--help"}
    of_others = {"--build", "--exit-code-from", "--scale", "--rm", "--raw", "--appendonly", "--save", "--deaths"}
    of_others |= {"--deaths", "--setup", "--cleanup"}  # of the storm, and what is refused of mrjob
    for path in (ROOT / "word_counter" / "mrjob").rglob("*.py"):  # those of a job in mrjob's API
        of_others |= set(re.findall(r"--[a-z][\w-]*", path.read_text(encoding="utf-8")))
    for option in re.findall(r"(?<![\w-])--[a-z]\w*(?:-\w+)*(?![\w-])", prose(GUIDES)):
        assert option in every | of_others, option


@each_page
def test_what_a_page_says_of_the_code_is_made_from_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert from_code.filled(text) == text, "`make reference` writes it anew"


def test_the_defaults_that_help_texts_name_are_those_of_the_settings() -> None:
    named = {name: from_code.default_of(option) for name, option in from_code.settings_with_options().items()}
    defaults = {setting.name: setting.default for setting in fields(Settings)}

    numbers = {name: float(text) for name, text in named.items() if text.replace(".", "").isdigit()}
    assert numbers == {name: defaults[name] for name in numbers}
    words = {name: text for name, text in named.items() if isinstance(defaults[name], str) and defaults[name]}
    assert all(words[name] == defaults[name] for name in words.keys() - {"sort", "output_format"})
    assert all(text for text in named.values())


def test_every_event_is_explained() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "word_counter").rglob("*.py"))
    named = set(re.findall(r'"action": "(\w+)"|_tell\("(\w+)"', code)) - {("store_const", "")}  # which is argparse's
    page = (DOCS / "reference" / "json.md").read_text(encoding="utf-8").partition("## Events")[2]
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)

    computed = {state.value for state in JobState if not state.ended} | {
        CRASHED,
        HUNG,
        "committed",
        "superseded",
        "stale",
    }
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {a or b for a, b in named} | computed
    assert all(f"`{kind}`" in page for kind in (RAISED, EXPIRED, BAD_DATA, REFUSED, CHANGED, TOO_MANY))


def test_exit_codes_are_in_the_reference() -> None:
    table = (
        (DOCS / "reference" / "commands.md")
        .read_text(encoding="utf-8")
        .partition("| exit code |")[2]
        .partition("\n\n")[0]
    )

    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == ["0", "1", "2", "3", "4", "130"]


@pytest.mark.parametrize(("page", "number"), CODE)
def test_the_code_in_the_docs_runs(page: Path, number: int, folder: Path) -> None:
    some = blocks(page.read_text(encoding="utf-8"))
    code = some[number].text
    for block in some[:number]:
        if block.file:
            (folder / block.file).write_text(block.content, encoding="utf-8")
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "block.py").write_text(code, encoding="utf-8")

    if "run(" in code:  # a script
        ended = subprocess.run(
            [sys.executable, "block.py"],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
    else:  # a job
        ran = word_counter("run", "examples/logs", "--job", "block.py", *INLINE, folder=folder)
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)


def test_a_record_of_each_format_has_what_its_row_says() -> None:
    page = (DOCS / "howto" / "logs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)

    assert {name for name, *_ in rows} == set(FORMATS)
    for name, line, level, message, named in rows:
        record = reader(name)(line)
        assert repr(reader("auto")(line)) == repr(record)
        assert [record.level] == re.findall("`(.*?)`", level)
        assert [record.message] == re.findall("`(.*?)`", message)
        assert {text for text in re.findall("`(.*?)`", named) if "[" not in text} >= set(record.fields)


def test_the_commands_of_the_shipped_jobs_run(folder: Path) -> None:
    page = (DOCS / "reference" / "shipped_jobs.md").read_text(encoding="utf-8")
    (folder / "examples").symlink_to(ROOT / "examples")

    for command in blocks(page)[0].text.splitlines():
        ended = word_counter(*shlex.split(command)[1:], *INLINE, folder=folder)
        assert ended.code == 0, ended.err
        assert json.loads(ended.out)


def test_the_readme_is_short_and_begins_with_its_two_commands() -> None:
    lines = README.splitlines()

    assert len(lines) <= 200
    assert {"make run", "make test"} <= {line.partition("#")[0].strip() for line in lines[:12]}
