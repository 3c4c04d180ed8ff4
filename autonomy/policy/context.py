"""The context of a decision: declared fields only, converted one by one, so that what an agent sends is only data."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.kernel.money import Currency

from .model import Question
from .shapes import convert, unfit, whole, whole_text
from .tool import Tool


def context_of(question: Question, tool: Tool, currency: Currency) -> dict[str, Json]:
    """What the rules of `tool` are evaluated with.

    Raises Invalid (`policy.value`) where a value is missing or does not convert: then there is nothing to decide on.
    """
    kind, key = question.record
    return {
        "arguments": convert(tool.arguments, question.arguments, currency),
        "facts": convert(tool.facts, question.facts, currency, "fact"),
        "windows": convert(tool.windows, question.windows, currency, "window"),
        "approvals": _names(question.approvals, "approvals"),
        "labels": _names(question.labels, "labels"),
        "origin": _names(question.origin, "origin"),
        "cost": whole(question.cost, "field cost"),
        "delegated": len(question.principals) > 1,
        "record": {"kind": _text(kind, "record"), "key": _text(key, "record")},
        "site": _text(question.site, "site"),
    }


def encoded(context: Mapping[str, Json]) -> str:
    """The context as the JSON text the engine reads."""
    return msgspec.json.encode(context).decode()


def _names(names: frozenset[str], field: str) -> list[str]:
    return sorted(_text(name, field) for name in names)


def _text(value: str, field: str) -> str:
    # The gate is typed, but a record's key comes out of an agent's arguments and may be a number there.
    if not isinstance(value, str):
        raise unfit(f"field {field}", "is not a string")
    return whole_text(value, f"field {field}")
