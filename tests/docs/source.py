"""The package as the tests of the documents read it: its syntax, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from .pages import ROOT


@cache
def nodes() -> tuple[ast.AST, ...]:
    """Every node of the package but the migrations."""
    paths = [path for path in sorted((ROOT / "autonomy").rglob("*.py")) if "migrations" not in path.parts]
    return tuple(node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def texts() -> Iterator[str]:
    """Every text that stands in the package."""
    return (node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str))


def called(call: ast.Call) -> str:
    """The last name of what is called; empty where it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
