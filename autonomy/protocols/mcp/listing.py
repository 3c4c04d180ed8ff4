"""How tools look to a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.tools import Tool

from ..rules import page
from . import work

PAGE_SIZE = 500
MAX_WRITTEN = 5_000  # tools that are kept as they are written; some hundred bytes each
RESULT_TOOL = "actions.result"

RESULT_TOOL_SHOWN: dict[str, Any] = {
    "name": RESULT_TOOL,
    "description": (
        "What became of an earlier call of yours, by its action id. Use it when a call was held for approval; "
        "do not send the call itself again."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {"action": {"type": "string", "description": "The action id, such as `act_…`"}},
        "required": ["action"],
        "additionalProperties": False,
    },
    "annotations": {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}
"""Offered to everybody, since every call may be held."""

_OFFERED = {RESULT_TOOL: RESULT_TOOL_SHOWN, **work.TOOLS}

_MIRRORED = "x-mcp-header"
_DATA = ("const", "default", "enum", "examples")  # JSON Schema words whose values are data, not schemas


class Listing:
    """Lists tools. Each is written once for every wording it has, for all agents alike."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], msgspec.Raw] = {}

    def page(self, tools: Sequence[Tool], cursor: Json) -> dict[str, Any]:
        """One page of the tools, by name; raises Invalid (`cursor.invalid`)."""
        found = {tool.name: tool for tool in tools}
        names, following = page([*found, *_OFFERED], cursor, PAGE_SIZE)
        shown = [_OFFERED[name] if name in _OFFERED else self._of(found[name]) for name in names]
        return {"tools": shown} if following is None else {"tools": shown, "nextCursor": following}

    def _of(self, tool: Tool) -> msgspec.Raw:
        written = self._written.get((tool.name, tool.revision))
        if written is None:
            if len(self._written) >= MAX_WRITTEN:
                self._written.clear()
            written = msgspec.Raw(msgspec.json.encode(described(tool)))
            self._written[tool.name, tool.revision] = written
        return written


def described(tool: Tool) -> dict[str, Any]:
    """A tool in MCP's words. It has no output schema: any call may be answered by "held" in place of its result."""
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": _unmirrored(tool.schema.declared),
        "annotations": {
            "readOnlyHint": not tool.is_write,
            "destructiveHint": tool.effect != "read",
            "idempotentHint": tool.effect == "read",
            "openWorldHint": tool.spec.egress,
        },
    }


def _unmirrored(schema: Json) -> Json:
    """The schema without the wish to repeat arguments in headers: they would end in the logs of everybody between."""
    if isinstance(schema, list):
        return [_unmirrored(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: value if word in _DATA else _unmirrored(value)
        for word, value in schema.items()
        if not (word == _MIRRORED and isinstance(value, str))
    }
