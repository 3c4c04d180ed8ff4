"""What Cedar can say of a JSON Schema: one shape gives both the type in the Cedar schema and the conversion of values.

Cedar has no floats, no null and no maps of free keys; what it cannot say is left out, and no rule can ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from autonomy.kernel import canonical, money
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import Currency

MAX_LONG = 2**63 - 1
MAX_NESTING = 8  # deeper argument records are left out; also ends schemas that refer to themselves
RESERVED = frozenset({"__entity", "__extn", "__expr"})  # keys that mean something else in Cedar's own JSON

_ISO_CODE = re.compile(r"[A-Z]{3}")
_SCALARS: Mapping[str, Literal["String", "Long", "Bool"]] = {"string": "String", "integer": "Long", "boolean": "Bool"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, a whole number or a truth value."""

    type: Literal["String", "Long", "Bool"]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; `currency` is an ISO code or the name of the argument beside it that holds one."""

    currency: str


@dataclass(frozen=True, slots=True)
class SetOf:
    """A list of scalars, whose order means nothing to a rule."""

    item: Scalar


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute of a record; a rule must ask `has` before it reads one that is not required."""

    shape: Shape
    required: bool


@dataclass(frozen=True, slots=True)
class RecordOf:
    """Named attributes."""

    fields: Mapping[str, Field]


Shape = Scalar | Money | SetOf | RecordOf


def of_schema(schema: Json) -> RecordOf:
    """The shape of the arguments that a tool's JSON Schema describes; empty where it describes no object."""
    found = _shape(schema, schema, 0)
    return found if isinstance(found, RecordOf) else RecordOf({})


def _shape(schema: Json, root: Json, depth: int) -> Shape | None:
    schema = _resolved(schema, root)
    if not isinstance(schema, dict) or depth > MAX_NESTING:
        return None
    kind, _ = _type(schema)
    if isinstance(schema.get("x-money"), str) and kind in ("string", "number", "integer"):
        return Money(schema["x-money"])
    if kind in _SCALARS:
        return Scalar(_SCALARS[kind])
    if kind == "array":
        item = _shape(schema.get("items"), root, depth + 1)
        return SetOf(item) if isinstance(item, Scalar) else None
    return _record(schema, root, depth) if kind == "object" else None


def _record(schema: dict[str, Json], root: Json, depth: int) -> RecordOf | None:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return None
    required = schema.get("required", [])
    fields = {}
    for name, part in properties.items():
        shape = None if name in RESERVED else _shape(part, root, depth + 1)
        if shape is not None:
            fields[name] = Field(shape, name in required and not _nullable(part, root))
    return RecordOf(fields)


def _resolved(schema: Json, root: Json) -> Json:
    """`schema`, or what it refers to in the same document; a reference out of it resolves to nothing."""
    for _ in range(MAX_NESTING):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        schema = _at(root, schema["$ref"])
    return None


