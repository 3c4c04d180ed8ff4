"""A document and the places in it. References lead to places of the same document, never out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .operation import Operation
from .place import Place
from .reader import OperationReader

METHODS = ("get", "put", "post", "delete", "patch")
"""OPTIONS, HEAD and TRACE carry no business."""

MAX_HOPS = 16  # references that lead to references
MAX_OPERATIONS = 5_000


class Listed(NamedTuple):
    """An operation as a list shows it."""

    id: str
    method: str
    path: str
    summary: str
    deprecated: bool


class Document:
    """An OpenAPI document. Operations are read when they are asked for and kept."""

    def __init__(self, value: Json) -> None:
        """Raises Invalid (`openapi.version`, `openapi.unreadable`) where `value` is none of 3.0 or 3.1."""
        version = value.get("openapi") if isinstance(value, dict) else None
        if not isinstance(version, str) or not version.startswith(("3.0.", "3.1.")):
            raise Invalid(
                "this is not an OpenAPI document of version 3.0 or 3.1",
                code="openapi.version",
                hint="`openapi: 3.1.0` at its top; convert older ones",
            )
        self.value = value
        self.is_3_0 = version.startswith("3.0.")
        self._operations: dict[str, Operation] = {}

    def operation(self, wanted: str) -> Operation:
        """The operation with this `operationId`, or `GET /path`.

        Raises Invalid where there is none (`openapi.operation`), or it cannot be called (`openapi.*`).
        """
        found = self._operations.get(wanted)
        if found is None:
            listed, item, node = self._find(wanted)
            reader = OperationReader(self, listed.id, listed.method, listed.path, item, node)
            found = self._operations[wanted] = reader.read()
        return found

    def operations(self) -> list[Listed]:
        """Every operation, in the order of the document."""
        return [listed for listed, _, _ in self._all()]

    def follow(self, place: Place) -> Place:
        """The place that `place` means: itself, or where its reference leads."""
        for _ in range(MAX_HOPS):
            if not isinstance(place.value, dict) or "$ref" not in place.value:
                return place
            place = self.at(place.value["$ref"])
        raise Invalid(f"references lead on and on at `{place.pointer[:80]}`", code="openapi.reference")

    def at(self, reference: Json) -> Place:
        """Where a reference leads. Raises Invalid: out of the document (`openapi.external`), or to nothing."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Invalid(
                f"the reference `{str(reference)[:80]}` leads out of the document",
                code="openapi.external",
                hint="bundle the document into one file",
            )
        found: Json = self.value
        for step in unquote(reference[1:]).split("/")[1:]:
            found = _step(found, step.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise Invalid(f"the reference `{reference[:80]}` leads to nothing", code="openapi.reference")
        return Place(found, reference[1:])

    def _find(self, wanted: str) -> tuple[Listed, Place, Place]:
        for listed, item, node in self._all():
            if wanted in (listed.id, f"{listed.method} {listed.path}"):
                return listed, item, node
        raise Invalid(f"the document has no operation `{wanted[:80]}`", code="openapi.operation")

    def _all(self) -> Iterator[tuple[Listed, Place, Place]]:
        paths = self.value.get("paths")
        count = 0
        for path, value in paths.items() if isinstance(paths, dict) else ():
            item = self.follow(Place(value, f"/paths/{_escaped(path)}"))
            if not isinstance(item.value, dict) or not path.startswith("/"):
                continue
            for method in METHODS:
                if isinstance(item.value.get(method), dict):
                    count += 1
                    if count > MAX_OPERATIONS:
                        raise Invalid(f"more than {MAX_OPERATIONS} operations", code="openapi.unreadable")
                    node = item.inside(method)
                    yield _listed(method, path, node.value), item, node


def _listed(method: str, path: str, node: dict[str, Json]) -> Listed:
    named = node.get("operationId")
    known = named if isinstance(named, str) and named else f"{method.upper()} {path}"
    summary = node.get("summary") or node.get("description") or ""
    return Listed(known, method.upper(), path, str(summary).partition("\n")[0][:200], node.get("deprecated") is True)


def _step(found: Json, step: str) -> Json:
    if isinstance(found, dict):
        return found.get(step)
    if isinstance(found, list) and step.isdigit() and len(step) < 7 and int(step) < len(found):
        return found[int(step)]
    return None


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
