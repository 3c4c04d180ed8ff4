"""Taking up what waits: approved actions that are ready, and actions that a dead process had begun. Any process may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Literal

from sqlalchemy import Connection, select

from autonomy.approvals import Approvals, Claim
from autonomy.approvals.store import claimed_by_another, was_held
from autonomy.audit import Vault, read_leaf
from autonomy.audit.store import leaves_of
from autonomy.budget import Usage
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Busy, Conflict, Corrupt, Overdue, Unavailable
from autonomy.kernel.failpoint import failpoint
from autonomy.policy import Verdict
from autonomy.tools import Tool

from . import obligations
from .effect import Effects
from .endings import LATE, Endings
from .epochs import Watch
from .errand import NOTHING_BUT_A_CALL, End, Errand
from .holding import Holding
from .lifeline import Lifeline
from .model import Papers, Reply
from .results import Results, Waiting
from .rows import read_charges, read_windows
from .service import Gate
from .store import action

log = logging.getLogger("autonomy.gate")

LOOK_SECONDS = 0.25  # between two looks for work that other processes made ready
CLAIM_MS = 30_000  # how long one process has to begin an approved action before another may
TAKE = 64  # actions of dead processes taken over at once


PASSING = frozenset({"record.busy", "policy.unsettled"})
"""Denials that a moment later may be none: what people allowed is claimed again when the claim runs out."""

Pinned = Callable[[str, str], Tool]
"""The tool of a name in the wording of a digest, whatever is declared now; blocks on the store."""


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
    ) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._approvals = approvals
        self._holding = holding
        self._effects = effects
        self._endings = endings
        self._results = results
        self._vault = vault
        self._watch = watch
        self._lifeline = lifeline
        self._pinned = pinned
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
        for taken in again:
            self._begin(self._recover(taken))
        if await self._database.read(self._orphans):
            for taken in await self._queue.perform(lambda tx: self._lifeline.take_over(tx, TAKE)):
                self._begin(self._recover(taken))
        for claim in await asyncio.to_thread(self._approvals.claim, self._lifeline.owner, CLAIM_MS):
            failpoint("claim.durable")
            self._begin(self._resume(claim))

    async def idle(self) -> None:
        """Wait until everything taken up has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _orphans(self, connection: Connection) -> bool:
        """Whether anything begun or claimed is not ours; whether its owner lives is looked at in the transaction."""
        owner = self._lifeline.owner
        begun = select(action.c.id).where(action.c.state == "intent", action.c.owner != owner).limit(1)
        return connection.execute(begun).first() is not None or claimed_by_another(connection, owner)

    async def _resume(self, claim: Claim) -> None:
        try:
            reply = await self._gate.resume(claim)
        except Conflict as error:
            log.info("%s was taken over: %s", claim.action, error.code)
        except (Unavailable, Overdue, Busy) as error:
            # No word about the action itself. What was not begun is claimed again when the claim runs out.
            log.warning("%s could not be carried out now: %s", claim.action, error.code)
        except AutonomyError as error:
            await self._refuse(claim, error.code)
        else:
            if reply.status == "denied" and reply.code not in PASSING:
                # The rules' own words may be kept in clear; others may repeat what was asked.
                await self._refuse(claim, reply.code or "policy.denied", reply.message if reply.policies else None)

    async def _refuse(self, claim: Claim, code: str, message: str | None = None) -> None:
        try:
            await self._holding.refuse(claim.action, claim.fence, code, message)
        except Conflict as error:
            log.info("%s had ended already: %s", claim.action, error.code)

    async def _recover(self, action_id: str) -> None:
        try:
            waiting = await self._results.waiting(action_id)
            reply = await self._effects.recover(await self.errand(waiting), waiting.arguments is None)
        except Overdue as error:
            log.warning("recovered %s: %s", action_id, error.code)
        except AutonomyError as error:
            log.warning("%s could not be recovered now: %s", action_id, error.code)
            self._again.append(action_id)
        else:
            log.info("recovered %s: %s", action_id, reply.status)

    async def resolve(self, action_id: str, state: Literal["done", "failed"], by: str, reason: str) -> Reply:
        """A person has looked how an action of unknown ending ended. Raises Conflict where it is not unknown."""
        waiting = await self._results.waiting(action_id)
        if waiting.row.state != "unknown":
            raise Conflict(f"`{action_id[:40]}` is not of unknown ending", code="action.not_unknown")
        errand = await self.errand(waiting)
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
        errand = await self.errand(waiting)
        post = errand.tool.spec.call.post
        if waiting.row.state != "unknown" or post is None or post.answer != hook:
            return False
        await self._queue.perform(lambda tx: self._lifeline.adopt(tx, action_id))
        shown = obligations.apply(errand.verdict.obligations, value)
        end = End("done", Usage(errand.money, 1, errand.tokens), shown, code="action.answered", via="delivery")
        await self._endings.record(errand, end, by=f"hook:{hook}")
        return True

    async def errand(self, waiting: Waiting) -> Errand:
        """An action of the table as an errand that can be ended, with its tool in the wording it was begun in."""
        row = waiting.row
        tool = (await self._watch.house()).registry.tools.get(row.tool)
        if tool is None or tool.revision != row.tool_revision:
            tool = await asyncio.to_thread(self._pinned, row.tool, row.tool_revision)
        subject = tool.subject_of(waiting.request.arguments) or f"agent:{row.agent}"
        key = await self._vault.key(subject, self._watch.identity)
        return Errand(
            action=row.id,
            agent=row.agent,
            agent_name=row.agent_name,
            caller=None,
            approved=await self._database.read(lambda connection: was_held(connection, row.id)),
            case=row.case_id,
            tool=tool,
            arguments=dict(waiting.request.arguments),
            charges=read_charges(row.charges),
            windows=read_windows(row.windows),
            record=row.record,
            money=row.money,
            tokens=waiting.tokens,
            verdict=await self._database.read(lambda connection: _decided(connection, row.id)),
            papers=Papers(key, row.id, row.at),
            began=row.at,
        )


def is_begun_by(tx: Tx, action_id: str, owner: str) -> bool:
    """Whether the action's intent is durable, it has not ended, and the process `owner` still carries it out."""
    query = select(action.c.id).where(action.c.id == action_id, action.c.owner == owner, action.c.state == "intent")
    return tx.execute(query).first() is not None


def _decided(connection: Connection, action_id: str) -> Verdict:
    """The verdict an action was begun under, as its intent says: what it obliges to still holds for its result."""
    for _, body in leaves_of(connection, action_id):
        leaf = read_leaf(body)
        if leaf["kind"] == "intent":
            decision = leaf["decision"]
            obliged = {name: tuple(values) for name, values in decision.get("obligations", {}).items()}
            return Verdict("allow", tuple(decision.get("policies", ())), obligations=obliged)
    raise Corrupt(f"the intent of `{action_id}` is not in the log", code="audit.no_intent")
