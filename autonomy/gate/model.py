"""The words at the door: what an agent asks, what it hears back, and the action in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from autonomy.audit import SubjectKey
from autonomy.audit.vault import PayloadRow
from autonomy.budget import Charge
from autonomy.identity import Caller
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.policy import Question, Verdict
from autonomy.tools import Tool

from .house import House
from .units import Bearing, Drift, HoldClaim, RecordUse
from .windows import WindowUse

Status = Literal["done", "held", "denied", "failed", "unknown", "running", "rejected", "allowed"]
"""`allowed` is only ever the answer to a dry run."""


class Request(Struct, frozen=True):
    """What an agent asks for. Everything here is the agent's word; nothing of it is an identity or an approval.

    But `workflow`, the declared workflow whose budgets bind the action as well, and `origin`, where its run came from,
    come from whoever runs workflows: no protocol takes them from an agent, which could otherwise use up another one's
    budget.
    """

    tool: str
    arguments: Mapping[str, Json]
    case: str = ""
    key: str | None = None
    rationale: str | None = None
    dry_run: bool = False
    parent: str | None = None
    run: str | None = None
    task: str | None = None
    step: str | None = None
    workflow: str | None = None
    origin: Sequence[str] = ()

    def check(self) -> bytes:
        """The canonical arguments. Raises Invalid for words that cannot be written down, before anything is done."""
        words = (("tool", self.tool), ("case", self.case), ("key", self.key), ("rationale", self.rationale))
        for name, word in (*words, *self.lineage().items()):
            if word and not word.isascii():
                canonical.check_text(word, name)
        return canonical.encode(self.arguments)

    def lineage(self) -> dict[str, str]:
        """Where the action belongs, as far as it was said."""
        if not (self.parent or self.workflow or self.run or self.task or self.step):
            return {}
        named = {
            "parent": self.parent,
            "workflow": self.workflow,
            "run": self.run,
            "task": self.task,
            "step": self.step,
        }
        return {name: value for name, value in named.items() if value is not None}


class Reply(Struct, frozen=True):
    """What the agent hears. `code` and `message` say why it was not done; `needed` what would be needed. `cost` is what
    it came to, in minor units of the base currency; it is for whoever runs workflows."""

    action: str
    status: Status
    case: str
    result: Json = None
    code: str | None = None
    message: str | None = None
    policies: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    detail: Mapping[str, Json] = {}
    cost: int = 0

    def as_dict(self) -> dict[str, Json]:
        """The reply as every protocol shows it; what says nothing is left out."""
        shown: dict[str, Json] = {"action": self.action, "status": self.status, "case": self.case}
        if self.status == "done":
            shown["result"] = self.result
        named = {
            "code": self.code,
            "message": self.message,
            "policies": list(self.policies),
            "needed": list(self.needed),
            "notices": list(self.notices),
            "detail": dict(self.detail),
        }
        return shown | {name: value for name, value in named.items() if value}


class Denied(Exception):
    """The door stays shut. Raised inside the pipeline only; the caller gets a Reply, the log a denial leaf."""

    def __init__(self, code: str, message: str, verdict: Verdict | None = None, **detail: Json) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.verdict = verdict
        self.detail = detail


class Attempt(Struct):
    """An action as it knocks: who, what, under which epochs. `admit` looks again who knocks, at an identity epoch."""

    id: str
    at: int
    admit: Callable[[int], Caller]
    caller: Caller
    request: Request
    case: str
    house: House
    identity: int
    arguments: bytes
    drift: Drift | None = None
    moves: int = 0
    """How often the epochs moved while it was decided."""
    hold: HoldClaim | None = None
    bound: str = ""
    """What the approval of a resumed action binds to."""
    approvals: frozenset[str] = frozenset()
    approvers: Mapping[str, int] = {}
    """How many people stand behind each of the approvals."""
    described: Action | None = None
    """What the present round has found out about it."""

    @property
    def bearing(self) -> Bearing:
        """Under which cases besides its own it is done. What a run asks for is what its definition says, not what its
        agent knows from elsewhere."""
        agents = () if self.request.workflow else tuple(view.name for view in self.caller.chain)
        return Bearing(agents, frozenset(self.request.origin))


class Papers(Struct):
    """What is sealed about an action, and the commitments its leaf makes to it."""

    key: SubjectKey
    action: str
    at: int
    resumed: int | None = None
    """The fence of a resumed action: what is sealed again about it is a part of its own."""
    rows: list[PayloadRow] = []
    commitments: dict[str, str] = {}

    def part(self, name: str) -> str:
        """The name of a part that may be sealed once for each time the action is taken up."""
        return name if self.resumed is None else f"{name}.{self.resumed}"

    def seal(self, part: str, value: bytes) -> None:
        """Seal `value` as `part` of the action."""
        row, self.commitments[part] = self.key.seal(self.action, part, value, self.at)
        self.rows.append(row)


class Action(Struct, frozen=True):
    """An action described: what it would do, to which record, at which cost, under which limits."""

    attempt: Attempt
    tool: Tool
    papers: Papers
    bind: str
    money: int
    tokens: int
    charges: tuple[Charge, ...]
    windows: tuple[WindowUse, ...]
    about: str | None
    named: tuple[str, str] | None
    """Kind and key of the record it is about."""
    record: RecordUse | None
    facts: Mapping[str, Any]
    assumed: Mapping[str, int]
    labels: frozenset[str]
    origin: frozenset[str]

    @property
    def id(self) -> str:
        return self.attempt.id

    def with_drift(self, drift: Drift) -> Action:
        """The same action with windows, labels and origin as they truly are."""
        return replace(self, assumed=drift.windows, labels=drift.labels, origin=drift.origin)

    @property
    def granted(self) -> Drift:
        """What is taken for granted of it."""
        return Drift(self.assumed, self.labels, self.origin)

    def question(self) -> Question:
        """What policy is asked about it."""
        caller = self.attempt.caller
        return Question(
            principals=tuple(view.name for view in caller.chain),
            tool=self.tool.name,
            arguments=self.attempt.request.arguments,
            facts=self.facts,
            windows=self.assumed,
            approvals=self.attempt.approvals,
            labels=self.labels,
            origin=self.origin,
            cost=self.money,
            record=self.named or ("", ""),
            site=caller.site or "",
            approvers=self.attempt.approvers,
        )
