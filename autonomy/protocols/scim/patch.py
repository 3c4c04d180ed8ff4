"""PATCH: what a list of operations makes of a document (RFC 7644 section 3.5.2). Pure; all of it or an error."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from autonomy.kernel.canonical import Json

from .documents import Document
from .faults import wrong
from .filters import Compare, Filter, Place, get, holds, read_place
from .schemas import EXTERNAL_ID, Attribute, Schema, find

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 1_000

_VERBS = ("add", "replace", "remove")


def patched(document: Document, body: Json, schemas: Sequence[Schema]) -> Document:
    """The document after every operation of `body`, still to be cleaned. Raises Invalid (`scim.*`)."""
    found: Document = copy.deepcopy(document)
    for operation in _operations(body):
        verb, value = str(get(operation, "op")).lower(), get(operation, "value")
        path = get(operation, "path")
        if verb not in _VERBS:
            raise wrong(f"`op` is none of {', '.join(_VERBS)}", "request")
        if path is None or path == "":
            _whole(found, verb, value, schemas)
        elif isinstance(path, str):
            _at(found, verb, read_place(path), value, schemas)
        else:
            raise wrong("`path` is not a text", "path")
    return found


def _operations(body: Json) -> list[Mapping[str, Json]]:
    if not isinstance(body, Mapping):
        raise wrong("the body is not an object", "request")
    said, listed = get(body, "schemas"), get(body, "Operations")
    if not isinstance(said, list) or PATCH not in said:
        raise wrong(f"`schemas` does not name `{PATCH}`", "request")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_OPERATIONS:
        raise wrong(f"`Operations` is not a list of 1 to {MAX_OPERATIONS}", "request")
    if not all(isinstance(each, Mapping) for each in listed):
        raise wrong("an operation is not an object", "request")
    return listed


def _whole(document: Document, verb: str, value: Json, schemas: Sequence[Schema]) -> None:
    """Without a path, the value says what to add or replace, attribute by attribute."""
    if verb == "remove":
        raise wrong("what is removed needs a path", "target")
    if not isinstance(value, Mapping):
        raise wrong("without a path, `value` is an object")
    for name, inner in value.items():
        if name.lower() in ("schemas", "id", "meta"):
            continue
        extension = next((each for each in schemas[1:] if each.id.lower() == name.lower()), None)
        if extension is not None and isinstance(inner, Mapping):
            for part, each in inner.items():
                _at(document, verb, Place((extension.id, part)), each, schemas)
        else:
            _at(document, verb, read_place(name), inner, schemas)


def _at(document: Document, verb: str, place: Place, value: Json, schemas: Sequence[Schema]) -> None:
    holder, attribute = _found(document, place, schemas)
    if attribute is None:
        _extension(document, verb, place.path[0], value)
        return
    if attribute.mutability == "readOnly":
        raise wrong(f"`{attribute.name}` is read-only", "mutability")
    if place.chosen is not None:
        _some(holder, verb, attribute, place.chosen, place.part, value)
    elif place.part is not None:
        _part(holder, verb, attribute, place.part, value)
    elif verb == "remove":
        _remove(holder, attribute, value)
    elif verb == "add" and attribute.multi:
        _append(holder, attribute, value)
    elif verb == "add" and attribute.type == "complex" and isinstance(value, Mapping):
        holder[attribute.name] = {**_held_object(holder, attribute), **_named(value, attribute)}
    else:
        holder[attribute.name] = value


def _found(document: Document, place: Place, schemas: Sequence[Schema]) -> tuple[Document, Attribute | None]:
    """The object that holds the attribute, and the attribute; None for an extension as a whole."""
    schema, name = schemas[0], place.path[-1]
    if len(place.path) > 1 or ":" in name:
        urn = place.path[0].lower()
        named = next((each for each in schemas if each.id.lower() == urn), None)
        if named is None:
            raise wrong(f"`{place.path[0][:80]}` is not known here", "path")
        schema = named
        if len(place.path) == 1:
            return document, None
    attribute = find((EXTERNAL_ID, *schema.attributes) if schema is schemas[0] else schema.attributes, name)
    if attribute is None:
        raise wrong(f"`{name[:80]}` is not known here", "path")
    return (document if schema is schemas[0] else document.setdefault(schema.id, {})), attribute


def _extension(document: Document, verb: str, urn: str, value: Json) -> None:
    if verb == "remove":
        for name in [name for name in document if name.lower() == urn.lower()]:
            del document[name]
    elif isinstance(value, Mapping):
        held = next((name for name in document if name.lower() == urn.lower()), urn)
        document[held] = {**document.get(held, {}), **value} if verb == "add" else dict(value)
    else:
        raise wrong(f"`{urn[:80]}` is an object")


def _some(holder: Document, verb: str, attribute: Attribute, chosen: Filter, part: str | None, value: Json) -> None:
    """Those values of a list that fit. Nothing fits: an error, but adding makes what the filter describes."""
    if not attribute.multi:
        raise wrong(f"`{attribute.name}` has no values to choose among", "path")
    listed = _held_list(holder, attribute)
    fitting = [each for each in listed if holds(chosen, each)]
    if not fitting:
        if verb == "remove":
            raise wrong(f"nothing of `{attribute.name}` fits", "target")
        fitting = [_described(chosen)]
        listed = holder[attribute.name] = [*listed, *fitting]
    if verb == "remove" and part is None:
        holder[attribute.name] = [each for each in listed if all(each is not one for one in fitting)]
        return
    for each in fitting:
        if part is not None:
            _set(each, verb, attribute, part, value)
        elif isinstance(value, Mapping):
            each.update(_named(value, attribute))
        else:
            raise wrong(f"a value of `{attribute.name}` is an object")
    if part == "primary" or (isinstance(value, Mapping) and value.get("primary") is True):
        _one_primary(listed, fitting[-1])


def _described(chosen: Filter) -> dict[str, Json]:
    """What a filter such as `type eq "work"` describes, for clients that set what is not there yet."""
    if isinstance(chosen, Compare) and chosen.operator == "eq" and len(chosen.path) == 1:
        return {chosen.path[0]: chosen.value}
    raise wrong("nothing fits, and what would is not described", "target")


def _part(holder: Document, verb: str, attribute: Attribute, part: str, value: Json) -> None:
    """A part of the one value, or of each value of a list."""
    if attribute.multi:
        held = _held_list(holder, attribute)
    else:
        held = [_held_object(holder, attribute)]
        holder[attribute.name] = held[0]
    for each in held:
        _set(each, verb, attribute, part, value)


def _set(each: Document, verb: str, attribute: Attribute, part: str, value: Json) -> None:
    known = find(attribute.subs, part)
    if known is None:
        raise wrong(f"`{attribute.name}.{part[:80]}` is not known here", "path")
    if known.mutability != "readWrite":
        raise wrong(f"`{attribute.name}.{known.name}` cannot be changed", "mutability")
    if verb == "remove":
        each.pop(known.name, None)
    else:
        each[known.name] = value


def _held_list(holder: Document, attribute: Attribute) -> list[Document]:
    """The values an attribute has so far; an earlier operation may have put anything there."""
    held = holder.get(attribute.name) or []
    if not isinstance(held, list) or not all(isinstance(each, dict) for each in held):
        raise wrong(f"`{attribute.name}` is not a list of objects")
    return held


def _held_object(holder: Document, attribute: Attribute) -> Document:
    held = holder.get(attribute.name) or {}
    if not isinstance(held, dict):
        raise wrong(f"`{attribute.name}` is not an object")
    return held


def _remove(holder: Document, attribute: Attribute, value: Json) -> None:
    """All of it; of a list only the values named, where a client names some."""
    if not attribute.multi or not isinstance(value, list):
        if attribute.required:
            raise wrong(f"`{attribute.name}` must be there", "mutability")
        holder.pop(attribute.name, None)
        return
    gone = {_key(each) for each in value}
    holder[attribute.name] = [each for each in _held_list(holder, attribute) if _key(each) not in gone]


def _append(holder: Document, attribute: Attribute, value: Json) -> None:
    new = [_named(each, attribute) if isinstance(each, Mapping) else each for each in _listed(value)]
    names = {_key(one) for one in new}
    held = [each for each in _held_list(holder, attribute) if _key(each) not in names]
    holder[attribute.name] = [*held, *new]
    for each in new:
        if isinstance(each, Mapping) and each.get("primary") is True:
            _one_primary(holder[attribute.name], each)


def _one_primary(listed: Sequence[Json], kept: Json) -> None:
    for each in listed:
        if each is not kept and isinstance(each, dict) and each.get("primary") is True:
            each["primary"] = False


def _named(value: Mapping[str, Json], attribute: Attribute) -> dict[str, Json]:
    """The parts of a value under their own names."""
    found = ((find(attribute.subs, name), each) for name, each in value.items())
    return {known.name: each for known, each in found if known is not None}


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _key(value: Json) -> Json:
    """By what two values of a list are the same one: their `value` and type, which members of groups do not have."""
    if not isinstance(value, Mapping):
        return str(value)
    kind = str(get(value, "type") or "").lower()
    return str(get(value, "value")), "" if kind == "user" else kind
