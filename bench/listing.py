"""Tools as agents meet them: a thousand tools of an idle MCP server, listed for an agent through `/mcp`.

The tools come from the manifests, in the wording that was pinned; the server behind them is not running and is not
asked. What is timed is the whole list, page by page, as a client fetches it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from autonomy.wiring import Settings, open_system
from autonomy.wiring.assembly import BUILTIN_TOOLS
from demo.processes import free_port

from .door import noop
from .measure import BLOCKS, Scale, median
from .organisation import organisation
from .processes import running

COMMAND = Path(sys.executable).with_name("autonomy")
TOOLS = 1_000

_CONNECTOR = """\
apiVersion: autonomy/v1
kind: Connector
metadata: {name: desk}
spec: {use: {type: mcp, command: [desk-server, --stdio]}}
"""
_RULE = '@id("desk") permit(principal in Role::"worker", action, resource);\n'


def measure(scale: Scale) -> dict[str, float]:
    """`list_ms`: the time to list every tool."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        port = free_port()
        tools = scale.of(TOOLS, 150)
        key = _prepare(data, port, tools)
        options = ("--data", str(data), "--port", str(port), "--log", "warning")
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(running(url, str(COMMAND), "serve", *options, path="/readyz"))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            blocks = runner.run(_blocks(url, key, tools, scale.of(20, 2)))
    return {"list_ms": median([median(block) for block in blocks])}


def _prepare(data: Path, port: int, tools: int) -> str:
    """An organisation with one agent that may use `tools` tools of the server; returns its key."""
    system = open_system(replace(Settings(), data=data, port=port), functions={"noop": noop})
    manifests = "---\n".join([_CONNECTOR, *(json.dumps(_tool(number)) + "\n" for number in range(tools))])
    more = {"desk.yaml": manifests, "desk.cedar": _RULE}
    system.catalog.apply(organisation(1, 2, more), by="person:bench")
    key = system.identity.issue_credential("agent-0", "api_key", "system").secret
    system.close()
    return key


def _tool(number: int) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 200, "description": "What it is about"},
            "amount": {"type": "number", "minimum": 0},
            "labels": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["title"],
    }
    call = {"tool": {"name": f"tool_{number}", "wording": f"{number:064x}"}}
    spec = {"connector": "desk", "call": call, "input": schema, "effect": "write-neither"}
    about = {"name": f"desk.tool-{number}", "description": f"One of many things the desk can do, number {number}"}
    return {"apiVersion": "autonomy/v1", "kind": "Tool", "metadata": about, "spec": spec}


async def _blocks(url: str, key: str, tools: int, rounds: int) -> list[list[float]]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        assert await _listed(session, url) == tools + 1 + len(BUILTIN_TOOLS)  # one is the no-op of the organisation
        return [[await _timed(session, url) for _ in range(rounds)] for _ in range(BLOCKS)]


async def _timed(session: aiohttp.ClientSession, url: str) -> float:
    started = time.perf_counter()
    await _listed(session, url)
    return (time.perf_counter() - started) * 1000


async def _listed(session: aiohttp.ClientSession, url: str) -> int:
    """How many tools the agent is shown, fetched to the last page."""
    found, cursor = 0, None
    while True:
        params: dict[str, str] = {"cursor": cursor} if cursor else {}
        body = {"jsonrpc": "2.0", "id": found, "method": "tools/list", "params": params}
        async with session.post(f"{url}/mcp", json=body) as response:
            result = (await response.json())["result"]
        found += len(result["tools"])
        cursor = result.get("nextCursor")
        if cursor is None:
            return found
