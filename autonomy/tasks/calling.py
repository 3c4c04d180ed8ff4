"""Agents that are called instead of asking: their next task is posted to their declared address, signed.

Each is waited for here as it would wait itself, so that the same rules choose who gets a task. What it is given lies
under the same lease; it answers as every agent does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from autonomy.catalog.model import AgentSpec, CallSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.db import CommitQueue, Tx
from autonomy.kernel import clock as time
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.tools.errors import Unsure
from autonomy.tools.signatures import key_of, sign

from . import rules
from .model import Task
from .records import Records
from .service import MAX_WAIT_S
from .shown import shown
from .waiting import Held, Waiting
from .workforce import Workforce

log = logging.getLogger("autonomy.tasks")

LOOK_SECONDS = 1.0  # between two looks whether somebody else is to be called
FIRST_REST, LONGEST_REST = 0.25, 60.0  # seconds until an agent is called again that did not answer

Post = Callable[[CallSpec, Mapping[str, str], bytes], Awaitable[int]]
"""Posts to where an agent is called; returns the status of the answer."""

Reveal = Callable[[str], str]
"""The text of a secret."""

_encoder = msgspec.json.Encoder()


class Calling:
    """Calls the agents that declare where."""

    def __init__(
        self,
        queue: CommitQueue,
        records: Records,
        workforce: Workforce,
        waiting: Waiting,
        post: Post,
        reveal: Reveal,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._records = records
        self._workforce = workforce
        self._waiting = waiting
        self._post = post
        self._reveal = reveal
        self._clock = clock
        self._lines: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._read: Organisation | None = None
        self._declared: Mapping[tuple[str, str], tuple[AgentSpec, CallSpec]] = {}

    async def run(self) -> None:
        """Call whoever is to be called, until cancelled."""
        try:
            while True:
                self._look()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for line in self._lines.values():
                line.cancel()
            await asyncio.gather(*self._lines.values(), return_exceptions=True)
            self._lines.clear()

    def _look(self) -> None:
        """Begin with those who are declared since, end with those who are no more or are declared anew."""
        declared = self._to_call()
        for known in [known for known in self._lines if known not in declared]:
            self._lines.pop(known).cancel()
        for found, (agent, call) in declared.items():
            if found not in self._lines or self._lines[found].done():
                self._lines[found] = asyncio.create_task(self._serve(found[0], tuple(agent.roles), call))

    def _to_call(self) -> Mapping[tuple[str, str], tuple[AgentSpec, CallSpec]]:
        """Who declares where, by name and digest: read once for each organisation, for it may hold ten thousand."""
        organisation = self._workforce.organisation
        if organisation is not self._read:
            agents = {(one.name, one.digest): spec(one, AgentSpec) for one in organisation.all("Agent").values()}
            self._declared = {known: (said, said.calledAt) for known, said in agents.items() if said.calledAt}
            self._read = organisation
        return self._declared

    async def _serve(self, agent: str, roles: tuple[str, ...], said: CallSpec) -> None:
        """Give one agent task after task."""
        rest, lease = FIRST_REST, min(max(time.duration(said.lease), rules.MIN_LEASE), rules.MAX_LEASE)
        while True:
            try:
                held = await self._waiting.next(agent, roles, lease, MAX_WAIT_S)
                if held is None:
                    continue
                if await self._call(held, said):
                    rest = FIRST_REST
                    continue
                await self._queue.perform(lambda tx, task=held.task: self._lose(tx, task))  # type: ignore[misc]
                self._waiting.wake()
            except AutonomyError as error:
                log.warning("`%s` could not be called: %s", agent, error.code)
            await asyncio.sleep(rest)
            rest = min(2 * rest, LONGEST_REST)

    async def _call(self, held: Held, said: CallSpec) -> bool:
        """Whether the agent has heard, or may have: then its lease decides."""
        body = _encoder.encode({"type": "task.given", "task": shown(held)})
        try:
            key = key_of(self._reveal(said.credential))
            headers = sign(key, f"{held.task.id}.{held.task.claim}", self._clock() // 1_000, body)
            status = await self._post(said, {**headers, "content-type": "application/json"}, body)
        except Unsure:
            return True
        except AutonomyError as error:
            log.warning("%s does not reach its agent: %s", held.task.id, error.code)
            return False
        return 200 <= status < 300

    def _lose(self, tx: Tx, claimed: Task) -> None:
        """It is free again, and counts as fallen silent over: after some of these a person looks."""
        found = self._records.get(tx, claimed.id)
        if (found.state, found.claim) == ("claimed", claimed.claim):
            lost = rules.lose(found, "silent", self._clock(), self._workforce.above(found.role))
            self._records.move(tx, found, lost, "system")
