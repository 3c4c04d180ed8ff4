"""The words of an explanation. Everything in it was stored when it happened; what is gone is said to be gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from autonomy.kernel.canonical import Json

PartState = Literal["shown", "hidden", "erased", "changed", "none"]
"""`hidden`: the reader may not see it. `erased`: nobody can any more. `changed`: what is stored is not what was
written. `none`: there never was any."""

ActionState = Literal[
    "held", "running", "done", "failed", "unknown", "denied", "rejected", "returned", "expired", "withdrawn"
]

Leaves = list[tuple[int, dict[str, Json]]]
"""Index and content of the leaves about one action, in order."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something the log keeps only a commitment to (`commitment`, hexadecimal): the value itself may be gone."""

    state: PartState
    value: Json = None
    commitment: str | None = None


NOTHING = Part("none")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a commitment is to: SHA-256 of `salt` and the bytes of `text`. Who has it can show to others what was said;
    the log says no more by it than before."""

    name: str
    commitment: str
    salt: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Wording:
    """A rule as it was written at the epoch of the decision; `text` is None where it is not found there."""

    id: str
    policy: str | None = None
    unit: str | None = None
    mode: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """Who acted: `agent` is a SPIFFE id, `revision` the digest of its declaration, `acts_for` the rest of the chain."""

    agent: str
    name: str
    revision: str
    unit: str
    sponsor: str
    acts_for: tuple[str, ...] = ()
    site: str | None = None


@dataclass(frozen=True, slots=True)
class What:
    """What was asked. `rationale` is the agent's own word: nobody has checked it, nothing was decided by it."""

    tool: str
    case: str
    arguments: Part
    rationale: Part
    tool_revision: str | None = None
    tags: tuple[str, ...] = ()
    parent: str | None = None
    run: str | None = None
    task: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, as leaf `index` recorded it at `at` (milliseconds), under the epochs then in force.

    `asks` are the roles whose approval was asked, `approvals` those whose approval had been given; `labels` are what
    the case had been in touch with. `code` and `reason` are those of a refusal that no rule made.
    """

    index: int
    at: int
    kind: Literal["intent", "hold", "denial"]
    effect: str
    rules: tuple[Wording, ...]
    reasons: tuple[str, ...]
    facts: Part
    asks: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    windows: dict[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    obligations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()
    catalog_epoch: int | None = None
    identity_epoch: int | None = None
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What happened to the approval: a vote of `actor`, who was shown what hashes to `shown`, or what time did.

    A deputy votes `instead_of` an absent person. `code` says why what was approved was not done.
    """

    index: int
    at: int
    event: str
    actor: str
    round: int = 0
    role: str | None = None
    shown: str | None = None
    reason: str | None = None
    instead_of: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Money in minor units of the base currency, and tokens; None where nobody said."""

    money: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended. `via` tells who found out when it was not the performer, `by` which person said so."""

    index: int
    at: int
    status: str
    result: Part
    cost: Cost
    code: str | None = None
    via: str | None = None
    by: str | None = None
    reason: str | None = None
    labels: tuple[str, ...] = ()
    overruns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What `by` said of the result, a person or a declared check (`check:TOOL`): right, wrong, corrected.

    `stands`: whether it counted when it was said; a check does not outrank a person. The latest that counts is the one
    in the figures. `found` are the facts that a check looked up.
    """

    index: int
    at: int
    by: str
    verdict: str
    stands: bool
    remark: Part
    correction: Part
    found: Part = NOTHING


@dataclass(frozen=True, slots=True)
class Position:
    """Where it stands in the log. `checkpoint` is the size of the first signed tree that holds all of it, if any."""

    leaves: tuple[int, ...]
    checkpoint: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one action came out as it did, put together from its leaves and from nothing else.

    The last of `endings` stands; one before it was `unknown` until somebody found out.
    """

    action: str
    state: ActionState
    who: Who
    what: What
    decisions: tuple[Decided, ...]
    approvals: tuple[Said, ...]
    worst_case: Cost | None
    endings: tuple[Ended, ...]
    position: Position
    currency: str
    judged: tuple[Judged, ...] = ()
    unexplained: tuple[str, ...] = ()
    """What cannot be told, each in a sentence."""


Decision = Literal["allow", "hold", "deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which actions to list; what is None does not matter. `agent` is a name or an id; times are milliseconds, `until`
    not included; costs are minor units of the base currency, both included. `decision` is the last one."""

    text: str | None = None
    agent: str | None = None
    unit: str | None = None
    tool: str | None = None
    decision: Decision | None = None
    state: ActionState | None = None
    case: str | None = None
    run: str | None = None
    task: str | None = None
    policy: str | None = None
    label: str | None = None
    code: str | None = None
    since: int | None = None
    until: int | None = None
    cost_from: int | None = None
    cost_to: int | None = None


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action in a list. `money` is minor units of the base currency: the worst case until it has ended."""

    id: str
    state: str
    agent: str
    agent_name: str
    unit: str
    case: str
    tool: str
    money: int
    at: int
    ended_at: int | None = None
    code: str | None = None
    message: str | None = None
    run: str | None = None
    decision: str = "deny"
