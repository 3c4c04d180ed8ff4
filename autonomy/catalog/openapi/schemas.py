"""Schemas of documents as JSON Schema 2020-12: 3.0 has a dialect of its own, 3.1 has references that go anywhere.

What is referred to becomes a definition of the result, so that recursive schemas stay finite; what says nothing about
a request (examples, discriminators, read-only fields) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from autonomy.kernel.canonical import MAX_SAFE_INTEGER, Json
from autonomy.kernel.errors import Invalid

from .place import Follows, Place, words

MAX_PARTS: Final = 20_000  # schemas within the schemas of one operation
MAX_NESTED: Final = 64  # schemas in schemas
MAX_TEXT: Final = 1_000  # characters of a description; agents read them all

_COPIED = words(
    "type title default enum const multipleOf maximum minimum exclusiveMaximum exclusiveMinimum maxLength "
    "minLength pattern maxItems minItems uniqueItems maxProperties minProperties required "
    "dependentRequired minContains maxContains contentEncoding contentMediaType deprecated x-money"
)
_ONE = words(
    "items additionalProperties not if then else contains propertyNames unevaluatedItems unevaluatedProperties"
)
_LISTS = frozenset(["allOf", "anyOf", "oneOf", "prefixItems"])
_NAMED = frozenset(["properties", "patternProperties", "dependentSchemas"])
_REFUSED = frozenset(["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"])
_FORMATS = words(
    "date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri "
    "iri-reference uuid uri-template json-pointer relative-json-pointer regex"
)
_BOUNDS: Mapping[str, tuple[int, int]] = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}
_ODD = re.compile(r"[^A-Za-z0-9_.-]")


class Conversion:
    """The schemas of one operation, converted, and the definitions that references in them led to."""

    def __init__(self, document: Follows) -> None:
        self._document = document
        self._waiting: list[tuple[str, Place]] = []
        self._names: dict[str, str] = {}
        self._parts = 0

    def convert(self, place: Place, nested: int = 0) -> Json:
        """The schema at `place` in 2020-12. Raises Invalid (`openapi.schema`, `openapi.reference`, `.external`)."""
        self._count(place, nested)
        schema = place.value
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise _unfit(place, "it is not a schema")
        if _REFUSED & schema.keys():
            raise _unfit(place, f"`{sorted(_REFUSED & schema.keys())[0]}` is not supported")
        if "$ref" in schema and self._document.is_3_0:
            return {"$ref": self._definition(schema["$ref"])}  # 3.0: what stands beside it is ignored
        converted = self._keywords(place, nested)
        if "$ref" in schema:
            converted["$ref"] = self._definition(schema["$ref"])
        return _of_3_0(converted, schema) if self._document.is_3_0 else converted

    def _keywords(self, place: Place, nested: int) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for word, value in place.value.items():
            if word in _COPIED:
                found[word] = value
            elif word in _ONE:
                found[word] = self.convert(place.inside(word), nested + 1)
            elif word in _LISTS and isinstance(value, list):
                listed = place.inside(word)
                found[word] = [self.convert(listed.inside(index), nested + 1) for index in range(len(value))]
            elif word in _NAMED and isinstance(value, dict):
                found[word] = self._named(place.inside(word), nested)
            elif word == "description":
                found[word] = plain(value)
            elif word == "format":
                _format(found, value)
        _without_unsent(found, place.value)
        _within_range(found)
        return found

    def _named(self, place: Place, nested: int) -> dict[str, Json]:
        return {
            name: self.convert(place.inside(name), nested + 1)
            for name in place.value
            if not self.is_read_only(place.inside(name))
        }

    def is_read_only(self, place: Place) -> bool:
        """Whether a property is only ever sent by the service."""
        value = self._document.follow(place).value
        return isinstance(value, dict) and value.get("readOnly") is True

    def definitions(self) -> dict[str, Json]:
        """What was referred to, by name, and what that refers to in turn."""
        found = {}
        while self._waiting:
            name, place = self._waiting.pop()
            found[name] = self.convert(place)
        return found

    def _definition(self, reference: Json) -> str:
        """The reference to the definition that `reference` becomes."""
        place = self._document.at(reference)
        name = self._names.get(place.pointer)
        if name is None:
            name = self._names[place.pointer] = self._free_name(place.pointer)
            self._waiting.append((name, place))
        return f"#/$defs/{name}"

    def _free_name(self, pointer: str) -> str:
        stem = _ODD.sub("_", pointer.rpartition("/")[2])[:60] or "schema"
        taken, number, name = set(self._names.values()), 1, stem
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        return name

    def _count(self, place: Place, nested: int) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _unfit(place, f"the operation's schemas have more than {MAX_PARTS} parts")
        if nested > MAX_NESTED:
            raise _unfit(place, f"nested deeper than {MAX_NESTED}")


def plain(text: Json) -> str:
    """A text for people and agents: printable, at most 1,000 characters."""
    shown = "".join(char for char in str(text)[: MAX_TEXT + 1] if char.isprintable() or char == "\n")
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "…"


def _format(found: dict[str, Json], value: Json) -> None:
    """Formats that are checked; the bounds of those that are widths; others mean nothing to a check."""
    if value in _FORMATS:
        found["format"] = value
    elif value in _BOUNDS:
        low, high = _BOUNDS[value]
        found.setdefault("minimum", low)
        found.setdefault("maximum", high)


def _without_unsent(found: dict[str, Json], schema: Mapping[str, Json]) -> None:
    """Read-only fields cannot be required of who sends."""
    declared = schema.get("properties")
    if isinstance(declared, dict) and isinstance(found.get("required"), list):
        gone = declared.keys() - found.get("properties", {}).keys()
        found["required"] = [name for name in found["required"] if name not in gone]
        if not found["required"]:
            del found["required"]


def _within_range(found: dict[str, Json]) -> None:
    """Bounds that no number can pass say nothing."""
    for word, sign in (("maximum", 1), ("minimum", -1)):
        limit = found.get(word)
        if isinstance(limit, (int, float)) and not isinstance(limit, bool) and sign * limit >= MAX_SAFE_INTEGER:
            del found[word]


def _of_3_0(found: dict[str, Json], schema: Mapping[str, Json]) -> dict[str, Json]:
    """The dialect of 3.0: `nullable`, and exclusive bounds as truth values."""
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(word), bool) and found.pop(word) and bound in found:
            found[word] = found.pop(bound)
    return _nullable(found) if schema.get("nullable") is True else found


def _nullable(found: dict[str, Json]) -> dict[str, Json]:
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if isinstance(found.get("enum"), list) and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]
        return found
    return {"anyOf": [found, {"type": "null"}]}


def _unfit(place: Place, why: str) -> Invalid:
    return Invalid(
        f"the schema at `{place.pointer[-80:]}`: {why}", code="openapi.schema", hint="declare the tool's `input`"
    )
