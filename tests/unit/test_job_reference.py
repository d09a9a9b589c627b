"""Job references: how job classes are named, and how another process finds the same code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import jobs
from tests.processes import environment
from word_counter import Count, Job, Mapper, Master, Sum, UsageError, run
from word_counter.errors import JobLoadError
from word_counter.jobs import shipped
from word_counter.jobs.word_count import WordCount, WordMapper
from word_counter.loading.code_fingerprint import LoadedJob, digest_of_code
from word_counter.loading.dependency_scan import own_files
from word_counter.loading.job_reference import load_job, make_job, refer_to

_JOB = """
from word_counter import Job, Mapper, Sum
class Words(Mapper):
    def map(self, line):
        yield {key!r}, 1
class Total(Sum):
    pass
class Counting(Job):
    mapper, reducer = Words, Total
"""


@pytest.fixture(autouse=True)
def _imports_are_undone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    before = set(sys.modules)
    yield
    _forget(before)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _forget(before: set[str]) -> None:
    """Forget what was imported since, but for installed modules: some of them cannot be imported twice."""
    for name in set(sys.modules) - before:
        if not (getattr(sys.modules[name], "__file__", "") or "").startswith((sys.prefix, sys.base_prefix)):
            del sys.modules[name]


@pytest.mark.parametrize("edited", ["my_job.py", "beside.py"])
def test_a_file_that_was_edited_within_a_second_is_not_taken_for_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    _write(tmp_path / "beside.py", "KEY = 'a'\n")
    job = _write(tmp_path / "my_job.py", "from beside import KEY\n" + _JOB.format(key="a"))
    modules = set(sys.modules)
    load_job(str(job))
    _forget(modules)
    when = (tmp_path / edited).stat()

    _write(tmp_path / edited, (tmp_path / edited).read_text().replace("'a'", "'b'"))
    os.utime(tmp_path / edited, ns=(when.st_atime_ns, when.st_mtime_ns))

    loaded = load_job(str(job))
    ((key, _),) = loaded.mapper().map("line")
    assert "b" in (key, sys.modules["beside"].KEY)


class TestNaming:
    def test_a_job_class_is_named_by_its_module(self) -> None:
        assert refer_to(WordCount()) == "word_counter.jobs.word_count:WordCount"

    def test_a_job_built_in_place_is_named_by_its_parts(self) -> None:
        job = Job(mapper=WordMapper, reducer=Count)

        made = make_job(refer_to(job))

        assert (made.mapper, made.reducer) == (WordMapper, Count)

    def test_a_job_that_needs_arguments_is_named_by_its_parts(self) -> None:
        made = make_job(refer_to(jobs.Chosen(longest=True)))

        assert (made.mapper, made.reducer) == (jobs.JsonPairs, jobs.LongestText)

    @pytest.mark.parametrize(
        "job",
        [WordCount(), WordCount(mapper=jobs.JsonPairs), jobs.Summing(), jobs.Chosen(longest=True)],
        ids=["class", "other mapper", "class of another module", "arguments"],
    )
    def test_who_loads_a_job_by_its_name_has_the_same_code(self, job: Job) -> None:
        assert digest_of_code(job) == LoadedJob(refer_to(job)).digest != ""

    @pytest.mark.parametrize(
        ("edited", "counts"),
        [
            ("folder/beside.py", True),
            ("folder/deeper.py", True),
            ("folder/parts/__init__.py", True),
            ("folder/parts/one.py", True),
            ("folder/parts/two.py", True),
            ("folder/parts/unused.py", False),
            ("elsewhere.py", False),
        ],
    )
    def test_the_code_of_a_job_is_what_it_imports_from_its_own_folder_too(
        self, tmp_path: Path, edited: str, *, counts: bool
    ) -> None:
        for name, text in {
            "beside": "import json, no_such_module\ndef late():\n    from deeper import x",
            "deeper": "import beside",
            "parts/__init__": "",
            "parts/one": "from . import two",
            "parts/two": "",
            "parts/unused": "",
        }.items():
            _write(tmp_path / "folder" / f"{name}.py", text)
        _write(tmp_path / "elsewhere.py", "")
        head = "try:\n    import beside, elsewhere\nexcept ImportError: pass\nimport parts.one\n"
        path = _write(tmp_path / "folder" / "my_job.py", head + _JOB.format(key="k"))
        job = make_job(str(path))
        before = digest_of_code(job)

        (tmp_path / edited).write_text("x = 1")

        assert (digest_of_code(job) != before) is counts

    def test_a_file_of_a_package_has_the_whole_package_beside_it(self, tmp_path: Path) -> None:
        _write(tmp_path / "pkg" / "__init__.py", "")
        beside = _write(tmp_path / "pkg" / "beside.py", "")
        path = _write(tmp_path / "pkg" / "my_job.py", "import pkg.beside")

        assert own_files(str(path)) == {str(path), str(beside), str(tmp_path / "pkg" / "__init__.py")}

    def test_a_class_inside_a_function_cannot_be_named(self) -> None:
        class Local(Job):
            mapper, reducer = WordMapper, Sum

        with pytest.raises(JobLoadError, match="Local is defined inside a function"):
            refer_to(Local())

    def test_a_job_of_a_file_is_named_by_the_file(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "my_job.py", _JOB.format(key="k"))

        assert refer_to(make_job(str(path))) == f"{path}:Counting"

    @pytest.mark.parametrize(
        ("args", "expected"),
        [(["{folder}/my_job.py"], "{folder}/my_job.py:Counting"), (["-m", "pkg.my_job"], "pkg.my_job:Counting")],
    )
    def test_a_job_of_the_running_script_is_named_so_that_others_find_it(
        self, tmp_path: Path, args: list[str], expected: str
    ) -> None:
        text = (
            _JOB.format(key="k")
            + "\nfrom word_counter.loading.job_reference import refer_to\nprint(refer_to(Counting()))\n"
        )
        _write(tmp_path / "my_job.py", text)
        _write(tmp_path / "pkg" / "my_job.py", text)

        ended = subprocess.run(
            [sys.executable, *(arg.format(folder=tmp_path) for arg in args)],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )

        assert ended.stdout.strip() == expected.format(folder=tmp_path)

    def test_a_job_typed_into_an_interpreter_cannot_be_named(self, tmp_path: Path) -> None:
        code = _JOB.format(key="k") + (
            "\nfrom word_counter.loading.job_reference import refer_to"
            "\ntry: refer_to(Counting())"
            "\nexcept Exception as error: print(type(error).__name__, error)"
        )

        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
        )

        assert ended.stdout.startswith("JobLoadError")
        assert "interactive session" in ended.stdout


class TestLoading:
    @pytest.mark.parametrize("folder", ["plain", "with+plus", "with space", "c++", "c:d", "C:\\jobs"])
    @pytest.mark.parametrize("name", ["", ":Counting"])
    def test_a_file_is_loaded_wherever_it_lies(self, tmp_path: Path, folder: str, name: str) -> None:
        path = _write(tmp_path / folder / "my_job.py", _JOB.format(key="k"))

        job = make_job(f"{path}{name}")

        assert job.name == "Counting"
        assert list(job.mapper().map("x")) == [("k", 1)]

    def test_a_relative_file_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _write(tmp_path / "my_job.py", _JOB.format(key="k"))
        monkeypatch.chdir(tmp_path)

        assert refer_to(make_job("my_job.py")) == f"{tmp_path}/my_job.py:Counting"

    def test_files_of_one_name_in_two_folders_are_two_jobs(self, tmp_path: Path) -> None:
        paths = [_write(tmp_path / key / "my_job.py", _JOB.format(key=key)) for key in ("one", "two")]

        jobs = [make_job(str(path)) for path in paths]

        assert [next(iter(job.mapper().map("x"))) for job in jobs] == [("one", 1), ("two", 1)]

    def test_a_file_may_import_what_stands_beside_it(self, tmp_path: Path) -> None:
        _write(tmp_path / "beside_me_1.py", "KEY = 'beside'\n")
        text = "from beside_me_1 import KEY\n" + _JOB.format(key="k").replace("'k'", "KEY")
        path = _write(tmp_path / "my_job.py", text)

        assert list(make_job(str(path)).mapper().map("x")) == [("beside", 1)]

    def test_a_file_named_like_a_module_does_not_take_its_place(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "json.py", _JOB.format(key="k"))

        make_job(str(path))

        assert sys.modules["json"] is json

    def test_a_module_of_the_current_folder_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _write(tmp_path / "my_pkg_1" / "my_job.py", _JOB.format(key="k"))
        monkeypatch.chdir(tmp_path)

        assert make_job("my_pkg_1.my_job:Counting").name == "Counting"
        assert make_job("my_pkg_1.my_job").name == "Counting"

    def test_one_mapper_and_one_reducer_are_a_job(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "my_job.py", _JOB.format(key="k").partition("class Counting")[0])

        job = make_job(str(path))

        assert (job.mapper.__name__, job.reducer.__name__) == ("Words", "Total")
        assert make_job(refer_to(job)).mapper is job.mapper

    def test_a_second_name_for_a_class_is_not_a_second_class(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "my_job.py", _JOB.format(key="k") + "Again = Counting\n")

        assert make_job(str(path)).name == "Counting"

    def test_a_nested_class_is_found_by_its_dotted_name(self, tmp_path: Path) -> None:
        path = _write(tmp_path / "my_job.py", _JOB.format(key="k") + "class Outer:\n    Inner = Counting\n")

        assert make_job(f"{path}:Outer.Inner").name == "Counting"


class TestErrors:
    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            ("no_such_module_1:Job", "cannot import no_such_module_1: ModuleNotFoundError"),
            ("no/such/file.py", "there is no file"),
            ("json:NoSuchClass", "json has no NoSuchClass"),
            ("json:JSONDecoder", "not a subclass of Job"),
            ("json", "json defines no Job"),
            ("json:loads", "not a subclass of Job"),
            (":Job", "does not name a job"),
            ("json:not an identifier", "does not name a job"),
            ("json:", "does not name a job"),
            ("", "no job is named: give"),
            ("app+", "no job is named: give"),
            ("word_counter.jobs.word_count:WordMapper+json:Nothing", "json has no Nothing"),
            ("word_counter.jobs.word_count:WordMapper+json:JSONDecoder", "reducer must be a subclass of Reducer"),
        ],
    )
    def test_what_is_no_job_is_told_of(self, reference: str, said: str) -> None:
        with pytest.raises(JobLoadError) as caught:
            make_job(reference)

        assert said in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("def (", "SyntaxError"),
            ("1 / 0", "ZeroDivisionError"),
            ("raise SystemExit(3)", "SystemExit"),
            ("import no_such_module_2", "ModuleNotFoundError"),
        ],
    )
    def test_a_file_that_cannot_be_imported_is_told_of_each_time(self, tmp_path: Path, text: str, said: str) -> None:
        path = _write(tmp_path / "my_job.py", text)

        for _ in range(2):
            with pytest.raises(JobLoadError, match=said):
                load_job(str(path))

    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("import helper_that_raises\n", [("job.py", 1), ("helper_that_raises.py", 3)]),
            ("import helper_of_bad_syntax\n", [("job.py", 1), ("helper_of_bad_syntax.py", 2)]),
            ("\n\ndef f(:\n", [("job.py", 3)]),
            ("import not_there_at_all\n", [("job.py", 1)]),
        ],
    )
    def test_the_line_at_which_an_import_fails_is_shown_of_the_users_files_alone(
        self, tmp_path: Path, text: str, lines: list[tuple[str, int]]
    ) -> None:
        (tmp_path / "helper_that_raises.py").write_text("x = 1\n\nundefined\n")
        (tmp_path / "helper_of_bad_syntax.py").write_text("x = 1\ny = (\n")
        (tmp_path / "job.py").write_text(text)

        with pytest.raises(JobLoadError) as caught:
            load_job(str(tmp_path / "job.py"))

        frames = re.findall(r'^  File "(.+)", line (\d+)', str(caught.value), re.MULTILINE)
        assert frames == [(str(tmp_path / name), str(number)) for name, number in lines]

    def test_several_jobs_are_named_to_choose_from(self, tmp_path: Path) -> None:
        more = "class Other(Counting):\n    pass\n"
        path = _write(tmp_path / "my_job.py", _JOB.format(key="k") + more)

        with pytest.raises(JobLoadError, match=r"several jobs \(Counting, Other\)"):
            make_job(str(path))

    def test_two_mappers_are_no_job(self, tmp_path: Path) -> None:
        text = _JOB.format(key="k").partition("class Counting")[0] + "class More(Words):\n    pass\n"
        path = _write(tmp_path / "my_job.py", text)

        with pytest.raises(JobLoadError, match="not exactly one Mapper and one Reducer"):
            make_job(str(path))

    def test_a_job_that_cannot_be_made_is_told_of(self, tmp_path: Path) -> None:
        text = _JOB.format(key="k") + "    def __init__(self, needed):\n        pass\n"
        path = _write(tmp_path / "my_job.py", text)

        with pytest.raises(JobLoadError, match="cannot make a Counting: TypeError"):
            make_job(str(path))


class TestJob:
    @pytest.mark.parametrize(
        ("mapper", "reducer", "said"),
        [
            (None, Sum, "mapper must be a subclass of Mapper, found none"),
            (WordMapper, None, "reducer must be a subclass of Reducer, found none"),
            (Sum, Sum, "mapper must be a subclass of Mapper"),
            (WordMapper(), Sum, "mapper must be a subclass of Mapper"),
            (Mapper, Sum, "Mapper lacks a method map"),
        ],
    )
    def test_what_is_missing_is_named(self, mapper: type[Mapper], reducer: type[Sum], said: str) -> None:
        with pytest.raises(JobLoadError) as caught:
            Job(mapper=mapper, reducer=reducer)

        assert said in str(caught.value)

    @pytest.mark.parametrize(("role", "base"), [("mapper", WordMapper), ("reducer", Sum)])
    def test_what_needs_arguments_cannot_be_made_in_a_task(self, role: str, base: type) -> None:
        class Needing(base):  # type: ignore[misc]
            def __init__(self, least: int) -> None:
                self.least = least

        with pytest.raises(JobLoadError, match=rf"{role} Needing is made anew in each task, without .*'least'"):
            WordCount(**{role: Needing})  # type: ignore[arg-type]

    def test_what_can_do_without_arguments_is_fine(self) -> None:
        class Willing(WordMapper):
            def __init__(self, least: int = 1, *rest: int, **more: int) -> None:
                self.least = least

        assert WordCount(mapper=Willing).mapper is Willing

    @pytest.mark.parametrize("engine", ["inline", "redis"])
    def test_whose_class_needs_arguments_is_a_usage_error_when_it_is_run(self, engine: str) -> None:
        with pytest.raises(UsageError, match=r"cannot make a Chosen: TypeError: .*'longest'"):
            run("text.txt", jobs.Chosen, engine=engine)
        with pytest.raises(UsageError, match="cannot make a Chosen"):
            Master("text.txt", jobs.Chosen)

    def test_is_checked_though_its_own_init_does_not(self) -> None:
        class Forgetful(Job):
            def __init__(self) -> None:
                pass

        with pytest.raises(UsageError, match="job Forgetful: mapper must be"):
            run("text.txt", Forgetful)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            (["chunk_size"], "job Set: settings must be a dict of settings by name, found"),
            ({"chunk_sise": 3}, "there is no setting 'chunk_sise'"),
            ({"chunk_size": 0}, "setting chunk_size of the job must be a whole number of at least 1, not 0"),
        ],
    )
    def test_settings_are_checked_before_anything_starts(self, settings: Any, said: str) -> None:
        class Set(WordCount):
            pass

        Set.settings = settings

        with pytest.raises(UsageError, match=said):
            run("text.txt", Set)

    def test_settings_of_one_job_are_not_those_of_another(self) -> None:
        one = WordCount(chunk_size=1)

        assert one.settings == {"chunk_size": 1}
        assert WordCount().settings == {}

    def test_a_job_built_in_place_goes_by_its_mapper(self) -> None:
        assert Job(mapper=WordMapper, reducer=Sum).name == "WordMapper"
        assert WordCount().name == "WordCount"


class TestShippedJobs:
    @pytest.mark.parametrize("name", shipped())
    def test_are_named_by_their_module_alone(self, name: str) -> None:
        assert refer_to(make_job(name)).startswith(f"word_counter.jobs.{name}:")

    def test_come_before_a_module_of_that_name_in_the_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _write(tmp_path / "word_count.py", _JOB.format(key="k"))
        monkeypatch.chdir(tmp_path)

        assert refer_to(make_job("word_count")) == "word_counter.jobs.word_count:WordCount"
        assert refer_to(make_job("./word_count.py")) == f"{tmp_path}/word_count.py:Counting"
        assert refer_to(make_job("word_count:Counting")) == "word_count:Counting"

    def test_are_listed_when_a_job_cannot_be_found(self) -> None:
        with pytest.raises(JobLoadError, match=r"No module named 'wordcount'; give FILE\.py, .*word_count"):
            make_job("wordcount")


class _Lines(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield line, 1


class TestAttributes:
    @pytest.mark.parametrize(
        ("attributes", "said"),
        [
            ({"encoding": None}, "encoding must be the name of an encoding"),
            ({"encoding": ["utf-16"]}, "encoding must be the name of an encoding"),
            ({"params": {"n": 3}}, r"params: n must be a Param, such as Param\(3\), found 3"),
            ({"params": ["n"]}, "params must be a dict of Param by name"),
            ({"settings": []}, "settings must be a dict of settings by name"),
            ({"files": "a.txt"}, "files must be a list of paths, found 'a.txt'"),
            ({"mapper": _Lines()}, "mapper must be a subclass of Mapper, found an instance; write _Lines, without"),
            ({"mapper": type("Odd", (_Lines,), {"input_format": None})}, "input_format must be text"),
        ],
    )
    def test_of_a_wrong_type_are_refused_by_name(self, attributes: dict[str, Any], said: str) -> None:
        with pytest.raises(JobLoadError, match=said):
            type("J", (Job,), {"mapper": _Lines, "reducer": Sum, **attributes})()

    @pytest.mark.parametrize(("steps", "said"), [(3, "steps must be a list of Step"), ([3], "each must be a Step")])
    def test_steps_that_are_none_are_refused(self, steps: object, said: str) -> None:
        with pytest.raises(JobLoadError, match=said):
            type("J", (Job,), {"steps": steps})()

    @pytest.mark.parametrize("given", ["job.py", _Lines, 3, None])
    def test_what_is_no_job_is_refused_by_name(self, given: Any) -> None:
        with pytest.raises(JobLoadError, match=r"is no job: give a subclass of word_counter\.Job"):
            run([], given)
