"""What a worker may load and read, whatever a batch names."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path

import pytest

from tests.jobs import Longest
from word_counter import Job
from word_counter.errors import ForbiddenError, InputError, JobLoadError
from word_counter.job.reducers import Sum
from word_counter.jobs import shipped
from word_counter.jobs.word_count import WordMapper
from word_counter.loading.job_reference import make_job, places, refer_to
from word_counter.security.allow_list import AllowList
from word_counter.security.input_roots import InputRoots, roots_of
from word_counter.security.real_paths import RealPaths

# -- the allow-list ---------------------------------------------------------------------------------


def allows(entries: list[str], reference: str) -> bool:
    try:
        AllowList(entries).check(reference)
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize(
    "job", [*map(make_job, shipped()), Job(mapper=WordMapper, reducer=Sum)], ids=lambda job: job.name
)
def test_the_shipped_jobs_and_reducers_are_always_allowed(job: Job) -> None:
    assert allows([], refer_to(job))


@pytest.mark.parametrize(
    "reference",
    [
        "os:system",
        "tests.jobs:Longest",
        "word_counter:WordCount",
        "word_counter.jobsx:J",
        "word_counter.worker.task_runner:serve",
        "word_counter.jobs.word_count:M+os:system",
        "/etc/passwd.py:J",
        "",
        ":",
        "+",
        "../x.py",
        "mrjob+os:system",
        "mrjob+/etc/passwd.py:J",
        "word_counter.jobs.word_count:M+mrjob+os:system",
        "mrjob+word_counter.mrjob.tasks.streaming:CommandSteps",
        'cmd+{"map": "cat"}',
    ],
)
def test_nothing_else_is_allowed_by_itself(reference: str) -> None:
    with pytest.raises(JobLoadError) if reference == ":" else pytest.raises(ForbiddenError, match="--allow"):
        AllowList().check(reference)


def test_a_module_allows_all_below_it_and_nothing_beside_it() -> None:
    assert allows(["tests"], refer_to(Longest()))
    assert allows(["tests.jobs"], refer_to(Longest()))
    assert allows(["tests.jobs:Ordering"], refer_to(Longest()))
    assert not allows(["tests.job"], refer_to(Longest()))
    assert not allows(["tests.jobs.more"], refer_to(Longest()))
    assert not allows(["test"], refer_to(Longest()))


def test_a_file_allows_itself_and_a_folder_all_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "jobs" / "my.py"
    for entry in (f"{file}", f"{file}:Other", f"{tmp_path}/jobs", f"{tmp_path}/jobs/", f"{tmp_path}/x/../jobs"):
        assert allows([entry], f"{file}:J"), entry
    for entry in (f"{tmp_path}/job", f"{tmp_path}/jobs/my", f"{tmp_path}/jobs/my.pyx", f"{tmp_path}/jobs/sub"):
        assert not allows([entry], f"{file}:J"), entry
    monkeypatch.chdir(tmp_path)
    assert allows(["./jobs"], f"{file}:J")
    assert allows(["./jobs"], f"mrjob+{file}:J")
    assert allows(["."], f"{file}:J")
    assert not allows([f"{tmp_path}/jobs"], f"{tmp_path}/jobs/../other.py:J")


def test_a_link_out_of_an_allowed_folder_is_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "other.py").touch()
    (tmp_path / "jobs" / "link.py").symlink_to(tmp_path / "other.py")
    (tmp_path / "way").symlink_to(tmp_path / "jobs")
    assert not allows([f"{tmp_path}/jobs"], f"{tmp_path}/jobs/link.py:J")
    assert allows([f"{tmp_path}/way"], f"{tmp_path}/jobs/my.py:J")


def test_a_command_allows_itself_word_for_word() -> None:
    both = 'cmd+{"map": "python3 map.py", "reduce": "uniq -c"}'
    assert places(both) == ["cmd+python3 map.py", "cmd+uniq -c"]
    assert allows(["cmd+python3 map.py", "cmd+uniq -c"], both)
    assert allows([both], both)
    assert not allows(["cmd+python3 map.py"], both)
    for entry in (
        "cmd+python3",
        "cmd+python3 map.py ",
        "cmd+python3 map.py x",
        "python3",
        "map.py",
        "word_counter",
        ".",
    ):
        assert not allows([entry], 'cmd+{"map": "python3 map.py"}'), entry


@pytest.mark.parametrize(
    "reference",
    ["cmd+", "cmd+cat", "cmd+{}", 'cmd+{"map": ""}', 'cmd+{"map": 1}', 'cmd+{"shell": "x"}', 'a.py:M+cmd+{"map": "x"}'],
)
def test_what_names_no_commands_is_not_allowed(reference: str) -> None:
    with pytest.raises((JobLoadError, ForbiddenError)):
        AllowList(["cmd+x", "cmd+cat"]).check(reference)


def test_both_parts_of_a_joined_reference_must_be_allowed(tmp_path: Path) -> None:
    joined = f"{tmp_path}/a.py:M+my_pkg.sub:R"
    assert places(joined) == [f"{tmp_path}/a.py", "my_pkg.sub"]
    assert allows([str(tmp_path), "my_pkg"], joined)
    assert not allows([str(tmp_path)], joined)
    assert not allows(["my_pkg"], joined)


def test_a_plus_in_a_path_joins_nothing() -> None:
    assert places("/src/c++/job.py:J") == ["/src/c++/job.py"]
    assert places("/src/c++/a.py:M+/src/c++/b.py:R") == ["/src/c++/a.py", "/src/c++/b.py"]


# -- input roots ------------------------------------------------------------------------------------


@pytest.fixture
def tree(folder: Path) -> Path:
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "inside out").mkdir()
    for path in ("in/a.txt", "in/deep/b.txt", "out.txt", "inside out/c.txt"):
        (folder / path).write_text(path)
    (folder / "in" / "link_out.txt").symlink_to("../out.txt")
    (folder / "in" / "link_in.txt").symlink_to("deep/b.txt")
    (folder / "in" / "folder_out").symlink_to("..")
    (folder / "way_in").symlink_to("in")
    return folder


def test_what_is_within_the_roots_is_read(tree: Path) -> None:
    roots = InputRoots([f"{tree}/way_in"])
    for path in ("in/a.txt", "in/deep/../deep/b.txt", "in/link_in.txt", "way_in/a.txt", "in/folder_out/in/a.txt"):
        with roots.open(f"{tree}/{path}") as file:
            assert file.read()


@pytest.mark.parametrize(
    "path", ["out.txt", "in/../out.txt", "in/link_out.txt", "in/folder_out/out.txt", "inside out/c.txt", "in/../in"]
)
def test_what_leads_out_is_not_opened(tree: Path, path: str) -> None:
    with pytest.raises((ForbiddenError, InputError)) as caught:
        InputRoots([f"{tree}/in"]).open(f"{tree}/{path}")
    if isinstance(caught.value, ForbiddenError):
        assert "--input-root" in str(caught.value)


def test_a_root_may_be_one_file(tree: Path) -> None:
    roots = InputRoots([f"{tree}/in/a.txt"])
    roots.open(f"{tree}/in/a.txt").close()
    with pytest.raises(ForbiddenError):
        roots.open(f"{tree}/in/deep/b.txt")


def test_without_roots_any_regular_file_is_read_and_nothing_else(tree: Path) -> None:
    InputRoots().open(f"{tree}/in/link_out.txt").close()
    os.mkfifo(tree / "pipe")
    for path in (f"{tree}/pipe", str(tree), "/dev/zero"):
        with pytest.raises(InputError, match="not a regular file"):
            InputRoots().open(path)
    with pytest.raises(FileNotFoundError):
        InputRoots().open(f"{tree}/none")


def test_a_link_that_is_exchanged_all_the_time_never_leads_out(tree: Path) -> None:
    link, stop = tree / "in" / "turning.txt", threading.Event()

    def turn() -> None:
        while not stop.is_set():
            for target in ("a.txt", "../out.txt"):
                temporary = tree / "in" / "new"
                temporary.symlink_to(target)
                temporary.replace(link)

    link.symlink_to("a.txt")
    turner = threading.Thread(target=turn)
    turner.start()
    roots, read = InputRoots([f"{tree}/in"]), set()
    try:
        for _ in range(3000):
            try:
                with roots.open(str(link)) as file:
                    read.add(file.read())
            except ForbiddenError:
                pass
    finally:
        stop.set()
        turner.join()
    assert read <= {b"in/a.txt"}


def test_opening_leaks_no_descriptor_when_it_refuses(tree: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to count descriptors in")
    before = len(os.listdir("/proc/self/fd"))
    for path in ("in", "out.txt", "in/link_out.txt"):
        with pytest.raises((ForbiddenError, InputError)):
            InputRoots([f"{tree}/in"]).open(f"{tree}/{path}")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_run_s_own_workers_may_read_what_was_named_and_where_its_links_led(tree: Path) -> None:
    named = [f"{tree}/in", f"{tree}/*.nothing"]
    found = [f"{tree}/in/a.txt", f"{tree}/in/link_out.txt", f"{tree}/in/deep/b.txt"]
    assert roots_of(named, found) == [f"{tree}/in", f"{tree}/out.txt"]
    assert roots_of([], found) == [f"{tree}/in/a.txt", f"{tree}/in/deep/b.txt", f"{tree}/out.txt"]


def test_very_many_inputs_are_passed_on_by_their_folders(tree: Path) -> None:
    found = [f"{tree}/logs/{'x' * 100}{n}.log" for n in range(5000)]
    assert roots_of(found, found) == [f"{tree}/logs"]


def test_real_paths_hold_themselves_and_all_below() -> None:
    held = RealPaths({"/a/b", "/c"})
    assert [path for path in ("/a/b", "/a/b/x/y", "/c", "/c/", "/a", "/a/bc", "/", "/cc") if held.hold(path)] == [
        "/a/b",
        "/a/b/x/y",
        "/c",
        "/c/",
    ]
    assert RealPaths({"/"}).hold("/anything")
    assert not RealPaths().hold("/")
    assert pickle.loads(pickle.dumps(held)) == held
