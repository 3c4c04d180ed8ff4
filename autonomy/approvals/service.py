"""The use cases of approvals. Each runs in one transaction, under the head lock, and writes its own record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.policy.model import Ask

from . import rules, store
from .model import Ballot, Claim, Finish, Hold, NewHold, State, Verdict
from .ports import Announce, Holders, announce_nothing
from .rules import Targets
from .store import Reader

SWEEP_BATCH = 50  # holds a sweep moves in one transaction: others wait for it
CLAIM_BATCH = 16  # holds one process takes at once; more would only wait there instead of elsewhere
PAGE = 100  # holds a list returns unless told
MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Swept:
    """How many holds a sweep expired and escalated."""

    expired: int
    escalated: int


class Approvals:
    """Holds and the people who decide them. Functions that take `tx` join the caller's transaction."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        holders: Holders,
        targets: Targets,
        clock: Clock = clock.now,
        announce: Announce = announce_nothing,
    ) -> None:
        self._database = database
        self._queue = queue
        self._holders = holders
        self._targets = targets
        self._clock = clock
        self._announce = announce

    def ask(self, tx: Tx, new: NewHold) -> Hold:
        """Hold `new` and ask its people; or the hold that answers a repeat of the same action already.

        An action waiting, ready, being carried out, or performed, rejected or returned within a day is not asked
        about again: models do call again, and people are asked once.
        """
        at = self._clock()
        for known in store.same(tx, new.agent, new.case_id, new.bind):
            if rules.answers_repeat(known, at):
                return known
            self._expire(tx, known, at)
        hold = rules.open_hold(new, self._targets, at)
        store.add(tx, hold)
        self._announce(tx, "approval.asked", hold, at)
        return hold

    def decide(
        self, action: str, person: str, verdict: Verdict, shown: str, reason: str = "", role: str | None = None
    ) -> Hold:
        """Count the vote of `person`, who was shown what hashes to `shown`; returns the hold as it then stands.

        `role` picks the seat where the person could fill several. The vote that fills the last seat makes the action
        ready in the same transaction. Raises NotFound, Conflict (too late, decided already, something else was shown),
        Forbidden (not theirs to decide) or Invalid.
        """

        def work(tx: Tx) -> Hold:
            at = self._clock()
            asked = self._escalate(tx, _known(tx, action), at)
            held = self._held(tx, asked, person)
            after = rules.decide(asked, Ballot(person, held, verdict, shown, reason, role), at)
            _move(tx, asked, after)
            _record_vote(tx, after, held)
            return after

        return self._queue.run(work)

    def withdraw(self, action: str, actor: str) -> Hold:
        """End a hold that nobody is carrying out; `actor` (`person:NAME`, `agent:ID`, `system`) is on record.

        Raises NotFound, or Conflict where it is over or being carried out.
        """

        def work(tx: Tx) -> Hold:
            at = self._clock()
            before = _known(tx, action)
            after = rules.withdraw(before, at)
            _move(tx, before, after)
            _record(tx, after, at, actor, "withdraw")
            return after

        return self._queue.run(work)

    def sweep(self) -> Swept:
        """Expire and escalate every hold that is due, with a leaf each. Any process may call it, at any time."""
        swept = Swept(0, 0)
        while self._due(store.overdue):
            part = self._queue.run(self._sweep_batch)
            swept = Swept(swept.expired + part.expired, swept.escalated + part.escalated)
            if part == Swept(0, 0):  # another process was faster
                break
        return swept

    def claim(self, owner: str, lease_ms: int, count: int = CLAIM_BATCH) -> list[Claim]:
        """Take up to `count` approved holds to carry them out within the lease; no two callers get the same one.

        Whether the action may still be done (its agent not suspended, its tool unchanged, policy and facts as they
        were) is for the gate to look at again, before it uses the approval up.
        """
        if not self._due(store.claimable):
            return []

        def work(tx: Tx) -> list[Claim]:
            at = self._clock()
            return [_claim(tx, hold, owner, at, lease_ms) for hold in store.claimable(tx, at, count)]

        return self._queue.run(work)

    def finish(self, tx: Tx, action: str, fence: int, state: Finish) -> Hold:
        """End what was claimed. Raises Conflict where the claim was lost to another, or the approval has expired.

        The gate uses `store.CONSUME` instead where it writes the intent; both let one caller through, once.
        """
        at = self._clock()
        before = _known(tx, action)
        after = rules.finish(before, fence, state, at)
        _move(tx, before, after)
        _record(tx, after, at, "system", "finish")
        return after

    def reask(self, tx: Tx, action: str, fence: int, needed: Sequence[Ask], difference: str) -> Hold:
        """Ask people again because facts changed the decision; what they said before is void.

        `difference` is shown to them and must be echoed by their votes; like every text kept here it holds no
        personal data. Raises Conflict where the claim was lost to another.
        """
        at = self._clock()
        before = _known(tx, action)
        after = rules.ask_again(before, fence, needed, difference, self._targets, at)
        _move(tx, before, after)
        _record(tx, after, at, "system", "ask_again")
        self._announce(tx, "approval.asked_again", after, at)
        return after

    def get(self, action: str) -> Hold:
        """The hold of `action` with all its votes; raises NotFound."""
        with self._database.reading() as connection:
            return _known(connection, action)

    def holds(
        self,
        states: Sequence[State] = ("waiting",),
        roles: Collection[str] | None = None,
        count: int = PAGE,
        after: str | None = None,
    ) -> list[Hold]:
        """Holds in `states` (all when empty), newest first; with `roles`, those in which one of them may decide now.

        `after` is the action of the last hold of the page before.
        """
        count = max(1, min(count, MAX_PAGE))
        found: list[Hold] = []
        with self._database.reading() as connection:
            last = _known(connection, after) if after else None
            while len(found) < count and (page := store.newest(connection, states, PAGE, last)):
                found += [hold for hold in page if roles is None or _is_for(hold, roles)]
                last = page[-1]
        return found[:count]

    def _due(self, query: Callable[[Reader, int, int], list[Hold]]) -> bool:
        """Whether a query over holds finds one now, without troubling the writer."""
        with self._database.reading() as connection:
            return bool(query(connection, self._clock(), 1))

    def _sweep_batch(self, tx: Tx) -> Swept:
        at = self._clock()
        expired = escalated = 0
        for hold in store.overdue(tx, at, SWEEP_BATCH):
            if self._expire(tx, hold, at) is not hold:
                expired += 1
            elif self._escalate(tx, hold, at) is not hold:
                escalated += 1
        return Swept(expired, escalated)

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
            self._announce(tx, "approval.escalated", after, at)
        return after

    def _held(self, tx: Tx, hold: Hold, person: str) -> frozenset[str]:
        """Which of the roles that may decide about the hold this person holds now."""
        asked = {role for seat in hold.seats for role in seat.roles}
        return frozenset(role for role in asked if person in self._holders(tx, role))


