"""A server that is a program of ours: one JSON message a line, many requests at a time, everything bounded.

The official SDK reads a line of any length into memory; here a server that floods us is ended (see
`docs/decisions/0011-mcp-over-pipes.md`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError

from ..attempt import Attempt
from ..child import Child
from ..credential import Credential
from ..errors import Unreachable, Unsure
from .messages import LIST_CHANGED, Request, answer_to, notification

log = logging.getLogger("autonomy.tools")

PENDING = 64  # requests under way at one server
NOISE = 1_000  # messages in a window that answer nothing: progress, logs, requests to us
NOISE_BYTES = 8_388_608
WINDOW_S = 10.0
REPLY_S = 2.0  # for a server to take what we say to it while it is not asked anything


class StdioWire:
    """The pipes of one running program."""

    def __init__(self, name: str, child: Child, credential: Credential | None, longest: int) -> None:
        self.version: str | None = None
        self._name = name
        self._child = child
        self._credential = credential
        self._longest = longest
        self._pending: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._noise = _Noise()
        self.changed_at = -math.inf
        self._lost = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._read())

    @property
    def tells_changes(self) -> bool:
        return True

    @property
    def is_open(self) -> bool:
        return not self._lost and self._child.is_running

    async def ask(self, request: Request, attempt: Attempt) -> Mapping[str, Any]:
        """The response. A caller that stops waiting tells the server so."""
        self._check_open()
        waiting: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = waiting
        try:
            attempt.commit()
            await self._child.write(request.line())
            return await waiting
        except ConnectionError:
            raise self._gone(attempt.write) from None
        except asyncio.CancelledError:
            if self.is_open:
                self._spawn(self.tell("notifications/cancelled", {"requestId": request.id}))
            raise
        finally:
            del self._pending[request.id]

    async def tell(self, method: str, params: Mapping[str, Json]) -> None:
        """Send a notification, where the server takes it within two seconds."""
        try:
            async with asyncio.timeout(REPLY_S):
                await self._child.write(notification(method, params))
        except (OSError, TimeoutError):
            self._fail("it does not read what we say")

    async def close(self) -> None:
        """End the program; whoever still waits hears that it is gone."""
        self._fail("it was ended", at_once=False)
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer."""
        return not self._pending

    def _check_open(self) -> None:
        if not self.is_open:
            raise Unreachable(f"`{self._name}` has ended: {self._lost or 'it is gone'}", code="upstream.unreachable")
        if len(self._pending) >= PENDING:
            raise Unreachable(f"`{self._name}` has {PENDING} requests to answer already", code="mcp.busy")

    def _gone(self, write: bool) -> Unreachable | Unsure:
        self._fail("it does not read what we say")
        if write:
            return Unsure(f"`{self._name}` ended before it answered")
        return Unreachable(f"`{self._name}` ended before it answered", code="upstream.failed")

    async def _read(self) -> None:
        """Hand each answer to whoever waits for it, until the program ends or says too much."""
        try:
            while not self._child.at_end and not self._lost:
                await self._take(await self._child.line())
            if not self._lost:
                self._fail(self._child.why_over())
        except ValueError:
            self._fail(f"a line is longer than {self._longest} bytes")
        except OSError:
            self._fail("its output cannot be read")

    async def _take(self, line: bytes) -> None:
        message = self._message(line)
        if message is not None and "method" not in message:
            waiting = self._pending.get(message["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
                return
        if not self._noise.bears(len(line)):
            self._fail("it floods us with messages that answer nothing")
        elif message is not None and "method" in message:
            await self._heard(message)

    async def _heard(self, message: Mapping[str, Any]) -> None:
        """What the server says or asks by itself: its list has changed, or something that is refused."""
        if message["method"] == LIST_CHANGED:
            self.changed_at = time.monotonic()
        elif isinstance(message.get("id"), (int, str)):
            try:
                async with asyncio.timeout(REPLY_S):
                    await self._child.write(answer_to(message))
            except TimeoutError:
                self._fail("it does not read what we say")

    def _message(self, line: bytes) -> dict[str, Any] | None:
        """The message in a line, without the credential; None for what is none."""
        try:
            if self._credential is not None:
                line = self._credential.scrub(line.decode()).encode()
            found = canonical.parse(line, self._longest)
        except (AutonomyError, UnicodeDecodeError):
            return None
        return found if isinstance(found, dict) and ("method" in found or _is_ours(found.get("id"))) else None

    def _fail(self, why: str, at_once: bool = True) -> None:
        """The conversation is over: whoever waits hears it, and the program is ended."""
        if self._lost:
            return
        self._lost = why
        log.info("the program of connector `%s` is given up: %s", self._name, why)
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError(why))
        self._spawn(self._child.end(at_once))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_ours(id_: Json) -> bool:
    return isinstance(id_, int) and not isinstance(id_, bool)


class _Noise:
    """How much a server has said within ten seconds that answers nothing."""

    def __init__(self) -> None:
        self._began = -math.inf
        self._messages = 0
        self._bytes = 0

    def bears(self, size: int) -> bool:
        """Whether one more message of `size` bytes is borne."""
        now = time.monotonic()
        if now - self._began > WINDOW_S:
            self._began, self._messages, self._bytes = now, 0, 0
        self._messages += 1
        self._bytes += size
        return self._messages <= NOISE and self._bytes <= NOISE_BYTES
