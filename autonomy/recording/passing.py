"""A server at a URL, watched: an address on this machine at which everything is passed on to it, and back.

Bytes and headers pass as they came, compressed ones too; whoever listens hears a copy that can be read. Requests go
out through the guarded endpoint of connectors, to the one origin that was named. Only programs of this
machine reach the address, and no web page that is not of this machine itself: neither by way of a name of its own, nor
by the requests that a browser sends for it unasked. To a browser `localhost` and `127.0.0.1` are two sites: a page of
one that calls the other is of elsewhere, unless whoever watches admits its origin by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import uvicorn

from autonomy.kernel.errors import AutonomyError
from autonomy.tools.endpoint import Endpoint

from . import codings
from .codings import Reading

MAX_BODY = 67_108_864  # bytes of a request, which is held whole
MAX_HEAD = 262_144  # bytes of its headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

Pairs = list[tuple[bytes, bytes]]

_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
"""Headers that concern one connection alone (RFC 9110, section 7.6.1), with those that `Connection` names."""

_OURS = frozenset({b"host", b"expect"})
"""Headers of a request that depend on where it leads, or have been answered here: its body has come whole."""


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
    """The ASGI application that passes on. Where it `hears_answers`, none is asked for in a coding that only its client
    could read."""

    def __init__(
        self, endpoint: Endpoint, listen: Listen, pages: Collection[str] = (), hears_answers: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._listen = listen
        self._pages = frozenset(pages)
        self._hears_answers = hears_answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _together(scope["headers"])
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
        read = codings.read(body, headers.get("content-encoding", ""))
        listener = self._listen(scope["method"], path, query, headers, read)
        begun = False
        try:
            async with self._endpoint.relay(scope["method"], target, self._asked(scope["headers"]), body) as answer:
                said = _together(answer.headers)
                listener.answered(answer.status, said)
                reading = Reading(said.get("content-encoding", ""))
                pairs = [(name.lower(), value) for name, value in _passed_on(answer.headers)]
                await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
                begun = True
                async for chunk in answer.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    for piece in reading.feed(chunk):
                        listener.heard(piece)
            listener.ended()
            await send({"type": "http.response.body", "body": b""})
        except AutonomyError as error:
            if begun:
                raise  # the server breaks the connection, as the one behind it did
            await _say(send, 502, error.message)

    def _asked(self, headers: Pairs) -> list[tuple[str, str]]:
        """The headers of a request as they go out."""
        found = [(_text(name), _text(value)) for name, value in _passed_on(headers) if name.lower() not in _OURS]
        if not self._hears_answers:
            return found
        return [(name, codings.readable(value) if name == "accept-encoding" else value) for name, value in found]


class Address(uvicorn.Server):
    """Serves `app` on this machine; `ready` is told the URL. Ends on the signals of whoever started us."""

    def __init__(self, app: Passing, port: int, ready: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",  # the other one does not let an answer without a body say how long it would be (304)
                h11_max_incomplete_event_size=MAX_HEAD,
                ws="none",
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


def _passed_on(headers: Pairs) -> Pairs:
    """Those that are not of one connection alone."""
    named = [value.lower().split(b",") for name, value in headers if name.lower() == b"connection"]
    apart = _HOP.union(word.strip() for words in named for word in words)
    return [(name, value) for name, value in headers if name.lower() not in apart]


def _together(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names in lower case; the values of one that is repeated as one list (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for each, value in headers:
        name = _text(each).lower()
        found[name] = f"{found[name]}, {_text(value)}" if name in found else _text(value)
    return found


def _text(value: bytes) -> str:
    """A header as it is sent on, which is in UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


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
    return "cross-site" in headers.get("sec-fetch-site", "") or (
        "origin" in headers and not _is_here(headers["origin"])
    )


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
