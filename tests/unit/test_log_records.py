"""Records of many loggers: their message, level and time are found, and levels are met however they are spelled."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import pytest

from word_counter import Job, Lines, Sum
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import run_map
from word_counter.errors import JobLoadError, RecordError
from word_counter.loading.job_reference import make_job
from word_counter.logs import LINE_PARAMS, TIME_PARAMS, Clock, LogMapper, Record, Unreadable, reader
from word_counter.logs.levels import SPELLINGS, level_name
from word_counter.logs.param_use import own_calls

_AT = 1_795_166_042_422  # 2026-11-20T09:14:02.422Z, in milliseconds
_ISO = "2026-11-20T09:14:02.422Z"

#: One line of each logger, in the form that its own documentation shows, that says "boom" as an error at that time.
_LOGGERS: dict[str, dict[str, Any]] = {
    "pino": {"level": 50, "time": _AT, "pid": 7, "hostname": "web", "msg": "boom"},
    "bunyan": {"name": "shop", "hostname": "web", "pid": 7, "level": 50, "msg": "boom", "time": _ISO, "v": 0},
    "zap": {"level": "error", "ts": _AT / 1000, "logger": "shop", "caller": "shop/a.go:7", "msg": "boom"},
    "zap in development": {"L": "ERROR", "T": "2026-11-20T10:14:02.422+0100", "C": "a.go:7", "M": "boom"},
    "zap in nanoseconds": {"level": "error", "ts": _AT * 1_000_000, "msg": "boom"},
    "logrus": {"level": "error", "msg": "boom", "time": _ISO},
    "slog": {"time": _ISO, "level": "ERROR+2", "msg": "boom"},
    "structlog": {"event": "boom", "level": "error", "timestamp": _ISO, "order": 7},
    "python-json-logger": {"asctime": "2026-11-20 09:14:02,422", "levelname": "ERROR", "message": "boom"},
    "Python's numbers": {"created": _AT / 1000, "levelno": 40, "message": "boom"},
    "Serilog": {"Timestamp": _ISO, "Level": "Error", "MessageTemplate": "{What}", "RenderedMessage": "boom"},
    "Serilog, compact": {"@t": "2026-11-20T09:14:02.4220000Z", "@mt": "boom", "@l": "Error", "What": 7},
    "Serilog, compact and rendered": {"@t": _ISO, "@mt": "{What}", "@m": "boom", "@l": "Error"},
    ".NET's console": {"Timestamp": _ISO, "EventId": 0, "LogLevel": "Error", "Category": "shop", "Message": "boom"},
    "Logback": {"timestamp": _AT, "level": "ERROR", "threadName": "main", "message": "{}", "formattedMessage": "boom"},
    "Logback, contrib": {"timestamp": str(_AT), "level": "ERROR", "thread": "main", "message": "boom"},
    "Logstash": {"@timestamp": _ISO, "@version": "1", "message": "boom", "level": "ERROR", "level_value": 40000},
    "Log4j": {"timeMillis": _AT, "thread": "main", "level": "ERROR", "loggerName": "shop", "message": "boom"},
    "ECS": {"@timestamp": _ISO, "log.level": "error", "message": "boom", "event": {"dataset": "shop"}},
    "ECS, nested": {"@timestamp": _ISO, "log": {"level": "error"}, "message": "boom"},
    "GELF": {"version": "1.1", "host": "web", "short_message": "boom", "timestamp": _AT / 1000, "level": 3},
    "journald": {"__REALTIME_TIMESTAMP": str(_AT * 1000), "PRIORITY": "3", "MESSAGE": "boom", "_PID": "7"},
    "journald, of bytes": {"__REALTIME_TIMESTAMP": str(_AT * 1000), "PRIORITY": "3", "MESSAGE": list(b"boom")},
    "Kubernetes": {"ts": _AT / 1000, "caller": "a.go:7", "msg": "boom", "err": "refused"},
    "Kubernetes in milliseconds": {"ts": _AT + 0.25, "msg": "boom", "err": "refused"},
    "zerolog": {"level": "error", "time": _ISO, "message": "boom"},
    "winston": {"level": "error", "message": "boom", "timestamp": _ISO},
    "Monolog": {"message": "boom", "level": 400, "level_name": "ERROR", "channel": "shop", "datetime": _ISO},
    "MongoDB": {"t": {"$date": "2026-11-20T09:14:02.422+00:00"}, "s": "E", "c": "NETWORK", "msg": "boom"},
    "OpenTelemetry": {"timeUnixNano": str(_AT * 1_000_000), "severityNumber": 17, "body": {"stringValue": "boom"}},
    "Google Cloud": {"timestamp": _ISO, "severity": "ERROR", "jsonPayload": {"message": "boom"}},
    "Docker of JSON": {"log": '{"level":"error","msg":"boom"}\n', "stream": "stderr", "time": _ISO},
    "Docker of Log4j": {"log": "2026-11-20 10:14:01,9 ERROR [main] - boom\r\n", "stream": "stderr", "time": _ISO},
}


def _record(line: dict[str, Any]) -> Record:
    return reader()(json.dumps(line))


@pytest.mark.parametrize("name", _LOGGERS)
def test_a_json_line_has_the_message_the_level_and_the_time_of_its_logger(name: str) -> None:
    record = _record(_LOGGERS[name])

    assert record.message == "boom"
    assert record.has_level("ERROR")
    assert not record.has_level("INFO", "5xx", "WARN", "FATAL")
    assert abs(Clock(record.clock).milliseconds(record.time) - _AT) <= 1  # that of floats


@pytest.mark.parametrize("line", [{"@t": _ISO, "@mt": "ok"}, {"ts": 1.5, "v": 4, "msg": "ok"}])
def test_a_level_that_a_logger_leaves_out_is_its_usual_one(line: dict[str, Any]) -> None:
    assert _record(line).has_level("INFO")


class TestContainers:
    def test_keep_text_as_it_is(self) -> None:
        record = _record({"log": "ERROR disk full\n", "stream": "stderr", "time": "2026-11-20T09:14:02.422145949Z"})

        assert (record.message, record.level, record.field("stream")) == ("ERROR disk full", "-", "stderr")
        assert Clock(record.clock).milliseconds(record.time) == _AT

    @pytest.mark.parametrize("line", ["ERROR full", '{"msg": "boom", "level": "warn"}', "", "a [b] ERROR c"])
    def test_of_kubernetes_are_read_by_the_lines_of_their_files(self, line: str) -> None:
        record = reader()(f"2026-11-20T09:14:02.422145949Z stdout F {line}")

        assert record.message == ("boom" if "boom" in line else line)
        assert record.has_level("WARNING") == ("boom" in line)
        assert record.field("stream") == "stdout"
        assert Clock(record.clock).milliseconds(record.time) == _AT

    def test_have_the_fields_of_what_they_wrote(self) -> None:
        line = '1.1.1.1 - - [20/Nov/2026:09:14:02 +0100] "GET /tea HTTP/1.1" 503 5'

        record = _record({"log": f"{line}\n", "stream": "stdout", "time": _ISO})

        assert (record.field("path"), record.level, record.message) == ("/tea", "5xx", "GET /tea")
        assert Clock(record.clock).milliseconds(record.time) == _AT

    @pytest.mark.parametrize(
        "kept",
        [
            {"log": "{}", "kubernetes": {"pod_name": "shop-7"}},
            {"log": "{}\n", "time": _ISO, "container_id": "ab", "container_name": "/shop", "source": "stderr"},
            {"message": "{}", "timestamp": _ISO, "kubernetes": {"pod_name": "shop-7"}, "stream": "stderr"},
            {"MESSAGE": "{}", "CONTAINER_NAME": "shop", "__REALTIME_TIMESTAMP": str(_AT * 1000)},
            {"log": "{}"},
        ],
    )
    @pytest.mark.parametrize(
        "line",
        [
            "2026-11-20 09:14:02,422 ERROR [main] - boom",
            json.dumps({"level": "error", "time": _ISO, "msg": "boom"}),
            "<11>1 2026-11-20T09:14:02.422Z web shop - - - boom",
        ],
    )
    def test_that_are_passed_on_with_other_fields_are_read(self, kept: dict[str, Any], line: str) -> None:
        name = next(iter(kept))

        record = _record({**kept, name: kept[name].format(line)})

        assert (record.message, record.has_level("ERROR")) == ("boom", True)
        assert Clock(record.clock).milliseconds(record.time) == _AT
        assert _record({**kept, name: "plain text"}).message == "plain text"

    def test_that_are_passed_on_keep_the_level_that_they_are_given(self) -> None:
        line = "2026-11-20 09:14:02 INFO [main] - boom"

        assert _record({"log": line, "level": "error", "kubernetes": {"pod_name": "a"}}).level == "error"
        assert _record({"message": line, "level": "error", "kubernetes": {"pod_name": "a"}}).message == line


def _docker(log: str, stream: str = "stdout", **more: Any) -> str:
    return json.dumps({"log": log, "stream": stream, "time": _ISO, **more})


def _cri(tag: str, text: str, stream: str = "stdout") -> str:
    return f"2026-11-20T09:14:02.422145949Z {stream} {tag} {text}"


def _shipped(tag: str, text: str, pod: str = "a") -> str:
    return json.dumps({"log": text, "logtag": tag, "stream": "stdout", "kubernetes": {"pod_name": pod}})


_PIECES = {
    "Kubernetes": (
        [_cri("P", f"{_ISO} ERROR or"), _cri("P", "der "), _cri("F", "ERROR paid")],
        [_cri("F", "ok", "stderr"), _cri("F", "ok")],
    ),
    "Docker": (
        [_docker(f"{_ISO} ERROR or"), _docker("der "), _docker(f"{_ISO} ERROR paid\n")],
        [_docker("ok\n", "stderr"), _docker("ok\n", attrs={"tag": "shop"})],
    ),
    "Docker with attributes": ([_docker("or", attrs={"a": "b"}), _docker("der\n", attrs={"a": "b"})], []),
    "fluent-bit": (
        [_shipped("P", "or"), _shipped("P", f"{_ISO} ERROR der"), _shipped("F", "paid")],
        [_shipped("F", "ok", "b"), _docker("ok", kubernetes={"pod_name": "c"})],
    ),
    "Docker with Fluentd": (
        [json.dumps({"log": text, "partial_message": "true", "partial_last": text}) for text in ("false", "true")],
        [json.dumps({"log": "ok", "source": "stdout"})],
    ),
    "Docker with journald": (
        [json.dumps({"MESSAGE": "a", "CONTAINER_PARTIAL_ID": "7", "CONTAINER_PARTIAL_LAST": last}) for last in "ft"],
        [json.dumps({"MESSAGE": "ok", "CONTAINER_NAME": "shop"})],
    ),
}


class TestPieces:
    @pytest.mark.parametrize("keeper", _PIECES)
    def test_of_a_line_are_no_records_but_what_is_between_and_behind_them_is(self, keeper: str) -> None:
        pieces, others = _PIECES[keeper]
        read = reader()

        for piece in pieces[:-1]:
            with pytest.raises(Unreadable, match="piece"):
                read(piece)
            for other in others[:1]:
                assert read(other).message == "ok"
        with pytest.raises(Unreadable, match=r"piece|the rest of a line"):
            read(pieces[-1])
        for other in others:
            assert read(other).message == "ok"

    def test_are_set_aside_one_by_one(self) -> None:
        lines = [_cri("F", "a"), *_PIECES["Kubernetes"][0], _cri("F", "b")]
        job = make_job("windows", {"size": "60"})
        (phase,) = job.phases(job.param_values())

        output = run_map(phase, Lines("\n".join(lines).encode()), 1, SkipBadRecords(limit=9))

        assert json.loads(output.partials[0]) == {"2026-11-20T09:14:00Z": 2}
        assert list(output.aside.records) == [1, 2, 3]


class TestMissingMessages:
    @pytest.mark.parametrize(
        "line",
        [
            '{"ts": 1, "level": "error", "took": 5}',
            '{"msg": null, "level": "error"}',
            '{"msg": {"a": 1}}',
            '{"log": "{\\"level\\": \\"error\\"}", "stream": "stderr"}',
            "<165>1 2026-11-20T09:14:02Z web shop 8 ID47 -",
            "2026-11-20 09:14:02 INFO",
        ],
    )
    def test_cannot_be_read(self, line: str) -> None:
        record = reader()(line)

        with pytest.raises(Unreadable, match="there is no message, only "):
            _ = record.message

    def test_of_a_pattern_that_has_a_group_for_them_cannot_be_read(self) -> None:
        read = reader(pattern=r"(?P<time>\d+)(?: (?P<message>.+))?")

        assert read("1 a").message == "a"
        with pytest.raises(Unreadable, match="there is no message"):
            _ = read("1").message
        assert reader(pattern=r"(?P<time>\d+)")("1 a").message == "1 a"

    def test_are_no_matter_where_nobody_asks_for_them(self) -> None:
        job = make_job("latency", {"field": "took", "percentiles": "50"})
        (phase,) = job.phases(job.param_values())

        output = run_map(phase, Lines(b'{"ts": 0, "took": 5}\n'), 1)

        assert output.partials == {0: '{"1970-01-01T00:00:00Z":[5.0]}'}

    def test_that_are_empty_are_none_that_are_missing(self) -> None:
        assert reader()('{"msg": ""}').message == ""


_REQUEST = '1.1.1.1 - - [20/Nov/2026:09:14:02 +0100] "GET /{} HTTP/1.1" 200 5'


class TestSecondRecords:
    @pytest.mark.parametrize(
        "line",
        [
            _REQUEST.format("a") + " " + _REQUEST.format("b"),
            _REQUEST.format("a") + ' "-" "curl ' + _REQUEST.format("b") + ' "-" "curl"',
            _REQUEST.format("a") + ' "-" "curl" 0.1 ' + _REQUEST.format("b"),
            _REQUEST.format("a") + _REQUEST.format("b"),
            "1.1.1.1 - - [20/Nov/2026:09" + _REQUEST.format("b"),
            '1.1.1.1 - - [20/Nov/2026:09:14:02 +0100] "GET /a' + _REQUEST.format("b"),
            '{"msg": "a"}{"msg": "b"}',
            '{"msg": "a"} {"msg": "b"}',
            "2026-11-20 09:14:02 shop INFO paid 12026-11-20 09:14:03 shop ERROR refused",
            "2026-11-20 09:14:02,1 INFO [main] - paid2026-11-20 09:14:03,2 [a b] ERROR shop.Cart - refused",
            "<34>Nov  9 22:14:15 web su: failed<35>Nov  9 22:14:16 web su: failed",
            "<165>1 - web shop 8 - - tea<165>1 2026-11-20T09:14:02Z web shop 8 - - cups",
        ],
    )
    def test_are_not_swallowed_by_the_first(self, line: str) -> None:
        with pytest.raises(Unreadable):
            reader()(line)

    @pytest.mark.parametrize(
        "line",
        [
            "2026-11-20 09:14:02 shop INFO got '2026-11-20 09:14:03 shop ERROR refused'",
            "2026-11-20 09:14:02 shop INFO from 2026-11-20 09:14:03 shop ERROR refused",
            "2026-11-20 09:14:02 shop INFO line=2026-11-20 09:14:03 shop ERROR refused",
            "<34>Nov  9 22:14:15 relay su: <35>Nov  9 22:14:16 web su: failed",
            _REQUEST.format("a") + ' "-" "curl" 0.182 "upstream [1]" 200',
        ],
    )
    def test_may_be_quoted(self, line: str) -> None:
        assert reader()(line).message


class TestLevels:
    def test_have_one_name_each(self) -> None:
        every = [name for level, others in SPELLINGS.items() for name in (level, *others)]

        assert len(every) == len(set(every))
        assert {level_name(level) for level in SPELLINGS} == set(SPELLINGS)

    @pytest.mark.parametrize(
        ("level", "asked"),
        [
            ("WARN", "WARNING"),
            ("WARNING", "warn"),
            ("Warning", "WRN"),
            ("err", "ERROR"),
            ("ERR", "error"),
            ("Error", "3"),
            ("3", "ERROR"),
            ("50", "ERROR"),
            ("40", "warn"),
            ("crit", "CRITICAL"),
            ("Information", "info"),
            ("[INFO]", "INFO"),
            ("DEBUG-4", "debug"),
            ("emerg", "panic"),
            *((f"D{n}", "DEBUG") for n in range(1, 6)),
            ("SUCCESS", "success"),
            ("5xx", "5XX"),
            ("503", "5xx"),
            ("503", "503"),
        ],
    )
    def test_are_met_however_they_are_spelled(self, level: str, asked: str) -> None:
        assert Record("", "iso", level).has_level("AUDIT", asked)
        assert not Record("", "iso", level).has_level("AUDIT", "4xx", "404")

    @pytest.mark.parametrize("record", [_REQUEST.replace("200", "503"), '{"status": 503}', '{"status": "503"}'])
    def test_of_a_request_are_its_status_or_the_class_of_it(self, record: str) -> None:
        found = reader()(record)

        assert found.level == "5xx"
        assert found.has_level("5xx")
        assert found.has_level("503")
        assert not found.has_level("500", "4xx", "-")

    def test_of_a_request_are_met_beside_the_one_of_its_logger(self) -> None:
        caddy = _record({"level": "info", "ts": 1.5, "msg": "handled request", "status": 500})

        assert caddy.has_level("5xx")
        assert caddy.has_level("INFO")


_READABLE_HEADERS = [
    ("ALERT some ERROR here", "ALERT", "some ERROR here"),
    ("warn no INFO file", "warn", "no INFO file"),
    ("[main] CRIT the FATAL file", "CRIT", "the FATAL file"),
    ("CRIT shop ERROR x", "CRIT", "shop ERROR x"),
    ("[ALERT] x ERROR", "ALERT", "x ERROR"),
    ("NOTICE INFO is missing", "NOTICE", "INFO is missing"),
    ("Error: INFO is missing", "Error", "INFO is missing"),
    ("[E] no INFO", "E", "no INFO"),
    ("UTC [412] ERROR:  no such table", "ERROR", "no such table"),
    ("UTC [412] DEBUG1:  an ERROR", "DEBUG1", "an ERROR"),
    ("CET shop SEVERE x", "SEVERE", "x"),
    ("web1 shop INFO paid", "INFO", "paid"),
    ("shop [main] INFO paid", "INFO", "paid"),
    ("shop: ERROR refused", "ERROR", "refused"),
    ("(main) shop - [ WARN ] low", "WARN", "low"),
    ("412 --- [main] INFO up", "INFO", "up"),
    ("| 412 | main | FATAL the end", "FATAL", "the end"),
    ("[pool-1-thread-2] com.shop.Cart FINE - x", "FINE", "x"),
]


class TestHeaders:
    @pytest.mark.parametrize(("header", "level", "message"), _READABLE_HEADERS)
    def test_have_the_level_that_comes_first(self, header: str, level: str, message: str) -> None:
        record = reader("log4j")(f"2026-11-20 09:14:02 {header}")

        assert (record.level, record.message) == (level, message)

    @pytest.mark.parametrize("level", [word for name, others in SPELLINGS.items() for word in (name, *others)])
    def test_may_have_any_spelling(self, level: str) -> None:
        for written in (f"[{level}] ERROR INFO", f"shop {level} ERROR INFO" if len(level) > 2 else f"[{level}]"):
            assert reader("log4j")(f"2026-11-20 09:14:02 {written}").level == level

    @pytest.mark.parametrize(
        "header",
        [
            "UTC [412] LOG:  ERROR seen",
            "UTC [412] STATEMENT:  ERROR seen",
            "AUDIT ERROR seen",
            "EDIT ERROR seen",
            "| SUCCESS | shop:pay:3 - ERROR mended",
            "found an ERROR",
            "an error occurred",
            "order 1001 ERROR seen",
            "order 1001 refused ERROR seen",
            "failed. Then ERROR",
            "alert INFO sent",
            "note ERROR seen",
            "A new ERROR",
            "C: ERROR seen",
        ],
    )
    def test_whose_level_is_not_sure_cannot_be_read(self, header: str) -> None:
        with pytest.raises(Unreadable):
            reader()(f"2026-11-20 09:14:02 {header}")


class TestFilters:
    def counters(self, levels: str, *lines: str) -> dict[str, int]:
        job = make_job("windows", {"levels": levels})
        (phase,) = job.phases(job.param_values())
        return run_map(phase, Lines("\n".join(lines).encode()), 1).counters

    def test_that_meet_nothing_count_the_levels_that_there_were(self) -> None:
        lines = [f"2026-11-20 09:14:02 shop {level} x" for level in ("INFO", "WARN", "WARNING")]

        assert self.counters("EROR", *lines, '{"ts": 1, "msg": "x"}', _REQUEST) == {
            "lines of level INFO, not asked for": 1,
            "lines of level WARNING, not asked for": 2,
            "lines without a level, not asked for": 1,
            "lines of level 2xx, not asked for": 1,
        }

    def test_that_meet_something_count_no_other_levels(self) -> None:
        lines = [f"2026-11-20 09:14:02 shop {level} x" for level in ("INFO", "ERROR", "WARN")]

        assert self.counters("error", *lines) == {}

    def test_count_few_levels_whatever_a_log_has(self) -> None:
        lines = [f'{{"ts": 1, "level": "x{n}"}}' for n in range(50)] + [f'{{"ts": 1, "level": "{"x" * 99}"}}']

        counters = self.counters("ERROR", *lines)

        assert len(counters) == 6
        assert counters["lines of other levels, not asked for"] == 46


class Plain(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield record.level, 1


class InTime(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield from ((at, 1) for at in [self.milliseconds(record)])


class InWindows(InTime):
    def map_record(self, record: Record) -> Any:
        yield from ((window, 1) for window in self.windows(record))


class OwnClock(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield Clock("epoch").milliseconds(record.time), 1


def _of_time(mapper: LogMapper, record: Record) -> int:
    return mapper.milliseconds(record)


class Indirect(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield getattr(self, "milli" + "seconds")(record), 1


class ByFunction(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield _of_time(self, record), 1


class ByFunctionInWindows(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield from ((start, 1) for start in LogMapper.windows(self, record))


class Undeclared(LogMapper):
    def map_record(self, record: Record) -> Any:
        yield record.level, self.params["n"]


class TestParams:
    @pytest.mark.parametrize(
        ("mapper", "told"),
        [
            (Indirect, "the job lacks the params time_format, zone, year; give it params = TIME_PARAMS, and import"),
            (ByFunction, "the job lacks the params time_format, zone, year; give it params = TIME_PARAMS, and import"),
            (
                ByFunctionInWindows,
                r'time_format, zone, year, size, every; give it params = \{\*\*TIME_PARAMS, "size": P',
            ),
            (Undeclared, "the job has no param 'n': it declares format, pattern, unreadable; give it params = "),
        ],
    )
    @pytest.mark.parametrize("unreadable", ["keep", "count"])
    def test_that_are_missed_in_the_run_end_the_job_and_are_no_bad_records(
        self, mapper: Any, told: str, unreadable: str
    ) -> None:
        class Lacking(Job):
            params = LINE_PARAMS

        Lacking.mapper, Lacking.reducer = mapper, Sum
        job = Lacking(params={"unreadable": unreadable})
        (phase,) = job.phases(job.param_values())

        with pytest.raises(RecordError, match=rf"{mapper.__name__} failed in .*line 1: [\s\S]*{told}"):
            run_map(phase, Lines(b"2026-11-20 09:14:02 shop INFO x\n"), 1, SkipBadRecords(limit=9))

    @pytest.mark.parametrize(
        ("mapper", "params", "told"),
        [
            (Plain, {}, "lacks the params format, pattern, unreadable; give it params = LINE_PARAMS, and import LINE"),
            (
                InTime,
                {},
                "lacks the params format, pattern, unreadable, time_format, zone, year; give it params = TIME",
            ),
            (InTime, LINE_PARAMS, r"\(milliseconds\), and the job lacks the params time_format, zone, year"),
            (InWindows, TIME_PARAMS, r'lacks the params size, every; .* \{\*\*TIME_PARAMS, "size": Param\(60'),
        ],
    )
    def test_that_a_job_lacks_are_named_before_it_runs(self, mapper: Any, params: Any, told: str) -> None:
        class Lacking(Job):
            pass

        Lacking.mapper, Lacking.reducer, Lacking.params = mapper, Sum, params

        with pytest.raises(JobLoadError, match=rf"job Lacking: mapper {mapper.__name__} .*{told}"):
            Lacking()

    @pytest.mark.parametrize("wrap", [property, cached_property, staticmethod, classmethod])
    def test_are_found_in_methods_of_every_kind(self, wrap: Any) -> None:
        def own(self: Any) -> Any:
            return self, self.milliseconds  # two variables that one step may load

        assert own_calls(type("Odd", (Plain,), {"own": wrap(own)}), LogMapper) >= {"milliseconds"}

    def test_are_found_behind_a_variable_that_is_loaded_before(self) -> None:
        class Pairs(Plain):
            def map_record(self, record: Record) -> Any:
                return pair(record, self.windows(record))

        def pair(*of: Any) -> Any:
            return of

        assert "windows" in own_calls(Pairs, LogMapper)

    @pytest.mark.parametrize(
        ("mapper", "params"), [(Plain, LINE_PARAMS), (InTime, TIME_PARAMS), (OwnClock, LINE_PARAMS)]
    )
    def test_that_a_mapper_reads_are_enough(self, mapper: Any, params: Any) -> None:
        class Whole(Job):
            pass

        Whole.mapper, Whole.reducer, Whole.params = mapper, Sum, params

        assert Whole().phases()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-20 09:14:02{}x", None),
        ("2026-11-20 09:14:02 UTC{}x", None),
        ("2026-11-20 09:14:02 shop{}x", None),
        ("2026-11-20 09:14:02 [a]{}[{}x", None),
        ("2026-11-20 09:14:02 a-1{}INFO x", "INFO"),
        ("2026-11-20 09:14:02 INFO paid2026-11-20 09:14:02{}x", "INFO"),
    ],
)
def test_a_line_of_blanks_takes_no_longer_than_one_of_letters(line: str, level: str | None) -> None:
    # Were it to grow with the square of the blanks, this test would run into its limit.
    long = line.replace("{}", " " * 300_000)

    if level is None:
        with pytest.raises(Unreadable):
            reader("auto")(long)
    else:
        assert reader("auto")(long).level == level
