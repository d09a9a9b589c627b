from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from word_counter.cli.display.bar_display import BarDisplay
from word_counter.cli.display.choose_display import make_display
from word_counter.cli.display.display import Display, LogDisplay, QuietDisplay, why_empty
from word_counter.cli.display.progress_bars import fitting
from word_counter.cli.display.progress_rate import ProgressRate, done_share
from word_counter.cli.display.summary import summary
from word_counter.cli.terminal.tables import Column, fitted
from word_counter.cli.terminal.text import clock, duration, first_line, printable, rate, size, timestamp
from word_counter.job.model import JobState
from word_counter.job.snapshot import RAISED, Failure
from word_counter.observer import Outcome, Progress
from word_counter.settings.plurals import count

NASTY = "a\x1b[2Jb\x07[red]c[/red]\u202e\x9b1m"


def progress(**given: object) -> Progress:
    values: dict[str, object] = {
        "state": JobState.MAPPING,
        "seconds": 10.0,
        "files": 1,
        "bytes": 100_000_000,
        "bytes_mapped": 40_000_000,
        "lines": 1_000_000,
        "chunks": 10,
        "chunks_mapped": 4,
        "partitions": 8,
        "workers": 2,
    }
    return Progress(**{**values, **given})  # type: ignore[arg-type]


def outcome(**given: object) -> Outcome:
    values: dict[str, object] = {
        "job_id": "j",
        "output": "out/results.json",
        "files": 2,
        "bytes": 20_257_805,
        "lines": 272_615,
        "chunks": 6,
        "keys": 26_433,
        "seconds": 2.5,
        "largest": [("the", 151_655), ("of", 37_980.5)],
    }
    return Outcome(**{**values, **given})  # type: ignore[arg-type]


def rendered(what: object, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(what)
    return out.getvalue()


class StderrConsole:
    """A terminal of some width, and what was written to it."""

    def __init__(self, width: int) -> None:
        self.out = io.StringIO()
        self.console = Console(
            file=self.out,
            width=width,
            height=24,
            force_terminal=True,
            color_system=None,
            legacy_windows=False,
            _environ={},
        )

    def frames(self) -> list[str]:
        """Return the lines that were written, without the moves of the cursor."""
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.out.getvalue())
        return [line.rstrip() for line in re.split(r"[\r\n]+", text)]


def bars_at(width: int, *seen: Progress) -> list[str]:
    screen = StderrConsole(width)
    with BarDisplay(console=screen.console) as display:
        for one in seen:
            display.progressed(one)
        display.say("the end")
    return screen.frames()


# -- text ---------------------------------------------------------------------------------------------------


def test_foreign_text_shows_controls_spelled_out() -> None:
    assert printable(NASTY) == r"a\x1b[2Jb\x07[red]c[/red]\u202e\x9b1m"
    assert printable("\udc80") == r"\x80"
    assert printable("one\ntwo\r") == r"one\ntwo\r"


def test_visible_text_of_any_script_stays_as_it_is() -> None:
    assert printable("naïve 日本 می\u200cخواهم 👩\u200d💻") == "naïve 日本 می\u200cخواهم 👩\u200d💻"


def test_line_breaks_stay_where_lines_are_wanted() -> None:
    assert printable("one\n\ttwo\x1b", lines=True) == "one\n    two\\x1b"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (count(1, "retry", "retries"), "1 retry"),
        (count(1024, "line"), "1,024 lines"),
        (size(999), "999 B"),
        (size(999_960), "1.0 MB"),
        (size(20_257_805), "20.3 MB"),
        (size(2.5e15), "2,500.0 TB"),
        (rate(1_234_567_890), "1,234.6 MB/s"),
        (rate(12_345), "12.3 kB/s"),
        (rate(0), "0.0 MB/s"),
        (duration(0.44), "0.4 s"),
        (duration(59), "59 s"),
        (clock(7), "0:07"),
        (clock(3723), "1:02:03"),
        (clock(183_600), "2 d 03:00"),
        (timestamp(1_795_245_231_816), "2026-11-21T07:13:51.816Z"),
        (timestamp(None), None),
    ],
)
def test_numbers_read_well(shown: str | None, expected: str | None) -> None:
    assert shown == expected


