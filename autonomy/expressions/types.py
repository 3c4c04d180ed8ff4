"""What a value may be: the part of a JSON Schema (2020-12) that expressions are checked against. Pure.

A `Type` says less than its schema: kinds, the known fields of objects, what lists hold, whether null may stand there.
Where a schema says more than that (`oneOf` of several kinds, a reference to itself), the type is `ANY`: it is then
checked when the value is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from autonomy.kernel.canonical import Json

Kind = Literal["any", "null", "boolean", "integer", "number", "string", "array", "object", "timestamp", "duration"]

MAX_NESTING = 16  # schemas nested deeper are read as "anything"

_KINDS: dict[str, Kind] = {
    "null": "null",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "string": "string",
    "array": "array",
    "object": "object",
}


@dataclass(frozen=True)
class Type:
    """One type. `fields`: the known members of an object, None where any name may stand; `values`: what those hold.

    `timestamp` and `duration` are no JSON, and only a whole variable may be one: they are handed in as milliseconds
    (since the epoch); a timestamp comes out as RFC 3339 text in UTC, a duration as milliseconds.
    """

    kind: Kind = "any"
    nullable: bool = False
    items: Type | None = None
    fields: tuple[tuple[str, Type], ...] | None = None
    values: Type | None = None
    required: frozenset[str] = frozenset()

    @cached_property
    def members(self) -> Mapping[str, Type]:
        """The known fields by name; empty where there are none."""
        return dict(self.fields or ())

    def member(self, name: str) -> Type:
        """What stands under `name`; ANY where that is not known."""
        return self.members.get(name) or self.values or ANY

    def __str__(self) -> str:
        shown = f"list of {self.items}" if self.kind == "array" and self.items else _WORDS[self.kind]
        return f"{shown} or null" if self.nullable else shown


ANY = Type()
NULL = Type("null")

_WORDS: dict[Kind, str] = {
    "any": "anything",
    "null": "null",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "array": "list",
    "object": "object",
    "timestamp": "point in time",
    "duration": "length of time",
}


def of_schema(schema: Json) -> Type:
    """The type a JSON Schema describes."""
    return _Reader(schema if isinstance(schema, dict) else {}).read(schema, 0)


def of_fields(fields: Mapping[str, Type], required: frozenset[str] | None = None) -> Type:
    """An object with these members; all of them are there unless `required` says otherwise."""
    return Type("object", fields=tuple(fields.items()), required=frozenset(fields) if required is None else required)


def schema_of(kind: Type) -> dict[str, Json]:
    """A JSON Schema that reads as this type again; times, which no schema can say, read as anything."""
    if kind.kind in ("any", "timestamp", "duration"):
        return {}
    schema: dict[str, Json] = {"type": [kind.kind, "null"] if kind.nullable else kind.kind}
    if kind.items is not None:
        schema["items"] = schema_of(kind.items)
    if kind.fields is not None:
        schema["properties"] = {name: schema_of(one) for name, one in kind.fields}
        schema["required"] = sorted(kind.required)
    elif kind.values is not None:
        schema["additionalProperties"] = schema_of(kind.values)
    return schema


class _Reader:
    """Reads one schema document; local references (`#/…`) are followed."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self._document = document

    def read(self, schema: Json, depth: int) -> Type:
        if not isinstance(schema, dict) or depth > MAX_NESTING:
            return ANY
        if "$ref" in schema:
            return self.read(self._resolved(schema["$ref"]), depth + 1)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._one_of(schema[word], depth)
        return self._of_kinds(schema, _kinds(schema), depth)

    def _of_kinds(self, schema: Mapping[str, Json], kinds: list[Kind], depth: int) -> Type:
        real = [kind for kind in kinds if kind != "null"]
        if kinds and not real:
            return NULL
        if set(real) == {"integer", "number"}:
            real = ["number"]
        if len(real) != 1:
            return ANY
        found = self._of_kind(schema, real[0], depth)
        return replace(found, nullable=True) if "null" in kinds else found

    def _of_kind(self, schema: Mapping[str, Json], kind: Kind, depth: int) -> Type:
        if kind == "array":
            return Type("array", items=self.read(schema.get("items"), depth + 1))
        return self._object(schema, depth) if kind == "object" else Type(kind)

    def _object(self, schema: Mapping[str, Json], depth: int) -> Type:
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        combined = any(word in schema for word in ("allOf", "patternProperties", "if", "dependentSchemas"))
        if not isinstance(properties, dict) or others not in (None, False) or combined:
            plain = isinstance(others, dict) and not properties and not combined
            return Type("object", values=self.read(others, depth + 1) if plain else ANY)
        required = schema.get("required")
        needed = frozenset(filter(lambda name: isinstance(name, str), required if isinstance(required, list) else ()))
        fields = tuple((name, self.read(inner, depth + 1)) for name, inner in properties.items())
        return Type("object", fields=fields, required=needed)

    def _one_of(self, choices: Json, depth: int) -> Type:
        """Alternatives that are one kind and null; ANY where they are several kinds."""
        if not isinstance(choices, list):
            return ANY
        found = [self.read(choice, depth + 1) for choice in choices]
        real = list(dict.fromkeys(one for one in found if one.kind != "null"))
        if len(real) != 1:
            return ANY
        return replace(real[0], nullable=True) if NULL in found and real[0] != ANY else real[0]

    def _resolved(self, reference: Json) -> Json:
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        found: Any = self._document
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _kinds(schema: Mapping[str, Json]) -> list[Kind]:
    said = schema.get("type")
    if said is not None:
        names = said if isinstance(said, list) else [said]
        return [_KINDS[name] for name in names if isinstance(name, str) and name in _KINDS]
    if "const" in schema:
        return [kind_of(schema["const"])]
    if isinstance(schema.get("enum"), list):
        return list(dict.fromkeys(kind_of(value) for value in schema["enum"]))
    if "properties" in schema:
        return ["object"]
    return ["array"] if "items" in schema else []


def kind_of(value: Json) -> Kind:
    """The kind of one JSON value."""
    if value is None:
        return "null"
    kinds: dict[type, Kind] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")


def misfit(given: Type, wanted: Type) -> str:
    """Why a value of the type `given` may not stand where `wanted` is; empty where it may, as far as types say."""
    for path, reason in _misfits(given, wanted, ""):
        return f"`{path}`: {reason}" if path else reason
    return ""


def _misfits(given: Type, wanted: Type, path: str) -> Iterator[tuple[str, str]]:
    if "any" in (given.kind, wanted.kind):
        return
    if given.kind == "null" or given.nullable:
        if not (wanted.nullable or wanted.kind == "null"):
            yield path, f"null may stand here, and `{wanted}` is wanted"
        if given.kind == "null":
            return
    if given.kind != wanted.kind and (given.kind, wanted.kind) not in _WIDER:
        yield path, f"`{replace(wanted, nullable=False)}` is wanted, this is `{replace(given, nullable=False)}`"
    elif given.kind == "array":
        yield from _misfits(given.items or ANY, wanted.items or ANY, f"{path}[]")
    elif given.kind == "object":
        yield from _object_misfits(given, wanted, path)


def _object_misfits(given: Type, wanted: Type, path: str) -> Iterator[tuple[str, str]]:
    for name, inner in wanted.members.items():
        place = f"{path}.{name}" if path else name
        if given.fields is not None and name not in given.members:
            if name in wanted.required:
                yield place, "is missing"
        else:
            yield from _misfits(given.member(name), inner, place)


_WIDER = {("integer", "number"), ("timestamp", "string"), ("duration", "integer")}
"""Given kinds that may stand where another is wanted: what they become as JSON fits."""
