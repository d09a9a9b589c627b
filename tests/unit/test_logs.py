"""Lines of logs: what they say, when it happened, what kind of message it is, and which windows it falls into."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter import Job, Lines, Sum
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import run_map
from word_counter.errors import JobLoadError, RecordError
from word_counter.loading.job_reference import make_job
from word_counter.logs import LINE_PARAMS, Clock, LogMapper, Record, Span, Unreadable, reader, spans, template, utc
from word_counter.logs.formats import FORMATS
from word_counter.logs.windows import window_starts

_COMBINED = '203.0.113.9 - ann [20/Nov/2026:09:14:02 +0100] "GET /tea/7?x=1 HTTP/1.1" 503 512 "-" "curl/8"'


class TestFormats:
    @pytest.mark.parametrize(
        ("line", "time", "level", "message"),
        [
            (_COMBINED, "20/Nov/2026:09:14:02 +0100", "5xx", "GET /tea/7"),
            (_COMBINED + " 0.182", "20/Nov/2026:09:14:02 +0100", "5xx", "GET /tea/7"),
            ('::1 - - [20/Nov/2026:09:14:02 +0100] "-" 400 0', "20/Nov/2026:09:14:02 +0100", "4xx", "-"),
            (r'a - - [t] "GET /\"q\" HTTP/1.1" 200 -', "t", "2xx", r"GET /\"q\""),
            (
                "<165>1 2026-11-20T09:14:02.003Z web shop 8 ID47 - out of tea",
                "2026-11-20T09:14:02.003Z",
                "NOTICE",
                "out of tea",
            ),
            ('<11>1 - web shop - - [a x="]"][b] \ufeffgone', "", "ERR", "gone"),
            ("<34>Nov  9 22:14:15 web su[12]: failed for lonvick", "Nov  9 22:14:15", "CRIT", "failed for lonvick"),
            ("Nov 19 22:14:15 web kernel: eth0: up", "Nov 19 22:14:15", "-", "eth0: up"),
            ("2026-11-20T09:14:02.123456+01:00 web sshd[4]: bye", "2026-11-20T09:14:02.123456+01:00", "-", "bye"),
            ('{"ts": 1795247629.5, "level": "error", "msg": "no tea"}', "1795247629.5", "error", "no tea"),
            (
                '{"@timestamp": "2026-11-20T09:14:02Z", "log": {"level": "WARN"}, "message": "m"}',
                "2026-11-20T09:14:02Z",
                "WARN",
                "m",
            ),
            ("2026-11-20 09:14:02,182 ERROR [main] shop.Orders - no tea", "2026-11-20 09:14:02,182", "ERROR", "no tea"),
            (
                "2026-11-20 09:14:02,182 [http worker 1] WARN  shop.Orders: low",
                "2026-11-20 09:14:02,182",
                "WARN",
                "low",
            ),
            (
                "[2026-11-20T09:14:02Z] [7] [INFO] started: 7 workers",
                "2026-11-20T09:14:02Z",
                "INFO",
                "started: 7 workers",
            ),
            ("2026-11-20 09:14:02 shop INFO order 1001 paid", "2026-11-20 09:14:02", "INFO", "order 1001 paid"),
            ("2026-11-20 09:14:02 - root - FATAL - the end", "2026-11-20 09:14:02", "FATAL", "the end"),
        ],
    )
    def test_are_told_apart_line_by_line(self, line: str, time: str, level: str, message: str) -> None:
        record = reader()(line)

        assert (record.time, record.level, record.message) == (time, level, message)

    def test_name_their_fields(self) -> None:
        read = reader()

        assert read(_COMBINED + " 0.182").field("latency") == "0.182"
        assert read(_COMBINED).field("path") == "/tea/7"
        assert read('{"http": {"status": 404}, "ok": true}').fields == {"http.status": "404", "ok": "true"}
        assert read("2026-11-20 09:14:02 shop INFO paid").field("context") == "shop"
        with pytest.raises(Unreadable, match="there is no latency, only host, ident, user"):
            read(_COMBINED).field("latency")
        with pytest.raises(Unreadable, match="there is no referer"):
            read(_COMBINED).field("referer")

    @pytest.mark.parametrize(
        ("name", "line"), [("combined", "{}"), ("json", _COMBINED), ("syslog", "x"), ("log4j", "")]
    )
    def test_that_are_named_are_the_only_ones(self, name: str, line: str) -> None:
        with pytest.raises(Unreadable, match=f"this is no line of {name}$"):
            reader(name)(line)

    def test_may_be_a_pattern_of_ones_own(self) -> None:
        read = reader(pattern=r"(?P<time>\S+ \S+) (?P<service>\w+) .* in (?P<latency>\d+) ms")

        record = read("2026-11-20 09:14:02 shop INFO order 1001 paid in 182 ms")

        assert (record.time, record.field("service"), record.field("latency")) == ("2026-11-20 09:14:02", "shop", "182")
        with pytest.raises(Unreadable, match="the pattern is not in this line"):
            read("2026-11-20 09:15:31 shop WARNING stock of tea is low")

    @given(st.text() | st.text("{[\"': 0123456789-TZ<>]}ERROR\\", max_size=60))
    def test_take_any_text_as_a_record_or_refuse_it(self, line: str) -> None:
        for name in ("auto", *FORMATS):
            with contextlib.suppress(Unreadable):
                assert isinstance(reader(name)(line), Record)

    @pytest.mark.parametrize(
        "line",
        ["[" * 50_000, '{"a":' * 50_000, "2026-11-20 09:14:02 " + "[a] " * 20_000, 'a - - [t] "' + "\\" * 50_001],
    )
    def test_take_no_time_over_what_is_made_to_take_it(self, line: str) -> None:
        with pytest.raises(Unreadable):
            reader()(line)


class TestClock:
    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("iso", "2026-11-20T08:14:02.500Z"),
            ("iso", "2026-11-20 09:14:02,500+0100"),
            ("iso", "2026-11-20T09:14:02.500999+01:00"),
            ("epoch", "1795162442.5"),
            ("%d/%b/%Y:%H:%M:%S.%f %z", "20/Nov/2026:09:14:02.5 +0100"),
            ("epoch", "1795162442.50099"),
            ("epoch_ms", "1795162442500"),
            ("%d.%m.%Y %H:%M:%S.%f %z", "20.11.2026 09:14:02.5 +0100"),
        ],
    )
    def test_reads_milliseconds(self, form: str, text: str) -> None:
        assert Clock(form).milliseconds(text) == 1_795_162_442_500

    def test_reads_what_names_no_zone_in_the_one_that_is_told(self) -> None:
        local = "2026-07-01 12:00:00"

        assert Clock("iso").milliseconds(local) == Clock("iso").milliseconds("2026-07-01T12:00:00Z")
        assert Clock("iso", "Europe/Berlin").milliseconds(local) == Clock("iso").milliseconds("2026-07-01T10:00:00Z")
        assert Clock("iso", "Europe/Berlin").milliseconds("2026-07-01T12:00:00Z") == Clock().milliseconds(local)
        assert Clock("clf", "Asia/Tokyo").milliseconds("01/Jul/2026:12:00:00 +0000") == Clock().milliseconds(local)

    def test_reads_what_names_no_year_in_the_one_that_is_told(self) -> None:
        assert Clock("bsd", year=2028).milliseconds("Feb 29 00:00:00") == Clock().milliseconds("2028-02-29")
        assert Clock("%d.%m. %H:%M", year=2026).milliseconds("9.11. 22:14") == Clock().milliseconds("2026-11-09 22:14")
        assert Clock("bsd", year=2026).milliseconds("Nov  9 22:14:15") == Clock().milliseconds("2026-11-09 22:14:15")
        with pytest.raises(Unreadable, match="names no year: say which it is with --param year="):
            Clock("bsd").milliseconds("Nov  9 22:14:15")

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("iso", "yesterday"),
            ("iso", "2026-13-01"),
            ("clf", "20/Nov/2026:09:14:02"),
            ("clf", "20/Okt/2026:09:14:02 +0000"),
            ("clf", "31/Nov/2026:09:14:02 +0000"),
            ("bsd", "Nov 20"),
            ("epoch", "1e99999999"),
            ("epoch", "nan"),
            ("epoch", "-99999999999"),
            ("iso", "0001-01-01T00:00:00+14:00"),
            ("epoch_ms", "1.5"),
            ("bsd", "Feb 29 00:00:00"),
        ],
    )
    def test_refuses_what_is_no_time_of_its_format(self, form: str, text: str) -> None:
        with pytest.raises(Unreadable, match=re.escape(f"{text!r} is no time of the format {form}")):
            Clock(form, year=2027).milliseconds(text)

    def test_refuses_a_line_without_a_time(self) -> None:
        with pytest.raises(Unreadable, match="there is no time in this line"):
            Clock().milliseconds("")

    @given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    def test_agrees_with_datetime(self, moment: datetime) -> None:
        expected = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 0.001)
        local = moment.astimezone(ZoneInfo("America/New_York"))

        assert abs(Clock().milliseconds(local.isoformat()) - expected) <= 1  # that of floats
        assert Clock("epoch").milliseconds(f"{int(moment.timestamp())}") == int(moment.timestamp()) * 1000
        assert Clock("clf").milliseconds(f"{local:%d/%b/%Y:%H:%M:%S} +0000") == Clock().milliseconds(
            f"{local:%Y-%m-%dT%H:%M:%S}Z"
        )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("order 1001 paid in 1,204.50 ms", "order <n> paid in <n> ms"),
        ("from 203.0.113.9:8080 and [fe80::1] and ::1", "from <ip>:<n> and [<ip>] and <ip>"),
        ("key 0xDEADbeef of 5f0c9a3e-1111-4222-8333-0123456789ab", "key <hex> of <uuid>"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <hex>"),
        ("the facade is deadbeef", "the facade is deadbeef"),
        ("can't open 'a b' for \"c d\"", "can't open <text> for <text>"),
        ("at 09:14:02 web-12 said std::string", "at <n>:<n>:<n> web-<n> said std::string"),
        ("GET /tea/7", "GET /tea/<n>"),
        ("nothing", "nothing"),
    ],
)
def test_templates_leave_out_what_differs(message: str, expected: str) -> None:
    assert template(message) == expected
    assert template(expected) == expected


class TestWindows:
    @given(st.integers(-(10**13), 10**13), st.integers(1, 500), st.integers(0, 700))
    def test_hold_a_time_exactly_when_it_lies_between_their_ends(
        self, milliseconds: int, size: int, every: int
    ) -> None:
        step, second = every or size, milliseconds // 1000

        starts = window_starts(milliseconds, size, every)

        near = range((second - size) // step * step, second + step, step)
        assert list(starts) == [start for start in near if start <= second < start + size]

    def test_begin_at_whole_multiples_of_their_step(self) -> None:
        assert list(map(utc, window_starts(1_795_162_442_500, 300))) == ["2026-11-20T08:10:00Z"]
        assert list(window_starts(600_000, 300, 100)) == [400, 500, 600]


class TestSpans:
    @given(st.lists(st.lists(st.integers(0, 100), max_size=8), max_size=6), st.integers(0, 12))
    def test_are_the_same_however_their_events_were_grouped(self, groups: list[list[int]], gap: int) -> None:
        grouped = spans((span for group in groups for span in spans([(at, at, 1) for at in group], gap)), gap)

        assert grouped == spans([(at, at, 1) for group in groups for at in group], gap)
        assert sum(span.events for span in grouped) == sum(map(len, groups))
        assert all(later.start - span.end > gap for span, later in pairwise(grouped))

    def test_end_when_nothing_happens_for_longer_than_the_gap(self) -> None:
        assert spans([(25, 25, 1), (0, 0, 1), (10, 10, 1)], 10) == [Span(0, 10, 2), Span(25, 25, 1)]


class Levels(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield record.level, 1
        yield record.field("latency"), 1


class ByLevel(Job):
    mapper, reducer = Levels, Sum
    params = {**LINE_PARAMS}  # noqa: RUF012


class TestUnreadableLines:
    LINES = Lines(f"{_COMBINED} 1.5\njunk\n\n{_COMBINED}\n".encode())

    def test_are_bad_records(self) -> None:
        (phase,) = ByLevel().phases(ByLevel().param_values())

        with pytest.raises(RecordError, match=r"line 2: 'junk'\n(.*\n)*.*Unreadable: this is no line of combined or"):
            run_map(phase, self.LINES, 1)
        output = run_map(phase, self.LINES, 1, SkipBadRecords(2))

        assert [record.raw for _, record in output.aside.records.values()] == [b"junk\n", f"{_COMBINED}\n".encode()]
        assert output.partials == {0: '{"5xx":1,"1.5":1}'}
        assert output.counters == {"blank lines": 1}

    def test_may_be_counted_instead(self) -> None:
        job = ByLevel(params={"unreadable": "count"})
        (phase,) = job.phases(job.param_values())

        output = run_map(phase, self.LINES, 1)

        assert output.partials == {0: '{"5xx":1,"1.5":1}'}  # of the last line nothing counts
        assert output.counters == {"blank lines": 1, "lines that cannot be read": 2}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("pattern", "(", "missing )"),
        ("pattern", "a+", "it has no named group, such as (?P<time>...)"),
        ("format", "csv", "must be one of auto, combined, syslog, json, log4j"),
        ("zone", "Mars/One", "this machine knows no such zone"),
        ("zone", "../etc/passwd", "this machine knows no such zone"),
        ("time_format", "rfc", "it is none of iso, clf, bsd, epoch, epoch_ms"),
        ("year", "-1", "must be a whole number of at least 0"),
    ],
)
def test_params_of_logs_are_checked_before_anything_starts(name: str, value: str, told: str) -> None:
    with pytest.raises(Exception, match=re.escape(told)) as caught:
        make_job("windows", {name: value}).param_values()

    assert type(caught.value).__name__ == "UsageError"


def test_a_mapper_of_records_without_a_method_for_them_is_no_complete_job() -> None:
    class Lacking(LogMapper):
        pass

    with pytest.raises(JobLoadError, match=r"mapper Lacking lacks a method map_record\(self, record\)"):
        Job(mapper=Lacking, reducer=Sum)


def test_a_window_that_begins_before_the_calendar_makes_a_line_unreadable() -> None:
    job = make_job("windows", {"size": 10**12, "unreadable": "count"})
    (phase,) = job.phases(job.param_values())

    output = run_map(phase, Lines(b"1960-11-20 09:00:59 INFO a\n"), 1)

    assert (output.partials, output.counters) == ({}, {"lines that cannot be read": 1})


def test_lines_that_fall_between_windows_are_counted() -> None:
    job = make_job("windows", {"size": 60, "every": 3600})
    (phase,) = job.phases(job.param_values())

    output = run_map(phase, Lines(b"2026-11-20 09:00:59 INFO a\n2026-11-20 09:01:00 INFO b\n"), 1)

    assert (output.partials, output.counters) == ({0: '{"2026-11-20T09:00:00Z":1}'}, {"lines between windows": 1})
