"""MRStep: one step of a job that is written in mrjob's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

PARTS = ("mapper", "combiner", "reducer")
#: What a step is made of here.
FUNCTIONS = tuple(part + when for part in PARTS for when in ("", "_init", "_final"))
#: What mrjob knows besides: shell commands, and mappers of whole files.
UNSUPPORTED = (*(part + what for part in PARTS for what in ("_cmd", "_pre_filter")), "mapper_raw", "spark")
_REFUSED = {"JarStep", "SparkStep", "SparkJarStep", "SparkScriptStep", "INPUT", "OUTPUT", "GENERIC_ARGS"}


def _mapped_as_it_is(key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    yield key, value


def _reduced_as_it_is(key: Any, values: Any) -> Iterator[tuple[Any, Any]]:
    for value in values:
        yield key, value


class MRStep:
    """A mapper, a combiner and a reducer, each with what runs before its first and after its last record."""

    def __init__(self, **given: Any) -> None:
        """Take functions by name: ``mapper``, ``combiner``, ``reducer``, and each with ``_init`` or ``_final``.

        Raises:
            TypeError: mrjob knows no such name.
            ValueError: there is neither mapper, combiner nor reducer.
        """
        for name in given:
            if name not in {*FUNCTIONS, *UNSUPPORTED, "jobconf"}:
                message = f"MRStep() got an unexpected keyword argument {name!r}"
                raise TypeError(message)
        if not set(given) - {"jobconf"}:
            message = "MRStep() needs a mapper, a combiner or a reducer"
            raise ValueError(message)
        self._given: dict[str, Callable[..., Any]] = {name: value for name, value in given.items() if value is not None}

    def has(self, part: str) -> bool:
        """Whether it has a part, "mapper", say, or what runs before or after that."""
        return any(part + when in self._given for when in ("", "_init", "_final"))

    def __getitem__(self, name: str) -> Callable[..., Any] | None:
        """Return a function by its name; that of a part of which there is only init or final changes nothing."""
        if name in self._given:
            return self._given[name]
        if name == "mapper":
            return _mapped_as_it_is
        return _reduced_as_it_is if name in PARTS and self.has(name) else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MRStep) and self._given == other._given

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"MRStep({', '.join(f'{name}={value!r}' for name, value in self._given.items())})"


def __getattr__(name: str) -> Any:
    what = "is not supported: steps are made of Python functions" if name in _REFUSED else "is unknown"
    message = f"module {__name__!r}: {name} {what}"
    raise AttributeError(message)
