"""The shipped jobs over generated input, each with what a few lines of plain Python say of it.

What is expected comes from the events that the input was written from, not from reading it.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_WORDS = ["tea", "Tea", "don't", "über", "naïve", "42", "a", "cup", "of", "time-out", "TIMED", "out", "紅茶"]
_LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"]
_MESSAGES = [
    ("order {n} paid in {n} ms", "order <n> paid in <n> ms"),
    ("host 10.0.{small}.{small} refused 'user {n}'", "host <ip> refused <text>"),
    ("key 0x{n:x} of 5f0c9a3e-1111-4222-8333-0123456789ab is gone", "key <hex> of <uuid> is gone"),
    ("the queue is long", "the queue is long"),
]
_START = 1_795_247_000  # 2026-11-21T07:03:20Z


@dataclass(frozen=True)
class Event:
    """A request or a message, at a time in whole seconds."""

    at: int
    host: str
    status: str
    latency: float
    level: str
    message: str
    template: str


@dataclass
class World:
    """Generated input: texts by file, and what they were made of."""

    folder: Path
    texts: dict[str, list[str]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    orders: list[list[str]] = field(default_factory=list)
    customers: list[list[str]] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [line for lines in self.texts.values() for line in lines]

    def path(self, name: str) -> str:
        return str(self.folder / name)


def make(folder: Path, lines: int = 300, seed: int = 1) -> World:
    """Write so many lines of each kind of input into a folder."""
    dice = random.Random(seed)
    world = World(folder)
    for name in ("a.txt", "b.txt"):
        some = [" ".join(dice.choices(_WORDS, k=dice.randrange(9))) for _ in range(lines // 2)]
        world.texts[world.path(name)] = some
        _write(folder / name, some)
    for _ in range(lines):
        world.events.append(_event(dice))  # in no order: late lines are the rule
    half = lines // 2
    _write(folder / "access.log", [_combined(event, dice) for event in world.events])
    _write(folder / "app.log", [_log4j(event) for event in world.events[:half]] + ["", "this is no line of a log"])
    _write(folder / "app.jsonl", [_json(event) for event in world.events[half:]])
    world.customers = [[f"c{n}", f'"{name}"'] for n in range(0, 40, 2) for name in ("Ann, Lee", "Bo")[: 1 + n % 4 // 2]]
    world.orders = [[str(n), f"c{dice.randrange(45)}", dice.choice(["tea", "cups"])] for n in range(lines)]
    _write(folder / "customers.csv", map(",".join, world.customers))
    _write(folder / "orders.csv", map(",".join, world.orders))
    return world


def _write(path: Path, lines: Any) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _event(dice: random.Random) -> Event:
    text, template = dice.choice(_MESSAGES)
    return Event(
        at=_START + int(dice.triangular(0, 7200, 900)),
        host=f"203.0.113.{dice.randrange(12)}",
        status=dice.choice(["200", "200", "304", "404", "503"]),
        latency=round(dice.lognormvariate(-2, 1.5), 3),
        level=dice.choice(_LEVELS),
        message=text.format(n=dice.randrange(10_000), small=dice.randrange(250)),
        template=template,
    )


def _combined(event: Event, dice: random.Random) -> str:
    # The same moment, as servers in several zones would write it.
    zone, offset = dice.choice([("+0000", 0), ("+0530", 19800), ("-0800", -28800)])
    local = datetime.fromtimestamp(event.at + offset, UTC).strftime("%d/%b/%Y:%H:%M:%S")
    return f'{event.host} - - [{local} {zone}] "GET /tea?n=1 HTTP/1.1" {event.status} 12 "-" "curl" {event.latency}'


def _log4j(event: Event) -> str:
    local = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d %H:%M:%S,000")
    return f"{local} [main thread] {event.level} shop.Orders - {event.message}"


def _json(event: Event) -> str:
    return json.dumps({"ts": event.at, "level": event.level, "msg": event.message, "host": event.host})


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(line: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['\u2019][^\W_]+)*", line.lower())


@dataclass(frozen=True)
class Case:
    """A shipped job with its params and inputs.

    ``expected`` is its results, or, of a job that is right within bounds, a function that is given them and asserts.
    """

    job: str
    inputs: tuple[str, ...]
    expected: Callable[[World], Any]
    params: dict[str, Any] = field(default_factory=dict)
    bad_lines: int = 0

    def paths(self, world: World) -> list[str]:
        return [world.path(name) for name in self.inputs]

    def check(self, world: World, results: Any) -> None:
        """Assert that these are the job's results."""
        expected = self.expected(world)
        if callable(expected):
            expected(results)
        else:
            assert results == json.loads(json.dumps(expected))


def _word_count(world: World) -> Any:
    return Counter(word for line in world.lines for word in _words(line))


def _inverted_index(world: World) -> Any:
    files = {name: {word for line in lines for word in _words(line)} for name, lines in world.texts.items()}
    return {word: sorted(name for name in files if word in files[name]) for word in set().union(*files.values())}


