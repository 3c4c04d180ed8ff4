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


def _paths(node: Json) -> Iterator[Path]:
    path = _path(node)
    if path is not None:
        yield path
    elif isinstance(node, dict):
        for inner in node.values():
            yield from _paths(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _paths(inner)


def _path(node: Json) -> Path | None:
    """The path that `node` is, if it is nothing but a way into the context."""
    if node == {"Var": "context"}:
        return ()
    access = isinstance(node, dict) and (node.get(".") or node.get("has"))
    if not access:
        return None
    left = _path(access["left"])
    # `has` may name several attributes at once; then all of what it looks into is kept.
    return left if left is None or not isinstance(access["attr"], str) else (*left, access["attr"])
