"""The use cases of approvals. Each runs in one transaction, under the head lock, and writes its own record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Reader, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.policy.model import Ask

from . import rules, store
from .model import Ballot, Claim, Finish, Hold, NewHold, Order, State, Verdict, Vote
from .notes import Notes
from .ports import Announce, Staff, announce_nothing
from .rules import Targets
from .voices import Voices

SWEEP_BATCH = 50  # holds a sweep moves in one transaction: others wait for it
CLAIM_BATCH = 16  # holds one process takes at once; more would only wait there instead of elsewhere
PAGE = 100  # holds a list returns unless told
MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Swept:
    """How many holds a sweep expired, escalated and reminded people of."""

    expired: int = 0
    escalated: int = 0
    reminded: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.expired + other.expired, self.escalated + other.escalated, self.reminded + other.reminded)


class Approvals:
    """Holds and the people who decide them. Functions that take `tx` join the caller's transaction.

    `notes` are what people say to others before they decide.
    """

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        staff: Staff,
        targets: Targets,
        clock: Clock = clock.now,
        announce: Announce = announce_nothing,
    ) -> None:
        self._database = database
        self._queue = queue
        self._staff = staff
        self._targets = targets
        self._clock = clock
        self._announce = announce
        self.notes = Notes(database, queue, self._voices, clock, announce)

    def ask(self, tx: Tx, new: NewHold) -> Hold:
        """Hold `new` and ask its people; or the hold that answers a repeat of the same action already.

        An action waiting, ready, being carried out, or performed, rejected or returned within a day is not asked
        about again: models do call again, and people are asked once. Another key makes it another action, unless people
        said no. Who a repeat comes from does not decide it either.
        """
        at = self._clock()
        for known in store.same(tx, new.agent, new.case_id, new.bind):
            if rules.answers_repeat(known, at, new.key):
                return _with_requesters(tx, known, new)
            self._expire(tx, known, at)
        hold = rules.open_hold(new, self._targets, at)
        store.add(tx, hold)
        self._tell(tx, "approval.asked", hold, at)
        return hold

    def decide(
        self,
        action: str,
        person: str,
        verdict: Verdict,
        shown: str,
        reason: str = "",
        role: str | None = None,
        looked_ms: int | None = None,
    ) -> Hold:
        """Count the vote of `person`, who was shown what hashes to `shown`; returns the hold as it then stands.

        A deputy of somebody who is away may speak in their roles; the two of them count as one person. `role` picks the
        seat where the person could fill several. Earlier approvals by people who have left since, may not decide any
        more or are behind the action by now are void, and asked again. `looked_ms` is how long they had it open, where
        that is known: it goes on record, no longer than since they were asked. The vote that fills the last seat makes
        the action ready in the same transaction. Raises NotFound, Conflict (too late, decided already, something else
        was shown), Forbidden (not theirs to decide) or Invalid.
        """

        def work(tx: Tx) -> Hold:
            at = self._clock()
            before, voices = self._escalate(tx, _known(tx, action), at), self._voices(tx, at)
            asked = voices.seen(before)
            ballot = replace(voices.ballot(asked, person), verdict=verdict, shown=shown, reason=reason, role=role)
            after = rules.decide(asked, ballot, at)
            _move(tx, before, after)
            self._tell_void(tx, before, after, at)
            _record_vote(tx, after, ballot, None if looked_ms is None else min(looked_ms, max(0, at - after.asked_at)))
            return after

        return self._queue.run(work)

    def withdraw(self, action: str, actor: str) -> Hold:
        """End a hold that nobody is carrying out; `actor` (`person:NAME`, `agent:ID`, `system`) is on record.

        Raises NotFound, or Conflict where it is over or being carried out.
        """
        return self._queue.run(lambda tx: self.withdraw_in(tx, action, actor))

    def withdraw_in(self, tx: Tx, action: str, actor: str) -> Hold:
        """`withdraw` in the transaction of somebody else."""
        at = self._clock()
        before = _known(tx, action)
        after = rules.withdraw(before, at)
        _move(tx, before, after)
        _record(tx, after, at, actor, "withdraw")
        return after

    def sweep(self) -> Swept:
        """Expire, escalate and remind of every hold that is due, with a leaf each. Any process may call it, at any
        time."""
        swept = Swept()
        while self._due(store.overdue):
            part = self._queue.run(self._sweep_batch)
            swept += part
            if part == Swept():  # another process was faster
                break
        return swept

    def claim(self, owner: str, lease_ms: int, count: int = CLAIM_BATCH) -> list[Claim]:
        """Take up to `count` approved holds to carry them out within the lease; no two callers get the same one.

        Whether the action may still be done (its agent not suspended, its tool unchanged, policy and facts as they
        were, who approved it still entitled to: `counted`) is for the gate to look at again, before it uses the
        approval up.
        """
        if not self._due(store.claimable):
            return []

        def work(tx: Tx) -> list[Claim]:
            at = self._clock()
            return [_claim(tx, hold, owner, at, lease_ms) for hold in store.claimable(tx, at, count)]

        return self._queue.run(work)

    def finish(self, tx: Tx, action: str, fence: int, state: Finish, code: str | None = None) -> Hold:
        """End what was claimed; `code` says why where it was not done. Raises Conflict where the claim was lost to
        another, or the approval has expired.

        The gate uses `store.CONSUME` instead where it writes the intent; both let one caller through, once.
        """
        at = self._clock()
        before = _known(tx, action)
        after = rules.finish(before, fence, state, at)
        _move(tx, before, after)
        _record(tx, after, at, "system", "finish", code=code)
        return after

    def reask(self, tx: Tx, action: str, fence: int, needed: Sequence[Ask], difference: str) -> Hold:
        """Ask people again because facts changed the decision, or what they said does not count any more; what they
        said before is void.

        `difference` is shown to them and must be echoed by their votes; like every text kept here it holds no
        personal data. Raises Conflict where the claim was lost to another.
        """
        at = self._clock()
        before = _known(tx, action)
        seen = self._voices(tx, at).seen(before)
        after = rules.ask_again(seen, fence, needed, _with_lost(before, seen, difference), self._targets, at)
        _move(tx, before, after)
        _record_void(tx, before, after, at)
        _record(tx, after, at, "system", "ask_again")
        self._tell(tx, "approval.asked_again", after, at)
        return after

    def counted(self, reader: Reader, action: str) -> Hold:
        """The hold of `action` as its approvals count now; raises NotFound. Nothing is written."""
        return self._voices(reader, self._clock()).seen(_known(reader, action))

    def get(self, action: str) -> Hold:
        """The hold of `action` with all its votes; raises NotFound."""
        with self._database.reading() as connection:
            return _known(connection, action)

    def could_decide(self, holds: Sequence[Hold], person: str) -> set[str]:
        """The actions among `holds` that the person could decide now, by themselves or as somebody's deputy."""
        with self._database.reading() as connection:
            voices = self._voices(connection, self._clock())
            return {hold.action for hold in holds if voices.could_decide(hold, person)}

    def deciders(self, hold: Hold) -> tuple[str, ...]:
        """Everybody who could decide about the hold now, by name."""
        with self._database.reading() as connection:
            return self._voices(connection, self._clock()).deciders(hold)

    def stands_in_for(self, deputy: str) -> tuple[str, ...]:
        """The absent people for whom `deputy` may decide now."""
        with self._database.reading() as connection:
            return self._voices(connection, self._clock()).absent(deputy)

    def holds(
        self,
        states: Sequence[State] = ("waiting",),
        roles: Collection[str] | None = None,
        count: int = PAGE,
        after: str | None = None,
        order: Order = "newest",
        decider: str | None = None,
    ) -> list[Hold]:
        """Holds in `states` (all when empty), newest first, or by when they expire; with `roles`, those in which one of
        them may decide now, with `decider` those that this person could decide now.

        `after` is the action of the last hold of the page before. Raises Invalid (`approval.order`) where what is over
        is to be ordered by its end.
        """
        if order == "ends":
            _check_ending(states)
        count, read = max(1, min(count, MAX_PAGE)), store.ending if order == "ends" else store.page
        found: list[Hold] = []
        with self._database.reading() as connection:
            voices = self._voices(connection, self._clock())
            last = _known(connection, after) if after else None
            while len(found) < count and (page := read(connection, states, PAGE, last)):
                last = page[-1]
                fitting = (hold for hold in page if roles is None or _is_for(hold, roles))
                found += [hold for hold in fitting if decider is None or voices.could_decide(hold, decider)]
        return found[:count]

    def _due(self, query: Callable[[Reader, int, int], list[Hold]]) -> bool:
        """Whether a query over holds finds one now, without troubling the writer."""
        with self._database.reading() as connection:
            return bool(query(connection, self._clock(), 1))

    def _sweep_batch(self, tx: Tx) -> Swept:
        at, swept = self._clock(), Swept()
        for hold in store.overdue(tx, at, SWEEP_BATCH):
            expired = self._expire(tx, hold, at)
            escalated = self._escalate(tx, expired, at)
            reminded = self._remind(tx, escalated, at)
            swept += Swept(expired is not hold, escalated is not expired, reminded is not escalated)
        return swept

    def _expire(self, tx: Tx, before: Hold, at: int) -> Hold:
        after = rules.expire(before, at)
        if after is not before:
            _move(tx, before, after)
            _record(tx, after, at, "system", "expire")
        return after

    def _escalate(self, tx: Tx, before: Hold, at: int) -> Hold:
        after = rules.escalate(before, at)
        if after is not before:
            _move(tx, before, after)
            _record(tx, after, at, "system", "escalate", to=sorted(_deciding(after) - _deciding(before)))
            self._tell(tx, "approval.escalated", after, at)
        return after

    def _remind(self, tx: Tx, before: Hold, at: int) -> Hold:
        after = rules.remind(before, at)
        if after is not before:
            _move(tx, before, after)
            _record(tx, after, at, "system", "remind", to=sorted(_deciding(after)))
            self._tell(tx, "approval.reminded", after, at)
        return after

    def _tell_void(self, tx: Tx, before: Hold, after: Hold, at: int) -> None:
        """Say of which approvals nothing is left, and ask for others in their place."""
        _record_void(tx, before, after, at)
        if after.state == "waiting" and _voided(before, after):
            self._tell(tx, "approval.asked_again", after, at)

    def _tell(self, tx: Tx, kind: str, hold: Hold, at: int) -> None:
        self._announce(tx, kind, hold, lambda: self._voices(tx, at).deciders(hold), at)

    def _voices(self, reader: Reader, at: int) -> Voices:
        return Voices(reader, self._staff, at)


