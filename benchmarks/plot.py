"""The plot: each contest is one panel of an SVG, with bars for times and lines along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_OURS, _OTHERS = "#2a6f97", "#b0b7bf"
_PANEL_INCHES = (6.4, 3.4)
_LOG_AXES = {"MB", "lines a chunk"}


def draw(contests: Sequence[Mapping[str, Any]], path: Path) -> str:
    """Draw the contests that have times; return why not, or nothing when it was done."""
    try:
        import matplotlib as mpl

        mpl.use("svg")
        from matplotlib import pyplot as plt
    except ImportError:
        return "matplotlib is not installed, so there is no plot: pip install -e '.[bench]'"
    panels = _panels(contests)
    if not panels:
        return "there is nothing to plot"
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    size = (_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows)
    mpl.rcParams.update(
        {"svg.hashsalt": "word_counter", "svg.fonttype": "none", "font.size": 9}
    )  # the same input, the same file
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    places = [axis for row in axes for axis in row]
    for axis, (title, panel) in zip(places, panels, strict=False):
        axis.set_title(title)
        (_lines if panel[0]["axis"] else _bars)(axis, panel)
    for axis in places[len(panels) :]:
        axis.remove()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return ""


def _panels(contests: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the panels: a contest each, but all sizes are one."""
    timed = [contest for contest in contests if any(row["median"] for row in contest["rows"])]
    panels = [(contest["title"], [contest]) for contest in timed if contest["series"] != "size"]
    sizes = [contest for contest in timed if contest["series"] == "size"]
    return panels + ([("Words, ASCII only, by size", sizes)] if sizes else [])


def _colour(row: Mapping[str, Any]) -> str:
    return _OURS if row["name"] in {"word_counter", "word_counter_python", "warm"} else _OTHERS


def _bars(axis: Any, contests: Sequence[Mapping[str, Any]]) -> None:
    rows = [row for row in contests[0]["rows"] if row["median"]]
    rows.sort(key=lambda row: float(row["median"]), reverse=True)
    medians = [row["median"] for row in rows]
    spread = [
        [row["median"] - min(row["seconds"]) for row in rows],
        [max(row["seconds"]) - row["median"] for row in rows],
    ]
    labels = [row["label"] + (" (extrapolated)" if row["share"] > 1 else "") for row in rows]
    bars = axis.barh(labels, medians, xerr=spread, color=[_colour(row) for row in rows], ecolor="#444444")
    axis.bar_label(bars, [f"{median:.3g} s" for median in medians], padding=4)
    axis.set_xlabel("seconds, median; whiskers: least and most")
    axis.margins(x=0.2)


def _lines(axis: Any, contests: Sequence[Mapping[str, Any]]) -> None:
    rows = [row for contest in contests for row in contest["rows"] if row["median"]]
    for label in dict.fromkeys(row["label"] for row in rows):
        mine = [row for row in rows if row["label"] == label]
        ours = mine[0]["name"] == "word_counter"
        axis.plot(
            [row["x"] for row in mine],
            [row["median"] for row in mine],
            marker="o",
            label=label,
            linewidth=2.5 if ours else 1.5,
            zorder=3 if ours else 2,
        )
    axis.set_xlabel(contests[0]["axis"])
    axis.set_ylabel("seconds, median")
    if contests[0]["axis"] in _LOG_AXES:
        axis.set_xscale("log")
    else:
        axis.set_xticks(sorted({row["x"] for row in rows}))
    if contests[0]["axis"] == "MB":
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
