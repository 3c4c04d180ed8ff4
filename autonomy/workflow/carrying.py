"""How each kind of command is carried out, and how its answer comes back to the run as an event.

Carrying out twice is seen by the command's id: it is the idempotency key of an action, the id of a child run, the bind
of a checkpoint. Nothing here remembers anything; whoever is asked again finds what there is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from autonomy.approvals import Approvals
from autonomy.approvals.store import find
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import PASSING, Reply, Request, Results, Watch
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Invalid, NotFound, TooLarge, Unauthenticated

from . import paths, triggers
from .codec import Codec
from .definition import Definition
from .definitions import Definitions
from .desk import Desk, Known, Origin
from .handing_out import HandingOut
from .model import (
    AnyEvent,
    ApprovalEnded,
    AskApproval,
    Cancelled,
    ChildEnded,
    Decide,
    OpenTask,
    Outcome,
    Performed,
    PerformTool,
    Reprioritise,
    Reprioritised,
    SetTimer,
    StartChild,
    Started,
    TaskEnded,
    TimerFired,
    Withdraw,
)
from .offering import offer_anew
from .outcome import PRIORITIES
from .ports import Carrier, Perform, Work
from .questions import APPROVAL_ENDS, checkpoint
from .store import command as table
from .units import Fence, Stay

log = logging.getLogger("autonomy.workflow")

NOT_BEGUN = frozenset({"action.interrupted", "action.abandoned"})
"""What an action ends with that was certainly not done, because whoever was to do it was gone."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before what was refused for the moment is asked for again
HOPELESS = 13  # claims after which even saying that it is given up has failed
SOON_MS = 200  # until something that is just being begun is looked at again


