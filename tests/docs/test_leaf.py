"""What the reference says of leaves is what the code writes into them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import get_args

from autonomy.audit.leaf import Kind

from .pages import ROOT, rows
from .source import called, nodes

PAGE = ROOT / "docs" / "reference" / "leaf.md"
KINDS: tuple[str, ...] = get_args(Kind)
EVERY = {"v", "kind", "at"}
WRITERS = {"record": 1, "make_leaf": 0}  # where the kind stands among the arguments


def test_every_kind_of_leaf_is_told_and_no_other() -> None:
    assert set(_told()) == set(KINDS)


def test_every_field_the_code_writes_is_told() -> None:
    told, written = _told(), set(_written())
    assert {kind for kind, _ in written} >= {
        "intent",
        "outcome",
        "denial",
        "hold",
        "identity",
        "containment",
        "erasure",
    }
    assert not sorted((kind, field) for kind, field in written if field not in told[kind])


def _told() -> dict[str, set[str]]:
    groups = {row[0].strip("*"): set(_quoted(row[1])) for row in rows(PAGE, "Fields") if row[0].startswith("*")}
    told = {}
    for kind, _, fields in (row for row in rows(PAGE, "Kinds") if row[0].startswith("`")):
        named = (groups[group] for group in re.findall(r"\*([^*]+)\*", fields))
        told[kind.strip("`")] = EVERY.union(_quoted(fields), *named)
    told["reconcile"] |= told["outcome"]
    return told


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _written() -> Iterator[tuple[str, str]]:
    """Kind and field of every leaf whose fields stand in the code."""
    for node in nodes():
        if isinstance(node, ast.Call):
            yield from ((kind, each.arg) for kind in _kinds(node) for each in node.keywords if each.arg)


def _kinds(call: ast.Call) -> Iterator[str]:
    name = called(call)
    if name == "_leaf":
        yield "identity"
    elif name in WRITERS and len(call.args) > WRITERS[name]:
        said = call.args[WRITERS[name]]
        for each in ast.walk(said):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value in KINDS:
                yield each.value
