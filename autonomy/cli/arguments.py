"""Arguments of a tool as a person types them, `name=value`, made into what the tool declares. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autonomy.kernel.canonical import parse
from autonomy.kernel.errors import AutonomyError

from .ending import Misused

Pair = tuple[str, str, bool]
"""Name, what was typed, and whether it was said to be JSON (`name:=value`)."""

_WORDS = {"true": True, "false": False, "null": None}


def split(typed: Iterable[str]) -> list[Pair]:
    """The pairs in `name=value` and `name:=json`. Raises Misused for anything else, and for a name given twice."""
    found: list[Pair] = []
    for text in typed:
        name, equals, value = text.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not name:
            raise Misused(f"`{text}` is not `name=value`", hint="write `name=text`, or `name:=json` for other values")
        if name in {known for known, _, _ in found}:
            raise Misused(f"`{name}` is given twice")
        found.append((name, value, is_json))
    return found


def coerced(pairs: Iterable[Pair], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, each as the JSON Schema `schema` of the tool declares it.

    Where it declares nothing, what reads as a number, true, false or null is that, and all else is text. Raises
    Misused for JSON that is none; what does not fit the schema is left for the server to refuse.
    """
    declared = schema.get("properties", {})
    return {name: _value(name, text, is_json, _types(declared.get(name))) for name, text, is_json in pairs}


def _types(declared: Any) -> frozenset[str]:
    types = declared.get("type", ()) if isinstance(declared, Mapping) else ()
    return frozenset([types] if isinstance(types, str) else types)


def _value(name: str, text: str, is_json: bool, types: frozenset[str]) -> Any:
    if is_json:
        return _json(name, text)
    if "string" in types:
        return None if text == "null" and "null" in types else text
    if types & {"object", "array"}:
        return _json(name, text)
    return _guessed(text)


def _guessed(text: str) -> Any:
    """A number, true, false or null where it reads as one; text otherwise."""
    if text in _WORDS:
        return _WORDS[text]
    try:
        value = parsed(text)
    except AutonomyError:
        return text
    return value if isinstance(value, int | float) else text


def _json(name: str, text: str) -> Any:
    try:
        return parsed(text)
    except AutonomyError as error:
        raise Misused(f"`{name}`: {error.message}", hint=f"""for example `{name}:='["a", "b"]'`""") from None


def parsed(text: str) -> Any:
    """JSON, read as strictly as the server does: nothing is guessed. Raises Invalid, TooLarge."""
    return parse(text.encode("utf-8", errors="surrogateescape"))


def read_object(text: str) -> dict[str, Any]:
    """The JSON object in `text`. Raises Misused for anything else."""
    hint = """for example '{"sku": "sku-0001"}'"""
    try:
        found = parsed(text)
    except AutonomyError as error:
        raise Misused(f"the arguments: {error.message}", hint=hint) from None
    if not isinstance(found, dict):
        raise Misused("the arguments are not a JSON object", hint=hint)
    return found