class Carrying:
    """Carries out what runs ask for, in the name of one process, its `owner`."""

    def __init__(
        self,
        *,
        database: Database,
        queue: CommitQueue,
        codec: Codec,
        desk: Desk,
        definitions: Definitions,
        perform: Perform,
        results: Results,
        approvals: Approvals,
        handing_out: HandingOut,
        watch: Watch,
        others: Mapping[type, Carrier],
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._desk = desk
        self._definitions = definitions
        self._perform = perform
        self._results = results
        self._approvals = approvals
        self._handing_out = handing_out
        self._watch = watch
        self._owner = owner
        self._clock = clock
        self._carriers: dict[type, Carrier] = {
            PerformTool: self._tool,
            OpenTask: handing_out.carry,
            AskApproval: self._approval,
            StartChild: self._child,
            SetTimer: self._timer,
            Withdraw: self._withdraw,
            Reprioritise: self._reprioritise,
            **others,
        }

    async def carry(self, work: Work) -> None:
        """Carry a command out, or look what has become of it. Errors say that it is to be tried again later."""
        carrier = self._carriers.get(type(work.command))
        if carrier is None:
            await self._desk.settle(self._fence(work))
            return
        try:
            await carrier(work, work.command)
        except NotFound as error:
            if error.code != "workflow.unknown_run":
                raise
            await self._desk.settle(self._fence(work))  # nobody waits for the answer any more

    async def give_up(self, work: Work) -> None:
        """A command under which processes died again and again: nobody knows whether it was done, a person looks."""
        command, at = work.command, self._clock()
        told = f"limit.claims: it was begun {work.attempts - 1} times, and whoever did was gone before it ended"
        log.error("%s is given up: %s", work.id, told)
        if work.attempts > HOPELESS or not work.run:
            await self._abandon(work)
            return
        match command:
            case PerformTool():
                event: AnyEvent = Performed(at, work.id, "unknown", reason=told, again=False)
            case Decide():
                event = Performed(at, work.id, "failed", reason=told, again=False)
            case StartChild():
                event = ChildEnded(at, work.id, "failed", reason=told)
            case AskApproval():
                event = ApprovalEnded(at, work.id, "refused", reason=told)
            case OpenTask():
                event = TaskEnded(at, work.id, "failed", reason=told)
            case _:
                await self._abandon(work)
                return
        await self._desk.take_in(work.run, event, self._fence(work))

    async def _abandon(self, work: Work) -> None:
        """What cannot be answered stops its run; what belongs to none is dropped."""
        if work.run:
            await self._desk.stop(work.run, "cap.deliveries", self._fence(work))
        else:
            await self._desk.settle(self._fence(work))

    def _fence(self, work: Work) -> Fence:
        return Fence(work.id, self._owner if work.attempts else None)

    # ── actions ──

    async def _tool(self, work: Work, command: PerformTool) -> None:
        if work.action is not None:
            await self._performed(work, await self._results.outcome(work.action))
            return
        known = await self._desk.known(work.run)
        request = Request(
            command.tool,
            command.arguments,
            known.case,
            command.id,
            run=work.run,
            step=command.path,
            workflow=known.state.workflow,
            origin=known.origin,
        )
        try:
            reply = await self._patiently(await self._performer(work.run, command), request, work.first)
        except Conflict as error:
            if error.code != "key.in_flight":
                await self._not_performed(work, "failed", error.message)
                return
            await self._desk.settle(self._fence(work), Stay(work.id, str(error.detail["action"])))
        except Unauthenticated as error:
            await self._not_performed(work, "denied", error.message)
        except (Invalid, TooLarge) as error:
            await self._not_performed(work, "failed", error.message)
        else:
            await self._performed(work, reply)

    async def _performer(self, run: str, command: PerformTool) -> str:
        """The agent in whose name it is done."""
        if not command.doer:
            return command.agent
        return await self._handing_out.doer(run, paths.split(command.path)[0] + command.doer) or command.agent

    async def _patiently(self, agent: str, request: Request, first: bool) -> Reply:
        """What becomes of it. A refusal that may be none a moment later is no reason to ask people yet."""
        for pause in PAUSES:
            reply = await self._perform(agent, request, first)
            if reply.status != "denied" or reply.code not in PASSING:
                return reply
            await asyncio.sleep(pause)
        return await self._perform(agent, request, first)

    async def _performed(self, work: Work, reply: Reply) -> None:
        """Hand in what has become of an action. One that has not ended is heard of again by its leaves."""
        stay = Stay(work.id, reply.action)
        if reply.status == "running":
            await self._desk.settle(self._fence(work), stay)
            return
        outcome = _outcome(reply)
        cost = 0 if outcome in ("held", "denied") else reply.cost
        event = Performed(self._clock(), work.id, outcome, reply.result, reply.message or "", cost)
        open_still = outcome in ("held", "unknown")
        await self._desk.take_in(work.run, event, self._fence(work), stay if open_still else None)

    async def _not_performed(self, work: Work, outcome: Any, reason: str) -> None:
        event = Performed(self._clock(), work.id, outcome, reason=reason, again=False)
        await self._desk.take_in(work.run, event, self._fence(work))

    # ── people ──

    async def _approval(self, work: Work, command: AskApproval) -> None:
        known = await self._desk.known(work.run)
        if work.action is None:
            await self._queue.perform(lambda tx: self._ask(tx, work, command, known))
            return
        hold = await self._database.read(lambda connection: find(connection, work.action or ""))
        outcome = "expired" if hold is None else APPROVAL_ENDS.get(hold.state)
        if outcome is None:
            await self._desk.settle(self._fence(work), Stay(work.id, work.action))
            return
        votes = [] if hold is None else hold.given
        by = ", ".join(vote.person for vote in votes)
        reason = next((vote.reason for vote in reversed(votes) if vote.reason), "")
        event = ApprovalEnded(self._clock(), work.id, outcome, by, reason)
        await self._desk.take_in(work.run, event, self._fence(work))

    def _ask(self, tx: Tx, work: Work, command: AskApproval, known: Known) -> None:
        """Ask people and remember whom, in one transaction; unless somebody else carries it out by now."""
        owner = tx.execute(select(table.c.owner).where(table.c.id == work.id)).scalar_one_or_none()
        if owner != self._owner:
            return
        at = self._clock()
        asked = checkpoint(command, known.state, known.case, known.by, paths.derived("act", work.id), at)
        hold = self._approvals.ask(tx, asked)
        tx.execute(update(table).where(table.c.id == work.id).values(owner=None, due=None, action=hold.action))

    # ── runs inside runs ──

    async def _child(self, work: Work, command: StartChild) -> None:
        child = paths.derived("run", command.id)
        if work.attempts and not await self._begun(child):
            known = await self._desk.known(work.run)
            await self._watch.refresh()
            try:
                definition, unit = await self._wording(command, known)
                # Nobody waits for a run that is detached: like any start it joins a live one with its key.
                key = triggers.key_of(definition, command.input) if command.detached else None
            except (Invalid, NotFound) as error:
                ended = ChildEnded(self._clock(), work.id, "failed", reason=error.message)
                await self._answer_child(work, command, ended)
                return
            parent = None if command.detached else command.id
            started = Started(self._clock(), command.input, {"run": work.run}, command.depth, command.priority)
            origin = Origin(known.by, known.case, unit, parent, key, known.origin)
            await self._desk.begin(definition, child, started, origin)
        if command.detached:
            await self._desk.settle(self._fence(work))
        elif not work.attempts or await self._desk.settle(self._fence(work), Stay(work.id)):
            await self._child_ended(Work(work.run, command, 0), child)

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

    async def _answer_child(self, work: Work, command: StartChild, ended: ChildEnded) -> None:
        if command.detached:
            log.warning("%s: %s", command.id, ended.reason)
            await self._desk.settle(self._fence(work))
        else:
            await self._desk.take_in(work.run, ended, self._fence(work))

    async def _child_ended(self, work: Work, child: str) -> None:
        """Hand in the end of a child, where it has come; else its end makes the command due."""
        state = (await self._desk.look(child)).state
        if state.ended:
            event = ChildEnded(self._clock(), work.id, state.status, state.output, state.reason, state.spent)
            await self._desk.take_in(work.run, event, self._fence(work))

    async def _begun(self, run: str) -> bool:
        try:
            await self._desk.look(run)
        except NotFound:
            return False
        return True

    async def _reprioritise(self, work: Work, command: Reprioritise) -> None:
        priority = PRIORITIES[command.priority]
        await self._handing_out.prioritise(work.run, priority)
        query = select(table.c.id).where(table.c.run == work.run, table.c.kind == "start_child")
        for id in await self._database.read(lambda connection: list(connection.execute(query).scalars())):
            child = paths.derived("run", id)
            if await self._begun(child):
                event = Reprioritised(self._clock(), command.priority, f"run:{work.run}")
                await self._desk.take_in(child, event)
                at = self._clock()
                await self._queue.perform(lambda tx, child=child, at=at: offer_anew(tx, child, priority, at))  # type: ignore[misc]
        await self._desk.settle(self._fence(work))

    # ── time ──

    async def _timer(self, work: Work, command: SetTimer) -> None:
        event = TimerFired(max(self._clock(), command.at), work.id)
        await self._desk.take_in(work.run, event, self._fence(work))

    # ── what is no longer wanted ──

    async def _withdraw(self, work: Work, command: Withdraw) -> None:
        query = select(table).where(table.c.id == command.target)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        asking = (kind_of_type(AskApproval), kind_of_type(OpenTask))
        if row is not None and row.owner is not None and row.kind in asking:
            await self._desk.settle(self._fence(work), Stay(work.id, due=self._clock() + SOON_MS, forgiven=1))
            return
        if row is not None and row.owner is None:
            await self._let_go(work, row)
        await self._desk.settle(self._fence(work))

    async def _let_go(self, work: Work, row: Any) -> None:
        """Withdraw what nobody is carrying out. What is under way answers by itself."""
        if row.kind == kind_of_type(StartChild):
            child = paths.derived("run", row.id)
            if await self._begun(child):
                event = Cancelled(self._clock(), f"run:{work.run}", "withdrawn by the run it belongs to")
                await self._desk.take_in(child, event)
        elif row.kind == kind_of_type(OpenTask):
            if row.action is not None:
                await self._handing_out.withdraw(row.action)
            await self._desk.settle(Fence(row.id, None))
        elif row.action is not None:
            await self._end_hold(row.action)
            if row.kind == kind_of_type(AskApproval):
                await self._desk.settle(Fence(row.id, None))
        elif row.kind == kind_of_type(PerformTool):
            event2 = Performed(self._clock(), row.id, "failed", reason="withdrawn before it was begun", again=False)
            await self._desk.take_in(work.run, event2, Fence(row.id, None))
        else:
            await self._desk.settle(Fence(row.id, None))

    async def _end_hold(self, action: str) -> None:
        try:
            await self._queue.perform(lambda tx: self._approvals.withdraw_in(tx, action, "system"))
        except (Conflict, NotFound) as error:
            log.info("%s is not withdrawn: %s", action, error.code)  # it is over, or being carried out


def _outcome(reply: Reply) -> Outcome:
    if reply.status == "failed" and reply.code in NOT_BEGUN:
        return "interrupted"
    outcome = "denied" if reply.status in ("denied", "rejected") else reply.status
    assert outcome in ("done", "failed", "held", "unknown", "denied")  # a dry run is never asked for
    return outcome


def kind_of_type(kind: type[Any]) -> str:
    """The stored kind of a class of commands."""
    return str(kind.__struct_config__.tag)