def _known(reader: Reader, action: str) -> Hold:
    found = store.find(reader, action)
    if found is None:
        raise NotFound(f"no approval is asked for `{action[:80]}`", code="approval.unknown")
    return found


def _move(tx: Tx, before: Hold, after: Hold) -> None:
    if not store.replace(tx, before, after):
        raise Conflict("it has just been changed by another", code="approval.moved", hint="look at it again")


def _claim(tx: Tx, before: Hold, owner: str, at: int, lease_ms: int) -> Claim:
    after = rules.claim(before, owner, at, lease_ms)
    _move(tx, before, after)
    return Claim(after.action, after.fence, at + lease_ms, after.approvals)


def _deciding(hold: Hold) -> set[str]:
    """The roles whose holders may decide about the hold now."""
    return {role for seat in hold.open_seats for role in seat.roles}


def _is_for(hold: Hold, roles: Collection[str]) -> bool:
    return any(role in roles for seat in hold.seats for role in seat.roles)


def _record_vote(tx: Tx, hold: Hold, held: Collection[str]) -> None:
    """The reason stays out of the log: it is free text, and the log is for ever."""
    vote = hold.votes[-1]
    _record(
        tx, hold, vote.at, f"person:{vote.person}", vote.verdict, role=vote.role, held=sorted(held), shown=vote.shown
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
