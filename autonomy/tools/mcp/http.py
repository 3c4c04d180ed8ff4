"""A server at a URL: streamable HTTP of both eras, through the guarded endpoint of every HTTP connector."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autonomy.catalog.services import HttpService
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid

from ..attempt import Attempt
from ..credential import Presented, scrubbed
from ..errors import Refused, excerpt
from ..outbound import Outbound
from ..showing import showing
from ..wanted import of_service
from . import meaning
from .conversation import SessionOver
from .messages import LIST_CHANGED, MODERN, Request, answer_to, headers, notification
from .sse import Events

if TYPE_CHECKING:
    import ssl

    from ..endpoint import Answer, Endpoint

REPLIES = 8  # requests of the server that are answered within one call
ASIDE_S = 2.0  # for what is said beside a call: cancellations, refusals, the end of a session

_SESSION = "Mcp-Session-Id"
_MAX_SESSION = 1_024
_BUSY = (408, 425, 429)
_UNAUTHORIZED = (401, 403)


class HttpWire:
    """One declared URL, as one agent. Each request is a POST; an answer may come as JSON or at some place of an event
    stream. The endpoint is shared with other agents."""

    def __init__(self, name: str, endpoint: Endpoint, outbound: Outbound, service: HttpService, agent: str) -> None:
        self.version: str | None = None
        self.changed_at = -math.inf
        self._name = name
        self._endpoint = endpoint
        self._outbound = outbound
        self._service = service
        self._wanted = of_service(service)
        self._agent = agent
        self._under_way = 0
        self._session: str | None = None
        self._asides: set[asyncio.Task[None]] = set()

    @property
    def tells_changes(self) -> bool:
        return False  # what a server says reaches us in the answer to a call, at best

    @property
    def is_open(self) -> bool:
        return True

    @property
    def is_idle(self) -> bool:
        return self._under_way == 0

    async def ask(self, request: Request, attempt: Attempt) -> Mapping[str, Any]:
        """The response. Where the caller stops waiting the connection is closed, which is how 2026-07-28 cancels;
        servers of the old era are told."""
        reader = _Reader(request.id, lambda asked: self._aside(answer_to(asked)), self._note_change)
        self._under_way += 1
        try:
            answer = await self._post(request.line(), headers(request, self.version), attempt, reader)
        except asyncio.CancelledError:
            if self.version != MODERN and request.method != "initialize":
                self._aside(notification("notifications/cancelled", {"requestId": request.id}))
            raise
        finally:
            self._under_way -= 1
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
        """Say what is left to say, and end the session where there is one."""
        if self._session is not None:
            self._spawn(self._end_session())
        while self._asides:
            await asyncio.wait(self._asides)

    def _response(self, request: Request, answer: Answer, reader: _Reader, write: bool) -> Mapping[str, Any]:
        found, status = reader.found or _message(answer, request.id), answer.status
        if found is not None and status not in _UNAUTHORIZED:  # what those say is OAuth's, not MCP's (RFC 6750)
            return found
        if 400 <= status < 500 and status not in _BUSY:
            said = excerpt(answer.text or "")
            code = "upstream.unauthorized" if status in _UNAUTHORIZED else "upstream.refused"
            raise Refused(f"`{self._name}` refused with status {status}: {said}", code=code, status=status)
        raise meaning.unusable(self._name, f"answered with status {status} and no usable message", write)

    async def _post(
        self, body: bytes, said: Mapping[str, str], attempt: Attempt, reader: _Reader | None = None
    ) -> Answer:
        """The answer to a POST, read until `reader` has found what it looks for; without one, not read."""
        session = {_SESSION: self._session} if self._session is not None else {}
        return await self._send("POST", {**said, **session}, body, attempt, reader)

    async def _send(
        self, method: str, said: Mapping[str, str], body: bytes | None, attempt: Attempt, reader: _Reader | None
    ) -> Answer:
        here = self._endpoint

        async def send(shown: Sequence[Presented], tls: ssl.SSLContext | None) -> tuple[Answer, bool]:
            enough = reader.begin(shown) if reader is not None else _at_once
            return await here.send(method, here.base, said, body, attempt, shown, tls, enough), True

        return await showing(self._outbound, self._service, self._wanted, self._agent, attempt, send)

    async def _say(self, body: bytes) -> None:
        said = headers(Request(0, "", {}), self.version)
        try:
            async with asyncio.timeout(ASIDE_S):
                await self._post(body, said, Attempt(False, ASIDE_S))
        except (TimeoutError, AutonomyError):
            return  # it was said for politeness; the answer, or its absence, tells how things are

    async def _end_session(self) -> None:
        said = {_SESSION: self._session or "", "MCP-Protocol-Version": self.version or ""}
        try:
            async with asyncio.timeout(ASIDE_S):
                await self._send("DELETE", said, None, Attempt(False, ASIDE_S), None)
        except (TimeoutError, AutonomyError):
            return  # the server forgets it by itself

    def _note_change(self) -> None:
        self.changed_at = time.monotonic()

    def _aside(self, body: bytes) -> None:
        self._spawn(self._say(body))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)


class _Reader:
    """Looks for the response to one request in an event stream, and passes on what the server asks meanwhile."""

    def __init__(self, wanted: int, asked: Callable[[Mapping[str, Any]], None], changed: Callable[[], None]) -> None:
        self.found: Mapping[str, Any] | None = None
        self._wanted = wanted
        self._asked = asked
        self._changed = changed
        self._events = Events()
        self._shown: Sequence[Presented] = ()
        self._replies = 0

    def begin(self, shown: Sequence[Presented]) -> Callable[[bytes], bool]:
        """Look through an answer from its beginning, by what is returned. `shown` is what the server was shown: a
        message that repeats it is read without it."""
        self.found, self._events, self._shown = None, Events(), shown  # an answer that was refused does not count
        return self.feed

    def feed(self, chunk: bytes) -> bool:
        """Whether the response has come. JSON that is no stream holds no events."""
        for data in self._events.feed(chunk):
            message = _object(scrubbed(data, self._shown))
            if message is None:
                continue
            if message.get("id") == self._wanted and "method" not in message:
                self.found = message
                return True
            self._hear(message)
        return False

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message.get("method") == LIST_CHANGED:
            self._changed()
        if isinstance(message.get("method"), str) and isinstance(message.get("id"), (int, str)):
            self._replies += 1
            if self._replies <= REPLIES:
                self._asked(message)


def _at_once(_: bytes) -> bool:
    """Nobody reads what is answered."""
    return True


def _message(answer: Answer, wanted: int) -> Mapping[str, Any] | None:
    """The response in a JSON body. An error may come without an id, where the server could not read one."""
    found = _object(answer.text)
    if found is None or "method" in found or not ({"result", "error"} & found.keys()):
        return None
    return found if found.get("id") == wanted or ("error" in found and found.get("id") is None) else None


def _object(text: str | None) -> dict[str, Any] | None:
    """The object that a text without credentials is; None where it is none."""
    data = (text or "").encode()
    try:
        found = canonical.parse(data, len(data))
    except Invalid:
        return None
    return found if isinstance(found, dict) else None


def _session(answer: Answer) -> str | None:
    found = answer.headers.get(_SESSION)
    usable = found is not None and found.isascii() and found.isprintable() and 0 < len(found) <= _MAX_SESSION
    return found if usable else None
