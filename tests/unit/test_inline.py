"""Inline engine: settings that it cannot honour are refused, not ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from word_counter import UsageError, run
from word_counter.word_count import WordCount


@pytest.fixture
def places(folder: Path) -> dict[str, Any]:
    (folder / "text.txt").write_text("a\n")
    return {"inputs": str(folder / "text.txt"), "output": str(folder / "o.json"), "engine": "inline"}


REFUSED: list[tuple[str, Any]] = [
    ("timeout", 5),
    ("resume", True),
    ("standby", True),
    ("incremental", True),
    ("on_bad_chunk", "skip"),
]


@pytest.mark.parametrize(("name", "value"), [*REFUSED, ("max_attempts", 2), ("task_timeout", 5), ("lease_seconds", 5)])
def test_what_it_cannot_keep_is_refused(places: dict[str, Any], name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"the inline engine .*{name.replace('_', '-')}"):
        run(**places, **{name: value})
    assert not Path(places["output"]).exists()


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_also_when_the_environment_or_the_job_wants_it(
    places: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    job = WordCount(**{name: value})
    with pytest.raises(UsageError, match="the inline engine cannot keep"):
        run(job=job, **places)
    monkeypatch.setenv(f"WORD_COUNTER_{name.upper()}", str(value))
    with pytest.raises(UsageError, match="the inline engine cannot keep"):
        run(**places)

    off: dict[str, Any] = {
        "timeout": 0,
        "resume": False,
        "standby": False,
        "incremental": False,
        "on_bad_chunk": "fail",
    }
    assert run(job=job, **places, **{name: off[name]}).results == {"a": 1}


def test_a_limit_for_single_tasks_that_a_job_has_is_passed_over(places: dict[str, Any]) -> None:
    job = WordCount(max_attempts=2, task_timeout=5, lease_seconds=5)

    assert run(job=job, max_attempts=1, **places).results == {"a": 1}
