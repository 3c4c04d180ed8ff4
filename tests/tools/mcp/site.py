"""An MCP server at a URL whose every answer a test decides, and what it heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.protocols.serving import serving

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """One HTTP request."""

    method: str
    headers: dict[str, str]
    message: Message


class Said:
    """How an answer is written: a status, headers and pieces of a body, or a stream of events."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send

    async def begin(self, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        pairs = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def more(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def until_left(self) -> None:
        """Say nothing more until the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def json(self, value: Any, status: int = 200, **headers: str) -> None:
        await self.begin(status, **headers)
        await self.more(json.dumps(value).encode())
        await self.end()

    async def event(self, message: Message) -> None:
        await self.more(b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n")


Answer = Callable[[Heard, Said], Awaitable[None]]

TOOL = {
    "name": "work",
    "description": "Work",
    "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
}


def result(heard: Heard, value: Any) -> Message:
    """A response to what was heard."""
    return {"jsonrpc": "2.0", "id": heard.message["id"], "result": value}


def text(words: str) -> Message:
    return {"content": [{"type": "text", "text": words}]}


@dataclass
class Site:
    """The server. `calls` answers `tools/call`; `era` is what it speaks; a session is asked for in the old era."""

    calls: Answer
    era: str = "modern"
    tools: list[Message] = field(default_factory=lambda: [TOOL])
    session: str = "s1"
    heard: list[Heard] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        heard = Heard(scope["method"], headers, json.loads(body) if body else {})
        self.heard.append(heard)
        async with self.news:
            self.news.notify_all()
        await self._answer(heard, Said(receive, send))

    async def until(self, method: str) -> Heard:
        """The first request of this JSON-RPC method, waited for."""
        async with self.news:
            await self.news.wait_for(lambda: method in self.methods())
        return next(one for one in self.heard if one.message.get("method", one.method) == method)

    def methods(self) -> list[str]:
        return [one.message.get("method", one.method) for one in self.heard]

    async def _answer(self, heard: Heard, said: Said) -> None:
        method = heard.message.get("method")
        begins = method in ("initialize", "server/discover")
        if self.era == "legacy" and not begins and heard.headers.get("mcp-session-id") != self.session:
            return await said.json({"error": "no such session"}, 404)
        if method == "server/discover" and self.era == "modern":
            return await said.json(result(heard, {"supportedVersions": ["2026-07-28"], "capabilities": {}}))
        if method == "server/discover":
            return await said.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "what?"}}, 400)
        if method == "initialize":
            value = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {}}
            return await said.json(result(heard, value), mcp_session_id=self.session)
        if method == "tools/list":
            return await said.json(result(heard, {"tools": self.tools}))
        if method == "tools/call":
            return await self.calls(heard, said)
        return await said.json({}, 202)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[dict[str, Any]]:
        """The `use` of a connector to it, while it is served."""
        async with serving(lambda _: self) as url:
            yield {"type": "mcp", "url": f"{url}/mcp", "allow": ["127.0.0.1/32"], "timeout": "30s"}
