"""PATCH: what a list of operations makes of a document (RFC 7644 section 3.5.2). Pure; all of it or an error."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from autonomy.kernel.canonical import Json

from .documents import Document
from .faults import wrong
from .filters import Compare, Filter, Place, get, read_place
from .schemas import EXTERNAL_ID, Attribute, Schema, find
from .values import Effort, Values

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 1_000

_VERBS = ("add", "replace", "remove")


def patched(document: Document, body: Json, schemas: Sequence[Schema]) -> Document:
    """The document after every operation of `body`, still to be cleaned. Raises Invalid (`scim.*`)."""
    patching = _Patching(copy.deepcopy(document), schemas)
    for operation in _operations(body):
        verb, value = str(get(operation, "op")).lower(), get(operation, "value")
        path = get(operation, "path")
        if verb not in _VERBS:
            raise wrong(f"`op` is none of {', '.join(_VERBS)}", "request")
        if path is None or path == "":
            patching.whole(verb, value)
        elif isinstance(path, str):
            patching.at(verb, read_place(path), value)
        else:
            raise wrong("`path` is not a text", "path")
    return patching.done()


class _Patching:
    """A document that is changed. Its lists are open, each as `Values`, until all is done; no extension has any."""

    def __init__(self, document: Document, schemas: Sequence[Schema]) -> None:
        self._document = document
        self._schemas = schemas
        self._effort = Effort()
        self._open: dict[str, Values] = {}

    def done(self) -> Document:
        """The document after all that was done."""
        return {**self._document, **{name: list(values) for name, values in self._open.items()}}

    def whole(self, verb: str, value: Json) -> None:
        """Without a path, the value says what to add or replace, attribute by attribute."""
        if verb == "remove":
            raise wrong("what is removed needs a path", "target")
        if not isinstance(value, Mapping):
            raise wrong("without a path, `value` is an object")
        for name, inner in value.items():
            if name.lower() in ("schemas", "id", "meta"):
                continue
            extension = next((each for each in self._schemas[1:] if each.id.lower() == name.lower()), None)
            if extension is not None and isinstance(inner, Mapping):
                for part, each in inner.items():
                    self.at(verb, Place((extension.id, part)), each)
            else:
                self.at(verb, read_place(name), inner)

    def at(self, verb: str, place: Place, value: Json) -> None:
        """One operation at one place."""
        holder, attribute = _found(self._document, place, self._schemas)
        if attribute is None:
            _extension(self._document, verb, place.path[0], value)
            return
        if attribute.mutability == "readOnly":
            raise wrong(f"`{attribute.name}` is read-only", "mutability")
        if place.chosen is not None:
            self._some(verb, attribute, place.chosen, place.part, value)
        elif place.part is not None:
            self._part(holder, verb, attribute, place.part, value)
        elif verb == "remove":
            self._remove(holder, attribute, value)
        elif verb == "add" and attribute.multi:
            self._values(attribute).add(_named_all(value, attribute))
        elif verb == "add" and attribute.type == "complex" and isinstance(value, Mapping):
            holder[attribute.name] = {**_held_object(holder, attribute), **_named(value, attribute)}
        else:
            self._open.pop(attribute.name, None)
            holder[attribute.name] = value

    def _values(self, attribute: Attribute) -> Values:
        """The values an attribute has so far; an earlier operation may have put anything there."""
        if attribute.name not in self._open:
            self._open[attribute.name] = Values(attribute.name, self._document.get(attribute.name), self._effort)
        return self._open[attribute.name]

    def _some(self, verb: str, attribute: Attribute, chosen: Filter, part: str | None, value: Json) -> None:
        """Those values of a list that fit. Nothing fits: an error, but adding makes what the filter describes."""
        if not attribute.multi:
            raise wrong(f"`{attribute.name}` has no values to choose among", "path")
        values = self._values(attribute)
        fitting = values.fitting(chosen)
        if not fitting:
            if verb == "remove":
                raise wrong(f"nothing of `{attribute.name}` fits", "target")
            fitting = [values.append(_described(chosen))]
        if verb == "remove" and part is None:
            values.take(fitting)
            return
        for each in fitting:
            with values.changing(each) as held:
                if part is not None:
                    _set(held, verb, attribute, part, value)
                elif isinstance(value, Mapping):
                    held.update(_named(value, attribute))
                else:
                    raise wrong(f"a value of `{attribute.name}` is an object")
        if part == "primary" or (isinstance(value, Mapping) and value.get("primary") is True):
            values.make_primary(fitting[-1])

    def _part(self, holder: Document, verb: str, attribute: Attribute, part: str, value: Json) -> None:
        """A part of the one value, or of each value of a list."""
        if attribute.multi:
            held = self._values(attribute).everything()
        else:
            held = [_held_object(holder, attribute)]
            holder[attribute.name] = held[0]
        for each in held:
            _set(each, verb, attribute, part, value)

    def _remove(self, holder: Document, attribute: Attribute, value: Json) -> None:
        """All of it; of a list only the values named, where a client names some."""
        if attribute.multi and isinstance(value, list):
            self._values(attribute).drop(value)
            return
        if attribute.required:
            raise wrong(f"`{attribute.name}` must be there", "mutability")
        self._open.pop(attribute.name, None)
        holder.pop(attribute.name, None)


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


def _described(chosen: Filter) -> dict[str, Json]:
    """What a filter such as `type eq "work"` describes, for clients that set what is not there yet."""
    if isinstance(chosen, Compare) and chosen.operator == "eq" and len(chosen.path) == 1:
        return {chosen.path[0]: chosen.value}
    raise wrong("nothing fits, and what would is not described", "target")


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


def _held_object(holder: Document, attribute: Attribute) -> Document:
    held = holder.get(attribute.name) or {}
    if not isinstance(held, dict):
        raise wrong(f"`{attribute.name}` is not an object")
    return held


def _named(value: Mapping[str, Json], attribute: Attribute) -> dict[str, Json]:
    """The parts of a value under their own names."""
    found = ((find(attribute.subs, name), each) for name, each in value.items())
    return {known.name: each for known, each in found if known is not None}


def _named_all(value: Json, attribute: Attribute) -> list[Json]:
    """One value, or each of several, with its parts under their own names."""
    listed = value if isinstance(value, list) else [value]
    return [_named(each, attribute) if isinstance(each, Mapping) else each for each in listed]
