"""What SCIM refuses, in its own words (RFC 7644 section 3.12)."""

from __future__ import annotations

from typing import Any

from autonomy.kernel.errors import AutonomyError, Invalid

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

_TYPES = {
    "account.taken": "uniqueness",
    "account.foreign": "uniqueness",
    "group.taken": "uniqueness",
    "group.member": "invalidValue",
    "scim.filter": "invalidFilter",
    "scim.path": "invalidPath",
    "scim.target": "noTarget",
    "scim.mutability": "mutability",
    "scim.value": "invalidValue",
    "scim.request": "invalidSyntax",
}
_STATUSES = {"scim.version": 412, "scim.unsupported": 501}


def wrong(message: str, kind: str = "value", hint: str = "") -> Invalid:
    """A fault of what was sent; `kind` makes the code, which is `scim.<kind>`."""
    return Invalid(message, code=f"scim.{kind}", hint=hint)


def status_of(error: AutonomyError) -> int:
    """The HTTP status that SCIM wants for an error of ours."""
    return _STATUSES.get(error.code, error.status)


def error_body(error: AutonomyError) -> dict[str, Any]:
    """The error as SCIM shows it; the code of ours stands in the detail."""
    shown: dict[str, Any] = {"schemas": [ERROR], "status": str(status_of(error))}
    if error.code in _TYPES:
        shown["scimType"] = _TYPES[error.code]
    elif error.code.startswith("json."):
        shown["scimType"] = "invalidSyntax"
    return shown | {"detail": f"{error} ({error.code})"}
