"""JSON-RPC 2.0 as MCP narrows it: one object a request, ids that are strings or integers, parameters by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Busy, Corrupt, Invalid, NotFound, TooLarge

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

_HTTP_STATUS = {METHOD_NOT_FOUND: 404, INTERNAL_ERROR: 500}
"""The HTTP status of an error that MCP defines, where it is not 400."""

MAX_ID = 200  # characters of a string id, which is echoed

Id = str | int


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a notification where `id` is None."""

    id: Id | None
    method: str
    params: Mapping[str, Json]

    @property
    def meta(self) -> Mapping[str, Json]:
        found: Mapping[str, Json] = self.params.get("_meta", {})
        return found


class Fault(Exception):
    """An error of the protocol: JSON-RPC `code`, `message` and `data`, and the HTTP status that goes with them."""

    def __init__(self, code: int, message: str, data: Json = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = _HTTP_STATUS.get(code, 400) if status is None else status

    def as_dict(self) -> dict[str, Json]:
        shown: dict[str, Json] = {"code": self.code, "message": self.message}
        return shown if self.data is None else shown | {"data": self.data}


def to_fault(error: AutonomyError) -> Fault:
    """An error of the house in JSON-RPC. Those that MCP has no code for carry their HTTP status as code.

    The specification leaves the positive numbers to applications.
    """
    data = error.as_dict()
    if isinstance(error, Busy):
        data["retry_after"] = error.retry_after
    if error.code.startswith("json."):
        return Fault(PARSE_ERROR, error.message, data)
    if isinstance(error, TooLarge):
        return Fault(INVALID_REQUEST, error.message, data, error.status)
    if isinstance(error, Corrupt):
        return Fault(INTERNAL_ERROR, error.message, data)
    if isinstance(error, (Invalid, NotFound)):
        return Fault(INVALID_PARAMS, error.message, data)
    return Fault(error.status, error.message, data, error.status)


def read_message(value: Json) -> Message:
    """The message that a body holds; raises Fault for batches, responses and malformed envelopes."""
    if not isinstance(value, dict):
        what = "a batch" if isinstance(value, list) else "no object"
        raise Fault(INVALID_REQUEST, f"the body is {what}; send one request at a time")
    method = value.get("method")
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise Fault(INVALID_REQUEST, "the body is no JSON-RPC 2.0 request or notification")
    found = Message(_id(value), method, _params(value))
    if not isinstance(found.meta, dict):
        raise Fault(INVALID_PARAMS, "`_meta` is not an object")
    return found


def result(id_: Id, value: Mapping[str, Any]) -> dict[str, Any]:
    """A successful response."""
    return {"jsonrpc": "2.0", "id": id_, "result": value}


def failure(id_: Id | None, fault: Fault) -> dict[str, Any]:
    """An error response; without an id where none could be read."""
    shown: dict[str, Any] = {"jsonrpc": "2.0", "error": fault.as_dict()}
    return shown if id_ is None else {"jsonrpc": "2.0", "id": id_, "error": fault.as_dict()}


def _id(value: Mapping[str, Json]) -> Id | None:
    if "id" not in value:
        return None
    found = value["id"]
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    if isinstance(found, str) and len(found) <= MAX_ID:
        return found
    raise Fault(INVALID_REQUEST, f"the id is not an integer or a string of up to {MAX_ID} characters")


def _params(value: Mapping[str, Json]) -> Mapping[str, Json]:
    found = value.get("params", {})
    if not isinstance(found, dict):
        raise Fault(INVALID_PARAMS, "the parameters are not an object")
    return found
