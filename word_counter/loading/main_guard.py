"""The main guard: which class a file runs when Python runs it, where it defines several that could be.

if __name__ == "__main__":
    WordCount.run()
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def guarded_names(source: str | bytes) -> list[str]:
    """Return the names that a file uses below its main guard, in their order, each once.

    What a function does that is called there counts too, if it is one of the file's own.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []  # to import it says what is wrong with it
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: dict[str, None] = {}
    guards = (node for node in tree.body if isinstance(node, ast.If) and _is_guard(node.test))
    waiting: list[ast.AST] = [statement for guard in guards for statement in guard.body]
    while waiting:
        for name in _names(waiting.pop(0)):
            if name not in found and name in functions:
                waiting.append(functions[name])
            found[name] = None
    return list(found)


def _is_guard(test: ast.expr) -> bool:
    written = {ast.unparse(part) for part in ast.walk(test) if isinstance(part, ast.Name | ast.Constant)}
    return {"__name__", "'__main__'"} <= written


def _names(node: ast.AST) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load))
