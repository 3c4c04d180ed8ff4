"""Clients of the MCP bench: aiohttp with bodies made by hand, so that the client weighs as little as it can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import aiohttp

from .measure import lockstep, one_by_one

VERSION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_JSON = {"content-type": "application/json"}

ITEM = "bolt"
ORDER = {"item": ITEM, "quantity": 3, "amount": 120}


class Call(NamedTuple):
    """One HTTP request, and what its answer must hold."""

    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]
    proof: bytes


def read(base: str) -> Call:
    """The stock of an item, asked of the upstream or of a pass-through."""
    return Call("GET", f"{base}/stock/{ITEM}", None, {}, b'"quantity"')


def write(base: str) -> Call:
    """An order placed with the upstream or through a pass-through."""
    return Call("POST", f"{base}/orders", json.dumps(ORDER).encode(), _JSON, b'"placed"')


def governed(base: str, key: str, tool: str, arguments: Mapping[str, Any]) -> Call:
    """The same through the control plane: `tools/call` of MCP."""
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {
        **_JSON,
        "accept": "application/json, text/event-stream",
        "authorization": f"Bearer {key}",
        "mcp-protocol-version": VERSION,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    return Call("POST", f"{base}/mcp", body, headers, b'"isError":false')


@dataclass(slots=True)
class Clients:
    """Clients of one process; `close` them."""

    _session: aiohttp.ClientSession = field(
        default_factory=lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    )

    async def one_by_one(self, call: Call, count: int) -> list[float]:
        """Milliseconds of `count` calls by one client."""
        return await one_by_one(partial(self._answered, call), count)

    async def together(self, call: Call, clients: int, count: int) -> float:
        """Calls a second with `clients` at once."""
        rate, _ = await lockstep(partial(self._answered, call), clients, count)
        return rate

    async def close(self) -> None:
        await self._session.close()

    async def _answered(self, call: Call) -> None:
        async with self._session.request(call.method, call.url, data=call.body, headers=call.headers) as answer:
            body = await answer.read()
        if answer.status != 200 or call.proof not in body:
            raise AssertionError(f"the call was not carried out: {answer.status} {body[:300]!r}")
