"""Holds: an action waits for people as a row, in any number, for any time; approved, it is decided again."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from autonomy.approvals import Approvals, Behind, Hold, NewHold, consequence, requesters
from autonomy.approvals.rules import answers_repeat
from autonomy.approvals.store import same
from autonomy.audit.store import payload
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.failpoint import failpoint
from autonomy.policy import Verdict

from .leaves import hold_leaf
from .model import Action, Attempt
from .results import repeat_key
from .rows import action_row
from .store import ACTION_COLUMNS, action
from .units import Repeat

LOOK_BACK = 1_000  # earlier uses that a consequence is told from


MAX_DIFFERENCE = 500  # characters


class Moved(Exception):
    """The epochs moved before the hold was written: decide again."""


class Holding:
    """Writes holds. One transaction: the hold, its action, what is sealed about it, and its leaf."""

    def __init__(self, database: Database, queue: CommitQueue, approvals: Approvals, clock: Clock = clock.now) -> None:
        self._database = database
        self._queue = queue
        self._approvals = approvals
        self._clock = clock

    async def hold(self, held: Action, verdict: Verdict) -> Hold | Repeat | None:
        """Ask people; None where the epochs moved meanwhile. A repeat hears of the hold there already is, or of the
        action that was asked for under the same key."""
        told = await self._consequence(held)
        new = _new_hold(held, verdict, told)
        try:
            hold = await self._queue.perform(lambda tx: self._write(tx, held, verdict, new))
        except Moved:
            return None
        failpoint("hold.durable")
        return hold

    async def answered(self, asked: Action) -> str | None:
        """The action of the hold that answers this very call, of the same agent in the same case; None without one."""
        attempt, at, key = asked.attempt, self._clock(), _key(asked)

        def read(connection: Connection) -> str | None:
            found = same(connection, attempt.caller.agent_id, attempt.case, asked.bind)
            return next((hold.action for hold in found if answers_repeat(hold, at, key)), None)

        return await self._database.read(read)

    async def count(self, resumed: Attempt) -> None:
        """Let those approvals count that count now: of people who may still give them, and are not behind the action by
        now. The epochs are known already: where any of this changes later, the intent is not written."""
        counted = await self._database.read(lambda connection: self._approvals.counted(connection, resumed.id))
        resumed.approvals, resumed.approvers = counted.approvals, counted.approvers

    async def ask_again(self, held: Action, verdict: Verdict) -> Hold:
        """Facts changed the decision, or who approved may not any longer: the people are asked again, with the
        difference, and their old word is void."""
        claim, given = held.attempt.hold, held.attempt.approvals
        assert claim is not None  # only a resumed action comes here
        wanted = sorted({ask.wanted for ask in verdict.needed})
        said = f"the rules now ask for {', '.join(wanted)}; approved by {', '.join(sorted(given)) or 'nobody'}"
        difference = "; ".join((said, *verdict.reasons))[:MAX_DIFFERENCE]

        def work(tx: Tx) -> Hold:
            hold = self._approvals.reask(tx, held.id, claim.fence, verdict.needed, difference)
            _seal(tx, held)
            tx.append(hold_leaf(held, verdict))
            return hold

        return await self._queue.perform(work)

    async def refuse(self, action_id: str, fence: int, code: str, message: str | None) -> None:
        """An approved action that may no longer be done ends as denied, with the reason for whoever asks."""

        def work(tx: Tx) -> None:
            self._approvals.finish(tx, action_id, fence, "denied", code)
            tx.execute(
                update(action).where(action.c.id == action_id).values(state="denied", code=code, message=message)
            )

        await self._queue.perform(work)

    def _write(self, tx: Tx, held: Action, verdict: Verdict, new: NewHold) -> Hold | Repeat:
        attempt = held.attempt
        if (tx.epochs.catalog, tx.epochs.identity) != (attempt.house.epoch, attempt.identity):
            raise Moved
        if (repeat := _under_same_key(tx, held)) is not None:
            return repeat
        hold = self._approvals.ask(tx, new)
        if hold.action != held.id:
            return hold
        row = dict(zip(ACTION_COLUMNS, action_row(held, "held", None), strict=True))
        tx.execute(insert(action).values(**row))
        _seal(tx, held)
        tx.append(hold_leaf(held, verdict))
        return hold

    async def _consequence(self, held: Action) -> str:
        caller = held.attempt.caller
        query = (
            select(action.c.money)
            .where(
                action.c.agent == caller.agent_id,
                action.c.tool == held.tool.name,
                action.c.about == held.about,
                action.c.state == "done",
            )
            .order_by(action.c.id.desc())
            .limit(LOOK_BACK)
        )
        past = await self._database.read(lambda connection: list(connection.execute(query).scalars()))
        amount = held.money if held.tool.spec.cost.amount is not None else None
        about = (held.tool.spec.subject or "record").removesuffix("_id").replace("_", " ") if held.about else ""
        return consequence(past, amount, held.attempt.house.organisation.currency.base, held.tool.name, about)


def _seal(tx: Tx, held: Action) -> None:
    """Keep what is sealed about the action; of one that is asked about again, the facts as they are now."""
    columns = ("action", "part", "subject", "generation", "box", "at")
    rows = [dict(zip(columns, sealed, strict=True)) for sealed in held.papers.rows]
    if rows:
        tx.execute(insert(payload), rows)


def _under_same_key(tx: Tx, held: Action) -> Repeat | None:
    """The action that its agent asked for under the same key before; None without key or earlier action."""
    key = _key(held)
    if not key:
        return None
    query = select(action.c.id, action.c.bind)
    row = tx.execute(query.where(action.c.repeat_key == key)).one_or_none()
    return None if row is None else Repeat(row.id, row.bind == held.bind)


def _new_hold(held: Action, verdict: Verdict, told: str) -> NewHold:
    attempt, caller = held.attempt, held.attempt.caller
    return NewHold(
        action=held.id,
        agent=caller.agent_id,
        agent_name=caller.name,
        case_id=attempt.case,
        tool=held.tool.name,
        tool_revision=held.tool.revision,
        bind=held.bind,
        behind=tuple(Behind(view.id, view.sponsor, view.owner) for view in caller.chain),
        needed=verdict.needed,
        consequence=told,
        requesters=requesters(held.origin, caller.accountable),
        key=_key(held),
    )


def _key(asked: Action) -> str:
    """The idempotency key of the call, as rows have it; empty without one."""
    key = asked.attempt.request.key
    return repeat_key(asked.attempt.caller, key) if key else ""
