"""The small pieces every endpoint shares: reading a request within limits, answering, noticing that the caller left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

MAX_BODY = canonical.MAX_BYTES
BODY_SECONDS = 10.0  # a body that trickles in holds a connection; one of 1 MiB takes far less

Header = tuple[bytes, bytes]
T = TypeVar("T")

NO_STORE: Header = (b"cache-control", b"no-store")
_NO_SNIFF: Header = (b"x-content-type-options", b"nosniff")
_JSON: Header = (b"content-type", b"application/json")


class Disconnected(Exception):
    """The caller has closed the connection: there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response; a body is JSON unless its headers say otherwise."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = (NO_STORE,)


class Incoming:
    """One HTTP request."""

    __slots__ = ("_headers", "_receive", "method", "path", "query", "route", "status")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self._headers: list[Header] = scope["headers"]
        self._receive = receive
        self.route = ""
        """The template of what is asked, by which requests are counted; empty where nothing is there."""
        self.status: int | None = None
        """The status that tells what became of it, where the wire's own does not."""

    def header(self, name: bytes) -> str | None:
        """The value of a header (lower-case name); raises Invalid (`header.twice`) where two readers could differ."""
        found = [value for key, value in self._headers if key == name]
        if len(found) > 1:
            raise Invalid(f"the header `{name.decode()}` stands twice", code="header.twice", hint="send it once")
        return found[0].decode("latin-1").strip(" \t") if found else None

    async def body(self, limit: int = MAX_BODY) -> bytes:
        """The whole body. Raises TooLarge beyond `limit` bytes, Invalid (`body.slow`), Disconnected."""
        declared = self.header(b"content-length")
        if declared is not None and declared.isascii() and declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        first, more = await self._chunk()
        if not more:
            return _bounded(first, limit)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._rest(first, limit)
        except TimeoutError:
            raise Invalid(f"the body took more than {BODY_SECONDS:.0f} seconds", code="body.slow") from None

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns; when the caller leaves meanwhile, it is cancelled and Disconnected raised.

        To be used after the body was read.
        """
        try:
            async with asyncio.timeout(None) as patience:
                watching = asyncio.create_task(self._watch(patience))
                try:
                    return await work
                finally:
                    watching.cancel()
        except TimeoutError:
            if patience.expired():
                raise Disconnected from None
            raise

    async def _watch(self, patience: asyncio.Timeout) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        patience.reschedule(asyncio.get_running_loop().time())

    async def _rest(self, first: bytes, limit: int) -> bytes:
        chunks, size, more = [first], len(first), True
        while more:
            chunk, more = await self._chunk()
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
        return b"".join(chunks)

    async def _chunk(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message.get("body", b""), message.get("more_body", False)


def read_json(data: bytes) -> Json:
    """A body read strictly; raises Invalid (`json.*`) also for half characters, which could not be sent back."""
    value = canonical.parse(data)
    if b"\\u" in data:
        canonical.encode(value)
    return value


def json(status: int, value: Any, *headers: Header) -> Answer:
    """An answer in JSON that no cache keeps."""
    return Answer(status, msgspec.json.encode(value), (NO_STORE, *headers))


async def respond(send: Send, answer: Answer) -> None:
    """Send `answer`."""
    headers = [_NO_SNIFF, (b"content-length", str(len(answer.body)).encode()), *answer.headers]
    if answer.body and all(name != b"content-type" for name, _ in answer.headers):
        headers.append(_JSON)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than {limit} bytes", code="body.too_large")
