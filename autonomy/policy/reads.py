"""What rules read of the context: only that is put to the engine, which takes most of a decision's time to read it.

Exact, not a guess: an expression reaches into the context by attribute alone, so that the paths below stand in the
rule's own syntax tree. Where a rule handles a record as a whole, the whole record is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from autonomy.kernel.canonical import Json

from .shapes import Field, RecordOf

Path = tuple[str, ...]
"""Names of attributes from the context inwards; the empty path is the context as a whole."""


def paths_of(form: Mapping[str, Any]) -> Iterator[Path]:
    """Every path into the context that a statement (in Cedar's JSON form) names."""
    for condition in form["conditions"]:
        yield from _paths(condition["body"])


def narrowed(shape: RecordOf, paths: Iterable[Path]) -> RecordOf:
    """`shape` without the fields to which no path leads."""
    reaching: dict[str, list[Path]] = {}
    for path in paths:
        if not path:
            return shape
        reaching.setdefault(path[0], []).append(path[1:])
    return RecordOf({name: _inner(shape.fields[name], reaching[name]) for name in shape.fields if name in reaching})


def kept(shape: RecordOf, values: Mapping[str, Json]) -> dict[str, Json]:
    """The part of `values` that a narrowed `shape` describes."""
    return {
        name: kept(field.shape, values[name]) if isinstance(field.shape, RecordOf) else values[name]
        for name, field in shape.fields.items()
        if name in values
    }


def _inner(field: Field, paths: Iterable[Path]) -> Field:
    return Field(narrowed(field.shape, paths), field.required) if isinstance(field.shape, RecordOf) else field


def operands(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The expressions within an expression of Cedar's JSON form, each of which has one key: what it is."""
    for kind, body in node.items():
        if isinstance(body, list):  # a set, or a call with its arguments
            yield from body
        elif kind == "Record":
            yield from body.values()
        elif isinstance(body, dict) and kind != "Value":
            yield from (inner for inner in body.values() if isinstance(inner, dict))


def _paths(node: Mapping[str, Any]) -> Iterator[Path]:
    path = path_of(node)
    if path is not None:
        yield path
        return
    for inner in operands(node):
        yield from _paths(inner)


def path_of(node: Mapping[str, Any]) -> Path | None:
    """The path that `node` is, if it is nothing but a way into the context."""
    if node == {"Var": "context"}:
        return ()
    access = node.get(".") or node.get("has")
    if not access:
        return None
    left = path_of(access["left"])
    # `has` may name several attributes at once; then all of what it looks into is kept.
    return left if left is None or not isinstance(access["attr"], str) else (*left, access["attr"])
