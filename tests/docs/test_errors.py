"""Every stable code of an error, a problem or a finding is explained in the reference, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .pages import ROOT, rows
from .source import called, nodes, texts

CODE = re.compile(r"[a-z_]+(\.[a-z_0-9]+)?")
PAGE = ROOT / "docs" / "reference" / "errors.md"
TELLERS = frozenset({"Denied", "Problem", "problem", "_finding", "add", "_add", "End"})


def test_every_code_of_the_source_is_explained() -> None:
    explained = set(_explained())
    missing = sorted(code for code in _literal() if code not in explained)
    assert not missing
    for pattern in _made():
        assert any(re.fullmatch(pattern, code) for code in explained), pattern


def test_every_explained_code_is_in_the_source() -> None:
    known, patterns = _literal() | _mentioned(), _made()
    false = [code for code in _explained() if code not in known and not any(re.fullmatch(p, code) for p in patterns)]
    assert not false


def test_no_code_is_explained_twice() -> None:
    explained = list(_explained())
    assert len(explained) == len(set(explained))


def _explained() -> list[str]:
    return [row[0].strip("`") for row in rows(PAGE) if row[0].startswith("`")]


def _literal() -> set[str]:
    """Codes given as `code="…"`, as a `default_code`, or handed to what tells a refusal, a problem or a finding."""
    return {text for node in nodes() for text in _said(node) if CODE.fullmatch(text)}


def _said(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.keyword) and node.arg == "code":
        yield from _texts(node.value)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id == "default_code" and node.value is not None:
            yield from _texts(node.value)
    if isinstance(node, ast.Call) and called(node) in TELLERS:
        yield from (text for argument in node.args for text in _texts(argument) if "." in text)


def _texts(node: ast.AST) -> Iterator[str]:
    """The text of a constant, or both of a choice between two."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _made() -> set[str]:
    """Patterns of the codes that are put together, such as `f"agent.{state}"`."""
    codes = [node.value for node in nodes() if isinstance(node, ast.keyword) and node.arg == "code"]
    parts = [part for code in codes for part in ast.walk(code) if isinstance(part, ast.JoinedStr)]
    return {"".join(_pattern(piece) for piece in part.values) for part in parts}


def _pattern(piece: ast.expr) -> str:
    return re.escape(str(piece.value)) if isinstance(piece, ast.Constant) else "[a-z_0-9]+"


def _mentioned() -> set[str]:
    """Every text in the source that has the form of a code: those of tables and constants among them."""
    return {text for text in texts() if CODE.fullmatch(text)}