def test_a_traceback_in_a_line_is_its_first_line_and_its_error() -> None:
    assert (
        first_line("M failed in f, line 3\nTraceback ...\nValueError: no") == "M failed in f, line 3 (ValueError: no)"
    )
    assert first_line("it was killed\n") == "it was killed"
    assert first_line("") == ""


# -- pace ---------------------------------------------------------------------------------------------------


def test_the_speed_is_that_of_the_last_while() -> None:
    pace = ProgressRate()
    for second in range(100):
        pace.see(progress(seconds=float(second), bytes_mapped=second * 100, bytes=1_000_000))
    for second in range(100, 140):
        pace.see(progress(seconds=float(second), bytes_mapped=10_000 + (second - 100) * 1000, bytes=1_000_000))
    assert pace.speed == pytest.approx(1000)
    assert pace.left == pytest.approx((1_000_000 - 49_000) / 1000)


def test_without_anything_mapped_no_end_is_foretold() -> None:
    pace = ProgressRate()
    assert pace.left is None
    pace.see(progress(seconds=1.0, bytes_mapped=0))
    pace.see(progress(seconds=2.0, bytes_mapped=0))
    assert pace.speed == 0
    assert pace.left is None


def test_all_is_done_only_when_every_chunk_is() -> None:
    assert done_share(progress()) == 40
    assert done_share(progress(bytes_mapped=100_000_000, chunks_mapped=9, split_done=True)) == 99
    assert done_share(progress(bytes_mapped=100_000_000, chunks_mapped=10, split_done=True)) == 100
    assert done_share(progress(bytes=0, bytes_mapped=0)) == 100
    assert done_share(progress(state=JobState.REDUCING)) == 100


# -- bars ---------------------------------------------------------------------------------------------------


def test_bars_tell_chunks_speed_end_workers_and_retries() -> None:
    frames = bars_at(80, progress(seconds=1.0, bytes_mapped=0), progress(seconds=11.0, retries=1))
    [map_bar] = {line for line in frames if line.startswith("map") and "40%" in line}
    assert map_bar.endswith("40% 4/10+ chunks")
    assert any(line.startswith("reduce") and line.endswith("0% 0/8 partitions") for line in frames)
    assert "4.0 MB/s · ETA 0:15 · 1 retry · 2 workers · 1,000,000 lines · 0:11" in frames


@pytest.mark.parametrize("width", [80, 40, 20])
def test_no_line_of_the_bars_is_wider_than_the_terminal(width: int) -> None:
    frames = bars_at(width, progress(seconds=1.0, bytes_mapped=0), progress(seconds=11.0, retries=12))
    assert any("40%" in line for line in frames)
    assert max(map(len, frames)) <= width


def test_narrow_bars_leave_the_least_important_figures_out() -> None:
    frames = bars_at(40, progress(seconds=1.0, bytes_mapped=0), progress(seconds=11.0))
    assert "4.0 MB/s · ETA 0:15 · 2 workers" in frames
    assert any(line.startswith("map") and line.endswith("40% 4/10+") for line in frames)


def test_figures_are_kept_whole() -> None:
    assert fitting(["one", "two", "three"], 8, ", ").plain == "one, two"
    assert fitting(["too long"], 3, ", ").plain == ""


def test_a_job_that_is_over_at_once_shows_no_bars() -> None:
    assert not any(line.startswith("map") for line in bars_at(80, progress(seconds=0.1), progress(seconds=0.3)))


def test_bars_are_gone_before_results_are_written_to_the_same_terminal() -> None:
    screen = StderrConsole(80)
    with BarDisplay(console=screen.console, to_stdout=True) as display:
        display.progressed(progress())
        display.progressed(progress(state=JobState.REDUCING, partitions_reduced=8, split_done=True, chunks_mapped=10))
        before = screen.out.getvalue()
        display.progressed(progress(state=JobState.REDUCING, partitions_reduced=8))
        time.sleep(0.3)
        assert screen.out.getvalue() == before
    assert before.endswith("\x1b[2K")  # the last thing done is to erase


