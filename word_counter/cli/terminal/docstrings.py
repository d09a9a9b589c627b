"""Docstrings that are shown to people, also where Python was told to drop them (``-OO``)."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any


def docstring(of: ModuleType | Callable[..., Any]) -> str:
    """Return the docstring of a module or a function, from its source when it was dropped; nothing: it has none."""
    if said := inspect.getdoc(of):
        return said
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(of)))
    except (OSError, SyntaxError):
        return ""  # there is no source: nothing can be told
    node = tree if isinstance(of, ModuleType) else tree.body[0]
    return (isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node)) or ""
