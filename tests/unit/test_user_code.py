"""The user's own code: where an exception began in it, what of a traceback is shown, and what may pass by itself."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from word_counter.compute.stages import run_map
from word_counter.errors import RecordError
from word_counter.job.job import Job
from word_counter.job.mapper import Lines
from word_counter.job.reducers import Sum
from word_counter.job.snapshot import Origin
from word_counter.loading.user_code import has_own_frame, may_pass, origin_of, user_traceback

_JOB = """
import json

from word_counter import Mapper


def parsed(line):
    return json.loads(line)


class Parses(Mapper):
    def map(self, line):
        yield parsed(line), 1


class Adds(Mapper):
    def map(self, line):
        yield line, "no number"
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    path = tmp_path / "mine.py"
    path.write_text(_JOB)
    spec = importlib.util.spec_from_file_location("mine", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _raised(module: ModuleType, mapper: str) -> BaseException:
    """Return what a mapper of the module raises."""
    phase = Job(mapper=getattr(module, mapper), reducer=Sum).phases()[0]
    with pytest.raises(RecordError) as caught:
        run_map(phase, Lines(b"{\n", "in.txt"), 2)
    assert caught.value.__cause__ is not None
    return caught.value.__cause__


def test_the_origin_is_the_innermost_line_of_the_users_own_even_when_a_library_raised(module: ModuleType) -> None:
    error = _raised(module, "Parses")

    assert origin_of(error) == Origin("json.decoder.JSONDecodeError", str(module.__file__), 8)
    assert has_own_frame(error)


def test_the_origin_of_what_this_package_says_of_a_yielded_value_is_where_it_says_so(module: ModuleType) -> None:
    error = _raised(module, "Adds")

    origin = origin_of(error)
    assert origin is not None
    assert origin.exception == "TypeError"
    assert Path(origin.file).name == "reducers.py"
    assert not origin.transient


def test_a_traceback_begins_with_the_users_own_code(module: ModuleType) -> None:
    shown = user_traceback(_raised(module, "Parses"))

    assert shown.splitlines()[1] == f'  File "{module.__file__}", line 13, in map'


def test_a_traceback_is_valid_text_whatever_was_said() -> None:
    assert user_traceback(ValueError("a name \udce9")).endswith(r"a name \udce9")


class ConnectTimeout(Exception):  # noqa: N818 (httpx names it so)
    """Named like an error of a connection."""


class NetworkXNoPath(Exception):  # noqa: N818 (so does networkx)
    """Of graphs, not of networks."""


def _wrapped(cause: BaseException) -> BaseException:
    try:
        try:
            raise cause
        except type(cause):
            message = "cannot look it up"
            raise RuntimeError(message)  # noqa: B904 (as user code may)
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OSError(5, "no answer"), True),
        (FileNotFoundError("x"), True),
        (TimeoutError(), True),
        (MemoryError(), True),
        (ConnectTimeout(), True),
        (_wrapped(ConnectionResetError()), True),
        (ExceptionGroup("both", [ValueError(), ConnectionError()]), True),
        (_wrapped(KeyError("x")), False),
        (NetworkXNoPath(), False),
        (NameError("x"), False),
        (ValueError("x"), False),
        (json.JSONDecodeError("x", "y", 0), False),
        (RecursionError(), False),
        (SystemExit(1), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_a_network_a_disk_or_memory_does_may_pass(error: BaseException, passing: bool) -> None:  # noqa: FBT001
    assert may_pass(error) is passing
