"""The messages we send to an MCP server and what the headers around them repeat. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from autonomy import __version__
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""What is spoken here of the versions with a handshake, the one we ask for first."""

LIST_CHANGED = "notifications/tools/list_changed"
METHOD_NOT_FOUND = -32601
UNSUPPORTED_VERSION = -32022

_CLIENT = {"name": "autonomy-os", "version": __version__}
_NAMED = ("tools/call",)
_MIRRORED = "x-mcp-header"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")


class Request(NamedTuple):
    """A request under an id of ours; `mirrored` are the argument headers that its tool asks for."""

    id: int
    method: str
    params: Mapping[str, Json]
    mirrored: Mapping[str, str] = {}

    def line(self) -> bytes:
        """The message in JSON, without a line break."""
        return canonical.encode({"jsonrpc": "2.0", "id": self.id, "method": self.method, "params": self.params})


def notification(method: str, params: Mapping[str, Json]) -> bytes:
    """A message that nobody answers."""
    return canonical.encode({"jsonrpc": "2.0", "method": method, "params": params})


def answer_to(asked: Mapping[str, Json]) -> bytes:
    """What a server hears that asks us for something: a ping is answered, all else is not offered here."""
    found: dict[str, Json] = {"jsonrpc": "2.0", "id": asked.get("id")}
    if asked.get("method") == "ping":
        return canonical.encode(found | {"result": {}})
    error = {"code": METHOD_NOT_FOUND, "message": "this client offers nothing to servers"}
    return canonical.encode(found | {"error": error})


def meta(version: str) -> dict[str, Json]:
    """What every request of 2026-07-28 says of its sender: who it is, and that it offers nothing."""
    return {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": _CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }


def handshake() -> dict[str, Json]:
    """The parameters of `initialize`."""
    return {"protocolVersion": LEGACY[0], "capabilities": {}, "clientInfo": _CLIENT}


def headers(request: Request, version: str | None) -> dict[str, str]:
    """The headers of a request over HTTP, as the version asks for them."""
    found = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if version is not None:
        found["MCP-Protocol-Version"] = version
    if version == MODERN:
        found["Mcp-Method"] = request.method
        if request.method in _NAMED:
            found["Mcp-Name"] = encoded(str(request.params["name"]))
        found |= request.mirrored
    return found


def mirrored(schema: Json, arguments: Mapping[str, Json]) -> dict[str, str]:
    """The headers in which a tool of this input schema wants arguments repeated (`x-mcp-header`).

    They exist where a chain of `properties` leads, and hold texts, integers and truth values.
    """
    found = {}
    for path, token in _wishes(schema, ()):
        value = _at(arguments, path)
        if isinstance(value, (str, bool, int)) and _TOKEN.fullmatch(token):
            found[f"Mcp-Param-{token}"] = encoded(value if isinstance(value, str) else canonical.encode(value).decode())
    return found


def encoded(value: str) -> str:
    """A text as a header value: `=?base64?…?=` where it would not arrive as it is."""
    if _PLAIN.fullmatch(value) and value == value.strip() and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _wishes(schema: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, inner in (properties if isinstance(properties, dict) else {}).items():
        if isinstance(inner, dict) and isinstance(inner.get(_MIRRORED), str):
            yield (*path, name), inner[_MIRRORED]
        yield from _wishes(inner, (*path, name))


def _at(arguments: Any, path: tuple[str, ...]) -> Json:
    for step in path:
        arguments = arguments.get(step) if isinstance(arguments, Mapping) else None
    return arguments
