"""Stopping what is under way: every process watches the identity epoch and cancels its own calls that are contained."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from autonomy.catalog.problem import nearest
from autonomy.db import Database, Tx
from autonomy.identity import Identity
from autonomy.identity.model import Containment, Scope
from autonomy.kernel.errors import AutonomyError, NotFound

from .effect import Effects
from .epochs import Watch
from .permits import Permits
from .store import IS_OPEN, action

log = logging.getLogger("autonomy.gate")

CONFIRM_SECONDS = 2.0  # how long a containment waits for every process to confirm
LOOK_SECONDS = 0.05
SHOWN = 80  # characters of a name that is not known

Agents = tuple[list[str], str]
"""The agents behind an action, the acting one first, and its tool."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a containment found under way: every action's id, and which of them have ended since.

    Where not `looked`, the store could not be asked: what other processes had under way is not known.
    """

    containment: Containment
    in_flight: tuple[str, ...]
    confirmed: tuple[str, ...]
    looked: bool = True


class Containing:
    """Contains, and cancels what is contained in this process."""

    def __init__(
        self, database: Database, identity: Identity, effects: Effects, watch: Watch, permits: Permits
    ) -> None:
        self._database = database
        self._identity = identity
        self._effects = effects
        self._watch = watch
        self._permits = permits
        self._seen = -1  # the identity epoch at which it was last looked whom to stop

    async def contain(self, scope: Scope, target: str, by: str, reason: str) -> Stopped:
        """Stop an agent, a unit, a tool or everything; says what was in flight and what has been confirmed stopped.

        Raises NotFound (`tool.unknown` as well), Invalid, Conflict.
        """
        await self.check(scope, target)
        return await self.stop(partial(self._identity.contain, scope, target, by, reason))

    async def stop(self, impose: Callable[[], Containment]) -> Stopped:
        """As `contain`, by whatever imposes the containment; it is called in a thread."""
        # Another process may have stopped its own by the time we can look again, so we look beside the containment; it
        # never waits for a look, nor fails with one.
        looking = asyncio.create_task(self._look())
        try:
            stop = await asyncio.to_thread(impose)
        except BaseException:
            looking.cancel()
            raise
        stopped = await self._obey()
        looks = [await looking, await self._look()]
        met = {action_id: under for look in looks for action_id, under in (look or {}).items()}
        found = sorted({*stopped, *(action_id for action_id, under in met.items() if self._covers(stop, *under))})
        left = await self._wait_until_ended(found)
        return Stopped(stop, tuple(found), tuple(sorted(set(found) - left)), looked=None not in looks)

    async def check(self, scope: Scope, target: str) -> None:
        """Raise NotFound (`tool.unknown`) for a tool that is not declared and of which nothing is under way.

        Nothing is refused because the store does not say: what can be stopped is stopped.
        """
        if scope != "tool" or await self._is_declared(target):
            return
        met = await self._look()
        if met is None or any(tool == target for _, tool in met.values()):
            return
        known = (await self._watch.house()).registry.tools
        hint = nearest(target[:SHOWN], known) or "`autonomy get tools` lists them"
        raise NotFound(f"there is no tool `{target[:SHOWN]}`", code="tool.unknown", hint=hint)

    async def _is_declared(self, tool: str) -> bool:
        """Whether the tool is declared, also where it was a moment ago; True where that cannot be read."""
        try:
            await self._watch.refresh()
        except AutonomyError as error:
            log.warning("whether the tool to be contained is declared is not known: %s", error.code)
            return True
        return tool in (await self._watch.house()).registry.tools

    async def ended(self, actions: Sequence[str]) -> set[str]:
        """Those of the actions that have ended, however. Raises Unavailable."""
        named = list(actions)
        return set(named) - await self._database.read(lambda connection: _still_open(connection, named))

    async def _obey(self) -> list[str]:
        """Stop what is contained here; the store is asked first whether more has moved, but need not answer."""
        try:
            await self._watch.refresh()
        except AutonomyError as error:
            log.warning("a containment goes on without a look at the store: %s", error.code)
        return self.cancel()

    async def _look(self) -> dict[str, Agents] | None:
        """What is under way in any process; None where the store does not say."""
        ended = self._effects.trailing
        try:
            found = await self._database.read(open_actions)
            return {action_id: under for action_id, under in found.items() if action_id not in ended}
        except AutonomyError as error:
            log.warning("what a containment stops is not known: %s", error.code)
            return None

    async def _wait_until_ended(self, actions: list[str]) -> set[str]:
        """Wait for a moment until the actions have ended; returns those not known to have."""
        deadline = time.monotonic() + CONFIRM_SECONDS
        left = set(actions)
        while left and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                left = await self._database.read(lambda connection: _still_open(connection, actions))
            except AutonomyError as error:
                log.warning("whether it has stopped is not known: %s", error.code)
        return left

    async def run(self) -> None:
        """Cancel whenever identity has moved; until cancelled."""
        while True:
            async with self._watch.changed:
                while self._watch.identity == self._seen:
                    await self._watch.changed.wait()
            now = self._watch.identity
            self.cancel()
            self._seen = now

    def cancel(self) -> list[str]:
        """Cancel the calls under way in this process whose agent or tool may no longer act; returns their actions."""
        stopped = []
        for action_id, call in list(self._effects.under_way.items()):
            if self._permits.stop(call.errand) and self._effects.stop(action_id):
                stopped.append(action_id)
        if stopped:
            log.warning("stopped %d calls under way", len(stopped))
        return stopped

    def _covers(self, stop: Containment, chain: list[str], tool: str) -> bool:
        if stop.scope == "everything":
            return True
        if stop.scope == "tool":
            return bool(tool == stop.target)
        return any(self._identity.containment_of(self._watch.identity, agent) for agent in chain)


def open_actions(connection: Connection | Tx) -> dict[str, Agents]:
    """The agents behind every action that is under way in any process, the acting one first, and its tool."""
    columns = action.c
    query = select(columns.id, columns.context, columns.tool).where(IS_OPEN, columns.state == "intent")
    rows: Any = connection.execute(query)
    return {row.id: (json.loads(row.context)["chain"], row.tool) for row in rows}


def _still_open(connection: Connection, actions: list[str]) -> set[str]:
    query = select(action.c.id).where(action.c.id.in_(actions), action.c.state == "intent")
    return set(connection.execute(query).scalars())
