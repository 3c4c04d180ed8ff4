"""Overhears the messages between MCP clients and a server. What cannot be read is passed over, not judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError
from autonomy.tools.mcp.definitions import MAX_TOOLS, read_definition

from .seen import NOBODY, Seen, caller_name

MAX_MESSAGE = 16_777_216  # bytes that are looked into; larger messages only pass through
MAX_OPEN = 1_000  # calls whose answers are waited for
_CLIENT = "io.modelcontextprotocol/clientInfo"


class Conversation:
    """One client and the server. `caller` is who it says it is in its handshake, or in each request."""

    def __init__(self, seen: Seen, listed: dict[str, dict[str, Any]]) -> None:
        self._seen = seen
        self._listed = listed  # shared by the conversations with one server
        self.caller = NOBODY
        self._open: dict[int | str, tuple[str, str]] = {}

    def asked(self, data: bytes) -> None:
        """A message of the client."""
        for message in _messages(data):
            params = message.get("params")
            params = params if isinstance(params, dict) else {}
            method, id_ = message.get("method"), message.get("id")
            if method == "initialize":
                self.caller = _name(params.get("clientInfo"))
            elif method == "tools/call" and isinstance(params.get("name"), str):
                meta = params.get("_meta")
                said = meta.get(_CLIENT) if isinstance(meta, dict) else None
                caller = _name(said) if said is not None else self.caller
                self._seen.call(params["name"], caller, params.get("arguments"), self._listed.get(params["name"]))
            if isinstance(id_, (int, str)) and isinstance(method, str):
                self._open[id_] = (method, str(params.get("name", "")))
                if len(self._open) > MAX_OPEN:
                    del self._open[next(iter(self._open))]

    def answered(self, data: bytes) -> None:
        """A message of the server."""
        for message in _messages(data):
            id_ = message.get("id")
            method, name = self._open.pop(id_, ("", "")) if isinstance(id_, (int, str)) else ("", "")
            result = message.get("result")
            if method == "tools/call" and ("error" in message or (isinstance(result, dict) and result.get("isError"))):
                self._seen.failure(name)
            elif method == "tools/list" and isinstance(result, dict):
                self._list(result.get("tools"))

    def _list(self, tools: Json) -> None:
        for tool in tools if isinstance(tools, list) else []:
            try:
                found = read_definition(tool)
            except AutonomyError:
                continue
            about = {"description": found.description, "wording": found.wording, "hints": dict(found.hints)}
            self._listed.pop(found.name, None)  # what is listed again is the newest
            self._listed[found.name] = about
            if len(self._listed) > MAX_TOOLS:
                del self._listed[next(iter(self._listed))]
            self._seen.describe(found.name, about)


def _messages(data: bytes) -> list[Mapping[str, Any]]:
    """The messages in `data`: one, or those of a batch of old."""
    if not data.strip():
        return []
    try:
        found = canonical.parse(data, MAX_MESSAGE)
    except AutonomyError:
        return []
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]


def _name(client: Json) -> str:
    return caller_name(client.get("name") if isinstance(client, dict) else None)
