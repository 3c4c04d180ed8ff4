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
from autonomy.gate import PASSING, Reply, Request, Results
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Corrupt, Invalid, NotFound, TooLarge, Unauthenticated

from . import paths
from .children import Children
from .codec import SEALED, Codec, Unreadable
from .costs import Costs
from .desk import Desk, Known
from .events import ApprovalEnded, Outcome, Performed, TimerFired
from .giving_up import came_to_nothing, last_word, why
from .handing_out import HandingOut
from .hearing import wait_again
from .model import AskApproval, OpenTask, PerformTool, Reprioritise, SetTimer, StartChild, TellChildren, Withdraw
from .ports import Carrier, Perform, Work
from .questions import APPROVAL_ENDS, checkpoint
from .store import command as table
from .units import Fence, Stay
from .withdrawing import Withdrawing

log = logging.getLogger("autonomy.workflow")

NOT_BEGUN = frozenset({"action.interrupted", "action.abandoned"})
"""What an action ends with that was certainly not done, because whoever was to do it was gone."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before what was refused for the moment is asked for again
HOPELESS = 13  # claims after which even saying that it is given up has failed


class Carrying:
    """Carries out what runs ask for, in the name of one process, its `owner`."""

    def __init__(
        self,
        *,
        database: Database,
        queue: CommitQueue,
        codec: Codec,
        desk: Desk,
        perform: Perform,
        results: Results,
        approvals: Approvals,
        handing_out: HandingOut,
        children: Children,
        withdrawing: Withdrawing,
        costs: Costs,
        others: Mapping[type, Carrier],
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._desk = desk
        self._perform = perform
        self._results = results
        self._approvals = approvals
        self._handing_out = handing_out
        self._withdrawing = withdrawing
        self._costs = costs
        self._owner = owner
        self._clock = clock
        self._carriers: dict[type, Carrier] = {
            PerformTool: self._tool,
            OpenTask: handing_out.carry,
            AskApproval: self._approval,
            StartChild: children.start,
            SetTimer: self._timer,
            Withdraw: withdrawing.carry,
            Reprioritise: children.reprioritise,
            TellChildren: children.tell,
            **others,
        }

    async def carry(self, work: Work) -> None:
        """Carry a command out, or look what has become of it. Errors say that it is to be tried again later."""
        if isinstance(work.command, Unreadable):
            await self._unreadable(work, work.command)
            return
        carrier = self._carriers.get(type(work.command))
        if carrier is None:
            await self._desk.settle(self._fence(work))
            return
        try:
            if not await self._withdrawing.is_left(work):
                await carrier(work, work.command)
        except NotFound as error:
            if error.code != "workflow.unknown_run":
                raise
            await self._desk.settle(self._fence(work))  # nobody waits for the answer any more

    async def give_up(self, work: Work) -> None:
        """A command under which processes died again and again: nobody knows whether it was done, a person looks."""
        told = why(work)
        log.error("%s is given up: %s", work.id, told)
        event = last_word(work, told, self._clock())
        if event is None or work.attempts > HOPELESS or not work.run:
            await self._abandon(work)
        else:
            await self._withdrawing.end(work)
            await self._desk.take_in(work.run, event, self._fence(work))

    async def _unreadable(self, work: Work, command: Unreadable) -> None:
        """What is damaged is given up, unless it can still be told what has become of what was begun for it; another
        process may know the words that this one does not. Raises Corrupt."""
        if command.code != SEALED or not work.run:
            raise Corrupt(command.reason, code=command.code)
        if command.kind == "perform_tool" and work.action is not None:
            await self._performed(work, await self._results.outcome(work.action))
        elif command.kind == "open_task" and work.action is not None:
            await self._handing_out.hear(work, work.action)
        else:
            await self.give_up(work)

    async def _abandon(self, work: Work) -> None:
        """What cannot be answered stops its run; what belongs to none is dropped, and the log says so."""
        await self._queue.perform(lambda tx: wait_again(tx, self._codec, work.id))
        if work.run:
            await self._desk.stop(work.run, "cap.deliveries", self._fence(work))
        else:
            at = self._clock()
            await self._queue.perform(lambda tx: came_to_nothing(tx, work.id, self._owner, at, "given_up"))

    def _fence(self, work: Work) -> Fence:
        return Fence(work.id, self._owner if work.attempts else None)

    # ── actions ──

    async def _tool(self, work: Work, command: PerformTool) -> None:
        if work.action is not None:
            await self._performed(work, await self._results.outcome(work.action))
            return
        known = await self._desk.newest(work)
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
            reply = await self._patiently(await self._handing_out.performer(work.run, command), request, work.first)
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
        open_still = outcome in ("held", "unknown")
        # What is set aside for one whose end nobody knows is no cost yet: it may not have happened.
        cost = 0 if open_still or outcome == "denied" else reply.cost
        await self._costs.count(work.run, work.id, cost)
        event = Performed(self._clock(), work.id, outcome, reply.result, reply.message or "", cost)
        await self._desk.take_in(work.run, event, self._fence(work), stay if open_still else None)

    async def _not_performed(self, work: Work, outcome: Any, reason: str) -> None:
        event = Performed(self._clock(), work.id, outcome, reason=reason, again=False)
        await self._desk.take_in(work.run, event, self._fence(work))

    # ── people ──

    async def _approval(self, work: Work, command: AskApproval) -> None:
        if work.action is None:
            known = await self._desk.newest(work)
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
        asked = checkpoint(command, known, paths.derived("act", work.id), at)
        hold = self._approvals.ask(tx, asked)
        tx.execute(update(table).where(table.c.id == work.id).values(owner=None, due=None, action=hold.action))

    # ── time ──

    async def _timer(self, work: Work, command: SetTimer) -> None:
        event = TimerFired(max(self._clock(), command.at), work.id)
        await self._desk.take_in(work.run, event, self._fence(work))


def _outcome(reply: Reply) -> Outcome:
    if reply.status == "failed" and reply.code in NOT_BEGUN:
        return "interrupted"
    outcome = "denied" if reply.status in ("denied", "rejected") else reply.status
    assert outcome in ("done", "failed", "held", "unknown", "denied")  # a dry run is never asked for
    return outcome
