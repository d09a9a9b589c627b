"""The report: tables in Markdown of the results of the contests."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.corpora import MEGABYTE

#: From so many seconds on, fractions of them are not shown.
_MANY = 100
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def markdown(report: Mapping[str, Any]) -> str:
    """Return the whole report."""
    parts = [f"{report['date']}, {report['rounds']} rounds.", ""]
    parts += [f"- {name}: {value}" for name, value in report["facts"].items()]
    for title, contests in _grouped(report["contests"]):
        parts += ["", f"### {title}", "", *_table(contests)]
    return "\n".join(parts) + "\n"


def _grouped(contests: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield contests by table: those of one size each are one table."""
    sizes = [contest for contest in contests if contest["series"] == "size"]
    for contest in contests:
        if contest["series"] != "size":
            yield contest["title"], [contest]
    if sizes:
        yield "Words, ASCII only, by size", sizes


def _table(contests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    axis, series = contests[0]["axis"], contests[0]["series"]
    rate = "chunks/s" if series == "noop" else "MB/s"
    head = [*([axis] if axis else []), "who", "median s", "min to max", "ratio", rate, "CPU s"]
    with_map = any(row["map_seconds"] for contest in contests for row in contest["rows"]) and series == "workers"
    head += ["map stage s"] if with_map else []
    if series == "latency":
        head.remove(rate)
    yield _line(head)
    yield _line(["---" if name == "who" else "--:" for name in head])
    for contest in contests:
        for row in contest["rows"]:
            yield _line(_cells(contest, row, rate=series != "latency", with_map=with_map))


def _cells(contest: Mapping[str, Any], row: Mapping[str, Any], *, rate: bool, with_map: bool) -> list[str]:
    cells = [f"{row['x']:,.0f}"] if contest["axis"] else []
    label = row["label"] + (f" (extrapolated from 1/{row['share']} of the text)" if row["share"] > 1 else "")
    cells.append(label)
    if row["median"] is None:
        return [*cells, row["verdict"].replace("|", "\\|"), *([""] * (3 + rate + with_map))]
    median, seconds = row["median"], row["seconds"]
    cells += [_shown(median), f"{_shown(min(seconds))} to {_shown(max(seconds))}"]
    cells.append(_ratio(contest, row))
    if rate and row["chunks"] is not None:
        cells.append(f"{row['chunks'] / statistics.median(row['map_seconds'] or seconds):,.0f}")
    elif rate:
        cells.append(f"{row['corpus_bytes'] / MEGABYTE / median:,.1f}")
    cells.append(_shown(statistics.median(row["cpu_seconds"])) if row["name"] != "warm" else "")
    if with_map:
        cells.append(_shown(statistics.median(row["map_seconds"])) if row["map_seconds"] else "")
    return cells


def _ratio(contest: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Return a row's time as a multiple of the first row's, among those that have the same place on the axis."""
    peers = contest["series"] in {"peers", "size", "workers", "latency"}
    rivals = [other for other in contest["rows"] if not peers or other["x"] == row["x"]]
    base = rivals[0]["median"]
    return f"{row['median'] / base:.2f}" if base else ""


def _shown(seconds: float) -> str:
    """Return seconds with three digits that count, or less where they are few."""
    return f"{seconds:.3f}" if seconds < 1 else f"{seconds:.2f}" if seconds < _MANY else f"{seconds:.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def placed(page: str, report: str) -> str:
    """Return a page with a report between its two marks; ValueError when it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the page lacks {BEGIN} or {END}"
        raise ValueError(message)
    return f"{before}{begin}\n\n{report}\n{end}{after}"
