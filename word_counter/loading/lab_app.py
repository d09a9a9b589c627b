"""The classic lab API: an app of a ``map_func`` over whole files and a ``reduce_func`` over texts, as a Job.

    def map_func(filename, content): ...   # pairs of a key and a value
    def reduce_func(key, values): ...      # the result of a key, from the texts of its values

They are functions of a module, or methods of a class, of which each task makes a new instance. A pair is a tuple, an
object with ``key`` and ``value`` (or ``Key`` and ``Value``), or a dict of these two. Keys, values and results become
texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, ClassVar

from word_counter.errors import JobLoadError
from word_counter.job.job import Job
from word_counter.job.mapper import Lines, Mapper
from word_counter.job.reducer import Reducer

#: The prefix of a reference to an app. After it come a file or a module, with its class or its map_func.
APP = "app+"
_MAP, _REDUCE = "map_func", "reduce_func"


class AppMapper(Mapper):
    """Passes whole files to an app's map_func."""

    whole_files = True
    owner: ClassVar[Any]

    def map_chunk(self, lines: Lines) -> Iterator[tuple[str, str]]:
        content = lines.raw.decode("utf-8", "replace")
        for pair in _made(self.owner).map_func(lines.source, content) or ():
            key, value = _parts(pair)
            yield str(key), str(value)


class AppReducer(Reducer):
    """Passes the texts of a key's values to an app's reduce_func."""

    owner: ClassVar[Any]

    def setup(self) -> None:
        self._app = _made(self.owner)

    def reduce(self, key: Any, values: Iterable[Any]) -> str:
        return str(self._app.reduce_func(key, list(values)))


def is_app(value: Any) -> bool:
    """Whether a module or a class is an app."""
    return all(callable(getattr(value, name, None)) for name in (_MAP, _REDUCE))


def job_of_app(module: ModuleType, name: str = "") -> type[Job]:
    """Return the job for an app: the functions of a module, or the class of this name.

    Raises:
        JobLoadError: there is no app, or several classes are apps and none is named.
    """
    place = getattr(module, "__file__", None) or module.__name__
    if name in {"", _MAP} and is_app(module):
        return _job(module, module, _MAP)
    classes = {key: value for key, value in vars(module).items() if isinstance(value, type) and is_app(value)}
    if not name and len(classes) > 1:
        message = f"{place} has several apps ({', '.join(classes)}); say which: {place}:{next(iter(classes))}"
        raise JobLoadError(message)
    found = name or next(iter(classes), "")
    if found not in classes:
        message = (
            f"{place} is no app: it lacks {_MAP}(filename, content) and {_REDUCE}(key, values), as functions or as "
            f"methods of {f'a class {name}' if name else 'a class'}"
        )
        raise JobLoadError(message)
    return _job(module, classes[found], found)


def _job(module: ModuleType, owner: Any, name: str) -> type[Job]:
    """Return the job class. By its module and name another process can find the app."""
    of = {"__module__": module.__name__, "__qualname__": name}
    mapper = type(_MAP, (AppMapper,), {**of, "owner": owner})
    reducer = type(_REDUCE, (AppReducer,), {**of, "owner": owner})
    called = owner.__name__ if isinstance(owner, type) else "App"
    return type(called, (Job,), {**of, "dialect": APP, "mapper": mapper, "reducer": reducer})


def _made(owner: Any) -> Any:
    return owner() if isinstance(owner, type) else owner


def _parts(pair: Any) -> tuple[Any, Any]:
    if isinstance(pair, tuple | list):
        key, value = pair
        return key, value
    get: Callable[[str], Any] = pair.get if isinstance(pair, Mapping) else lambda name: getattr(pair, name, None)
    for key_name, value_name in (("key", "value"), ("Key", "Value")):
        key, value = get(key_name), get(value_name)
        if key is not None and value is not None:
            return key, value
    message = f"map_func gave {pair!r}, which is no pair: give (key, value), or something with key and value"
    raise TypeError(message)
