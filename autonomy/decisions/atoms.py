"""Every kind of case a table can tell apart, by one example of each.

Where conditions compare one input with literals, an input's values fall into finitely many classes: those between two
literals behave alike. One value of each class, for every input, makes every case there is.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from autonomy.expressions import Expression, Type
from autonomy.kernel.canonical import Json

_COMPARED = {"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"}
_ORDERED = _COMPARED - {"_==_", "_!=_"}
_JOINED = {"_&&_", "_||_", "!_"}
_NUMBER = re.compile(r"-?(\d+(\.\d*)?([eE][-+]?\d+)?|\.\d+)")
_SAFE = 2**53 - 1  # whole numbers that every reader of JSON keeps exactly

Literals = Mapping[str, frozenset[Json]]


class Inexact(Exception):
    """The condition compares something else than one input with literals."""


def literals(expression: Expression) -> list[tuple[str, Json]]:
    """Each input an expression compares, with the literal. Raises Inexact with the text that does something else."""
    return list(_literals(expression, expression.tree.root))


def values(schema: Mapping[str, Any], kind: Type, compared: frozenset[Json]) -> list[Json]:
    """One value of every class that `compared` divides an input into, of those its schema admits. Raises Inexact."""
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    if "const" in schema:
        return [schema["const"]]
    found: list[Json] = [None] if kind.nullable else []
    if kind.kind == "boolean":
        return [*found, False, True]
    if kind.kind == "string":
        return [*found, *_texts(schema, compared)]
    if kind.kind in ("integer", "number"):
        numbers = [each for each in compared if isinstance(each, (int, float)) and not isinstance(each, bool)]
        return [*found, *_numbers(schema, kind.kind == "integer", numbers)]
    raise Inexact(f"an input of the type `{kind}`")


def _literals(expression: Expression, node: Any) -> Iterator[tuple[str, Json]]:
    if node.shape == "constant" and _text_at(expression, node).startswith(("true", "false")):
        return
    if node.shape == "name":
        yield node.text, True
    elif node.shape == "call" and node.text in _JOINED:
        for part in node.parts:
            yield from _literals(expression, part)
    elif node.shape == "call" and node.text in _COMPARED:
        yield from _comparison(expression, node)
    elif node.shape == "call" and node.text == "@in" and node.parts[0].shape == "name":
        if node.parts[1].shape != "list":
            raise Inexact(expression.text)
        for part in node.parts[1].parts:
            yield node.parts[0].text, _constant(expression, part)
    else:
        raise Inexact(expression.text)


def _comparison(expression: Expression, node: Any) -> Iterator[tuple[str, Json]]:
    first, second = node.parts
    name, constant = (first, second) if first.shape == "name" else (second, first)
    if name.shape != "name":
        raise Inexact(expression.text)
    value = _constant(expression, constant)
    if isinstance(value, str) and node.text in _ORDERED:
        raise Inexact(expression.text)
    yield name.text, value


def _constant(expression: Expression, node: Any) -> Json:
    """The value of a literal, which stands in the text of the expression."""
    if node.shape == "call" and node.text == "-_" and node.parts[0].shape == "constant":
        found = _constant(expression, node.parts[0])
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return -found
    if node.shape != "constant":
        raise Inexact(expression.text)
    text = _text_at(expression, node)
    for word, value in (("true", True), ("false", False), ("null", None)):
        if text.startswith(word):
            return value
    number = _NUMBER.match(text)
    if number is None:
        return str(node.text)
    if text[number.end() : number.end() + 1] in ("x", "u", "U"):
        raise Inexact(expression.text)
    return float(number[0]) if set(number[0]) & set(".eE") else int(number[0])


def _text_at(expression: Expression, node: Any) -> str:
    return expression.text[expression.tree.offsets.get(node.id, 0) :]


def _texts(schema: Mapping[str, Any], compared: frozenset[Json]) -> list[Json]:
    """The texts that are compared, and one that is none of them."""
    if set(schema) & {"pattern", "minLength", "maxLength", "format"}:
        raise Inexact("a text whose schema says more than its `enum`")
    known = sorted(each for each in compared if isinstance(each, str))
    other = "something else"
    while other in known:
        other += "!"
    return [*known, other]


def _numbers(schema: Mapping[str, Any], whole: bool, compared: list[int | float]) -> list[Json]:
    """Each number that is compared, one below, one above, and one between any two, within the schema's bounds."""
    if "multipleOf" in schema:
        raise Inexact("a number of which its schema says `multipleOf`")
    bounds = [schema.get(name) for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")]
    points = sorted({*compared, *(each for each in bounds if each is not None)})
    if whole:
        floors = {math.floor(each) for each in points} | {math.ceil(each) for each in points}
        near = {each + step for each in floors for step in (-1, 0, 1)}
        candidates: list[int | float] = sorted(near or {0})
    else:
        between = [_middle(first, second) for first, second in itertools.pairwise(points)]
        ends = [points[0] - 1, points[-1] + 1] if points else [0]
        candidates = sorted({*points, *between, *ends})
    return [each for each in candidates if _admits(schema, each) and abs(each) <= _SAFE]


def _middle(first: int | float, second: int | float) -> float:
    return float((Decimal(str(first)) + Decimal(str(second))) / 2)


def _admits(schema: Mapping[str, Any], value: int | float) -> bool:
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    )
