"""MCP servers under test as connectors: programs of this folder, with what tools of theirs are pinned to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from autonomy.catalog.mcp_server import McpConnector
from autonomy.kernel import canonical
from autonomy.tools.attempt import Attempt
from autonomy.tools.connectors.mcp import McpServer
from autonomy.tools.drift import Unremembered
from autonomy.tools.mcp.definitions import Definition
from autonomy.tools.outbound import Outbound

from ..organisations import Bench, connector, no_secret, tool

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

WORK = canonical.digest(
    {"name": "work", "description": "Work", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
)
"""The wording of the one tool of every hostile server."""

ANYTHING = {"type": "object", "additionalProperties": True}


def hostile(manner: str) -> list[str]:
    """The command of the server that misbehaves in this manner."""
    return [sys.executable, "-S", str(HERE / "hostile.py"), manner]


def tickets() -> dict[str, Any]:
    """The `use` of a connector to the help desk."""
    return {
        "type": "mcp",
        "command": [sys.executable, "-m", "tests.tools.mcp.tickets"],
        "environment": {"PYTHONPATH": str(ROOT)},
    }


def bench(use: dict[str, Any], *tools: Any, programs: tuple[str, ...] = ("*",), **how: Any) -> Bench:
    """Connectors with the one named `desk`."""
    return Bench(connector("desk", **use), *tools, programs=programs, **how)


def pinned(name: str, wording: str, theirs: str = "", **spec: Any) -> Any:
    """A tool of `desk` that takes anything."""
    call = {"tool": {"name": theirs or name, "wording": wording, **spec.pop("call", {})}}
    return tool(name, connector="desk", call=call, input=ANYTHING, **spec)


def misbehaving(manner: str, effect: str = "read", **use: Any) -> Bench:
    """Connectors with a hostile server, whose one tool is `work`."""
    spec: dict[str, Any] = {"effect": effect}
    return bench({"type": "mcp", "command": hostile(manner), "timeout": "30s", **use}, pinned("work", WORK, **spec))


async def ready(connectors: Bench) -> McpServer:
    """The server, started and listed, so that a deadline of the next call is for the call alone."""
    server = connectors.connectors._line("desk").connector
    assert isinstance(server, McpServer)
    await server.list_tools(Attempt(False, 25))
    return server


async def listed(use: dict[str, Any], seconds: float = 30) -> dict[str, Definition]:
    """What the server lists."""
    server = McpServer("desk", McpConnector(**use), Outbound(no_secret, Path(), programs=["*"]), Unremembered())
    try:
        return await server.list_tools(Attempt(False, seconds))
    finally:
        await server.close()
