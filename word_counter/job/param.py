"""Param: a value that the user of a job may give. It is declared with a default, and checked before the job starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from word_counter.errors import UsageError

_YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Param:
    """One param of a job, as in ``params = {"n": Param(10, "how many words", least=1)}``.

    Attributes:
        default: the value when none is given. Its type is that of the param: text, int, float, bool, or a list of
            texts. A type instead, as in ``Param(str)``, means that a value must be given.
        help: what it is, in a few words.
        choices: the values that are allowed; all when empty.
        least: the least number that is allowed.
        check: is called with a value, and raises when the value is not allowed, as in ``Param(str, check=re.compile)``.
            The error says why.
    """

    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()
    least: float | None = None
    check: Callable[[Any], object] | None = None

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return isinstance(self.default, type)

    @property
    def type(self) -> type:
        """The type of its values."""
        return self.default if isinstance(self.default, type) else type(self.default)

    def read(self, value: Any) -> Any:
        """Return a value, which may be text, as the param's type; ValueError when it is not allowed."""
        read = self._typed(value)
        if (self.choices and read not in self.choices) or (self.least is not None and read < self.least):
            raise ValueError(value)
        return read

    def wrong_with(self, value: Any) -> str:
        """Return why the param's own check refuses a value; "" when it does not."""
        try:
            if self.check is not None:
                self.check(value)
        except Exception as error:  # noqa: BLE001 (any error of the user's function says why the value is refused)
            return str(error) or type(error).__name__
        return ""

    def _typed(self, value: Any) -> Any:
        kind = self.type
        if kind is bool:
            if isinstance(value, str) and value.lower() in _YES:
                return _YES[value.lower()]
        elif kind is list:
            return [str(v) for v in value] if not isinstance(value, str) else _parts(value)
        elif isinstance(value, str) and kind in {int, float}:
            return kind(value)
        elif kind is str and type(value) is int:
            return str(value)  # what may be a name or a number is text
        elif kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is not kind:
            raise ValueError(value)
        return value

    def __str__(self) -> str:
        kind = {str: "text", int: "a whole number", float: "a number", bool: "yes or no", list: "a list, with commas"}
        text = kind.get(self.type, self.type.__name__)
        if self.choices:
            text = "one of " + ", ".join(map(str, self.choices))
        if self.least is not None:
            text += f" of at least {self.least:g}"
        return text


class UndeclaredParamError(KeyError):
    """The code of a job asks for a param that its job does not declare: a slip in the code, whatever the record."""

    def __str__(self) -> str:
        return str(self.args[0])  # not its repr, as for other keys


class ParamValues(dict[str, Any]):
    """The values of a job's params, by name. One that is not declared is told by an error that says how to."""

    def __missing__(self, name: object) -> Any:
        declared = f"it declares {', '.join(self)}" if self else "it declares none"
        message = f"the job has no param {name!r}: {declared}; give it params = {{..., {name!r}: Param(DEFAULT)}}"
        raise UndeclaredParamError(message)


def read_params(job: str, declared: Mapping[str, Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every param of a job: the given ones, and the defaults of the others.

    Raises:
        UsageError: one is unknown, missing or not allowed; lists the params of the job.
    """
    for name in given:
        if name not in declared:
            raise UsageError(f"job {job} has no param {name!r}; {_listed(declared)}")
    values: dict[str, Any] = {}
    for name, param in declared.items():
        if name not in given:
            if param.required:
                message = f"job {job} needs a param: --param {name}=VALUE ({_described(param)})"
                raise UsageError(message)
            values[name] = param.default
            continue
        try:
            values[name] = param.read(given[name])
        except (ValueError, TypeError):
            message = f"param {name} of job {job} must be {param}, not {given[name]!r}"
            raise UsageError(message) from None
        if wrong := param.wrong_with(values[name]):
            raise UsageError(f"param {name} of job {job} cannot be {given[name]!r}: {wrong}")
    return values


def _parts(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part]


def _listed(declared: Mapping[str, Param]) -> str:
    if not declared:
        return "it takes none"
    return "there are " + "; ".join(f"{name} ({_described(param)})" for name, param in declared.items())


def _described(param: Param) -> str:
    return f"{param.help}: {param}" if param.help else str(param)
