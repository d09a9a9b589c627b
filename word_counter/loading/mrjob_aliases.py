"""mrjob aliases: a job file that imports mrjob gets this package's modules instead."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from word_counter.errors import JobLoadError

#: The modules of mrjob that jobs and their tests import, as far as they mean something here, and what answers.
_MODULES = {
    **{
        name: name
        for name in ("compat", "job", "launch", "options", "parse", "protocol", "py2", "runner", "step", "util")
    },
    **dict.fromkeys(("inline", "local"), "runner"),
}
_PACKAGE = "word_counter.mrjob"


class _Others:
    """Finds no module of mrjob's but those: says what became of the others."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name.rpartition(".")[0] == "mrjob":
            message = f"No module named {name!r}; of mrjob's modules there are here: {', '.join(_MODULES)}"
            raise ModuleNotFoundError(message, name=name)


def answer_to_mrjob() -> None:
    """From now on, let ``import mrjob.job`` and the like find this package's modules in this process.

    Raises:
        JobLoadError: this process has imported the real mrjob already.
    """
    if "mrjob" in sys.modules:
        if not answers_to_mrjob():
            message = "this process has imported the real mrjob; run the job in one that has not"
            raise JobLoadError(message)
        return
    ours = import_module(_PACKAGE)
    package = ModuleType("mrjob", "mrjob's names, answered by word_counter.mrjob.")
    package.__path__ = []  # a package that has no other modules
    package.__file__ = ours.__file__
    package.__version__ = ours.__version__  # type: ignore[attr-defined]
    package.stands_for_mrjob = True  # type: ignore[attr-defined]
    sys.modules["mrjob"] = package
    for name, ours_of_it in _MODULES.items():
        module = import_module(f"{_PACKAGE}.{ours_of_it}")
        setattr(package, name, module)
        sys.modules[f"mrjob.{name}"] = module
    sys.meta_path.insert(0, _Others)


def answers_to_mrjob() -> bool:
    """Whether what this process has imported as mrjob are the modules here."""
    return hasattr(sys.modules.get("mrjob"), "stands_for_mrjob")


def refused(module: str, name: str, reasons: Mapping[str, str]) -> NoReturn:
    """Say that a module has no such name; ``reasons`` are those of what mrjob has and is not here, by name.

    Raises:
        ImportError: mrjob has it; says why it is not here. Not an AttributeError, whose message ``from ... import``
            replaces with its own.
        AttributeError: mrjob has none either.
    """
    if name in reasons:
        message = f"cannot import name {name!r} from {module!r}: {name} is not supported: {reasons[name]}"
        raise ImportError(message, name=name)
    message = f"module {module!r} has no attribute {name!r}"
    raise AttributeError(message)
