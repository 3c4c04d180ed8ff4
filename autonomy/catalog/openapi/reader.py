"""Reads one operation of a document: its parameters, its body, what it wants to be shown, and its input schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, get_args

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .operation import Body, Operation, Parameter, Style, Where
from .place import Follows, Place, words
from .schemas import Conversion, plain
from .security import alternatives

MAX_ARGUMENTS: Final = 200
MAX_MERGED: Final = 100  # parts of `allOf` of one body; beyond it the body is one argument

_ODD = re.compile(r"[^A-Za-z0-9_-]")
_TAKEN = frozenset({"action_id", "agent"})  # the gate fills these in
_OWN_HEADERS = words(
    "accept authorization content-type content-length host connection cookie transfer-encoding te upgrade"
)
_STYLES: Mapping[Where, tuple[Style, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
}
_IN_PATH = re.compile(r"\{([^{}]*)\}")
_PLAIN_PATH = re.compile(r"/(?:[A-Za-z0-9/_.~@:,;=+$!*()'%-]|\{[^{}/]+\})*")
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json", re.IGNORECASE)
_OF_OBJECTS = words(
    "type properties required title description allOf additionalProperties example examples default "
    "deprecated xml externalDocs discriminator $ref"
)


class OperationReader:
    """One operation under construction."""

    def __init__(self, document: Follows, known: str, method: str, path: str, item: Place, node: Place) -> None:
        self._document = document
        self._id, self._method, self._path = known, method, path
        self._item, self._node = item, node
        self._schemas = Conversion(document)
        self._properties: dict[str, Json] = {}
        self._required: list[str] = []
        self._dependent: dict[str, list[str]] = {}
        self._merged = 0

    def read(self) -> Operation:
        """The operation. Raises Invalid (`openapi.*`) with what keeps it from being called."""
        if not _PLAIN_PATH.fullmatch(self._path) or any(set(step) <= {"."} for step in self._path.split("/")[1:-1]):
            raise self._unusable("its path is not a plain path")
        parameters = tuple(self._parameter(place) for place in self._declared() if self._is_sent(place))
        missing = set(_IN_PATH.findall(self._path)) ^ {one.name for one in parameters if one.where == "path"}
        if missing:
            raise self._unusable(f"its path and its parameters differ in `{min(missing)[:60]}`")
        body = self._body()
        if len(self._properties) > MAX_ARGUMENTS:
            raise self._unusable(f"it takes more than {MAX_ARGUMENTS} arguments")
        node = self._node.value
        return Operation(
            id=self._id,
            method=self._method,
            path=self._path,
            summary=plain(node.get("summary") or node.get("description") or ""),
            parameters=parameters,
            body=body,
            security=alternatives(self._document, node),
            input=self._input(),
            deprecated=node.get("deprecated") is True,
        )

    def _declared(self) -> Iterator[Place]:
        """The parameters: those of the operation, and of its path where the operation does not declare them anew."""
        seen = set()
        for owner in (self._node, self._item):
            listed = owner.value.get("parameters", [])
            for index in range(len(listed) if isinstance(listed, list) else 0):
                place = self._document.follow(owner.inside("parameters").inside(index))
                if not isinstance(place.value, dict) or not isinstance(place.value.get("name"), str):
                    raise self._unusable("a parameter has no name")
                key = place.value["name"], place.value.get("in")
                if key not in seen:
                    seen.add(key)
                    yield place

    def _is_sent(self, place: Place) -> bool:
        """Cookies are not; neither are headers that are ours. Raises Invalid where one of them is required."""
        where, name = place.value.get("in"), place.value["name"]
        if where in ("path", "query") or (where == "header" and name.lower() not in _OWN_HEADERS):
            return True
        if place.value.get("required") is True and where != "header":
            raise self._unusable(f"it requires `{name[:60]}` in `{str(where)[:20]}`, which is not sent")
        return False

    def _parameter(self, place: Place) -> Parameter:
        value, where = place.value, place.value["in"]
        style, schema = self._style(place, where)
        required = where == "path" or value.get("required") is True
        argument = self._argument(value["name"], where)
        converted = self._schemas.convert(schema)
        if isinstance(converted, dict) and value.get("description") and "description" not in converted:
            converted = {**converted, "description": plain(value["description"])}
        self._properties[argument] = converted
        if required:
            self._required.append(argument)
        explode = value.get("explode", style in ("form", "deepObject")) is True
        return Parameter(argument, value["name"], where, style, explode, required)

    def _style(self, place: Place, where: Where) -> tuple[Style, Place]:
        """How the parameter is written, and where its schema stands."""
        content = place.value.get("content")
        if isinstance(content, dict):
            media = next((media for media in content if _JSON.fullmatch(media)), None)
            if media is None or not isinstance(content[media], dict):
                raise self._unusable(f"the parameter `{place.value['name'][:60]}` is not JSON")
            inner = place.inside("content").inside(media)
            return "json", inner.inside("schema") if "schema" in inner.value else Place(True, inner.pointer)
        style = place.value.get("style", _STYLES[where][0])
        if style not in get_args(Style) or style not in _STYLES[where]:
            raise self._unusable(f"the style `{str(style)[:20]}` is not known in `{where}`")
        return style, place.inside("schema") if "schema" in place.value else Place({"type": "string"}, place.pointer)

    def _body(self) -> Body | None:
        if "requestBody" not in self._node.value:
            return None
        place = self._document.follow(self._node.inside("requestBody"))
        content = place.value.get("content") if isinstance(place.value, dict) else None
        required = isinstance(place.value, dict) and place.value.get("required") is True
        media = (
            next((one for one in content or () if _JSON.fullmatch(one)), None) if isinstance(content, dict) else None
        )
        if media is None or not isinstance(content, dict) or not isinstance(content[media], dict):
            if required:
                raise self._unusable("its body is not JSON")
            return None
        inner = place.inside("content").inside(media)
        schema = inner.inside("schema") if "schema" in inner.value else Place(True, inner.pointer)
        fields = self._fields(schema)
        return self._parts(fields, media, required) if fields and fields[0] else self._whole(schema, media, required)

    def _whole(self, schema: Place, media: str, required: bool) -> Body:
        argument = self._argument("body", "body")
        self._properties[argument] = self._schemas.convert(schema)
        if required:
            self._required.append(argument)
        return Body(media, required, argument=argument)

    def _parts(self, fields: tuple[dict[str, Place], set[str]], media: str, required: bool) -> Body:
        places, needed = fields
        names = {}
        for name, place in places.items():
            argument = self._argument(name, "body")
            names[argument] = name
            self._properties[argument] = self._schemas.convert(place)
        wanted = [argument for argument, name in names.items() if name in needed]
        if required:
            self._required += wanted
        elif wanted:  # a body that may be left out, but not by half
            self._dependent = {argument: [one for one in wanted if one != argument] for argument in names}
        return Body(media, required, fields=names)

    def _fields(self, place: Place) -> tuple[dict[str, Place], set[str]] | None:
        """The fields of a plain object and the required ones; None where a body is anything else."""
        self._merged += 1
        place = self._document.follow(place)
        schema = place.value
        if self._merged > MAX_MERGED or not isinstance(schema, dict) or not _is_plain_object(schema):
            return None
        found: dict[str, Place] = {}
        needed = {str(name) for name in schema.get("required") or ()}
        if isinstance(schema.get("properties"), dict):
            properties = place.inside("properties")
            found = {name: properties.inside(name) for name in properties.value}
        for index in range(len(schema.get("allOf", ()))):
            part = self._fields(place.inside("allOf").inside(index))
            if part is None or any(name in found and found[name].value != one.value for name, one in part[0].items()):
                return None
            found |= part[0]
            needed |= part[1]
        found = {name: one for name, one in found.items() if not self._schemas.is_read_only(one)}
        return found, needed & found.keys()

    def _argument(self, name: str, where: str) -> str:
        """A free name for an argument: as the service calls it, as far as that is possible."""
        clean = _ODD.sub("_", name)[:50]
        clean = clean if clean[:1].isalpha() or clean[:1] == "_" else f"_{clean}"
        candidate, number = clean, 1
        while candidate in self._properties or candidate in _TAKEN:
            candidate, number = f"{clean}_{where}" + (str(number) if number > 1 else ""), number + 1
        return candidate

    def _input(self) -> dict[str, Json]:
        schema: dict[str, Json] = {"type": "object", "properties": self._properties}
        if self._required:
            schema["required"] = sorted(self._required)
        if dependent := {name: needed for name, needed in self._dependent.items() if needed}:
            schema["dependentRequired"] = dependent
        if definitions := self._schemas.definitions():
            schema["$defs"] = definitions
        return schema

    def _unusable(self, why: str) -> Invalid:
        return Invalid(f"the operation `{self._id[:80]}` cannot be called: {why}", code="openapi.unusable")


def _is_plain_object(schema: Mapping[str, Json]) -> bool:
    """Whether an object says no more of itself than which fields it has."""
    if any(word not in _OF_OBJECTS and not word.startswith("x-") for word in schema):
        return False
    if schema.get("type", "object") != "object" or not isinstance(schema.get("allOf", []), list):
        return False
    return schema.get("additionalProperties", True) in (True, False, {})
