"""What the operations of the agents' document have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}

REMEDIES = {
    "400": "mend the input and send it again",
    "401": "get a new token",
    "403": "it is denied, rejected by a person, or this page may not call",
    "404": "there is no such thing, or none you may see",
    "409": "nobody knows whether it happened: look, then decide; or the key is another call's, or still running",
    "413": "send less",
    "429": "wait as many seconds as `Retry-After` says",
    "500": "stop: this is a defect of the server, or what is stored is not what was written",
    "503": "nothing was done; try again later",
    "504": "no answer in time; look before trying again",
}
EVERYWHERE = ("400", "401", "403", "413", "429", "500", "503", "504")


def refusals(*more: str) -> dict[str, Any]:
    """The errors that an operation may answer with."""
    return {status: _refusal(status) for status in (*EVERYWHERE, *more)}


def _refusal(status: str) -> dict[str, Any]:
    found = answer(REMEDIES[status], ref("Error"))
    if status == "401":
        told = "`Bearer`, and where to find a token (RFC 9728)"
        found["headers"] = {"WWW-Authenticate": {"required": True, "schema": TEXT, "description": told}}
    if status == "429":
        seconds = {"type": "integer", "minimum": 1}
        found["headers"] = {"Retry-After": {"required": True, "schema": seconds, "description": "seconds"}}
    return found


def answer(told: str, schema: Schema) -> dict[str, Any]:
    """An answer in JSON."""
    return {"description": told, "content": {"application/json": {"schema": schema}}}


def object_of(properties: Mapping[str, Schema], *required: str) -> dict[str, Any]:
    """An object with these members."""
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def ref(name: str) -> dict[str, str]:
    """A schema by its name in the document."""
    return {"$ref": f"#/components/schemas/{name}"}
