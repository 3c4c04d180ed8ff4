"""What an operation wants to be shown: its security requirements, in the forms that can be shown here. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .operation import Scheme
from .place import Follows, Place

MAX_ALTERNATIVES = 20

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def alternatives(document: Follows, operation: Mapping[str, Json]) -> tuple[tuple[Scheme, ...], ...] | None:
    """The alternatives of the operation, else of the document; None where neither says anything."""
    declared = operation.get("security", document.value.get("security"))
    if declared is None:
        return None
    if not isinstance(declared, list) or len(declared) > MAX_ALTERNATIVES:
        raise Invalid("`security` is not a short list of requirements", code="openapi.security")
    return tuple(_together(document, one) for one in declared)


def _together(document: Follows, requirement: Json) -> tuple[Scheme, ...]:
    if not isinstance(requirement, dict) or len(requirement) > MAX_ALTERNATIVES:
        raise Invalid("a security requirement is not a short object", code="openapi.security")
    return tuple(_scheme(document, name) for name in sorted(requirement))


def _scheme(document: Follows, name: str) -> Scheme:
    components = document.value.get("components")
    declared = components.get("securitySchemes") if isinstance(components, dict) else None
    if not isinstance(declared, dict) or name not in declared:
        raise Invalid(f"there is no security scheme `{name[:60]}`", code="openapi.security")
    found = document.follow(Place(declared[name], f"/components/securitySchemes/{name}")).value
    if not isinstance(found, dict):
        raise Invalid(f"the security scheme `{name[:60]}` is none", code="openapi.security")
    return _of_type(name, found)


def _of_type(name: str, found: Mapping[str, Json]) -> Scheme:
    match found.get("type"):
        case "apiKey":
            return _api_key(name, found)
        case "http":
            word = str(found.get("scheme", "")).lower()
            if word == "basic":
                return Scheme(name, "basic", "Authorization")
            if word == "bearer":
                return Scheme(name, "bearer", "Authorization")
        case "oauth2" | "openIdConnect":
            return Scheme(name, "oauth", "Authorization")
        case "mutualTLS":
            return Scheme(name, "certificate")
    return Scheme(name, "unsupported", told="it is of a kind that is not supported")


def _api_key(name: str, found: Mapping[str, Json]) -> Scheme:
    where, parameter = found.get("in"), found.get("name")
    if where == "header" and isinstance(parameter, str) and _HEADER.fullmatch(parameter):
        return Scheme(name, "header", parameter)
    told = "a key in a URL or a cookie ends in logs; the document must allow it in a header"
    return Scheme(name, "unsupported", told=told)
