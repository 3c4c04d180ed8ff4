"""A server at a URL: streamable HTTP of both eras, through the guarded endpoint of every HTTP connector."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid

from ..attempt import Attempt
from ..credential import Presented
from ..errors import Refused, excerpt
from . import meaning
from .conversation import SessionOver
from .messages import MODERN, Request, answer_to, headers, notification
from .sse import Events

if TYPE_CHECKING:
    from ..endpoint import Answer, Endpoint

REPLIES = 8  # requests of the server that are answered within one call
ASIDE_S = 2.0  # for what is said beside a call: cancellations, refusals, the end of a session

_SESSION = "Mcp-Session-Id"
_MAX_SESSION = 1_024
_BUSY = (408, 425, 429)

Present = Callable[[float], Awaitable[Sequence[Presented]]]
"""Gives what requests show, as it is now; within so many seconds."""


class HttpWire:
    """One declared URL. Each request is a POST; an answer may come as JSON or at some place of an event stream."""

    def __init__(self, name: str, endpoint: Endpoint, present: Present) -> None:
        self.version: str | None = None
        self.changed_at = -math.inf
        self._name = name
        self._endpoint = endpoint
        self._present = present
        self._session: str | None = None
        self._asides: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return True

    @property
    def is_idle(self) -> bool:
        return True

    async def ask(self, request: Request, attempt: Attempt) -> Mapping[str, Any]:
        """The response. Where the caller stops waiting the connection is closed, which is how 2026-07-28 cancels;
        servers of the old era are told."""
        reader = _Reader(request.id, lambda asked: self._aside(answer_to(asked)))
        try:
            answer = await self._post(request.line(), headers(request, self.version), attempt, reader.feed)
        except asyncio.CancelledError:
            if self.version != MODERN and request.method != "initialize":
                self._aside(notification("notifications/cancelled", {"requestId": request.id}))
            raise
        if answer.status == 404 and self._session is not None:
            self._session = None
            raise SessionOver
        if request.method == "initialize":
            self._session = _session(answer)
        return self._response(request, answer, reader, attempt.write)

    async def tell(self, method: str, params: Mapping[str, Json]) -> None:
        """Post a notification; the server has two seconds for it."""
        await self._say(notification(method, params))

    async def close(self) -> None:
        """Say what is left to say, end the session where there is one, and let go of every connection."""
        if self._session is not None:
            self._spawn(self._end_session())
        while self._asides:
            await asyncio.wait(self._asides)
        await self._endpoint.close()

    def _response(self, request: Request, answer: Answer, reader: _Reader, write: bool) -> Mapping[str, Any]:
        found = reader.found or _message(answer, request.id)
        if found is not None:
            return found
        status = answer.status
        if 400 <= status < 500 and status not in _BUSY:
            said = excerpt(answer.text or "")
            code = "upstream.unauthorized" if status in (401, 403) else "upstream.refused"
            raise Refused(f"`{self._name}` refused with status {status}: {said}", code=code, status=status)
        raise meaning.unusable(self._name, f"answered with status {status} and no usable message", write)

    async def _post(
        self, body: bytes, said: Mapping[str, str], attempt: Attempt, enough: Callable[[bytes], bool] | None = None
    ) -> Answer:
        session = {_SESSION: self._session} if self._session is not None else {}
        shown = await self._present(attempt.seconds_left)
        return await self._endpoint.send(
            "POST", self._endpoint.base, {**said, **session}, body, attempt, shown, enough=enough
        )

    async def _say(self, body: bytes) -> None:
        said = headers(Request(0, "", {}), self.version)
        try:
            async with asyncio.timeout(ASIDE_S):
                await self._post(body, said, Attempt(False, ASIDE_S), lambda _: True)
        except (TimeoutError, AutonomyError):
            return  # it was said for politeness; the answer, or its absence, tells how things are

    async def _end_session(self) -> None:
        said = {_SESSION: self._session or "", "MCP-Protocol-Version": self.version or ""}
        try:
            async with asyncio.timeout(ASIDE_S):
                attempt = Attempt(False, ASIDE_S)
                shown = await self._present(ASIDE_S)
                await self._endpoint.send("DELETE", self._endpoint.base, said, None, attempt, shown)
        except (TimeoutError, AutonomyError):
            return  # the server forgets it by itself

    def _aside(self, body: bytes) -> None:
        self._spawn(self._say(body))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)


class _Reader:
    """Looks for the response to one request in an event stream, and passes on what the server asks meanwhile."""

    def __init__(self, wanted: int, asked: Callable[[Mapping[str, Any]], None]) -> None:
        self.found: Mapping[str, Any] | None = None
        self._wanted = wanted
        self._asked = asked
        self._events = Events()
        self._replies = 0

    def feed(self, chunk: bytes) -> bool:
        """Whether the response has come. JSON that is no stream holds no events."""
        for data in self._events.feed(chunk):
            message = _object(data)
            if message is None:
                continue
            if message.get("id") == self._wanted and "method" not in message:
                self.found = message
                return True
            self._hear(message)
        return False

    def _hear(self, message: Mapping[str, Any]) -> None:
        if isinstance(message.get("method"), str) and isinstance(message.get("id"), (int, str)):
            self._replies += 1
            if self._replies <= REPLIES:
                self._asked(message)


def _message(answer: Answer, wanted: int) -> Mapping[str, Any] | None:
    """The response in a JSON body. An error may come without an id, where the server could not read one."""
    found = _object((answer.text or "").encode())
    if found is None or "method" in found or not ({"result", "error"} & found.keys()):
        return None
    return found if found.get("id") == wanted or ("error" in found and found.get("id") is None) else None


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        found = canonical.parse(data, len(data))
    except Invalid:
        return None
    return found if isinstance(found, dict) else None


def _session(answer: Answer) -> str | None:
    found = answer.headers.get(_SESSION)
    usable = found is not None and found.isascii() and found.isprintable() and 0 < len(found) <= _MAX_SESSION
    return found if usable else None
