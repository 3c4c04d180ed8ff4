"""Stops what an incident is about, in one call: new dispatches, tokens, calls under way, runs, tasks and child agents,
with a confirmation from each; and lets it go on.

What is to be stopped is written down in the transaction that contains, so that a process that dies in between leaves
the rest to any other one: each part is looked at again until it is confirmed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial

from sqlalchemy import Connection, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Containing
from autonomy.gate.containing import open_actions
from autonomy.identity import Identity
from autonomy.identity.model import Containment, Scope
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict
from autonomy.kernel.repeating import repeat
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
WAS_PAUSED = "was paused already"

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
        if scope is not None and target is not None:
            await self._containing.check(scope, target)

        def impose() -> Containment:
            return self._identity.together(lambda tx: self._impose(tx, id, by, reason, scope, target, keys))

        await self._containing.stop(impose)
        await self.carry(id)
        return await self._told(id)

    async def reinstate(self, id: str, by: str, reason: str) -> Told:
        """Let what was contained because of an incident go on, and the runs that were paused for it; but for what other
        incidents hold, too.

        Credentials that were ended stay so. Raises NotFound, Conflict (`incident.not_contained`), Forbidden.
        """

        await asyncio.to_thread(self._identity.together, lambda tx: self._reinstate(tx, id, by, reason))
        await self.carry(id)
        return await self._told(id)

    async def run(self) -> None:
        """See to what others have left half done, until cancelled."""
        await repeat(self._carry_all, LOOK_SECONDS, log, "what is to be stopped is not seen to")

    async def _carry_all(self) -> None:
        for id in await self._database.read(store.lifted):
            await self._queue.perform(partial(self._hear, id=id))
        for id in await self._database.read(_unfinished):
            await self.carry(id)

    async def carry(self, id: str) -> None:
        """See to everything of an incident that is not confirmed yet. May be done by several at once."""
        waiting = await self._waiting(id)
        kinds = {stop.kind for stop in waiting if stop.state == "asked"}
        for looked in waiting:
            if looked.kind == "runs":
                await self._look_at_runs(id, looked)
        if "task" in kinds:
            await self._sweeping.sweep()
        for stop in await self._waiting(id):
            if stop.kind == "run":
                await self._turn_run(id, stop)
        await self._confirm(id)

    def _reinstate(self, tx: Tx, id: str, by: str, reason: str) -> None:
        """Let go of what an incident holds. The containment stays in force where no incident imposed it, and while
        another incident holds it, too: who lets go because of the one has said nothing of the other."""
        at, before = self._clock(), store.find(tx, id)
        containment = rules.held_by(before)
        self._identity.check_lifter_in(tx, by, reason)
        if store.lifting(tx, id) is None and not store.imposed(tx, containment):
            _let_go(tx, before, by, reason, at, "before")
            return
        other = store.sharing(tx, before)
        if other is None:
            self._identity.lift_in(tx, containment, by, reason)
        _let_go(tx, before, by, reason, at)
        if other is not None:
            store.mark(tx, id, "containment", containment, "resumed", at, f"goes on because of `{other}`")

    def _hear(self, tx: Tx, id: str) -> None:
        """Let go of what an incident holds whose containment somebody has lifted beside it, as if they had reinstated
        it. Of several who hear of it one does so: the same transaction takes the containment from the incident."""
        said = store.lifting(tx, id)
        if said is not None:
            _let_go(tx, store.find(tx, id), *said, self._clock())

    def _impose(
        self, tx: Tx, id: str, by: str, reason: str, scope: Scope | None, target: str | None, keys: bool
    ) -> Containment:
        """Contain, end tokens, and write down what else is to be stopped: all of it or nothing."""
        self._hear(tx, id)
        at, before = self._clock(), store.find(tx, id)
        reach = rules.reach_of(before, scope, target)
        stood = self._identity.in_force_in(tx, *reach)
        made = self._identity.contain_in(tx, *reach, by, reason)
        covered = self._identity.covered_in(tx, made.scope, made.target)
        found = rules.contained(before, made.scope, made.target, made.id)
        store.put(tx, found)
        # Of one that stood already only an incident's own word says that an incident imposed it.
        is_ours = stood is None or store.imposed(tx, made.id)
        store.mark_all(tx, id, [_of_containment(made, is_ours, at)])
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

    async def _look_at_runs(self, id: str, looked: Stop) -> None:
        """Write down which runs are to be paused, before any is: whoever goes on after a crash must know them from
        those that rested before. Nothing is written where the incident let go of them meanwhile."""
        found, agents = await self._database.read(
            lambda reader: (store.find(reader, id), store.stops(reader, id, "agent", ["confirmed"]))
        )
        names = {stop.detail for stop in agents}
        live = await self._involving.live(names, found.target if found.scope == "tool" else None)
        held = await self._database.read(lambda reader: store.holding(reader, live))
        paused = {run: state.paused_by for run in live if (state := (await self._desk.look(run)).state).paused}
        by_themselves = {run for run, by in paused.items() if _is_no_incident(by)}
        # States of before it was kept who paused them: an incident did, this one before or another, that says so.
        unsaid = {run for run, by in paused.items() if not by}

        def work(tx: Tx) -> None:
            at = self._clock()
            if store.settle(tx, id, looked, "confirmed", at, f"{len(live)} take part") is not None:
                return
            known = {stop.target for stop in store.stops(tx, id, "run", ["asked", "confirmed"])}
            before = by_themselves | (unsaid - held.keys() - store.holding(tx, live).keys())
            new = [_of_run(run, run in before, at) for run in live if run not in known]
            store.mark_all(tx, id, new)

        await self._queue.perform(work)

    async def _turn_run(self, id: str, stop: Stop) -> None:
        """Bring a run to where it is to stand, and where that changes meanwhile, there."""
        while True:
            rests = stop.state in store.RESTS
            (after, done), at = await self._turned(id, stop, rests), self._clock()
            settle = partial(store.settle, id=id, read=stop, state=after, at=at, detail=done)
            now = await self._queue.perform(settle)
            if now is None or now.state == "before" or (now.state in store.RESTS) == rests:
                return
            stop = now

    async def _turned(self, id: str, stop: Stop, rests: bool) -> tuple[StopState, str]:
        """Pause a run, or let it go on, and say how it stands and what came of it; what has ended meanwhile needs
        neither. The run moves only if the incident still wishes it in the same transaction: of whoever wished it
        before and dies, is late, or is killed then, nothing is left that nobody knows of."""
        run, by, wish = stop.target, f"incident:{id}", store.wish(id, stop)
        state = (await self._desk.look(run)).state
        if state.status in ENDED:
            return ("confirmed" if rests else "resumed"), f"ended: {state.status}"
        try:
            await (self._runs.pause(run, by, wish) if rests else self._runs.resume(run, by, wish))
        except Conflict as error:
            return await (self._rested(run, error.message) if rests else self._unmoved(id, run, error.message))
        return ("confirmed", "paused") if rests else ("resumed", "resumed")

    async def _rested(self, run: str, why: str) -> tuple[StopState, str]:
        """How it stands with a run that was paused when it was to be: a person may have done so since it was looked at,
        and no incident undoes that."""
        paused_by = (await self._desk.look(run)).state.paused_by
        return ("before", WAS_PAUSED) if _is_no_incident(paused_by) else ("confirmed", why)

    async def _unmoved(self, id: str, run: str, why: str) -> tuple[StopState, str]:
        """How it stands with a run that did not go on: it does already, or somebody else lets it rest."""
        other = await self._database.read(lambda reader: store.resting_too(reader, id, run))
        return "resumed", why if other is None else f"goes on resting because of `{other}`"

    async def _confirm(self, id: str) -> None:
        """Confirm the calls that have ended and the tasks that somebody else may have."""
        stops = await self._waiting(id)
        calls = {stop.target: stop for stop in stops if stop.kind == "call"}
        tasks = {stop.target: stop for stop in stops if stop.kind == "task"}
        ended = await self._containing.ended(list(calls)) if calls else set()
        holders = {target: stop.detail for target, stop in tasks.items()}
        kept = await self._database.read(lambda connection: _still_held(connection, holders)) if tasks else set()
        done = [(calls[call], "ended") for call in sorted(ended)]
        done += [(tasks[one], f"taken from {holders[one]}") for one in sorted(set(tasks) - kept)]
        at = self._clock()

        def work(tx: Tx) -> None:
            for stop, detail in done:
                store.settle(tx, id, stop, "confirmed", at, detail)

        if done:
            await self._queue.perform(work)

    async def _waiting(self, id: str) -> list[Stop]:
        """What is not confirmed yet."""
        return await self._database.read(lambda connection: store.stops(connection, id, states=store.WAITING))

    async def _told(self, id: str) -> Told:
        return await self._database.read(lambda connection: store.tell(connection, id))


def _unfinished(connection: Connection) -> list[str]:
    return list(
        connection.execute(select(store.stop.c.incident).where(store.IS_WAITING).distinct().limit(MOST)).scalars()
    )


def _let_go(tx: Tx, before: Incident, by: str, reason: str, at: int, after: StopState = "resumed") -> None:
    """Write down that nothing is contained because of an incident any more, who says so, and how its containment and
    the agents stand after that."""
    found = rules.reinstated(before)
    store.let_go(tx, found.id, rules.held_by(before), at, after)
    store.put(tx, found)
    store.note(tx, found.id, at, by, "reinstated", reason)
    leaf(tx, found, "reinstated", by, at, containment=before.containment, reason=reason)


def _is_no_incident(paused_by: str) -> bool:
    """Whether a run rests because of somebody known, and that is no incident."""
    return paused_by != "" and not paused_by.startswith("incident:")


def _of_containment(made: Containment, is_ours: bool, at: int) -> Stop:
    what = f"{made.scope} {made.target}"
    if is_ours:
        return Stop("containment", made.id, "confirmed", at, what)
    return Stop("containment", made.id, "before", at, f"{what}: contained before by `{made.by}`")


def _of_run(run: str, is_rested: bool, at: int) -> Stop:
    return Stop("run", run, "before", at, WAS_PAUSED) if is_rested else Stop("run", run, "asked", at, "")


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
