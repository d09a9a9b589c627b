"""The check before a long run: which jobs it refuses, with which examples, and which pass."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests import faulty_jobs, jobs, step_jobs
from tests.processes import ROOT, environment, eventually, is_alive
from tests.shipped_jobs import CASES, Case, World, make
from word_counter import Job, Mapper, Reducer
from word_counter.check.checker import check
from word_counter.check.counterexample import Counterexample, Fault
from word_counter.check.sample import read_sample
from word_counter.check.trial_run import Record
from word_counter.cli.main import main
from word_counter.errors import JobLoadError, UsageError
from word_counter.inputs.sources import find_sources
from word_counter.loading.job_reference import make_job

NUMBERS = [Record("in.txt", 0, n + 1, f"k{n * 7 % 5} {n}\n".encode()) for n in range(60)]


def command(*args: str) -> Result:
    return CliRunner().invoke(main, ["check", *args])


@pytest.mark.parametrize(
    ("job", "fault", "who", "lines"),
    [
        (faulty_jobs.MeanOfMeans, Fault.GROUPING, "the combine of reducer PlainMean", 3),
        (faulty_jobs.CombinesOnce, Fault.GROUPING, "the combine of reducer OtherKind", 1),
        (faulty_jobs.AddsFloats, Fault.GROUPING, "the combine of reducer FloatSum", 3),
        (faulty_jobs.CarriesOn, Fault.GROUPING, "mapper Differing", 2),
        (faulty_jobs.KeepsTheFirst, Fault.ORDER, "reducer First", 2),
        (faulty_jobs.Hashes, Fault.HASH, "mapper Hashing", 1),
        (faulty_jobs.ListsASet, Fault.HASH, "mapper OrderOfASet", 1),
        (faulty_jobs.NamesItsProcess, Fault.HASH, "mapper Pids", 1),
        (faulty_jobs.HashedPartition, Fault.HASH, "mapper KeyAndNumber or the job's partition", 1),
        (faulty_jobs.Dices, Fault.CHANCE, "mapper KeyAndNumber or reducer RandomResult", 1),
        (faulty_jobs.YieldsASet, Fault.ENCODING, "", 1),
        (faulty_jobs.RaisesAt17, Fault.RAISES, "", 1),
    ],
)
def test_is_refused_with_the_smallest_example(job: type[Job], fault: Fault, who: str, lines: int) -> None:
    counterexample = check(job(), NUMBERS).counterexample

    assert counterexample is not None
    assert (counterexample.fault, counterexample.who) == (fault, who)
    assert len(counterexample.sample) == lines
    if fault not in {Fault.ENCODING, Fault.RAISES}:
        first, second = counterexample.runs
        assert first.shown != second.shown


def test_a_mapper_that_uses_random_is_refused() -> None:
    counterexample = check(faulty_jobs.Samples(), NUMBERS).counterexample

    assert counterexample is not None
    assert (counterexample.fault, counterexample.who) == (Fault.CHANCE, "mapper Sampling")
    assert len(counterexample.sample) < 5  # how small it gets is a matter of chance, too


def test_a_later_step_is_named() -> None:
    counterexample = check(faulty_jobs.SecondStepKeepsTheFirst(), [Record("in", 0, 1, b"abc\n")]).counterexample

    assert counterexample is not None
    assert (counterexample.fault, counterexample.who) == (Fault.ORDER, "reducer First")


@pytest.mark.parametrize(
    "job",
    [
        faulty_jobs.KeepsTheFirstOfTheInput,
        faulty_jobs.KeepsTheSmallest,
        faulty_jobs.ListsInInputOrder,
        faulty_jobs.CollectsASet,
        faulty_jobs.CountsSets,
        faulty_jobs.GathersInTheMapper,
        faulty_jobs.Indexes,
        step_jobs.LettersByCount,
        step_jobs.CountsOfCounts,
    ],
)
def test_what_only_looks_so_passes(job: type[Job]) -> None:
    assert check(job(), NUMBERS).counterexample is None


@pytest.mark.parametrize(
    "job",
    [
        jobs.Summing,
        jobs.Counting,
        jobs.Smallest,
        jobs.Largest,
        jobs.Averaging,
        jobs.Distinct,
        jobs.Collecting,
        jobs.Topping,
        jobs.Longest,
        step_jobs.InOrder,
    ],
)
def test_the_ready_made_reducers_pass(job: type[Job]) -> None:
    values: list[Any] = ["ab", "b", "abc"] if job is jobs.Longest else [0.1, 1, 1e16, -3, 0.7, 2, 2.0]
    if job is step_jobs.InOrder:
        values = [[value, n] for n, value in enumerate(values)]
    lines = [json.dumps([key, value]) for value in values for key in ("k", ["a", 1])]
    sample = [Record("in.txt", 0, n, f"{line}\n".encode()) for n, line in enumerate(lines, 1)]

    assert check(job(), sample, seeds=()).counterexample is None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make(tmp_path_factory.mktemp("world"), lines=60)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.job)
def test_every_shipped_job_passes(world: World, case: Case) -> None:
    sample = read_sample(find_sources(case.paths(world)), 100)

    verdict = check(make_job(case.job, case.params), sample, max_bad_records=case.bad_lines, seeds=(1, 2))

    assert verdict.counterexample is None
    assert verdict.records == len(sample) - case.bad_lines


def test_records_that_raise_are_left_out_where_some_may() -> None:
    assert check(faulty_jobs.RaisesAt17(), NUMBERS, max_bad_records=1).counterexample is None


def test_a_sample_of_which_nothing_is_left_proves_nothing() -> None:
    with pytest.raises(UsageError, match="CarriesOn: the sample is empty"):
        check(faulty_jobs.CarriesOn(), [])
    with pytest.raises(UsageError, match="every record of the sample raises"):
        check(faulty_jobs.RaisesAt17(), NUMBERS[17:18], max_bad_records=1)


def test_only_where_a_record_is_at_fault_such_may_be_allowed() -> None:
    in_map, in_reduce = (
        check(job(), NUMBERS).counterexample for job in (faulty_jobs.RaisesAt17, faulty_jobs.RaisesInReduce)
    )

    assert in_map is not None
    assert in_reduce is not None
    assert "--max-bad-records" in in_map.advice
    assert "--max-bad-records" not in in_reduce.advice


def test_a_job_that_other_processes_cannot_import_is_a_usage_error() -> None:
    class Local(Mapper):
        def map(self, line: str) -> Any:
            yield line, 1

    class Any1(Reducer):
        def reduce(self, key: Any, values: Any) -> int:
            return 1

    with pytest.raises(JobLoadError, match="inside a function"):
        check(Job(mapper=Local, reducer=Any1), NUMBERS)


# -- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def sample(folder: Path) -> str:
    path = folder / "sample.txt"
    path.write_bytes(b"".join(record.raw for record in NUMBERS))
    return str(path)


def test_the_word_count_passes_the_command() -> None:
    result = command(str(ROOT / "input"))

    assert result.exit_code == 0, result.stderr
    assert "WordCount passes" in result.stdout


def test_the_command_refuses_with_the_example_and_what_to_do(sample: str) -> None:
    result = command(sample, "--job", "tests.faulty_jobs:KeepsTheFirst")

    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert said[0] == "KeepsTheFirst is refused: reducer First depends on the order of its values"
    assert sum(sample in line for line in said) == 2
    assert sum("  gave  {" in line for line in said) == 2
    assert "in_input_order = True" in said[-1]


def test_the_command_has_all_of_it_as_json(sample: str) -> None:
    content = json.loads(command(sample, "--job", "tests.faulty_jobs:YieldsASet", "--json").stdout)

    assert (content["ok"], content["fault"]) == (False, "encoding")
    assert "set is not a JSON type" in content["error"]
    assert [line["file"] for line in content["example"]] == [sample]


def test_a_job_that_ends_its_process_is_refused_with_the_record(sample: str) -> None:
    result = command(sample, "--job", "tests.faulty_jobs:ExitsAt17")

    assert result.exit_code == 1
    assert "ExitsAt17 is refused: the process that ran it exited with 7" in result.stdout
    assert "the smallest example, 1 record" in result.stdout
    assert "line 18: k4 17" in result.stdout


def test_a_job_that_hangs_is_refused_in_time_with_the_case_the_record_and_the_stack(sample: str) -> None:
    result = command(sample, "--job", "tests.faulty_jobs:HangsAt0", "--timeout", "4")

    assert result.exit_code == 1
    assert "HangsAt0 is refused: it had not ended after 4 s (--timeout), when the sample was tried in one piece" in (
        result.stdout
    )
    assert "line 1: k0 0" in result.stdout
    assert re.search(r'File ".*faulty_jobs\.py", line \d+ in map', result.stdout)


def test_each_way_in_which_a_sample_is_tried_is_told_before() -> None:
    told: list[str] = []

    check(faulty_jobs.KeepsTheSmallest(), NUMBERS[:3], seeds=(0,), tell=told.append)

    assert told[:3] == ["record by record", "in one piece", "again in one piece"]
    assert "in chunks 1 | 2 | 3" in told
    assert told[-1] == "in processes with other hash seeds"


_PARENT = """
from tests.faulty_jobs import HangsAt0
from tests.integration.test_check import NUMBERS
from word_counter.check.hash_seed_process import HashSeedProcess

