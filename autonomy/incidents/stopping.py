"""Stops what an incident is about, in one call: new dispatches, tokens, calls under way, runs, tasks and child agents,
with a confirmation from each; and lets it go on.

What is to be stopped is written down in the transaction that contains, so that a process that dies in between leaves
the rest to any other one: each part is looked at again until it is confirmed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Containing
from autonomy.gate.containing import open_actions
from autonomy.identity import Identity
from autonomy.identity.model import Containment, Scope
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Conflict
from autonomy.tasks.store import task
from autonomy.tasks.sweeping import Sweeping
from autonomy.workflow.desk import Desk
from autonomy.workflow.involving import Involving
from autonomy.workflow.model import ENDED
from autonomy.workflow.service import Runs

from . import rules, store
from .model import Incident, Stop, StopKind, StopState, Told
from .service import leaf

log = logging.getLogger("autonomy.incidents")

LOOK_SECONDS = 1.0
MOST = 500  # tasks and runs of one transaction: others wait for it

Named = tuple[StopKind, str, str]
"""Kind, target and detail of something that is to be stopped."""


class Stopping:
    """Contains and reinstates because of incidents."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        identity: Identity,
        containing: Containing,
        runs: Runs,
        desk: Desk,
        involving: Involving,
        sweeping: Sweeping,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._identity = identity
        self._containing = containing
        self._runs = runs
        self._desk = desk
        self._involving = involving
        self._sweeping = sweeping
        self._clock = clock

    async def contain(
        self, id: str, by: str, reason: str, scope: Scope | None = None, target: str | None = None, keys: bool = False
    ) -> Told:
        """Contain what is named, else the incident's agent; with `keys` its credentials end for good.

        Raises NotFound, Invalid (`incident.reach`), Conflict (`incident.closed`, `incident.contained`).
        """

        def impose() -> Containment:
            return self._identity.together(lambda tx: self._impose(tx, id, by, reason, scope, target, keys))

        await self._containing.stop(impose)
        await self.carry(id)
        return await self._told(id)

    async def reinstate(self, id: str, by: str, reason: str) -> Told:
        """Let what was contained because of an incident go on, and the runs that were paused for it.

        Credentials that were ended stay so. Raises NotFound, Conflict (`incident.not_contained`), Forbidden.
        """

        def work(tx: Tx) -> None:
            at, before = self._clock(), store.find(tx, id)
            found = rules.reinstated(before)
            if before.containment is not None:
                self._identity.lift_in(tx, before.containment, by, reason)
            for one in store.stops(tx, id, "asked", "confirmed"):
                if one.kind == "run":
                    store.mark(tx, id, "run", one.target, "resuming", at, one.detail)
                elif one.state == "asked":
                    store.mark(tx, id, one.kind, one.target, "confirmed", at, "no longer to be stopped")
            store.put(tx, found)
            store.note(tx, id, at, by, "reinstated", reason)
            leaf(tx, found, "reinstated", by, at, containment=before.containment, reason=reason)

        await asyncio.to_thread(self._identity.together, work)
        await self.carry(id)
        return await self._told(id)

    async def run(self) -> None:
        """See to what others have left half done, until cancelled."""
        while True:
            try:
                for id in await self._database.read(_unfinished):
                    await self.carry(id)
            except AutonomyError as error:
                log.warning("what is to be stopped is not seen to: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    async def carry(self, id: str) -> None:
        """See to everything of an incident that is not confirmed yet. May be done by several at once."""
        found, stops = await self._database.read(lambda reader: (store.find(reader, id), store.stops(reader, id)))
        kinds = {stop.kind for stop in stops if stop.state == "asked"}
        if "runs" in kinds:
            await self._look_at_runs(found, {stop.detail for stop in stops if stop.kind == "agent"})
        if "task" in kinds:
            await self._sweeping.sweep()
        for stop in await self._waiting(id):
            if stop.kind == "run":
                await self._turn_run(id, stop)
        await self._confirm(id)

    def _impose(
        self, tx: Tx, id: str, by: str, reason: str, scope: Scope | None, target: str | None, keys: bool
    ) -> Containment:
        """Contain, end tokens, and write down what else is to be stopped: all of it or nothing."""
        at, before = self._clock(), store.find(tx, id)
        reach = rules.reach_of(before, scope, target)
        made = self._identity.contain_in(tx, *reach, by, reason)
        covered = self._identity.covered_in(tx, made.scope, made.target)
        found = rules.contained(before, made.scope, made.target, made.id)
        store.put(tx, found)
        store.mark(tx, id, "containment", made.id, "confirmed", at, f"{made.scope} {made.target}")
        store.mark_all(tx, id, [Stop("agent", agent, "confirmed", at, name) for agent, name in covered.items()])
        if covered:
            ended = self._identity.void_tokens_in(tx, covered, by, reason, keys)
            of = f"of {len(covered)} agents, at identity epoch {tx.epochs.identity}"
            store.mark(tx, id, "tokens", "*", "confirmed", at, of)
            if keys:
                store.mark(tx, id, "keys", "*", "confirmed", at, f"{ended} credentials")
        # Here and not later: what others free or end meanwhile would not be found any more.
        named = [*_calls(tx, made, covered), *_tasks(tx, covered.values())]
        store.mark_all(tx, id, [Stop(kind, one, "asked", at, detail) for kind, one, detail in named])
        store.mark(tx, id, "runs", "*", "asked", at)
        store.note(tx, id, at, by, "contained", reason)
        told = {"containment": made.id, "scope": made.scope, "target": made.target, "reason": reason}
        leaf(tx, found, "contained", by, at, **told)
        return made

    async def _look_at_runs(self, found: Incident, names: set[str]) -> None:
        """Write down which runs are to be paused, before any is: whoever goes on after a crash must know them from
        those that rested before."""
        live = await self._involving.live(names, found.target if found.scope == "tool" else None)
        rested = {run for run in live if (await self._desk.look(run)).state.paused}

        def work(tx: Tx) -> None:
            at = self._clock()
            known = {stop.target for stop in store.stops(tx, found.id, "asked", "confirmed") if stop.kind == "run"}
            new = [_of_run(run, run in rested, at) for run in live if run not in known]
            store.mark_all(tx, found.id, [*new, Stop("runs", "*", "confirmed", at, f"{len(live)} take part")])

        await self._queue.perform(work)

    async def _turn_run(self, id: str, stop: Stop) -> None:
        """Pause a run, or let it go on; what has ended meanwhile needs neither."""
        at, by = self._clock(), f"incident:{id}"
        state = (await self._desk.look(stop.target)).state
        done = "paused" if stop.state == "asked" else "resumed"
        try:
            if state.status in ENDED:
                done = f"ended: {state.status}"
            elif stop.state == "asked":
                await self._runs.pause(stop.target, by)
            else:
                await self._runs.resume(stop.target, by)
        except Conflict as error:
            done = error.message  # it stands as it was to stand
        after: StopState = "confirmed" if stop.state == "asked" else "resumed"
        await self._queue.perform(lambda tx: store.mark(tx, id, "run", stop.target, after, at, done))

    async def _confirm(self, id: str) -> None:
        """Confirm the calls that have ended and the tasks that somebody else may have."""
        stops = await self._waiting(id)
        calls = [stop.target for stop in stops if stop.kind == "call"]
        tasks = {stop.target: stop.detail for stop in stops if stop.kind == "task"}
        ended = await self._containing.ended(calls) if calls else set()
        kept = await self._database.read(lambda connection: _still_held(connection, tasks)) if tasks else set()
        at = self._clock()

        def work(tx: Tx) -> None:
            for call in sorted(ended):
                store.mark(tx, id, "call", call, "confirmed", at, "ended")
            for one in sorted(set(tasks) - kept):
                store.mark(tx, id, "task", one, "confirmed", at, f"taken from {tasks[one]}")

        if ended or set(tasks) - kept:
            await self._queue.perform(work)

    async def _waiting(self, id: str) -> list[Stop]:
        """What is not confirmed yet."""
        return await self._database.read(lambda connection: store.stops(connection, id, "asked", "resuming"))

    async def _told(self, id: str) -> Told:
        return await self._database.read(lambda connection: store.tell(connection, id))


def _unfinished(connection: Connection) -> list[str]:
    return list(
        connection.execute(select(store.stop.c.incident).where(store.IS_WAITING).distinct().limit(MOST)).scalars()
    )


def _of_run(run: str, is_rested: bool, at: int) -> Stop:
    return Stop("run", run, "before", at, "was paused already") if is_rested else Stop("run", run, "asked", at, "")


def _calls(tx: Tx, stop: Containment, covered: Mapping[str, str]) -> list[Named]:
    """The actions under way in any process, of the agents that are covered or with the tool that is contained."""
    return [
        ("call", action, "cancelled")
        for action, (chain, tool) in open_actions(tx).items()
        if covered.keys() & set(chain) or stop.scope == "everything" or (stop.scope, stop.target) == ("tool", tool)
    ]


def _tasks(tx: Tx, names: Iterable[str]) -> list[Named]:
    """The tasks that these agents have in hand."""
    holders = [f"agent:{name}" for name in names]
    query = select(task.c.id, task.c.holder).where(
        task.c.ended_at.is_(None), task.c.state == "claimed", task.c.holder.in_(holders)
    )
    return [("task", row.id, row.holder) for row in tx.execute(query)]


def _still_held(connection: Connection, tasks: dict[str, str]) -> set[str]:
    query = select(task.c.id, task.c.holder).where(task.c.id.in_(list(tasks)), task.c.state == "claimed")
    return {row.id for row in connection.execute(query) if row.holder == tasks[row.id]}
