"""A server as one identity meets it: a conversation that is opened when it is needed, and what is listed there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from autonomy.kernel.errors import AutonomyError

from ..attempt import Attempt
from ..credential import Credential
from ..errors import Unreachable, Unsure
from ..rules import rest_after
from .conversation import Conversation, SessionOver, Wire
from .definitions import Definition

OPEN_S = 60.0  # for a program to start and shake hands; calls do not wait longer than their own deadline
BELIEVED_S = 60.0  # how long the list of a server that tells of changes is taken to be true without a word from it
IDLE_S = 300.0  # for calls under way at a program that has been replaced
LOOK_S = 0.1

Listing = Mapping[str, Definition]
Open = Callable[[Credential | None], Awaitable[Wire]]
"""Makes a way to the server, for a program with this credential."""


class Looked(NamedTuple):
    """What one conversation listed; `at` is in monotonic seconds."""

    conversation: Conversation
    tools: Listing
    at: float

    @property
    def holds(self) -> bool:
        """Whether the server has said nothing of a change since it was asked."""
        return self.conversation.wire.changed_at < self.at


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
    `believed_s` is how long a list is taken to be true where nobody would tell of a change; at 0 each look asks.
    """

    def __init__(
        self,
        name: str,
        credential: Callable[[], Awaitable[Credential | None]] | None,
        wire: Open,
        listings: Listings,
        believed_s: float = 0.0,
    ) -> None:
        self._name = name
        self._credential = credential
        self._wire = wire
        self._listings = listings
        self._believed_s = believed_s
        self._open: Conversation | None = None
        self._version = 0  # of the credential the program was started with
        self._starting: asyncio.Task[Conversation] | None = None
        self._starts = 0  # that failed, or ended before an answer, in a row
        self._rests_until = 0.0
        self._ending: set[asyncio.Task[None]] = set()
        self._looked: Looked | None = None
        self._looking = asyncio.Lock()

    async def look(self, attempt: Attempt) -> Looked:
        """Every tool the server lists now, and the conversation in which it does. Looks that come while one is under
        way share the next. Raises Refused or Unreachable."""
        came_at = time.monotonic()
        conversation = await self.conversation()
        async with self._looking:
            if self._looked is None or not self._is_believed(self._looked, conversation, came_at):
                at = time.monotonic()
                tools = await conversation.tools(Attempt(False, attempt.seconds_left))
                self._looked = Looked(conversation, self._listings.shared(tools), at)
                self._starts = 0
            return self._looked

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
        self._looked = None

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

    def _is_believed(self, looked: Looked, conversation: Conversation, came_at: float) -> bool:
        """Whether a list need not be asked for again. Over HTTP nobody tells of a change between two calls."""
        if looked.conversation is not conversation or not looked.holds:
            return False
        believed_s = BELIEVED_S if conversation.wire.tells_changes else self._believed_s
        return looked.at >= came_at or came_at - looked.at < believed_s

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