def _at(root: Json, reference: Json) -> Json:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found = root
    for step in reference[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found


def _type(schema: dict[str, Json]) -> tuple[str, bool]:
    """The one type a schema admits ("" for none or several) and whether it admits null beside it."""
    declared = schema.get("type")
    if declared is None and isinstance(schema.get("enum"), list):
        declared = sorted({_type_name(value) for value in schema["enum"]})
    names = declared if isinstance(declared, list) else [declared]
    others = [name for name in names if name != "null"]
    kind = others[0] if len(others) == 1 and isinstance(others[0], str) else ""
    return kind, len(others) < len(names)


def _type_name(value: Json) -> str:
    names = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    return names.get(type(value), "other")


def _nullable(schema: Json, root: Json) -> bool:
    resolved = _resolved(schema, root)
    return isinstance(resolved, dict) and _type(resolved)[1]


def cedar_type(shape: Shape) -> str:
    """The shape as a type of the Cedar schema language."""
    match shape:
        case Scalar(type=name):
            return name
        case Money():
            return "Long"
        case SetOf(item=item):
            return f"Set<{item.type}>"
        case RecordOf(fields=fields):
            parts = (f"{quoted(name)}{'' if f.required else '?'}: {cedar_type(f.shape)}" for name, f in fields.items())
            return "{" + ", ".join(parts) + "}"


def quoted(text: str) -> str:
    """`text` as a string literal of Cedar."""
    return '"' + "".join(_escaped(text)) + '"'


def _escaped(text: str) -> Iterator[str]:
    for character in text:
        if character in '"\\':
            yield "\\" + character
        elif character.isprintable():
            yield character
        else:
            yield f"\\u{{{ord(character):x}}}"


def convert(shape: RecordOf, values: Mapping[str, Json], currency: Currency, name: str = "argument") -> dict[str, Json]:
    """The declared part of `values` as Cedar takes it: nothing undeclared, no null, money in minor units of the base.

    Raises Invalid (`policy.value`) naming the field, never its value, where one is missing or does not fit.
    """
    return _converted(shape, values, values, currency, f"{name} ")


def _converted(
    shape: RecordOf, values: Mapping[str, Json], top: Mapping[str, Json], currency: Currency, path: str
) -> dict[str, Json]:
    found = {}
    for name, declared in shape.fields.items():
        value = values.get(name)
        if value is not None:
            found[name] = _value(declared.shape, value, (values, top), currency, path + name)
        elif declared.required:
            raise unfit(path + name, "is missing")
    return found


def _value(
    shape: Shape, value: Json, around: tuple[Mapping[str, Json], Mapping[str, Json]], currency: Currency, path: str
) -> Json:
    match shape:
        case Scalar():
            return scalar(shape, value, path)
        case Money(currency=named):
            return minor_units(value, _currency(named, around, path), currency, path)
        case SetOf(item=item) if isinstance(value, list):
            return [scalar(item, part, path) for part in value]
        case RecordOf() if isinstance(value, dict):
            return _converted(shape, value, around[1], currency, path + ".")
    raise unfit(path, "is not a list" if isinstance(shape, SetOf) else "is not an object")


def scalar(shape: Scalar, value: Any, path: str) -> str | int | bool:
    """`value` if it is one of the shape's; raises Invalid otherwise."""
    if shape.type == "String" and isinstance(value, str):
        return whole_text(value, path)
    if shape.type == "Bool" and isinstance(value, bool):
        return value
    if shape.type == "Long":
        return whole(value, path)
    raise unfit(path, "is not a string" if shape.type == "String" else "is not true or false")


def whole_text(text: str, path: str) -> str:
    """`text`, if it can be written down, whether or not a rule reads it."""
    try:
        canonical.check_text(text, path)
    except Invalid:
        raise unfit(path, "holds half a character") from None
    return text


def whole(value: Any, path: str) -> int:
    """A whole number in Cedar's range; `2.0` is one, as in JSON Schema, `true` is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_LONG:
        raise unfit(path, "is not a whole number of 64 bits")
    return value


def minor_units(value: Any, written_in: str, currency: Currency, path: str) -> int:
    """An amount in minor units of the base currency, rounded up; text may name its own currency: `12.50 USD`.

    Raises Invalid where it is no amount or its currency has no rate.
    """
    try:
        amount, code = _amount(value, written_in)
    except Invalid:
        raise unfit(path, "is not an amount of money") from None
    try:
        return currency.minor(amount, code)
    except (Invalid, ArithmeticError):
        raise unfit(path, f"cannot be converted to `{currency.base}`: no rate is declared or it is too large") from None


def _amount(value: Any, written_in: str) -> tuple[Decimal, str]:
    if isinstance(value, str):
        return money.parse(value, written_in)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return money.decimal(value), written_in
    raise Invalid("not an amount")


def _currency(named: str, around: tuple[Mapping[str, Json], Mapping[str, Json]], path: str) -> str:
    if _ISO_CODE.fullmatch(named):
        return named
    code = next((values[named] for values in around if values.get(named) is not None), None)
    if not isinstance(code, str):
        raise unfit(path, f"has no currency: argument `{named}` is missing or not a string")
    return code


def unfit(path: str, what: str) -> Invalid:
    """The error for a value that a rule cannot be asked about."""
    kind, _, name = path.partition(" ")
    return Invalid(f"{kind} `{name}` {what}", code="policy.value")
