"""The words of an approval: a hold, the seats that people must fill, their votes, and the claim to carry it out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from autonomy.policy.model import Ask

Verdict = Literal["approve", "reject", "return"]
"""`return` sends the action back to its agent with a change that is wanted."""

State = Literal["waiting", "ready", "claimed", "performed", "denied", "rejected", "returned", "expired", "withdrawn"]
"""`waiting` for people, `ready` to be carried out, `claimed` by a process; the others are ends.

`performed`: the approval was used. `denied`: approved, but refused by the gate when it looked again.
"""

Finish = Literal["performed", "denied", "withdrawn"]
"""How a claim ends, other than by asking people again."""


@dataclass(frozen=True, slots=True)
class Behind:
    """An agent behind an action and the people accountable for it. None of these people may approve the action."""

    agent: str
    sponsor: str
    owner: str


@dataclass(frozen=True, slots=True)
class NewHold:
    """An action to be held. `bind` is the keyed hash of the canonical action: what is approved is what is bound.

    `behind` names the acting agent first, then everyone it acts for and every agent it is a child of; `requesters`
    are people on whose word it acts, if any. `needed` is the verdict's. `consequence` is one sentence for people.
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


@dataclass(frozen=True, slots=True)
class Seat:
    """One approval that is needed, to be given by one person who holds `role` or a role it has been escalated to.

    Every `every` milliseconds the next role of `chain` joins those that may decide; `stage` of them have joined.
    """

    role: str
    policies: tuple[str, ...]
    chain: tuple[str, ...] = ()
    every: int | None = None
    stage: int = 0

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose holders may decide now."""
        return (self.role, *self.chain[: self.stage])


@dataclass(frozen=True, slots=True)
class Vote:
    """What `person` said in `round`, filling the seat of `role`, having been shown what hashes to `shown`."""

    round: int
    role: str
    person: str
    verdict: Verdict
    shown: str
    reason: str
    at: int


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
    votes: tuple[Vote, ...] = ()

    @property
    def shown(self) -> str:
        """What a vote must echo: the bind, and once people are asked again also the difference they must have seen."""
        if self.round == 0:
            return self.bind
        return hashlib.sha256(f"{self.bind}|{self.round}|{self.difference}".encode()).hexdigest()

    @property
    def given(self) -> tuple[Vote, ...]:
        """The votes of this round; those of earlier rounds are void."""
        return tuple(vote for vote in self.votes if vote.round == self.round)

    @property
    def open_seats(self) -> tuple[Seat, ...]:
        """The seats nobody has filled in this round."""
        filled = {vote.role for vote in self.given}
        return tuple(seat for seat in self.seats if seat.role not in filled)

    @property
    def approvals(self) -> frozenset[str]:
        """The roles whose approval has been given in this round, as policy names them."""
        return frozenset(vote.role for vote in self.given if vote.verdict == "approve")


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote being cast: `held` are the roles that `person` holds now; `role` picks a seat where several are open."""

    person: str
    held: frozenset[str]
    verdict: Verdict
    shown: str
    reason: str = ""
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out an approved action until `until`; `fence` proves it is still ours."""

    action: str
    fence: int
    until: int
    approvals: frozenset[str]
