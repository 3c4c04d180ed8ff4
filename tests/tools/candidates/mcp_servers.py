"""MCP servers: one at a URL on loopback, one that is a program, both with the same three tools."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import Any

from aiohttp import web

from autonomy.tools.conformance import CANARY, Candidate
from autonomy.tools.mcp.definitions import read_definition

from .place import INPUT, NOTE, Place
from .script import Script
from .services import LOOPBACK, Service

REFUSAL = {"code": -32602, "message": "no"}
"""How a server says that it did nothing. `isError` does not say that: the tool may have failed half way."""

NO_VERSION = "tools of MCP servers know no versions of records"


def listed(name: str) -> dict[str, Any]:
    """A tool as both servers list it."""
    return {"name": name, "description": f"To {name} notes", "inputSchema": {"type": "object"}}


TOOLS = [listed(name) for name in ("count", "take", "find")]


def called(name: str, **arguments: str) -> dict[str, Any]:
    """The call of one of them, in the wording it has."""
    return {"tool": {"name": name, "wording": read_definition(listed(name)).wording, "arguments": arguments}}


def tools() -> dict[str, Any]:
    return {
        "read": {"call": called("count"), "input": INPUT},
        "write": {
            "call": called("take", note="note", ref="action_id"),
            "input": INPUT,
            "effect": "write-queryable",
            "reconcile": called("find", ref="action_id"),
        },
        "arguments": NOTE,
    }


class Desk(Service):
    """The server at a URL."""

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.heard += 1
        asked = json.loads(await request.read() or b"{}")
        known: dict[str, Any] = {
            "server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {}},
            "tools/list": {"tools": TOOLS},
        }
        if asked.get("method") == "tools/call":
            return await self._called(request, asked)
        if asked.get("method") in known:
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": known[asked["method"]]})
        return web.Response(status=202)

    async def _called(self, request: web.BaseRequest, asked: dict[str, Any]) -> web.StreamResponse:
        name, ref = asked["params"]["name"], asked["params"]["arguments"].get("ref", "")
        if self.how == "hang":
            await asyncio.Event().wait()
        if self.how == "refuse":
            return self._said(request, jsonrpc="2.0", id=asked["id"], error=REFUSAL)
        if self.how == "leak":
            said = [{"type": "text", "text": f"no: {request.headers['Authorization']} {CANARY}"}]
            return self._said(request, jsonrpc="2.0", id=asked["id"], result={"content": said, "isError": True})
        if name == "take":
            self.done[ref] += 1
        answers: dict[str, Any] = {
            "count": {"notes": 1},
            "take": {"note": "taken"},
            "find": {"ref": ref} if self.done[ref] else {},
        }
        found = {"content": [], "structuredContent": answers[name]}
        return self._said(request, jsonrpc="2.0", id=asked["id"], result=found)


class Streaming(Desk):
    """The same server, which says everything in event streams."""

    def _said(self, request: web.BaseRequest, **answer: Any) -> web.StreamResponse:
        told = super()._said(request, **answer)
        assert isinstance(told, web.Response)
        return web.Response(text=f"event: message\ndata: {told.text}\n\n", content_type="text/event-stream")


async def make_mcp_service(place: Place) -> Candidate:
    return await _at_url("mcp over HTTP", Desk())


async def make_mcp_stream(place: Place) -> Candidate:
    return await _at_url("mcp by events", Streaming())


async def _at_url(name: str, desk: Desk) -> Candidate:
    await desk.start()
    return Candidate(
        name=name,
        use={
            "type": "mcp",
            "url": f"http://127.0.0.1:{desk.port}/mcp",
            "credential": "token",
            "allow": LOOPBACK,
            "maxBytes": 10_000,
        },
        system=desk,
        over_network=True,
        cannot={"stale": NO_VERSION},
        **tools(),
    )


SCRIPT = """
import json, os, signal, sys

folder, tools = sys.argv[1], json.loads(sys.argv[2])

def kept(name):
    return open(os.path.join(folder, name)).read()

def keep(name, text):
    with open(os.path.join(folder, name), "a") as file:
        file.write(text)

def say(asked, **what):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **what}) + "\\n")
    sys.stdout.flush()

def answer(asked, result):
    say(asked, result=result)

def call(asked):
    how, name = kept("how"), asked["params"]["name"]
    ref = asked["params"]["arguments"].get("ref", "")
    if how == "hang":
        return
    if how == "refuse":
        return say(asked, error=json.loads(sys.argv[3]))
    if how == "leak":
        said = [{"type": "text", "text": "no: " + os.environ["PASSWORD"]}]
        return answer(asked, {"content": said, "isError": True})
    if name == "take":
        keep("done", ref + " ")
    if how == "break":
        os.kill(os.getpid(), signal.SIGKILL)
    key, is_there = os.environ["PASSWORD"], ref in kept("done").split()
    found = {"count": {"notes": 1, "key": key}, "take": {"note": key}, "find": {"ref": ref} if is_there else {}}
    text = [{"type": "text", "text": "x" * 100_000}] if how == "flood" else []
    answer(asked, {"content": text, "structuredContent": found[name]})

for line in sys.stdin:
    asked = json.loads(line)
    keep("calls", "x")
    if asked.get("method") == "server/discover":
        answer(asked, {"supportedVersions": ["2026-07-28"], "capabilities": {}})
    elif asked.get("method") == "tools/list":
        answer(asked, {"tools": tools})
    elif asked.get("method") == "tools/call":
        call(asked)
"""


async def make_mcp_program(place: Place) -> Candidate:
    script = Script(place, "desk.py", SCRIPT)
    known = [json.dumps(TOOLS), json.dumps(REFUSAL)]
    command = [str(script.program), "-S", str(place.folder / "desk.py"), str(place.folder), *known]
    return Candidate(
        name="mcp over pipes",
        use={
            "type": "mcp",
            "command": command,
            "credential": "password",
            "variable": "PASSWORD",
            "maxBytes": 10_000,
        },
        system=script,
        folder=place.folder,
        programs=[shlex.join(command[:3])],
        cannot={"stale": NO_VERSION},
        **tools(),
    )
