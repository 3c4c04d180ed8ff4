"""Taking up what waits: approved actions that are ready, and actions that a dead process had begun. Any process may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Literal

from sqlalchemy import Connection, select

from autonomy.approvals import Approvals, Claim
from autonomy.approvals.store import claimed_by_another
from autonomy.audit import Vault
from autonomy.budget import Usage
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Busy, Conflict, Overdue, Unavailable
from autonomy.kernel.failpoint import failpoint

from . import obligations
from .effect import Effects
from .endings import LATE, Endings
from .epochs import Watch
from .errand import NOTHING_BUT_A_CALL, End
from .figures import DoorFigures
from .holding import Holding
from .leftovers import Leftover, Leftovers, Pinned
from .lifeline import Lifeline
from .model import Reply
from .patience import Patience
from .permits import Permits
from .recovery import Recovery
from .refusals import PASSING
from .results import Results
from .service import Gate
from .store import IS_OPEN, action

log = logging.getLogger("autonomy.gate")

LOOK_SECONDS = 0.25  # between two looks for work that other processes made ready
CLAIM_MS = 30_000  # how long one process has to begin an approved action before another may
TAKE = 500  # actions of dead processes taken over in one transaction: others wait for it


class TakingUp:
    """Carries on with what nobody carries on with."""

    def __init__(
        self,
        *,
        database: Database,
        queue: CommitQueue,
        gate: Gate,
        approvals: Approvals,
        holding: Holding,
        effects: Effects,
        endings: Endings,
        results: Results,
        vault: Vault,
        watch: Watch,
        lifeline: Lifeline,
        pinned: Pinned,
        permits: Permits,
        figures: DoorFigures,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._approvals = approvals
        self._holding = holding
        self._endings = endings
        self._results = results
        self._lifeline = lifeline
        self._figures = figures
        self._patience = Patience()
        self._recovery = Recovery(effects, endings, permits, lifeline, self._patience, clock)
        self._leftovers = Leftovers(database, results, vault, watch, pinned)
        self._again: list[str] = []
        self._ready = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look now: something became ready in this process."""
        self._ready.set()

    async def run(self) -> None:
        """Look for work until cancelled. What fails is logged and looked at again."""
        while True:
            try:
                await self.look()
            except AutonomyError as error:
                log.warning("could not look for waiting work: %s", error.code)
            self._ready.clear()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._ready.wait()
            except TimeoutError:
                pass  # nobody woke us: it is time to look all the same

    async def look(self) -> None:
        """Resume what is ready, recover what dead processes left."""
        again, self._again = self._again, []
        if again:
            self._begin(self._recover(again))
        if await self._database.read(self._orphans):
            while taken := await self._queue.perform(lambda tx: self._lifeline.take_over(tx, TAKE)):
                self._begin(self._recover(taken))
        for claim in await asyncio.to_thread(self._approvals.claim, self._lifeline.owner, CLAIM_MS):
            failpoint("claim.durable")
            self._begin(self._resume(claim))

    async def idle(self) -> None:
        """Wait until everything taken up has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Leave to other processes what only waits, and wait until the rest has ended."""
        self._patience.close()
        await self.idle()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _orphans(self, connection: Connection) -> bool:
        """Whether anything begun or claimed is not ours; whether its owner lives is looked at in the transaction."""
        owner = self._lifeline.owner
        begun = select(action.c.id).where(IS_OPEN, action.c.state == "intent", action.c.owner != owner).limit(1)
        return connection.execute(begun).first() is not None or claimed_by_another(connection, owner)

    async def _resume(self, claim: Claim) -> None:
        again = self._patience.within(CLAIM_MS / 1000)
        while not await self._is_settled(claim) and await again():
            pass

    async def _is_settled(self, claim: Claim) -> bool:
        """Carry an approved action out, or refuse it; False where it could not be begun just now."""
        try:
            reply = await self._gate.resume(claim)
        except Conflict as error:
            log.info("%s was taken over: %s", claim.action, error.code)
        except (Unavailable, Overdue, Busy) as error:
            # No word about the action itself. What was not begun is claimed again when the claim runs out.
            log.warning("%s could not be carried out now: %s", claim.action, error.code)
            return error.code not in PASSING
        except AutonomyError as error:
            await self._refuse(claim, error.code)
        else:
            self._figures.taken_up.add("resumed", reply.status)
            if reply.status == "denied" and reply.code in PASSING:
                return False
            if reply.status == "denied":
                # The rules' own words may be kept in clear; others may repeat what was asked.
                await self._refuse(claim, reply.code or "policy.denied", reply.message if reply.policies else None)
        return True

    async def _refuse(self, claim: Claim, code: str, message: str | None = None) -> None:
        try:
            await self._holding.refuse(claim.action, claim.fence, code, message)
        except Conflict as error:
            log.info("%s had ended already: %s", claim.action, error.code)

    async def _recover(self, actions: list[str]) -> None:
        """Begin to end what a dead process had begun. One that cannot be read is no reason not to end the others."""
        try:
            found = await self._leftovers.read(actions)
        except AutonomyError as error:
            if isinstance(error, (Unavailable, Busy)) or len(actions) == 1:
                log.warning("%d actions could not be recovered now: %s", len(actions), error.code)
                self._again += actions
                return
            for action_id in actions:
                await self._recover([action_id])
            return
        for leftover in found:
            self._begin(self._end(leftover))

    async def _end(self, leftover: Leftover) -> None:
        state = await self._recovery.end(leftover)
        self._figures.taken_up.add("recovered", state)
        log.info("recovered %s: %s", leftover.errand.action, state)

    async def resolve(self, action_id: str, state: Literal["done", "failed"], by: str, reason: str) -> Reply:
        """A person has looked how an action of unknown ending ended. Raises Conflict where it is not unknown."""
        waiting = await self._results.waiting(action_id)
        if waiting.row.state != "unknown":
            raise Conflict(f"`{action_id[:40]}` is not of unknown ending", code="action.not_unknown")
        [leftover] = await self._leftovers.read([action_id])
        errand = leftover.errand
        await self._queue.perform(lambda tx: self._lifeline.adopt(tx, action_id))
        usage = Usage(errand.money, 1, errand.tokens) if state == "done" else NOTHING_BUT_A_CALL
        end = End(state, usage, code="action.resolved", message=reason, via="person")
        reply = await self._endings.record(errand, end, by=by)
        if reply.code == LATE:
            raise Conflict(f"`{action_id[:40]}` was resolved by another", code="action.not_unknown")
        return reply

    async def answered(self, action_id: str, hook: str, value: Json) -> bool:
        """End an action of unknown ending by what came in at a hook; False where that is no answer to it."""
        waiting = await self._results.waiting(action_id)
        [leftover] = await self._leftovers.read([action_id])
        errand = leftover.errand
        post = errand.tool.spec.call.post
        if waiting.row.state != "unknown" or post is None or post.answer != hook:
            return False
        await self._queue.perform(lambda tx: self._lifeline.adopt(tx, action_id))
        shown = obligations.apply(errand.verdict.obligations, value)
        end = End(
            "done",
            Usage(errand.money, 1, errand.tokens),
            shown,
            code="action.answered",
            message=f"answered at the hook `{hook}`",
            via="delivery",
            written=canonical.encode(shown),
        )
        await self._endings.record(errand, end, by=f"hook:{hook}")
        return True


def is_begun_by(tx: Tx, action_id: str, owner: str) -> bool:
    """Whether the action's intent is durable, it has not ended, and the process `owner` still carries it out."""
    query = select(action.c.id).where(action.c.id == action_id, action.c.owner == owner, action.c.state == "intent")
    return tx.execute(query).first() is not None