process = HashSeedProcess(1, "tests.faulty_jobs:HangsAt0", {}, [])
process.wait()
process.begin(NUMBERS)
print(process._process.pid, flush=True)
process.answer()
"""


def test_a_process_with_another_hash_seed_ends_with_its_parent_even_when_it_hangs() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], env=environment(), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()

    eventually(lambda: not is_alive(pid))


def test_the_command_passes_params_on(sample: str) -> None:
    job = ("--job", "tests.faulty_jobs:FirstOrMax")

    assert command(sample, *job).exit_code == 0
    assert command(sample, *job, "--param", "how=first").exit_code == 1
    assert command(sample, *job, "--param", "how=last").exit_code == 2


def test_a_sample_that_is_not_there_is_a_usage_error() -> None:
    assert command("no-such-file").exit_code == 2
    assert command().exit_code == 2


def test_an_app_is_checked_file_by_file(folder: Path) -> None:
    app = "def map_func(name, content): return [(content.split()[0], name)]\ndef reduce_func(key, values): return {}\n"
    for name in ("1.txt", "2.txt"):
        (folder / name).write_text(f"a {name}\nb c\n")
    inputs = [str(folder / "1.txt"), str(folder / "2.txt"), "--app", str(folder / "app.py")]

    (folder / "app.py").write_text(app.format("values[0]"))
    refused = command(*inputs)
    assert refused.exit_code == 1
    assert "depends on the order of its values" in refused.stdout

    (folder / "sound.py").write_text(app.format("min(values)"))
    assert command(*inputs[:-1], str(folder / "sound.py")).exit_code == 0


MRJOBS = """
from mrjob.job import MRJob

