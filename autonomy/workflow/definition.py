"""The words of a definition: a workflow in one wording, ready to run.

A field called a *value* is JSON in which every text is an expression (CEL). Definitions are JSON, and pinned to a run
by their digest.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from autonomy.kernel.canonical import Json

VERSION = 1
"""Of the form of definitions and states; a process refuses what a newer one wrote."""

Priority = Literal["low", "normal", "high", "urgent"]


class Word(Struct, frozen=True, omit_defaults=True):
    """A part of a definition."""


class Retry(Word, frozen=True):
    """Tries in all, and the wait before the next one: `wait · factor^(n-1)`, at most `longest`."""

    attempts: int
    wait: int
    factor: int
    longest: int


class Handler(Word, frozen=True):
    """What is done about exceptions of these kinds; of every kind where there are none."""

    kinds: tuple[str, ...]
    then: Literal["ask", "reassign", "skip", "compensate", "fail"]
    role: str | None = None
    person: str | None = None


class ToolWork(Word, frozen=True, tag="tool"):
    """`doer` is the step beside it whose task's agent performs it, if an agent did it: of goals only."""

    tool: str
    agent: str
    arguments: Json = None
    doer: str = ""


class TaskWork(Word, frozen=True, tag="task"):
    role: str
    goal: str
    by: Literal["anybody", "agent", "person"] = "anybody"
    capability: str | None = None
    input: Json = None
    prefer: tuple[str, ...] = ()


class DecideWork(Word, frozen=True, tag="decide"):
    decision: str
    arguments: Json = None


class ApprovalWork(Word, frozen=True, tag="approval"):
    roles: dict[str, int]
    question: str
    show: Json = None
    goes_on_refused: bool = False


class ChildWork(Word, frozen=True, tag="workflow"):
    """`definition` is an expression of the digest of the wording, where it is not the declared one."""

    workflow: str
    detached: bool = False
    arguments: Json = None
    definition: str | None = None


class ForeachWork(Word, frozen=True, tag="foreach"):
    items: str
    item: str
    at_once: int
    most: int
    block: str


class Way(Word, frozen=True):
    name: str
    when: str
    block: str


class ChooseWork(Word, frozen=True, tag="choose"):
    match: Literal["first", "unique"]
    ways: tuple[Way, ...]
    otherwise: str | None = None


class RepeatWork(Word, frozen=True, tag="repeat"):
    block: str
    until: str
    most: int


class Awaited(Word, frozen=True):
    name: str
    event: str
    key: str | None = None


class WaitWork(Word, frozen=True, tag="wait"):
    duration: int | None = None
    until: str | None = None
    events: tuple[Awaited, ...] = ()


class EmitWork(Word, frozen=True, tag="emit"):
    event: str
    key: str | None = None
    data: Json = None


class AgreeWork(Word, frozen=True, tag="agree"):
    figures: dict[str, str]
    within: Json = 0


class CancelWork(Word, frozen=True, tag="cancel"):
    steps: tuple[str, ...]


class EndWork(Word, frozen=True, tag="end"):
    status: Literal["done", "failed", "cancelled"]
    reason: str
    result: Json = None


Work: TypeAlias = (
    ToolWork
    | TaskWork
    | DecideWork
    | ApprovalWork
    | ChildWork
    | ForeachWork
    | ChooseWork
    | RepeatWork
    | WaitWork
    | EmitWork
    | AgreeWork
    | CancelWork
    | EndWork
)


class Step(Word, frozen=True):
    """One step. `followers` are the steps that need it; `contract` is the JSON Schema its output must fit. What it did
    `stays` where its workflow says that nothing undoes it, and why."""

    id: str
    block: str
    work: Work
    needs: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()
    join: Literal["all", "any"] = "all"
    when: str | None = None
    before: tuple[str, ...] = ()
    alone: str | None = None
    contract: dict[str, Any] | None = None
    retry: Retry | None = None
    deadline: int | None = None
    handlers: tuple[Handler, ...] = ()
    undo: ToolWork | TaskWork | None = None
    stays: bool = False


class Block(Word, frozen=True):
    """Steps beside each other, and the value they come to. `owner` is the step they are inside of, if any."""

    id: str
    steps: tuple[str, ...]
    owner: str = ""
    result: Json = None


class Caps(Word, frozen=True):
    """Where a run stops, as `stopped` with `cap.NAME` as its reason. `spend` in minor units of the base currency."""

    steps: int
    time: int
    attempts: int
    depth: int
    fan_out: int
    spend: int | None = None


class Trigger(Word, frozen=True):
    """What starts a run: `name` is a cron text with its time zone, an event, a hook or a workflow.

    `input` is a value, of `trigger`. `missed` says what becomes of times of a schedule that passed while nothing ran.
    """

    source: Literal["schedule", "event", "webhook", "ended"]
    name: str
    when: str | None = None
    input: Json = None
    missed: Literal["once", "skip"] = "once"


class Definition(Word, frozen=True):
    """A workflow in one wording, ready to run. `digest` is the SHA-256 of all the rest as canonical JSON.

    `types` are JSON Schemas of the variables of expressions: `input`, the items of `foreach` steps by name, and
    `steps`, an object with the type of each step's output.
    """

    workflow: str
    escalation: str
    caps: Caps
    steps: dict[str, Step]
    blocks: dict[str, Block]
    input: dict[str, Any]
    types: dict[str, Any]
    priority: Priority = "normal"
    deadline: int | None = None
    key: str | None = None
    triggers: tuple[Trigger, ...] = ()
    version: int = VERSION
    digest: str = ""


ROOT = ""
"""The id of the block of a workflow's own steps."""
