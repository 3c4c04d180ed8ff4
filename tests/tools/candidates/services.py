"""HTTP services on loopback: one with an interface of its own that can be asked, one that takes signed posts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from autonomy.kernel.clock import now
from autonomy.tools.conformance import CANARY, Candidate
from autonomy.tools.signatures import key_of, prove

from .place import INPUT, NOTE, Place, Stood

LOOPBACK = ["127.0.0.1/32"]


class Service(Stood):
    """A server on 127.0.0.1. What a request is named by tells its effects apart."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = web.ServerRunner(web.Server(self._answer), handler_cancellation=True, shutdown_timeout=0.1)
        self.port = 0

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert site._server is not None and isinstance(site._server, asyncio.Server)
        self.port = site._server.sockets[0].getsockname()[1]

    async def behave(self, how: Any) -> None:
        self.how = how
        if how == "gone":
            await self._runner.cleanup()

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.heard += 1
        body = await request.read()
        if self.how == "hang":
            await asyncio.Event().wait()
        if self.how in ("refuse", "stale", "leak"):
            status = {"refuse": 422, "stale": 412, "leak": 400}[self.how]
            return web.Response(status=status, text=f"no: {request.headers.get('Authorization')} {CANARY}")
        if request.method == "GET":
            return self._said(request, found=self.done[request.query.get("ref", "")])
        name = self.name_of(request, body)
        self.done[name] = self.done[name] + 1 if self.counts_repeats else 1
        return self._said(request, note="taken")

    counts_repeats = False

    def name_of(self, request: web.BaseRequest, body: bytes) -> str:
        return request.query["ref"]

    def _said(self, request: web.BaseRequest, **answer: Any) -> web.StreamResponse:
        if self.how == "break":
            assert request.transport is not None
            request.transport.close()
        if answer.get("found") == 0:
            return web.json_response({}, status=404)
        if self.how == "flood":
            answer["more"] = "x" * 100_000
        return web.json_response(answer)


class Receiver(Service):
    """Takes a signed post once for each id, as the specification asks of receivers."""

    def name_of(self, request: web.BaseRequest, body: bytes) -> str:
        headers = {name.lower(): value for name, value in request.headers.items()}
        proven = prove("standard", key_of(CANARY), headers, body, now() // 1000, 300)
        assert json.loads(body)["data"] == NOTE and json.loads(body)["action"] == proven.id
        return proven.id


async def make_http(place: Place) -> Candidate:
    service = Service()
    await service.start()
    reading = {"method": "GET", "path": "/notes"}
    asking = {"method": "GET", "path": "/notes", "query": {"ref": "action_id"}}
    writing = {"method": "POST", "path": "/notes", "query": {"ref": "action_id"}, "body": "arguments"}
    service.done[""] = 1  # there is always something to be read
    return Candidate(
        name="http",
        use={
            "type": "http",
            "baseUrl": f"http://127.0.0.1:{service.port}/api",
            "credential": "token",
            "allow": LOOPBACK,
            "maxBytes": 10_000,
        },
        read={"call": {"request": reading}, "input": INPUT},
        write={
            "call": {"request": writing},
            "input": INPUT,
            "effect": "write-queryable",
            "reconcile": {"request": asking},
        },
        arguments=NOTE,
        system=service,
        over_network=True,
    )


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Notes", "version": "1"},
    "security": [{"key": []}],
    "paths": {
        "/notes": {
            "parameters": [{"name": "ref", "in": "query", "schema": {"type": "string"}}],
            "get": {"operationId": "findNote", "responses": {"200": {"description": "a note"}}},
            "post": {
                "operationId": "takeNote",
                "requestBody": {"required": True, "content": {"application/json": {"schema": INPUT}}},
                "responses": {"200": {"description": "taken"}},
            },
        }
    },
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
}


async def make_openapi(place: Place) -> Candidate:
    service = Service()
    await service.start()
    service.done[""] = 1  # there is always something to be read
    return Candidate(
        name="openapi",
        use={
            "type": "openapi",
            "document": DOCUMENT,
            "baseUrl": f"http://127.0.0.1:{service.port}/api",
            "credential": "token",
            "allow": LOOPBACK,
            "maxBytes": 10_000,
        },
        read={"call": {"operation": "findNote"}, "input": INPUT},
        write={
            "call": {"operation": {"id": "takeNote", "fill": {"ref": "action_id"}}},
            "input": INPUT,
            "effect": "write-queryable",
            "reconcile": {"operation": {"id": "findNote", "fill": {"ref": "action_id"}}},
        },
        arguments=NOTE,
        system=service,
        over_network=True,
    )


async def make_webhook(place: Place) -> Candidate:
    receiver = Receiver()
    await receiver.start()
    return Candidate(
        name="webhook",
        use={
            "type": "webhook",
            "url": f"http://127.0.0.1:{receiver.port}/in",
            "credential": "key",
            "allow": LOOPBACK,
            "maxBytes": 10_000,
        },
        write={"call": {"post": {"event": "note.taken"}}, "input": INPUT, "effect": "write-keyed"},
        arguments=NOTE,
        system=receiver,
        over_network=True,
    )
