"""The JSON Schema (2020-12) of a tool's arguments: closed by default, formats checked, no remote references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

DRAFT = "https://json-schema.org/draft/2020-12/schema"

MAX_SHOWN = 8  # faults named in one answer; a caller mends the first ones and sends it again
BACKTRACKS = 100_000  # steps of one pattern on one text (about 10 ms); beyond it the text does not match

_OPEN_WORDS = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_APPLICATORS = ("$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas")
_SEVERAL = ("properties", "$defs", "dependentSchemas")
_LISTS = ("prefixItems", "allOf", "anyOf", "oneOf")
_SINGLE = ("items", "additionalProperties", "then", "else", "contains")


class Schema:
    """A compiled schema. `declared` is as written; `effective` refuses what is not declared."""

    __slots__ = ("_validator", "declared", "effective")

    def __init__(self, declared: Mapping[str, Json]) -> None:
        """Raises Invalid (`schema.invalid`) where `declared` is not a 2020-12 schema of an object."""
        if declared.get("type") != "object":
            raise Invalid(
                "the schema does not describe an object", code="schema.invalid", hint="write `type: object` at its top"
            )
        if declared.get("$schema", DRAFT) != DRAFT:
            raise Invalid(
                "the schema is not of draft 2020-12",
                code="schema.invalid",
                hint=f"write `$schema: {DRAFT}` or leave it out",
            )
        self.declared = declared
        self.effective = closed(declared)
        self._validator = _compiled(self.effective)

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared arguments and what each may be; `true` reads as "anything"."""
        found = self.declared.get("properties", {})
        return {name: schema if isinstance(schema, dict) else {} for name, schema in found.items()}

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.declared.get("required", ()))

    def validate(self, arguments: Json) -> None:
        """Raise Invalid (`arguments.invalid`): for each fault its JSON pointer, what is wrong, what would be right."""
        if self._validator.is_valid(arguments):
            return
        problems = [_described(error) for error in self._validator.iter_errors(arguments)][:MAX_SHOWN]
        first = problems[0]
        raise Invalid(
            f"argument `{first['at']}`: {first['what']}" if first["at"] else f"the arguments: {first['what']}",
            code="arguments.invalid",
            hint=first["right"],
            problems=problems,
        )


def closed(schema: Mapping[str, Json], own: bool = True) -> dict[str, Json]:
    """`schema` with every object in it refusing members it does not declare, unless it says otherwise.

    `unevaluatedProperties` sees through `$ref`, `allOf` and the like, so it stands at the place where the object is
    described (`own`), not in the parts that are combined there.
    """
    shut = {word: _closed_inside(word, value) for word, value in schema.items()}
    if own and _describes_object(schema) and not any(word in schema for word in _OPEN_WORDS):
        shut["unevaluatedProperties"] = False
    return shut


def _describes_object(schema: Mapping[str, Json]) -> bool:
    kinds = schema.get("type")
    named = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
    return named or "properties" in schema or any(word in schema for word in _APPLICATORS)


def _closed_inside(word: str, value: Json) -> Json:
    if word in _SEVERAL and isinstance(value, dict):
        return {name: _closed_part(part, word == "properties") for name, part in value.items()}
    if word in _LISTS and isinstance(value, list):
        return [_closed_part(part, word == "prefixItems") for part in value]
    if word in _SINGLE:
        return _closed_part(value, word in ("items", "additionalProperties"))
    return value


def _closed_part(part: Json, own: bool) -> Json:
    return closed(part, own) if isinstance(part, dict) else part


def _compiled(schema: dict[str, Json]) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
            mask="the value",
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACKS),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise Invalid(
            f"not a JSON Schema: {said[:300]}", code="schema.invalid", hint="see JSON Schema 2020-12"
        ) from None


def _described(error: jsonschema_rs.ValidationError) -> dict[str, str]:
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
    return {"at": pointer, "what": _plain(error.message), "right": _right(error)}


def _plain(message: str) -> str:
    return message.replace('"', "`").partition("\n")[0][:300]


def _right(error: jsonschema_rs.ValidationError) -> str:
    """What would be right, in words, from the keyword that refused."""
    said: dict[str, Any] = error.kind.as_dict()
    match error.kind.name:
        case "required":
            return f"add `{said['property']}`"
        case "type":
            return f"send {' or '.join(said['types'])}"
        case "enum":
            return "send one of " + ", ".join(f"`{option}`" for option in said["options"][:20])
        case "unevaluatedProperties" | "additionalProperties":
            return "leave out " + ", ".join(f"`{str(name)[:40]}`" for name in said["unexpected"][:10])
        case "format":
            return f"write it as {said['format']}"
    limit = ", ".join(f"{name} {value}" for name, value in said.items() if isinstance(value, (int, float, str)))
    return f"the schema asks for {error.kind.name}" + (f" ({limit[:120]})" if limit else "")
