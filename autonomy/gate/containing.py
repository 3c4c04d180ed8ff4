"""Stopping what is under way: every process watches the identity epoch and cancels its own calls that are contained."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass

from sqlalchemy import Connection, select

from autonomy.db import Database
from autonomy.identity import Identity
from autonomy.identity.model import Containment, Scope
from autonomy.kernel.errors import Unauthenticated

from .effect import Effects
from .epochs import Watch
from .errand import Errand
from .store import action

log = logging.getLogger("autonomy.gate")

CONFIRM_SECONDS = 2.0  # how long a containment waits for every process to confirm
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a containment found under way: every action's id, and which of them have ended since."""

    containment: Containment
    in_flight: tuple[str, ...]
    confirmed: tuple[str, ...]


class Containing:
    """Contains, and cancels what is contained in this process."""

    def __init__(self, database: Database, identity: Identity, effects: Effects, watch: Watch) -> None:
        self._database = database
        self._identity = identity
        self._effects = effects
        self._watch = watch
        self._seen = -1  # the identity epoch at which it was last looked whom to stop

    async def contain(self, scope: Scope, target: str, by: str, reason: str) -> Stopped:
        """Stop an agent, a unit, a tool or everything; says what was in flight and what has been confirmed stopped."""
        before = await self._database.read(_open_actions)
        stop = await asyncio.to_thread(self._identity.contain, scope, target, by, reason)
        await self._watch.refresh()
        self.cancel()
        # What another process has stopped already is no longer open: both looks together tell what was in flight.
        met = before | await self._database.read(_open_actions)
        found = sorted(action_id for action_id, under in met.items() if self._covers(stop, *under))
        deadline = time.monotonic() + CONFIRM_SECONDS
        left = found
        while left and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            left = await self._database.read(lambda connection: _still_open(connection, found))
        return Stopped(stop, tuple(found), tuple(sorted(set(found) - set(left))))

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
            if self._is_stopped(call.errand) and self._effects.stop(action_id):
                stopped.append(action_id)
        if stopped:
            log.warning("stopped %d calls under way", len(stopped))
        return stopped

    def _is_stopped(self, errand: Errand) -> bool:
        caller = errand.caller
        if caller is None:
            return False  # recovery only repeats or asks what was begun before
        chain = [view.id for view in caller.chain]
        try:
            present = self._identity.readmit(chain, caller.delegations, caller.credential, self._watch.identity)
        except Unauthenticated:
            return True
        return self._identity.contained(self._watch.identity, present, errand.tool.name) is not None

    def _covers(self, stop: Containment, chain: list[str], tool: str) -> bool:
        if stop.scope == "everything":
            return True
        if stop.scope == "tool":
            return bool(tool == stop.target)
        return any(self._identity.containment_of(self._watch.identity, agent) for agent in chain)


def _open_actions(connection: Connection) -> dict[str, tuple[list[str], str]]:
    """The agents behind every action that is under way in any process, the acting one first, and its tool."""
    columns = action.c
    query = select(columns.id, columns.context, columns.tool).where(columns.state == "intent")
    return {row.id: (json.loads(row.context)["chain"], row.tool) for row in connection.execute(query)}


def _still_open(connection: Connection, actions: list[str]) -> list[str]:
    query = select(action.c.id).where(action.c.id.in_(actions), action.c.state == "intent")
    return list(connection.execute(query).scalars())