def _check_ending(states: Collection[State]) -> None:
    """Raise Invalid (`approval.order`) unless all states are of holds that are not over, and some are named."""
    if not states or not rules.ALIVE.issuperset(states):
        hint = f"name states among {', '.join(sorted(rules.ALIVE))}"
        raise Invalid("what is over does not expire any more", code="approval.order", hint=hint)


def _known(reader: Reader, action: str) -> Hold:
    found = store.find(reader, action)
    if found is None:
        raise NotFound(f"no approval is asked for `{action[:80]}`", code="approval.unknown")
    return found


def _with_requesters(tx: Tx, known: Hold, new: NewHold) -> Hold:
    """The hold as it is asked for once more: those behind the repeat have asked for it as well, while it waits."""
    more = set(new.requesters).difference(known.requesters)
    if known.state != "waiting" or not more:
        return known
    asked = replace(known, requesters=tuple(sorted(more.union(known.requesters))))
    _move(tx, known, asked)
    return asked


def _move(tx: Tx, before: Hold, after: Hold) -> None:
    if not store.replace(tx, before, after):
        raise Conflict("it has just been changed by another", code="approval.moved", hint="look at it again")


def _claim(tx: Tx, before: Hold, owner: str, at: int, lease_ms: int) -> Claim:
    after = rules.claim(before, owner, at, lease_ms)
    _move(tx, before, after)
    return Claim(after.action, after.fence, at + lease_ms)