def test_bars_stay_when_the_run_fails() -> None:
    screen = StderrConsole(80)
    display = BarDisplay(console=screen.console)
    display.progressed(progress())
    display.__exit__(ValueError, ValueError("boom"), None)
    assert "\x1b[2K" not in screen.out.getvalue().rpartition("MB/s")[2]


def test_foreign_lines_above_the_bars_keep_their_markup_and_lose_their_escapes() -> None:
    screen = StderrConsole(80)
    with BarDisplay(console=screen.console) as display:
        display.progressed(progress())
        display.printed(NASTY)
        display.warned(NASTY)
        display.retried(_failure("map:1", f"{NASTY}\nmore"), 1.26)
    shown = printable(NASTY)
    lines = screen.frames()
    assert shown in lines
    assert f"warning: {shown}" in lines
    assert f"retry of map:1 in 1.3 s: {shown} (more)" in lines
    assert "\x1b[2Jb" not in screen.out.getvalue()


# -- plain lines --------------------------------------------------------------------------------------------


def test_the_log_has_a_line_a_phase_and_one_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    with LogDisplay() as display:
        display.started("j-1", "")
        for tenths in range(70):
            display.progressed(progress(seconds=tenths / 10, bytes_mapped=tenths * 1_000_000))
        display.progressed(progress(state=JobState.REDUCING, seconds=7.1, partitions_reduced=1))
        display.progressed(progress(state=JobState.REDUCING, seconds=7.2, partitions_reduced=8, retries=1))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "job j-1",
        " 0:00 map 100.0 MB in 1 file, 2 workers",
        " 0:03 map 30%, 4/10+ chunks, 10.0 MB/s, ETA 0:07, 2 workers",
        " 0:06 map 60%, 4/10+ chunks, 10.0 MB/s, ETA 0:04, 2 workers",
        " 0:07 reduce 1/8 partitions, 2 workers",
        " 0:07 write the results, 2 workers, 1 retry",
    ]


def test_a_long_run_logs_more_and_more_seldom(capsys: pytest.CaptureFixture[str]) -> None:
    with LogDisplay() as display:
        for second in range(3600):
            display.progressed(progress(seconds=float(second), bytes_mapped=second * 1000))
    assert 50 < len(capsys.readouterr().err.splitlines()) < 150


def test_none_names_the_job_and_how_to_look_in_and_tells_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with make_display("none") as display:
        display.started("j-1", "redis-cli -s /x")
        display.progressed(progress())
    assert capsys.readouterr().err.splitlines() == ["job j-1", "look in: redis-cli -s /x"]


def _failure(task: str, message: str) -> Failure:
    return Failure(task, 1, "worker-1", RAISED, message, 0)


def test_a_retry_has_its_whole_reason_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose in (False, True):
        Display(verbose=verbose).retried(_failure("map:3", "M failed\n  at line 3\nValueError: no"), 2.0)
    assert capsys.readouterr().err.splitlines() == [
        "retry of map:3 in 2.0 s: M failed (ValueError: no)",
        "retry of map:3 in 2.0 s: M failed",
        "  at line 3",
        "ValueError: no",
    ]


def test_quiet_shows_nothing_of_a_run_that_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    with make_display("bar", quiet=True) as display:
        display.started("j-1", "hint")
        display.printed("hello")
        display.warned("careful")
        display.progressed(progress())
    display.summarise(outcome())
    assert capsys.readouterr() == ("", "")


def test_quiet_shows_what_workers_printed_last_when_the_run_fails(capsys: pytest.CaptureFixture[str]) -> None:
    display = QuietDisplay()
    for n in range(50):
        display.printed(f"line {n}")
    display.__exit__(ValueError, ValueError("boom"), None)
    assert capsys.readouterr().err.splitlines() == [f"line {n}" for n in range(30, 50)]


