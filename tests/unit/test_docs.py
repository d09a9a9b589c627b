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
from functools import partial
from pathlib import Path

import click
import pytest

from tests.processes import ROOT, environment, word_counter
from word_counter.cli.main import main
from word_counter.job.model import JobState, Stage
from word_counter.job.snapshot import BAD_DATA, CHANGED, CRASHED, EXPIRED, HUNG, RAISED, REFUSED, TOO_MANY
from word_counter.jobs import shipped
from word_counter.settings.config import Settings, choice
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
SETTINGS = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
#: What tells how to do things: all but the decisions, which tell of versions that were.
GUIDES = README + "".join(
    page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")) if page.parent.name != "decisions"
)
COMMANDS = {
    name: command
    for name in main.list_commands(click.Context(main))
    if (command := main.get_command(click.Context(main), name))
}
LOGS = (DOCS / "howto" / "logs.md").read_text(encoding="utf-8")
INLINE = ("--engine", "inline", "--output", "-")

#: The pages that show code, with the number of a block in each.
CODE = [
    pytest.param(page, number, id=f"{page.relative_to(DOCS)}-{number}")
    for page in sorted(DOCS.rglob("*.md"))
    for number in range(page.read_text(encoding="utf-8").count("\n```python\n"))
]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


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
    assert [room for room in rooms if not any(target.is_relative_to(room) for target in seen)] == []


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
    of_others = {"--build", "--exit-code-from", "--scale", "--rm", "--raw", "--appendonly", "--save"}
    for option in re.findall(r"(?<![\w-])--[a-z]\w*(?:-\w+)*(?![\w-])", prose(GUIDES)):
        assert option in every | of_others, option


def test_every_setting_is_in_the_reference_with_its_default() -> None:
    table = SETTINGS.replace("\\|", "/")
    rows = dict(re.findall(r"^\| `--([\w-]+)[^|]*` \| ([^|]*) \|", table, re.MULTILINE))
    in_words = {"redis": "a private server", "workers": "one a core", "job-id": "made up", "timeout": "0: none"}
    in_words |= {"top": "0: all", "chunk-size": "as suits the input"}
    in_words |= {"resume": "no", "standby": "no", "incremental": "no", "verbose": "no"}
    in_words |= {
        "allow": "the shipped jobs",
        "input-root": "anything",
        "include": "all files",
        "input-format": "the job's",
        "exclude": "no file",
        "shuffle-root": "nowhere",
    }

    for setting in fields(Settings):
        option = setting.name.replace("_", "-")
        if option not in rows:  # it has no option
            assert f"WORD_COUNTER_{setting.name.upper()}" in table
            assert option not in {o.lstrip("-") for c in COMMANDS.values() for p in c.params for o in p.opts}
        else:
            shown = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
            assert rows[option] == in_words.get(option, shown)


def test_every_other_option_has_its_variable_or_is_named_as_one_that_has_none() -> None:
    said = SETTINGS.partition("one call alone:")[2].partition("A name")[0]
    settings = {setting.name for setting in fields(Settings)}
    without = set()
    for option in (option for command in COMMANDS.values() for option in command.params):
        if not isinstance(option, click.Option) or option.hidden or option.name in settings:
            continue
        if not (isinstance(option.default, partial) and option.default.func is choice):
            without.add(max(option.opts, key=len))

    assert set(re.findall(r"--[a-z]+", said)) == without


def test_every_event_is_explained() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "word_counter").rglob("*.py"))
    named = set(re.findall(r'"action": "(\w+)"|_tell\("(\w+)"', code))
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


def test_the_jobs_in_the_readme_give_the_results_that_follow_them(folder: Path) -> None:
    (job,) = blocks(README, "python")
    shown, of_two_steps = blocks(README, "json")
    (folder / "my_job.py").write_text(job, encoding="utf-8")
    (folder / "examples").symlink_to(ROOT / "examples")
    steps = re.findall(r"^word-counter (.*slow_paths.*)$", README, re.MULTILINE)[0].split()

    ended = word_counter("run", "examples/logs", "--job", "my_job.py", *INLINE, folder=folder)
    by_steps = word_counter(*steps, folder=folder)

    assert ended.code == by_steps.code == 0, ended.err + by_steps.err
    assert (ended.out, by_steps.out) == (shown, of_two_steps)


@pytest.mark.parametrize(("page", "number"), CODE)
def test_the_code_in_the_docs_runs(page: Path, number: int, folder: Path) -> None:
    code = blocks(page.read_text(encoding="utf-8"), "python")[number]
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "block.py").write_text(code, encoding="utf-8")

    if "__main__" in code:  # a script
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


@pytest.mark.parametrize("number", range(len(re.findall(r"```sh\n[^`]*--output -\n```", LOGS))))
def test_the_commands_over_examples_in_the_page_of_logs_give_what_follows_them(number: int, folder: Path) -> None:
    command, _, after = LOGS.split("```sh\n")[number + 1].partition("```\n")
    (folder / "examples").symlink_to(ROOT / "examples")

    ended = word_counter(*shlex.split(command.replace("\\\n", ""))[1:], folder=folder)

    assert ended.code == 0, ended.err
    if after.startswith("\n```json\n"):
        assert ended.out == blocks(after, "json")[0]


def test_the_shipped_jobs_in_the_reference_are_those_there_are_and_its_commands_run(folder: Path) -> None:
    section = (DOCS / "reference" / "shipped_jobs.md").read_text(encoding="utf-8")
    (folder / "examples").symlink_to(ROOT / "examples")

    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", section, re.MULTILINE)))
    assert sorted(named) == shipped()
    for command in blocks(section, "sh")[0].splitlines():
        ended = word_counter(*shlex.split(command)[1:], *INLINE, folder=folder)
        assert ended.code == 0, ended.err
        assert json.loads(ended.out)
