"""The OpenAPI 3.1 document of actions over HTTP: the contract of agents that speak no MCP. Pure.

It is made of the words and bounds that requests are read by. What a person asks has a document of its own, beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, get_args

from autonomy.catalog.model import Effect, Risk
from autonomy.gate.model import Status

from .rules import MAX_LABEL, MAX_NAME, MAX_RATIONALE, PAGE_LIMIT, REST_WORDS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_LABEL: Schema = {"type": ["string", "null"], "minLength": 1, "maxLength": MAX_LABEL}
_WORDS: Mapping[str, Schema] = {
    "case": _LABEL | {"description": "the piece of work it belongs to; the agent's day where none is said"},
    "idempotency_key": _LABEL
    | {"description": "the same call under the same key is done once, and hears what the first heard"},
    "rationale": {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": MAX_RATIONALE,
        "description": "why, in the agent's own words; they are shown as its word and believed by nobody",
    },
    "dry_run": {"type": ["boolean", "null"], "description": "only say what would come of it; nothing is recorded"},
    "parent": _LABEL | {"description": "the action this one follows from"},
    "run": _LABEL | {"description": "the run of the agent's own work"},
    "task": _LABEL,
    "step": _LABEL,
}

_ENDINGS = {
    "200": "it is done; or what a dry run found",
    "202": "it is held for people, or still running: ask at `Location`",
    "422": "it is denied for its arguments: mend them",
    "424": "the system of record refused, or failed",
}
_REMEDIES = {
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
_EVERYWHERE = ("400", "401", "403", "413", "429", "500", "503", "504")


def rest_document(url: str) -> dict[str, Any]:
    """The document of the server known as `url`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Autonomy OS for agents",
            "summary": "Actions through the door, over plain HTTP",
            "version": version("autonomy-os"),
        },
        "servers": [{"url": url}],
        "security": [{"agent": []}],
        "paths": {
            "/v1/actions": {"post": _perform()},
            "/v1/actions/{action}": {"get": _result()},
            "/v1/tools": {"get": _tools()},
        },
        "components": {
            "securitySchemes": {
                "agent": {"type": "http", "scheme": "bearer", "description": "an agent's API key or token"}
            },
            "schemas": {
                "Action": _action(),
                "Reply": _reply(),
                "Tool": _tool(),
                "Tools": _object({"tools": {"type": "array", "items": _ref("Tool")}, "next": _TEXT}, "tools"),
                "Error": _error(),
            },
        },
    }


def _perform() -> dict[str, Any]:
    return {
        "operationId": "perform_action",
        "summary": "ask for an action",
        "description": "One call of a tool. No status invites a client library to send it again by itself.",
        "tags": ["actions"],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "in place of `idempotency_key`",
                "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LABEL},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Action")}}},
        "responses": {
            **_refusals("404"),
            **{status: _answer(told, _ref("Reply")) for status, told in _ENDINGS.items()},
            "202": _answer(_ENDINGS["202"], _ref("Reply"))
            | {"headers": {"Location": {"required": True, "schema": _TEXT, "description": "where its result is"}}},
            **{status: _answer(_REMEDIES[status], _either()) for status in ("403", "409")},
        },
    }


def _result() -> dict[str, Any]:
    return {
        "operationId": "see_result",
        "summary": "what became of an action",
        "description": "One of the agent's own actions; another's looks like none. Results wait for their caller.",
        "tags": ["actions"],
        "parameters": [
            {"name": "action", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        ],
        "responses": {**_refusals("404"), "200": _answer("as it is now", _ref("Reply"))},
    }


def _tools() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": 100}
    cursor = {"type": "string", "maxLength": 4 * MAX_NAME}
    return {
        "operationId": "list_own_tools",
        "summary": "the tools the agent may use",
        "description": "By name, in pages: pass `next` as `cursor`.",
        "tags": ["tools"],
        "parameters": [
            {"name": "limit", "in": "query", "schema": limit},
            {"name": "cursor", "in": "query", "schema": cursor},
        ],
        "responses": {**_refusals(), "200": _answer("one page", _ref("Tools"))},
    }


def _action() -> dict[str, Any]:
    words = {name: _WORDS[name] for name in REST_WORDS}
    tool = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
    arguments = {"type": "object", "description": "as the tool's `input` says", "default": {}}
    return _object({"tool": tool, "arguments": arguments, **words}, "tool") | {"additionalProperties": False}


def _reply() -> dict[str, Any]:
    parts: dict[str, Schema] = {
        "action": _TEXT | {"description": "its id, the handle of its result; empty where a dry run left none"},
        "status": {"enum": list(get_args(Status))},
        "case": _TEXT,
        "result": {"description": "what the system of record returned; only where it is done"},
        "code": _TEXT | {"description": "why it was not done; stable"},
        "message": _TEXT,
        "policies": _TEXTS | {"description": "the rules that decided"},
        "needed": _TEXTS | {"description": "what would be needed: the roles that are asked, or what a rule names"},
        "notices": _TEXTS,
        "detail": {"type": "object"},
    }
    return _object(parts, "action", "status", "case")


def _tool() -> dict[str, Any]:
    parts: dict[str, Schema] = {
        "name": _TEXT,
        "description": _TEXT,
        "input": {"type": "object", "description": "JSON Schema 2020-12 of the arguments"},
        "effect": {"enum": list(get_args(Effect))},
        "egress": {"type": "boolean", "description": "whether a read carries data out"},
        "risk": {"enum": list(get_args(Risk))},
    }
    return _object(parts, *parts)


def _error() -> dict[str, Any]:
    parts: dict[str, Schema] = {
        "code": _TEXT | {"description": "stable; never changes its meaning"},
        "message": _TEXT,
        "hint": _TEXT | {"description": "what would be right"},
        "detail": {"type": "object"},
    }
    return _object({"error": _object(parts, "code", "message")}, "error")


def _refusals(*more: str) -> dict[str, Any]:
    """The errors that an operation may answer with."""
    return {status: _refusal(status) for status in (*_EVERYWHERE, *more)}


def _refusal(status: str) -> dict[str, Any]:
    found = _answer(_REMEDIES[status], _ref("Error"))
    if status == "401":
        told = "`Bearer`, and where to find a token (RFC 9728)"
        found["headers"] = {"WWW-Authenticate": {"required": True, "schema": _TEXT, "description": told}}
    if status == "429":
        seconds = {"type": "integer", "minimum": 1}
        found["headers"] = {"Retry-After": {"required": True, "schema": seconds, "description": "seconds"}}
    return found


def _either() -> Schema:
    """What became of the action, or why it was not even decided."""
    return {"anyOf": [_ref("Reply"), _ref("Error")]}


def _answer(told: str, schema: Schema) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": schema}}}


def _object(properties: Mapping[str, Schema], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