def _grep(world: World) -> Any:
    found = {
        name: [[number, line] for number, line in enumerate(lines, 1) if "timed out" in line.lower()]
        for name, lines in world.texts.items()
    }
    return {name: lines for name, lines in found.items() if lines}


def _top_words(world: World) -> Any:
    return {"words": sorted(map(list, _word_count(world).items()), key=lambda item: (-item[1], item[0]))[:4]}


def _line_lengths(world: World) -> Any:
    return Counter(len(line) // 7 * 7 for line in world.lines)


def _distinct(world: World) -> Any:
    return {"distinct": len({order[1] for order in world.orders}), "lines": len(world.orders)}


def _distinct_approx(world: World) -> Any:
    def check(results: Any) -> None:
        n, found = len(world.orders), results["distinct"]  # the first field of an order is its number
        assert list(results) == ["distinct"]
        assert found["low"] <= n <= found["high"]
        assert abs(found["about"] - n) < 0.05 * n

    return check


def _log_patterns(world: World) -> Any:
    return Counter(f'["{event.level}","{event.template}"]' for event in world.events)


def _status_codes(world: World) -> Any:
    return Counter(f'["{event.host}","{event.status}"]' for event in world.events)


def _join(world: World) -> Any:
    names = defaultdict(list)
    for customer, name in world.customers:
        names[customer].append([customer, name.strip('"')])
    found: dict[str, list[Any]] = defaultdict(list)
    for order in world.orders:
        found[order[1]] += [[order, partner] for partner in names.get(order[1], [None])]
    return found


def _inner_join(world: World) -> Any:
    joined = {key: [pair for pair in pairs if None not in pair] for key, pairs in _join(world).items()}
    return {key: pairs for key, pairs in joined.items() if pairs}


def _sessions(world: World) -> Any:
    found: dict[str, list[Any]] = {}
    times = sorted((event.host, event.at) for event in world.events)
    for (host, at), (before, ago) in zip(times, [("", 0), *times], strict=False):
        if host != before:
            found[host] = []
        if host != before or at - ago > 120:
            found[host].append([at, at, 0])
        found[host][-1] = [found[host][-1][0], at, found[host][-1][2] + 1]
    return {
        host: [{"start": _utc(a), "end": _utc(b), "seconds": float(b - a), "lines": n} for a, b, n in some]
        for host, some in found.items()
    }


def _errors_a_minute(world: World) -> Any:
    return Counter(_utc(event.at - event.at % 60) for event in world.events if event.level in {"ERROR", "WARN"})


def _sliding(world: World) -> Any:
    starts = range(_START - 10_000 - (_START - 10_000) % 200, _START + 10_000, 200)
    held = {_utc(start): sum(start <= event.at < start + 700 for event in world.events) for start in starts}
    return {start: n for start, n in held.items() if n}


def _latency(world: World) -> Any:
    windows = defaultdict(list)
    for event in world.events:
        windows[_utc(event.at - event.at % 300)].append(event.latency)
    return {
        start: {"n": len(some), "p50": sorted(some)[(len(some) + 1) // 2 - 1], "p99.9": max(some)}
        for start, some in windows.items()
    }


def _latency_approx(world: World) -> Any:
    def check(results: Any) -> None:
        exact = _latency(world)
        assert results.keys() == exact.keys()
        for start, found in results.items():
            assert found["n"] == exact[start]["n"]
            for percentile in ("p50", "p99.9"):
                assert math.isclose(found[percentile], exact[start][percentile], rel_tol=0.0100001)

    return check


_TEXTS = ("a.txt", "b.txt")
_APP = ("app.log", "app.jsonl")
_TABLES = ("orders.csv", "customers.csv")
_SIDES = {"left": "orders*.csv", "right": "customers.csv", "left_key": 2}
_EACH = {"percentiles": "50,99.9"}

#: Every shipped job, some of them twice.
CASES = [
    Case("word_count", _TEXTS, _word_count),
    Case("inverted_index", _TEXTS, _inverted_index),
    Case("grep", _TEXTS, _grep, {"pattern": "timed out", "ignore_case": True}),
    Case("top_words", _TEXTS, _top_words, {"n": 4}),
    Case("line_lengths", _TEXTS, _line_lengths, {"width": 7}),
    Case("distinct", ("orders.csv",), _distinct, {"field": 2}),
    Case("distinct_approx", ("orders.csv",), _distinct_approx, {"field": 1}),
    Case("log_patterns", _APP, _log_patterns, bad_lines=1),
    Case("status_codes", ("access.log",), _status_codes, {"by": "host"}),
    Case("join", _TABLES, _inner_join, _SIDES),
    Case("join", _TABLES, _join, {**_SIDES, "kind": "left"}),
    Case("sessions", ("access.log",), _sessions, {"gap": 120}),
    Case("windows", _APP, _errors_a_minute, {"levels": "ERROR,WARN"}, bad_lines=1),
    Case("windows", ("access.log",), _sliding, {"size": 700, "every": 200}),
    Case("latency", ("access.log",), _latency, _EACH),
    Case("latency_approx", ("access.log",), _latency_approx, _EACH),
]
