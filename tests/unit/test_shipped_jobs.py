"""The shipped jobs are models: short, one a file, made of what every user has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.shipped_jobs import CASES, Case, make
from word_counter import Job, jobs
from word_counter.check.checker import check
from word_counter.check.sample import read_sample
from word_counter.inputs.sources import find_sources
from word_counter.jobs import shipped
from word_counter.loading.job_reference import load_job, make_job

FOLDER = Path(jobs.__file__).parent

each_job = pytest.mark.parametrize("name", shipped())


def test_every_file_is_a_job() -> None:
    assert shipped() == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


@each_job
def test_a_shipped_job_is_short_and_has_one_job(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    job = load_job(name)

    assert len(text.splitlines()) <= 80
    assert isinstance(job, type)
    assert issubclass(job, Job)
    assert classes[-1].name == job.__name__ == "".join(map(str.capitalize, name.split("_")))


@each_job
def test_a_shipped_job_says_in_one_line_what_it_gives(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]

    assert 20 < len(first) < 75
    assert first.endswith(".")


@each_job
def test_a_shipped_job_is_made_of_what_users_have(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    used = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    ours = {module for module in used if module.startswith("word_counter")}

    parts = {"word_counter", *(f"word_counter.{part}" for part in ("errors", "fields", "kernel", "logs", "sketches"))}
    assert all(module in parts or module.startswith("word_counter.jobs.") for module in ours)


@each_job
def test_every_param_of_a_shipped_job_says_what_it_is(name: str) -> None:
    assert all(param.help for param in load_job(name).params.values())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.job)
def test_a_shipped_job_does_not_depend_on_how_its_input_is_cut_ordered_or_hashed(
    case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = make(tmp_path_factory.mktemp("world"), lines=40)
    sample = read_sample(find_sources(case.paths(world)), 200)

    verdict = check(make_job(case.job, case.params), sample, max_bad_records=case.bad_lines, seeds=())

    assert verdict.records > 30
    assert verdict.counterexample is None
