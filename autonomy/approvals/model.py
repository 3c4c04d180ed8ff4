"""The words of an approval: a hold, its seats, the votes for them, who stands in for whom, the claim to do it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from autonomy.policy.model import Ask

Verdict = Literal["approve", "reject", "return"]
"""`return` sends the action back to its agent with a change that is wanted."""

Void = Literal["standing", "behind", "role"]
"""Why an approval counts no more: who gave it (or is spoken for) left or may decide nothing any more, is behind the
action by now, holds none of the roles any more."""

State = Literal["waiting", "ready", "claimed", "performed", "denied", "rejected", "returned", "expired", "withdrawn"]
"""`waiting` for people, `ready` to be carried out, `claimed` by a process; the others are ends.

`performed`: the approval was used. `denied`: approved, but refused by the gate when it looked again.
"""

Order = Literal["newest", "ends"]
"""How holds are listed: the newest first, or what expires first."""

Finish = Literal["performed", "denied", "withdrawn"]
"""How a claim ends, other than by asking people again."""


@dataclass(frozen=True, slots=True)
class Behind:
    """An agent behind an action and the people accountable for it, now or at some time since it was asked for. None of
    these people may approve the action."""

    agent: str
    sponsor: str
    owner: str


@dataclass(frozen=True, slots=True)
class NewHold:
    """An action to be held. `bind` is the keyed hash of the canonical action: what is approved is what is bound.

    `behind` names the acting agent first, then everyone it acts for and every agent it is a child of; `requesters`
    are people on whose word it acts, and whom the run or task comes from that it is done for. `needed` is the
    verdict's. `consequence` is one sentence for people. `key` is the idempotency key of the call, empty where it has
    none.
    """

    action: str
    agent: str
    agent_name: str
    case_id: str
    tool: str
    tool_revision: str
    bind: str
    behind: tuple[Behind, ...]
    needed: tuple[Ask, ...]
    consequence: str
    requesters: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """An approval that is needed, to be given by as many different `people` who hold `role` or a role it has been
    escalated to.

    Every `every` milliseconds the next role of `chain` joins those that may decide; `stage` of them have joined.
    """

    role: str
    policies: tuple[str, ...]
    chain: tuple[str, ...] = ()
    every: int | None = None
    stage: int = 0
    people: int = 1

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose holders may decide now."""
        return (self.role, *self.chain[: self.stage])


@dataclass(frozen=True, slots=True)
class Vote:
    """What `person` said in `round`, for the seat of `role`, having been shown what hashes to `shown`; a deputy says it
    `instead_of` an absent person."""

    round: int
    role: str
    person: str
    verdict: Verdict
    shown: str
    reason: str
    at: int
    instead_of: str | None = None
    void: Void | None = None
    """Why it counts no more, where it does not."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A held action as it stands. Times are milliseconds; `round` counts how often people were asked, from 0."""

    action: str
    agent: str
    agent_name: str
    case_id: str
    tool: str
    tool_revision: str
    bind: str
    behind: tuple[Behind, ...]
    requesters: tuple[str, ...]
    seats: tuple[Seat, ...]
    state: State
    round: int
    created_at: int
    asked_at: int
    expires_at: int
    next_escalation_at: int | None
    consequence: str
    difference: str | None = None
    claimed_by: str | None = None
    claim_until: int | None = None
    fence: int = 0
    ended_at: int | None = None
    reminders: tuple[int, ...] = ()
    """How long before its end people are reminded, in milliseconds, the first one first."""
    next_reminder_at: int | None = None
    key: str = ""
    erased: bool | None = None
    """Whether its subject was erased: then nothing more is written about it."""
    votes: tuple[Vote, ...] = ()

    @property
    def is_checkpoint(self) -> bool:
        """Whether a run of a workflow waits behind it rather than an action: the yes itself is all that is wanted, so
        the vote that completes it uses it up."""
        return not self.tool

    @property
    def shown(self) -> str:
        """What a vote must echo: the bind, and once people are asked again also the difference they must have seen."""
        if self.round == 0:
            return self.bind
        return hashlib.sha256(f"{self.bind}|{self.round}|{self.difference}".encode()).hexdigest()

    @property
    def given(self) -> tuple[Vote, ...]:
        """The votes of this round that count; those of earlier rounds are void."""
        return tuple(vote for vote in self.votes if vote.round == self.round and vote.void is None)

    @property
    def heard(self) -> frozenset[str]:
        """Everybody whose word has been given in this round, by themselves or by a deputy. Nobody's counts twice."""
        return frozenset(name for vote in self.given for name in (vote.person, vote.instead_of) if name)

    @property
    def approvers(self) -> Mapping[str, int]:
        """How many different people have approved in each role in this round."""
        return Counter(vote.role for vote in self.given if vote.verdict == "approve")

    def missing(self, seat: Seat) -> int:
        """How many people must still approve in this seat."""
        return max(0, seat.people - self.approvers.get(seat.role, 0))

    @property
    def open_seats(self) -> tuple[Seat, ...]:
        """The seats that still miss somebody in this round."""
        return tuple(seat for seat in self.seats if self.missing(seat))

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Who must still approve, in words: `cfo`, `2 of finance-manager`."""
        counted = ((self.missing(seat), " or ".join(seat.roles)) for seat in self.open_seats)
        return tuple(roles if missing == 1 else f"{missing} of {roles}" for missing, roles in counted)

    @property
    def approvals(self) -> frozenset[str]:
        """The roles whose approval has been given in this round, by as many people as are needed."""
        return frozenset(seat.role for seat in self.seats if not self.missing(seat))


@dataclass(frozen=True, slots=True)
class StandIn:
    """An absent person whose deputy is voting, and the roles that the absent one holds now."""

    person: str
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote being cast: `held` are the roles that `person` holds now, `for_absent` those whose deputy they are; `role`
    picks a seat where several are open."""

    person: str
    held: frozenset[str]
    verdict: Verdict
    shown: str
    reason: str = ""
    role: str | None = None
    for_absent: tuple[StandIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out an approved action until `until`; `fence` proves it is still ours."""

    action: str
    fence: int
    until: int


NoteKind = Literal["question", "handing"]


@dataclass(frozen=True, slots=True)
class Note:
    """What `by`, who could decide, said to `to` about a held action: a question, or that they should decide it."""

    id: str
    action: str
    kind: NoteKind
    by: str
    to: str
    text: str
    at: int
    answer: str | None = None
    answered_at: int | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """A time, from `since` until before `until` (milliseconds), in which `deputy` may decide what `person` could.

    `ended_at` is when it was ended early, by `ended_by`.
    """

    id: str
    person: str
    deputy: str
    since: int
    until: int
    declared_by: str
    declared_at: int
    ended_at: int | None = None
    ended_by: str | None = None

    def covers(self, at: int) -> bool:
        """Whether the person is away at `at`."""
        return self.since <= at < self.over_at

    @property
    def over_at(self) -> int:
        """When it is over."""
        return self.until if self.ended_at is None else min(self.until, max(self.since, self.ended_at))