class Numbers(MRJob):
    def mapper(self, _, line):
        key, number = line.split()
        yield key, int(number)

class Mean(Numbers):
    def combiner(self, key, numbers):
        numbers = list(numbers)
        yield key, sum(numbers) / len(numbers)
    reducer = combiner

class First(Numbers):
    def reducer(self, key, numbers):
        yield key, next(numbers)

class FirstOfTheInput(First):
    in_input_order = True

class Smallest(First):
    SORT_VALUES = True
"""


def test_a_job_in_mrjobs_api_is_checked_by_the_lines_it_gives(folder: Path) -> None:
    (folder / "jobs.py").write_text(MRJOBS)

    def checked(name: str) -> Counterexample | None:
        return check(make_job(f"mrjob+{folder / 'jobs.py'}:{name}"), NUMBERS[:20], seeds=()).counterexample

    assert not any(map(checked, ("Numbers", "FirstOfTheInput", "Smallest")))
    mean, first = checked("Mean"), checked("First")
    assert mean is not None
    assert (mean.fault, mean.who) == (Fault.GROUPING, "the combine of reducer Mean")
    assert first is not None
    assert (first.fault, len(first.sample)) == (Fault.ORDER, 2)
    assert [list(run.shown) for run in first.runs] == [["line 1"], ["line 1"]]


@pytest.mark.parametrize(
    ("name", "sample", "options"),
    [("page_rank", '"a"\t{"links": ["b", "c"], "score": 1.0}\n', ["--rounds", "2"]), ("raw_lines", "b\na\n", [])],
)
def test_jobs_in_mrjobs_api_of_several_steps_and_of_none_pass(
    folder: Path, name: str, sample: str, options: list[str]
) -> None:
    (folder / "in.txt").write_text(sample)

    result = command(str(folder / "in.txt"), "--mrjob", str(ROOT / "tests/mrjob_jobs" / f"{name}.py"), "--", *options)

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("t.csv.gz", 'v;k\n1;a\n2;"b\n;"\n', "csv delimiter=;"),
        ("t.jsonl", '{"k": "a", "v": 1}\n{"k": "b", "v": 2}\n', "jsonl"),
    ],
)
def test_records_are_what_the_command_says_in_every_process(folder: Path, name: str, content: str, kind: str) -> None:
    job = """
from word_counter import Job, Mapper, Sum

class Field(Mapper):
    def map(self, record):
        yield record["k"], int(record["v"])

class Fields(Job):
    mapper, reducer = Field, Sum
"""
    (folder / "job.py").write_text(job)
    (folder / name).write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())

    result = command(str(folder / name), "--job", f"{folder / 'job.py'}:Fields", "--input-format", kind)

    assert result.exit_code == 0, result.output
    assert "Fields passes: 2 records" in result.stdout
