"""How runs inside a run are begun, how their ends come back, and how they hear what is done to the run around them."""

from __future__ import annotations

import logging

from sqlalchemy import select

from autonomy.db import CommitQueue, Database
from autonomy.gate import Watch
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Corrupt, Invalid, NotFound
from autonomy.tasks.model import PRIORITIES

from . import paths, triggers
from .costs import Costs
from .damage import FOR_EVER
from .definition import Definition
from .definitions import Definitions
from .desk import Desk, Known, Origin
from .events import Cancelled, ChildEnded, Paused, Reprioritised, Resumed, Started
from .handing_out import HandingOut
from .left import leaves_something
from .model import Reprioritise, StartChild, State, Withdraw
from .model import TellChildren as Tell
from .offering import offer_anew
from .outcome import kind_of_type
from .ports import Work
from .store import command as table
from .store import run as runs
from .units import Fence, Stay

log = logging.getLogger("autonomy.workflow")

SOON_MS = 200  # until a run that is just being begun is looked for again
SETTLING_MS = 2_000  # for which the end of a run waits for what it has just taken back
WITHDRAWN = "withdrawn before it was begun"


class Children:
    """The carriers of `StartChild`, `Reprioritise` and `TellChildren`, in the name of one process, its `owner`."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        desk: Desk,
        definitions: Definitions,
        handing_out: HandingOut,
        costs: Costs,
        watch: Watch,
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._desk = desk
        self._definitions = definitions
        self._handing_out = handing_out
        self._costs = costs
        self._watch = watch
        self._owner = owner
        self._clock = clock

    async def start(self, work: Work, command: StartChild) -> None:
        """Begin it, unless it has begun; and hand in its end, where that has come."""
        child = paths.derived("run", command.id)
        if work.attempts and not await self.begun(child) and not await self._begin(work, command, child):
            return
        if command.detached:
            await self._desk.settle(self._fence(work))
        elif await self._ended(work, child) or not work.attempts:
            return  # it is told while it is ours: the end that made it due makes it due no second time
        elif await self._desk.settle(self._fence(work), Stay(work.id)):
            await self._ended(Work(work.run, command, 0), child)

    async def begun(self, run: str) -> bool:
        """Whether there is such a run."""
        return await self._desk.is_there(run)

    async def is_inside(self, command: str) -> bool:
        """Whether a run that was begun for the command is inside the one that asked: a detached one is nobody's."""
        child = paths.derived("run", command)
        return await self.begun(child) and (await self._desk.known(child)).parent == command

    async def withdraw(self, run: str, command: str, compensate: bool) -> bool:
        """End the run inside `run` that `command` began; whether there is one. With `compensate` what it did is undone
        first."""
        child = paths.derived("run", command)
        if not await self.begun(child):
            return False
        event = Cancelled(self._clock(), f"run:{run}", "withdrawn by the run it belongs to", compensate)
        await self._desk.take_in(child, event)
        return True

    async def reprioritise(self, work: Work, command: Reprioritise) -> None:  # noqa: ARG002 - one form for all
        """Let tasks and runs inside have the priority that the run has. Of several who do so, the last one has seen the
        last word: each looks once more after it has told them."""
        word = None
        while word != (found := (await self._desk.look(work.run)).state.priority):
            word, being_begun = found, False
            await self._handing_out.prioritise(work.run, PRIORITIES[word])
            for child, owner in await self._inside(work.run):
                if await self.begun(child):
                    await self._prioritise(child, Reprioritised(self._clock(), word, f"run:{work.run}"))
                else:
                    being_begun = being_begun or owner is not None
        await self._desk.settle(self._fence(work), self._soon(work) if being_begun else None)

    async def _prioritise(self, child: str, event: Reprioritised) -> None:
        await self._desk.take_in(child, event)
        priority, at = PRIORITIES[event.priority], self._clock()
        await self._queue.perform(lambda tx: offer_anew(tx, child, priority, at))

    async def tell(self, work: Work, command: Tell) -> None:  # noqa: ARG002 - one form for all
        """Let the runs inside rest as long as the run does. Of several who do so, the last one has seen the last word:
        each looks once more after it has told them."""
        rests = None
        while rests != (found := (await self._desk.look(work.run)).state.rests):
            rests, being_begun = found, False
            for child, owner in await self._inside(work.run):
                if await self.begun(child):
                    await self._desk.take_in(child, self._word(work.run, rests))
                else:
                    being_begun = being_begun or owner is not None
        await self._desk.settle(self._fence(work), self._soon(work) if being_begun else None)

    def _soon(self, work: Work) -> Stay:
        """For what looks again at a run that somebody is at work on beginning."""
        return Stay(work.id, due=self._clock() + SOON_MS, forgiven=1)

    def _word(self, run: str, rests: bool) -> Paused | Resumed:
        return (Paused if rests else Resumed)(self._clock(), f"run:{run}", above=True)

    async def _inside(self, run: str) -> list[tuple[str, str | None]]:
        """The runs inside that it waits for, begun or not, and who is at work on beginning each."""
        query = select(table.c.id, table.c.owner).where(table.c.run == run, table.c.kind == kind_of_type(StartChild))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [(paths.derived("run", row.id), row.owner) for row in rows]

    async def _begin(self, work: Work, command: StartChild, child: str) -> bool:
        """Begin it; False where it cannot be, and its run knows."""
        known = await self._desk.newest(work)
        await self._watch.refresh()
        try:
            definition, unit = await self._wording(command, known)
            # Nobody waits for a run that is detached: like any start it joins a live one with its key.
            key = triggers.key_of(definition, command.input) if command.detached else None
        except (Invalid, NotFound) as error:
            ended = ChildEnded(self._clock(), work.id, "failed", reason=error.message)
            await self._answer(work, command, ended)
            return False
        parent = None if command.detached else command.id
        begun_by = {"run": work.run}
        started = Started(
            self._clock(), command.input, begun_by, command.depth, known.state.priority, allowance=command.allowance
        )
        origin = Origin(known.by, known.case, unit, parent, key, known.origin)
        await self._desk.begin(definition, child, started, origin)
        return True

    async def _wording(self, command: StartChild, known: Known) -> tuple[Definition, str]:
        """The definition of the run to begin, and its unit. Raises NotFound (`workflow.unknown`)."""
        if not command.definition:
            organisation = (await self._watch.house()).organisation
            definition = await self._definitions.declared(organisation, command.workflow)
            return definition, organisation.all("Workflow")[command.workflow].unit
        definition = await self._definitions.pinned(command.definition)
        if definition.workflow != command.workflow:
            raise NotFound(f"`{command.workflow}` never had this wording", code="workflow.unknown")
        await self._definitions.keep(definition)
        return definition, known.unit

    async def _answer(self, work: Work, command: StartChild, ended: ChildEnded) -> None:
        if command.detached:
            log.warning("%s: %s", command.id, ended.reason)
            await self._desk.settle(self._fence(work))
        else:
            await self._desk.take_in(work.run, ended, self._fence(work))

    async def _ended(self, work: Work, child: str) -> bool:
        """Hand in the end of a child, where it has come; else its end makes the command due. Whether it has come."""
        state = (await self._desk.look(child)).state
        left = state.ended and await self._leaves_something(state)
        if left and state.unsure and not state.written_off and await self._withdraws(child):
            await self._desk.settle(self._fence(work), self._soon(work))  # whether it was done is known in a moment
        elif state.ended:
            await self._costs.count(work.run, work.id, state.spent)
            told = (work.id, state.status, state.output, state.reason)
            spent = None if state.written_off else state.spent
            event = ChildEnded(self._clock(), *told, spent, state.steered, bool(state.unsure), left)
            await self._desk.take_in(work.run, event, self._fence(work))
        return state.ended

    async def _leaves_something(self, state: State) -> bool:
        """Whether it did something that may still have to be undone; of one that is damaged nobody knows."""
        if state.written_off:
            return True
        try:
            return leaves_something(await self._definitions.pinned(state.digest), state)
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return True

    async def _withdraws(self, run: str) -> bool:
        """Whether something is still being taken back of what the run had under way when it ended a moment ago."""
        query = select(table.c.id).join(runs, runs.c.id == table.c.run).limit(1)
        query = query.where(runs.c.id == run, runs.c.ended_at > self._clock() - SETTLING_MS)
        query = query.where(table.c.kind == kind_of_type(Withdraw))
        return await self._database.read(lambda connection: connection.execute(query).first() is not None)

    def _fence(self, work: Work) -> Fence:
        return Fence(work.id, self._owner if work.attempts else None)