def _voided(before: Hold, after: Hold) -> list[Vote]:
    """The approvals that count in `before` and are void in `after`."""
    return [now for vote, now in zip(before.votes, after.votes, strict=False) if vote.void is None and now.void]


def _with_lost(before: Hold, seen: Hold, difference: str) -> str:
    lost = len(_voided(before, seen))
    if not lost:
        return difference
    counted = "an approval counts" if lost == 1 else f"{lost} approvals count"
    return f"{counted} no more, for who gave it may not any longer; {difference}"


def _record_void(tx: Tx, before: Hold, after: Hold, at: int) -> None:
    for vote in _voided(before, after):
        told = {"role": vote.role, "person": vote.person, "instead_of": vote.instead_of}
        _record(tx, after, at, "system", "void", **told, why=vote.void)


def _deciding(hold: Hold) -> set[str]:
    """The roles whose holders may decide about the hold now."""
    return {role for seat in hold.open_seats for role in seat.roles}


def _is_for(hold: Hold, roles: Collection[str]) -> bool:
    return any(role in roles for seat in hold.seats for role in seat.roles)


def _record_vote(tx: Tx, hold: Hold, ballot: Ballot, looked_ms: int | None) -> None:
    """The reason stays out of the log: it is free text, and the log is for ever."""
    vote = hold.votes[-1]
    absent = {each.person: each.held for each in ballot.for_absent}
    _record(
        tx,
        hold,
        vote.at,
        f"person:{vote.person}",
        vote.verdict,
        role=vote.role,
        held=sorted(absent[vote.instead_of] if vote.instead_of else ballot.held),
        shown=vote.shown,
        instead_of=vote.instead_of,
        looked=looked_ms,
    )


def _record(tx: Tx, hold: Hold, at: int, actor: str, event: str, **more: Any) -> None:
    record(
        tx,
        "approval",
        at=at,
        actor=actor,
        action=hold.action,
        agent=hold.agent,
        tool=hold.tool,
        event=event,
        round=hold.round,
        state=hold.state,
        **more,
    )
