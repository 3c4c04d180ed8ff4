"""Whether an answer is what a version of the specification says: by its official types, and by its published schema
where that lies beside the project."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from mcp_types import methods

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "vectors" / "mcp"

_DEFINITIONS = {
    "tools/list": "ListToolsResult",
    "tools/call": "CallToolResult",
    "server/discover": "DiscoverResult",
    "initialize": "InitializeResult",
    "ping": "EmptyResult",
}


def check_result(method: str, version: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The result of a response, after it was found to be one of `method` in `version`."""
    assert set(answer) == {"jsonrpc", "id", "result"}
    found: dict[str, Any] = answer["result"]
    methods.validate_server_result(method, version, found)
    check_definition(version, _DEFINITIONS[method], found)
    return found


def check_error(version: str, answer: dict[str, Any], code: int) -> dict[str, Any]:
    """The error of a response, after it was found to be one with this code."""
    assert set(answer) <= {"jsonrpc", "id", "error"}
    error: dict[str, Any] = answer["error"]
    assert error["code"] == code, error
    assert isinstance(error["message"], str)
    if "id" in answer or version != "2025-06-18":
        check_definition(version, "JSONRPCError" if version == "2025-06-18" else "JSONRPCErrorResponse", answer)
    return error


def check_definition(version: str, name: str, value: Any) -> None:
    """Raise where `value` is not what the published schema calls `name`."""
    validator = _validator(version, name)
    if validator is not None:
        validator.validate(value)


def examples(name: str) -> list[dict[str, Any]]:
    """The published examples of 2026-07-28 for `name`."""
    return [json.loads(file.read_text()) for file in sorted(PUBLISHED.glob(f"2026-07-28/examples/{name}/*.json"))]


@cache
def _validator(version: str, name: str) -> Any:
    file = PUBLISHED / version / "schema.json"
    if not file.exists():
        return None
    schema = json.loads(file.read_text())
    words = "$defs" if "$defs" in schema else "definitions"
    return jsonschema_rs.validator_for(schema | {"$ref": f"#/{words}/{name}"})