def test_a_reader_that_is_gone_does_not_end_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            tried.append(str(text))
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Gone())
    with make_display("log") as display:
        display.started("j-1", "")
        display.progressed(progress())
    display.summarise(outcome())
    assert any("j-1" in text for text in tried)


def test_bars_need_a_terminal_that_can_move_its_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_display("bar"), LogDisplay)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(make_display("auto"), BarDisplay)
    assert isinstance(make_display("log"), LogDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_display("auto"), LogDisplay)


# -- summary and tables -------------------------------------------------------------------------------------


def test_the_summary_has_totals_largest_values_and_where_the_results_are() -> None:
    shown = rendered(summary(outcome(counters={"bad lines": 3}), 80))
    rows = {tuple(re.split(r"\s{2,}", line.strip())) for line in shown.splitlines()}
    assert ("files", "2", "the", "151,655") in rows
    assert ("size", "20.3 MB", "of", "37,980.5") in rows
    assert {("lines", "272,615"), ("keys", "26,433"), ("time", "2.5 s"), ("speed", "8.1 MB/s")} <= rows
    assert {("retries", "0"), ("bad lines", "3")} <= rows
    assert shown.rstrip().endswith("results: out/results.json")


def test_what_was_set_aside_is_named_in_the_summary() -> None:
    shown = rendered(summary(outcome(skipped_chunks=2, bad_records=7, quarantine="out/quarantine.jsonl"), 80))
    assert re.search(r"skipped chunks\s+2\b", shown)
    assert re.search(r"bad records\s+7\b", shown)
    assert "set aside: out/quarantine.jsonl" in shown


@pytest.mark.parametrize("width", [80, 60, 40])
def test_the_summary_fits_the_terminal_whatever_the_keys(width: int) -> None:
    shown = rendered(summary(outcome(largest=[("k" * 200, 10**12), (NASTY, 1), ("日本" * 30, 2)]), width), width)
    assert all(len(line) <= width for line in shown.splitlines())
    assert "1,000,000,000,000" in shown
    assert "\x1b" not in shown


def test_a_job_without_numbers_has_no_largest_values() -> None:
    assert "largest" not in rendered(summary(outcome(largest=[]), 80))


def test_a_narrow_table_drops_its_least_important_columns() -> None:
    columns = [Column("JOB"), Column("STATE", 1), Column("WHEN", 2)]
    rows = [("job-0123456789", "mapping", "2026-11-21 07:00:00")]
    assert rendered(fitted(columns, rows, 80)).split() == [
        *("JOB", "STATE", "WHEN"),
        *("job-0123456789", "mapping", "2026-11-21", "07:00:00"),
    ]
    assert rendered(fitted(columns, rows, 30), 30).split() == ["JOB", "STATE", "job-0123456789", "mapping"]
    assert "".join(rendered(fitted(columns, rows, 10), 10).split()) == "JOBjob-0123456789"


def test_a_summary_says_which_bytes_were_counted_twice() -> None:
    twice = outcome(repeated=[("in/b.log", "in/a.log"), ("in/c.log", "in/a.log")])

    shown = rendered(summary(twice, 200), 200)

    assert "same bytes: in/b.log holds what in/a.log does, and both were counted; and 1 more such file" in shown
    assert re.search(r"repeated files +2", shown)
    assert "in/a.log was named more than once" in rendered(summary(outcome(repeated=[("in/a.log",) * 2]), 200), 200)
    assert "same bytes" not in rendered(summary(outcome(), 200), 200)


def test_empty_results_are_told_with_what_was_counted_the_most_first() -> None:
    counters = {"blank lines": 1, **{f"c{n:02}": 1_000 + n for n in range(12)}}

    told = why_empty(outcome(keys=0, counters=counters))

    assert told.startswith("the results are empty; counted were c11: 1,011; c10: 1,010; ")
    assert told.endswith("c02: 1,002; and more")
    assert why_empty(outcome(keys=1, counters=counters)) == why_empty(outcome(keys=0)) == ""
