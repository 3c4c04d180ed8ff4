"""A server at a URL, watched: an address on this machine at which everything is passed on to it, and back.

Requests go out through the guarded endpoint of connectors, to the one origin that was named. Only programs of this
machine reach the address, and no web page that is not of this machine itself: neither by way of a name of its own, nor
by the requests that a browser sends for it unasked. To a browser `localhost` and `127.0.0.1` are two sites: a page of
one that calls the other is of elsewhere, unless whoever watches admits its origin by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import uvicorn

from autonomy.kernel.errors import AutonomyError
from autonomy.tools.endpoint import Endpoint

MAX_BODY = 67_108_864  # bytes of a request, which is held whole

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "host", "accept-encoding"),
    }
)
"""Headers that concern one connection alone (RFC 9110, 7.6.1), and those that depend on where it leads."""


class Listener(Protocol):
    """Overhears one exchange."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer has come."""

    def heard(self, chunk: bytes) -> None:
        """A piece of its body has come."""

    def ended(self) -> None:
        """The answer is over."""


Listen = Callable[[str, str, str, Mapping[str, str], bytes], Listener]
"""Told a request (method, path, query, headers, body) before it goes out."""


class Passing:
    """The ASGI application that passes on."""

    def __init__(self, endpoint: Endpoint, listen: Listen, pages: Collection[str] = ()) -> None:
        self._endpoint = endpoint
        self._listen = listen
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body(receive)
        if body is None:
            return  # the client left in the middle of its request: half of one is none
        if not _is_here(f"//{headers.get('host', '')}"):
            await _say(send, 421, "this address is for programs of this machine")
        elif headers.get("origin") not in self._pages and _is_of_a_page_elsewhere(headers):
            await _say(send, 403, "this address is not for web pages; `--page ORIGIN` admits those of one origin")
        elif len(body) > MAX_BODY:
            await _say(send, 413, "the request is too large to be watched")
        else:
            await self._pass_on(scope, headers, body, send)

    async def _pass_on(self, scope: Scope, headers: Mapping[str, str], body: bytes, send: Send) -> None:
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("latin-1")
        target = self._endpoint.base._replace(path=path + (f"?{query}" if query else ""))
        listener = self._listen(scope["method"], path, query, headers, body)
        sent = {name: value for name, value in headers.items() if name not in _HOP} | {"Accept-Encoding": "identity"}
        begun = False
        try:
            async with self._endpoint.relay(scope["method"], target, sent, body) as answer:
                said = {name.lower(): value for name, value in answer.headers}
                listener.answered(answer.status, said)
                pairs = [(n.lower().encode(), v.encode("latin-1")) for n, v in answer.headers if n.lower() not in _HOP]
                await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
                begun = True
                async for chunk in answer.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    listener.heard(chunk)
            listener.ended()
            await send({"type": "http.response.body", "body": b""})
        except AutonomyError as error:
            if begun:
                raise  # the server breaks the connection, as the one behind it did
            await _say(send, 502, error.message)


class Address(uvicorn.Server):
    """Serves `app` on this machine; `ready` is told the URL. Ends on the signals of whoever started us."""

    def __init__(self, app: Passing, port: int, ready: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host="127.0.0.1",
                port=port,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._ready(f"http://{host}:{port}")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They end the serving, and are not raised once more afterwards: what was seen is still to be written."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def _is_here(url: str) -> bool:
    """Whether `url` is of this machine."""
    try:
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:  # brackets that hold no address
        return False


def _is_of_a_page_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that it sends this for a page of another site (Fetch, section 3.2; Fetch Metadata, 2.3).

    A page whose origin is hidden (`null`) is one.
    """
    return headers.get("sec-fetch-site") == "cross-site" or ("origin" in headers and not _is_here(headers["origin"]))


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or more than MAX_BODY of a larger one; None where the client left before its end."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY or not message.get("more_body"):
            return b"".join(parts)


async def _say(send: Send, status: int, words: str) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": words.encode()})
