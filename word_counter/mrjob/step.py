"""MRStep: one step of a job that is written in mrjob's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from word_counter.loading.mrjob_aliases import refused
from word_counter.mrjob.util import cmd_line

PARTS = ("mapper", "combiner", "reducer")
#: What a part may be made of: functions of its own name and with these endings, a command, and a filter before it.
_WHATS = ("", "_init", "_final", "_cmd", "_pre_filter")
#: All that a step may be made of; methods of these names make a job of one step.
FUNCTIONS = (*(part + what for part in PARTS for what in _WHATS), "mapper_raw")
_REFUSED = {
    **dict.fromkeys(("JarStep", "INPUT", "OUTPUT", "GENERIC_ARGS"), "steps of JAR files need Hadoop; use an MRStep"),
    **dict.fromkeys(("SparkStep", "SparkJarStep", "SparkScriptStep"), "steps of Spark need Spark; use an MRStep"),
}


class StepFailedException(Exception):  # noqa: N818 (mrjob's name)
    """A step of a job failed. Jobs and their tests may raise and catch it; what fails here raises errors of our own."""

    def __init__(self, reason: str | None = None, **_: Any) -> None:
        super().__init__(f"Step failed: {reason}" if reason else "Step failed")


def _mapped_as_it_is(key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    yield key, value


def _reduced_as_it_is(key: Any, values: Any) -> Iterator[tuple[Any, Any]]:
    for value in values:
        yield key, value


class MRStep:
    """A mapper, a combiner and a reducer: functions, each with what runs before and after all records, or commands."""

    def __init__(self, **given: Any) -> None:
        """Take by name ``mapper``, ``combiner`` and ``reducer``, and each with an ending.

        Those with ``_init`` and ``_final`` are functions that run before the first and after the last record,
        ``_cmd`` a command in place of the functions, ``_pre_filter`` a shell command that the lines go through before.
        ``mapper_raw`` is a mapper of whole files; ``jobconf`` is put into the environment of tasks.

        Raises:
            TypeError: mrjob knows no such name.
            ValueError: there is neither mapper, combiner nor reducer, or two of what is given do not go together.
        """
        for name in given:
            if name not in {*FUNCTIONS, "jobconf"}:
                message = f"MRStep() got an unexpected keyword argument {name!r}"
                raise TypeError(message)
        if not set(given) - {"jobconf"}:
            message = "MRStep() needs a mapper, a combiner or a reducer"
            raise ValueError(message)
        self._given: dict[str, Any] = {name: value for name, value in given.items() if value}
        for part in PARTS:
            self._check(f"{part}_cmd", (part + what for what in _WHATS))
        self._check("mapper_cmd", ["mapper_raw"])
        self._check("mapper_raw", ["mapper", "mapper_pre_filter"])

    def _check(self, name: str, others: Any) -> None:
        for other in others:
            if name in self._given and other in self._given and other != name:
                message = f"MRStep() takes {name} or {other}, not both"
                raise ValueError(message)

    def has(self, part: str) -> bool:
        """Whether it has a part, "mapper", say, in any form."""
        return any(part + what in self._given for what in (*_WHATS, "_raw"))

    def command(self, part: str) -> str:
        """Return the command that a part is; nothing when it is none."""
        command = self._given.get(f"{part}_cmd", "")
        return command if isinstance(command, str) else cmd_line(command)

    def __getitem__(self, name: str) -> Any:
        """Return what was given by a name; the function of a part that has but init, final or a filter passes on."""
        if name in self._given:
            return self._given[name]
        if name == "mapper":
            return _mapped_as_it_is
        return _reduced_as_it_is if name in PARTS and self.has(name) else None

    def description(self, step_num: int = 0) -> dict[str, Any]:
        """Return what it is as plain data: of each part whether it is a script or a command, and its filter."""
        found: dict[str, Any] = {"type": "streaming"}
        for part in PARTS:
            mapped = part == "mapper" and (step_num == 0 or self.has("combiner"))
            if mapped or self.has(part):
                command = self.command(part)
                found[part] = {"type": "command", "command": command} if command else {"type": "script"}
                if pre_filter := self[f"{part}_pre_filter"]:
                    found[part]["pre_filter"] = pre_filter
        if self["mapper_raw"]:
            found["input_manifest"] = True
        if self["jobconf"]:
            found["jobconf"] = self["jobconf"]
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MRStep) and self._given == other._given

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"MRStep({', '.join(f'{name}={value!r}' for name, value in self._given.items())})"


def __getattr__(name: str) -> Any:
    return refused(__name__, name, _REFUSED)
