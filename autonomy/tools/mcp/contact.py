"""A server as one identity meets it: a conversation that is opened when it is needed, and what is listed there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from autonomy.kernel.errors import AutonomyError

from ..attempt import Attempt
from ..credential import Credential
from ..errors import Unreachable, Unsure
from ..rules import rest_after
from .conversation import Conversation, SessionOver, Wire
from .definitions import Definition

OPEN_S = 60.0  # for a program to start and shake hands; calls do not wait longer than their own deadline
BELIEVED_S = 60.0  # how long a list of tools is taken to be true without a word from the server
IDLE_S = 300.0  # for calls under way at a program that has been replaced
LOOK_S = 0.1

Listing = Mapping[str, Definition]
Open = Callable[[Credential | None], Awaitable[Wire]]
"""Makes a way to the server, for a program with this credential."""


class Listings:
    """Mostly a server lists the same to everybody: what is the same is kept once."""

    def __init__(self) -> None:
        self._last: Listing = {}

    def shared(self, found: Listing) -> Listing:
        """What equals `found`."""
        if found != self._last:
            self._last = found
        return self._last


class Contact:
    """One identity at one server. A program is started with the first call, and again after it ended, ever later.

    `credential` gives what a program is started with, as it is now; none for a URL, where requests show it.
    """

    def __init__(
        self, name: str, credential: Callable[[], Awaitable[Credential | None]] | None, wire: Open, listings: Listings
    ) -> None:
        self._name = name
        self._credential = credential
        self._wire = wire
        self._listings = listings
        self._open: Conversation | None = None
        self._version = 0  # of the credential the program was started with
        self._starting: asyncio.Task[Conversation] | None = None
        self._starts = 0  # that failed, or ended before an answer, in a row
        self._rests_until = 0.0
        self._ending: set[asyncio.Task[None]] = set()
        self._listed: Listing = {}
        self._listed_at = float("-inf")
        self._listing = asyncio.Lock()

    async def list_tools(self, attempt: Attempt) -> Listing:
        """Every tool the server lists now, by name. Raises Refused or Unreachable."""
        conversation = await self.conversation()
        async with self._listing:
            if not self._is_listed(conversation):
                asked_at = time.monotonic()
                self._listed = self._listings.shared(await conversation.tools(Attempt(False, attempt.seconds_left)))
                self._listed_at = asked_at
                self._starts = 0
            return self._listed

    async def conversation(self) -> Conversation:
        """The open conversation; one that ended, or has an outdated credential, is replaced.

        Starting goes on although whoever asked first has stopped waiting: the next call finds it ready.
        """
        credential = await self._credential() if self._credential is not None else None
        if self._open is not None and self._outdated(self._open, credential):
            self._retire(self._open)
            self.forget()
        if self._open is not None:
            return self._open
        if self._starting is None or self._starting.done():
            if time.monotonic() < self._rests_until:
                raise Unreachable(f"the program of `{self._name}` rests after it failed", code="upstream.resting")
            self._starting = asyncio.create_task(self._start(credential))
        return await asyncio.shield(self._starting)

    def forget(self) -> None:
        """Begin anew with the next call."""
        self._open = None
        self._listed_at = float("-inf")

    async def leave(self) -> None:
        """End it, once the calls under way have their answers."""
        if self._open is not None:
            await _end_when_idle(self._open)
        await self.close()

    async def close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._open is not None:
            await self._open.wire.close()

    def _is_listed(self, conversation: Conversation) -> bool:
        fresh = time.monotonic() - self._listed_at < BELIEVED_S
        return fresh and conversation.wire.changed_at < self._listed_at

    def _outdated(self, conversation: Conversation, credential: Credential | None) -> bool:
        return not conversation.wire.is_open or (credential.version if credential else 0) != self._version

    async def _start(self, credential: Credential | None) -> Conversation:
        if self._credential is not None:
            self._starts += 1
            self._rests_until = time.monotonic() + rest_after(self._starts)
        conversation = Conversation(self._name, await self._wire(credential))
        try:
            await conversation.open(OPEN_S)
        except (AutonomyError, SessionOver, asyncio.CancelledError) as error:
            await conversation.wire.close()
            if isinstance(error, SessionOver):
                raise Unreachable(f"`{self._name}` forgets its sessions at once", code="upstream.failed") from None
            if isinstance(error, Unsure):
                raise Unreachable(error.message, code="upstream.failed") from None
            raise
        self._open, self._version = conversation, credential.version if credential else 0
        self._listed_at = float("-inf")
        return conversation

    def _retire(self, conversation: Conversation) -> None:
        task = asyncio.create_task(_end_when_idle(conversation))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _end_when_idle(conversation: Conversation) -> None:
    """End a conversation that was replaced, once the calls under way there have their answers."""
    try:
        async with asyncio.timeout(IDLE_S):
            while conversation.wire.is_open and not conversation.wire.is_idle:
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        return
    finally:
        await conversation.wire.close()
