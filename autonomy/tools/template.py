"""JSON with places for arguments, as declared requests carry it, and what is kept of a JSON answer. Pure.

A text that is nothing but `{argument}` becomes the argument's value with its type; within other text the value is
written out. `{{` and `}}` are braces. A member of an object whose argument was not given is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_WHOLE = re.compile(r"\{([^{}]*)\}")


class _Absent:
    """An argument that was not given."""


_ABSENT: Final = _Absent()


def names(template: Json) -> set[str]:
    """What stands in the places of a template."""
    return set(_names(template))


def fill(template: Json, values: Mapping[str, Json]) -> Json:
    """The template with its arguments. Raises Invalid (`arguments.invalid`) where a text needs one that is no text."""
    filled = _fill(template, values)
    return None if isinstance(filled, _Absent) else filled


def at(value: Json, pointer: str) -> Json:
    """What stands at a JSON Pointer (RFC 6901); None for nothing."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 10 and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def keep(value: Json, rows: str | None, fields: Mapping[str, str]) -> Json:
    """What a tool keeps of an answer: `rows` names its objects, `fields` what is kept of each.

    A list becomes `{"rows": [...]}`, as a database's answer is; without `rows` and `fields` the answer stays whole.
    """
    found = at(value, rows) if rows is not None else value
    if not fields:
        return found
    if isinstance(found, list):
        return {"rows": [_kept(one, fields) for one in found]}
    return None if found is None else _kept(found, fields)


def _kept(value: Json, fields: Mapping[str, str]) -> Json:
    return {name: at(value, pointer) for name, pointer in fields.items()}


def _names(template: Json) -> Iterator[str]:
    if isinstance(template, str):
        for place in _PLACE.finditer(template):
            if place[1] is not None:
                yield place[1]
    elif isinstance(template, dict):
        for inner in template.values():
            yield from _names(inner)
    elif isinstance(template, list):
        for inner in template:
            yield from _names(inner)


def _fill(template: Json, values: Mapping[str, Json]) -> Json | _Absent:
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, list):
        return [fill(inner, values) for inner in template]
    if isinstance(template, dict):
        filled = {name: _fill(inner, values) for name, inner in template.items()}
        return {name: inner for name, inner in filled.items() if not isinstance(inner, _Absent)}
    return template


def _text(template: str, values: Mapping[str, Json]) -> Json | _Absent:
    if whole := _WHOLE.fullmatch(template):
        return values.get(whole[1], _ABSENT)
    return _PLACE.sub(
        lambda place: place[0][0] if place[1] is None else scalar(place[1], values.get(place[1])), template
    )


def scalar(name: str, value: Json) -> str:
    """A single value written out; raises Invalid (`arguments.invalid`) for lists, objects and nothing."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (list, dict)):
        raise Invalid(
            f"the argument `{name}` must be one value", code="arguments.invalid", hint="send a text or a number"
        )
    return canonical.encode(value).decode()
