"""mrjob aliases: a job file that imports mrjob gets this package's modules instead."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from word_counter.errors import JobLoadError

#: The modules of mrjob that jobs import. Any other is missing, and Python says which.
_MODULES = ("compat", "job", "parse", "protocol", "step")


def answer_to_mrjob() -> None:
    """From now on, let ``import mrjob.job`` and the like find this package's modules in this process.

    Raises:
        JobLoadError: this process has imported the real mrjob already.
    """
    known = sys.modules.get("mrjob")
    if known is not None:
        if not hasattr(known, "stands_for_mrjob"):
            message = "this process has imported the real mrjob; run the job in one that has not"
            raise JobLoadError(message)
        return
    package = ModuleType("mrjob", "mrjob's names, answered by word_counter.mrjob.")
    package.__path__ = []  # a package that has no other modules
    package.stands_for_mrjob = True  # type: ignore[attr-defined]
    sys.modules["mrjob"] = package
    for name in _MODULES:
        module = import_module(f"word_counter.mrjob.{name}")
        setattr(package, name, module)
        sys.modules[f"mrjob.{name}"] = module
