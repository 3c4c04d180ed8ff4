"""A document cut down to the operations that are used: what people read before they declare it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .document import Document
from .place import words

_UNUSED = words("example examples externalDocs callbacks responses tags servers xml links")
_NAMES = words("properties patternProperties schemas parameters requestBodies headers $defs dependentSchemas paths")
"""Words whose keys are names, not words."""


def pruned(document: Document, wanted: Iterable[str]) -> dict[str, Json]:
    """The document with these operations and what they refer to, without answers and examples.

    Raises Invalid (`openapi.*`) for an operation that it does not have, and for a reference that leads nowhere.
    """
    source = document.value
    info = source.get("info", {})
    kept: dict[str, Any] = {
        "openapi": source["openapi"],
        "info": {key: info.get(key, "") for key in ("title", "version")},
    }
    if "security" in source:
        kept["security"] = source["security"]
    for name in wanted:
        operation = document.operation(name)
        method = operation.method.lower()
        item = document.follow(document.at(f"#/paths/{operation.path.replace('~', '~0').replace('/', '~1')}")).value
        found = kept.setdefault("paths", {}).setdefault(operation.path, {})
        found[method] = _plain(item[method])
        if "parameters" in item:
            found["parameters"] = _plain(item["parameters"])
    schemes = source.get("components", {}).get("securitySchemes", {})
    used = {scheme for requirement in _requirements(kept) for scheme in requirement}
    for scheme in sorted(used & schemes.keys()):
        kept.setdefault("components", {}).setdefault("securitySchemes", {})[scheme] = _plain(schemes[scheme])
    _bring(document, kept)
    return kept


def _requirements(kept: dict[str, Any]) -> Iterable[dict[str, Json]]:
    yield from kept.get("security", [])
    for item in kept.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict):
                yield from operation.get("security", [])


def _bring(document: Document, kept: dict[str, Any]) -> None:
    """Copy what is referred to, to where it is referred to, and what that refers to."""
    waiting, seen = list(_references(kept)), set()
    while waiting:
        reference = waiting.pop()
        if reference in seen:
            continue
        seen.add(reference)
        value = _plain(document.at(reference).value)
        *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in reference.split("/")[1:]]
        owner = kept
        for step in steps:
            owner = owner.setdefault(step, {})
            if not isinstance(owner, dict):
                raise Invalid(f"the reference `{reference[:80]}` leads into a list", code="openapi.reference")
        owner.setdefault(last, value)
        waiting += _references(value)


def _references(value: Json) -> Iterable[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _plain(value: Json, names: bool = False) -> Json:
    """The value without what says nothing about a request. `names` where the keys are names."""
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _plain(inner, not names and key in _NAMES)
        for key, inner in value.items()
        if names or (key not in _UNUSED and (not key.startswith("x-") or key == "x-money"))
    }
