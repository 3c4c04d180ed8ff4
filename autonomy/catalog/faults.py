"""What pydantic found wrong with a manifest, in words that name the field and the remedy."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from autonomy.kernel.canonical import Json

from .problem import nearest
from .words import FORMS, Strict
from .yaml_text import inside

_TYPES: dict[type, str] = {
    type(None): "nothing",
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "text",
    list: "a list",
    dict: "a group of fields",
}

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a group of fields",
    "model_type": "a group of fields",
    "model_attributes_type": "a group of fields",
}

MAX_SHOWN = 60  # characters of what was written that a message repeats


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong field: its path inside what was validated, what is wrong, what would be right."""

    path: str
    message: str
    hint: str


def faults(error: ValidationError, model: type[Strict], value: Json, prefix: str) -> list[Fault]:
    """Every wrong field of `value`, one fault a field; `prefix` is the path of `value` in its manifest."""
    found: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        path = prefix
        for part in _places(detail, value):
            path = inside(path, part)
        found.setdefault(path, []).append(detail)
    return [_fault(path, details, model) for path, details in found.items()]


def _places(detail: ErrorDetails, value: Json) -> Iterator[str | int]:
    """The parts of the location that exist in the value: pydantic also names the members of unions it tried."""
    last = len(detail["loc"]) - 1
    for index, part in enumerate(detail["loc"]):
        if _holds(value, part):
            value = value[part]
            yield part
        elif index == last and detail["type"] == "missing":
            yield part


def _holds(value: Json, part: int | str) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _fault(path: str, details: list[ErrorDetails], model: type[Strict]) -> Fault:
    first = details[0]
    kind, written = first["type"], first["input"]
    field = str(first["loc"][-1]) if first["loc"] else ""
    context: Mapping[str, Any] = first.get("ctx", {})
    if kind == "fault":
        return Fault(path, context["message"], context["hint"])
    if kind == "missing":
        return Fault(path, f"`{field}` is missing", _description(model, first["loc"]))
    if kind == "extra_forbidden":
        known = _fields(_model_at(model, first["loc"][:-1]))
        return Fault(path, f"unknown field `{field}`", nearest(field, known) or f"known here: {_list(known)}")
    if kind == "literal_error":
        return _not_one_of(path, written, _choices(context["expected"]))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_tag(path, context)
    if kind == "too_short":
        return Fault(path, "is empty", "give at least one")
    return Fault(path, *_wrong_value(details, written))


def _wrong_value(details: list[ErrorDetails], written: Json) -> tuple[str, str]:
    """Message and hint for one value that fits none of the forms its field admits."""
    wanted = list(dict.fromkeys(filter(None, map(_wanted, details))))
    if not wanted:
        message = details[0]["msg"]
        return f"{_show(written)}: {message[0].lower()}{message[1:]}", ""
    return f"{_show(written)} is not {' or '.join(wanted)}", ""


def _wanted(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return FORMS.get(context["pattern"], f"text of the form `{context['pattern']}`")
    if kind == "greater_than_equal":
        return f"{context['ge']} or more"
    if kind == "less_than_equal":
        return f"{context['le']} or less"
    return _WANTED.get(kind, "")


def _not_one_of(path: str, written: Json, choices: list[str]) -> Fault:
    return Fault(path, f"{_show(written)} is not one of {_list(choices)}", nearest(str(written), choices))


def _wrong_tag(path: str, context: Mapping[str, Any]) -> Fault:
    tag = context["discriminator"].strip("'")
    if "tag" not in context:
        return Fault(path, f"`{tag}` is missing", "it says which fields follow")
    return _not_one_of(inside(path, tag), context["tag"], _choices(context["expected_tags"]))


def _choices(expected: str) -> list[str]:
    return [choice.strip(" '") for choice in expected.replace(" or ", ", ").split(",")]


def _show(value: Json) -> str:
    """What was written, short; for lists and groups only what they are."""
    if isinstance(value, str):
        return f"`{value[:MAX_SHOWN]}`" if value.strip() else "empty text"
    if isinstance(value, (bool, int, float)):
        return f"`{str(value).lower()}`"
    return _TYPES[type(value)]


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields(model: type[Strict] | None) -> list[str]:
    return list(model.model_fields) if model else []


def _description(model: type[Strict], location: tuple[int | str, ...]) -> str:
    owner = _model_at(model, location[:-1])
    field = owner.model_fields.get(str(location[-1])) if owner else None
    return (field.description or "") if field else ""


def _model_at(model: type[Strict], location: tuple[int | str, ...]) -> type[Strict] | None:
    """The model that describes the group of fields at `location`; None inside free text such as a JSON Schema."""
    annotation: Any = model
    for part in location:
        annotation = _step(annotation, part)
    found = [member for member in _members(annotation) if isinstance(member, type) and issubclass(member, Strict)]
    return found[0] if found else None


def _step(annotation: Any, part: int | str) -> Any:
    """The annotation one step further: into a field, an item, an entry, or the member of a union named by its tag."""
    for member in _members(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if origin is list and isinstance(part, int):
            return arguments[0]
        if origin is dict:
            return arguments[1]
        if isinstance(member, type) and issubclass(member, Strict):
            if part in _tags(member):
                return member
            if part in member.model_fields:
                return member.model_fields[str(part)].annotation
    return None


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for argument in get_args(annotation) for member in _members(argument)]
    return [annotation]


def _tags(model: type[Strict]) -> tuple[Any, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
