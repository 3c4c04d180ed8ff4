"""Bare HTTP servers: `python -m bench.bare PORT` is an upstream, with a URL at the end a pass-through to it.

Raw ASGI on uvicorn with one worker: as little as an upstream and a proxy can be in Python.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import uvicorn

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STOCK = b'{"item":"bolt","quantity":412,"reorder_at":100,"warehouse":"north"}'
ORDER = b'{"order":"po-1","status":"placed"}'


CALLERS = "/callers"
"""Where the upstream says how many callers it knows by their credentials."""

_callers: set[bytes] = set()


async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
    """A tool server: the stock of any item, and an order for whoever posts one."""
    await _body(receive)
    if scope["path"] == CALLERS:
        await _answer(send, 200, b"%d" % len(_callers))
        return
    _callers.update(value for name, value in scope["headers"] if name == b"authorization")
    await _answer(send, 200, ORDER if scope["method"] == "POST" else STOCK)


class PassThrough:
    """Hands every request on and the answer back; decides nothing, writes nothing."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body = await _body(receive)
        headers = {"content-type": "application/json"} if body else {}
        target = f"{self._target}{scope['path']}"
        async with self._session.request(scope["method"], target, data=body or None, headers=headers) as answer:
            await _answer(send, answer.status, await answer.read())


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    port, *target = sys.argv[1:]
    app: App = PassThrough(target[0]) if target else upstream
    uvicorn.run(app, port=int(port), lifespan="off", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
