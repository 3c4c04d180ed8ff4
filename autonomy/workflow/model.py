"""The words of a run: its state, what can happen to it (events), what it asks for (commands).

A dispatcher needs these words and one function, `rules.advance(definition, state, event)`:

1. read the run's State and its Definition (by `state.digest`), and the event;
2. `advance` gives the next State and Commands; write both in one transaction, the State under compare-and-set;
3. carry the commands out, and bring what becomes of each back as an event that names the command's `id`.

Ids of commands are derived from run, path and attempt, so that carrying one out twice can be seen by its id. Events may
come twice, late, out of order or for nothing: `advance` then changes nothing and says why in `ignored`.

A *path* names a step in a run: `order`; inside others `each[3]/check`, `route[cheap]/buy`, `again[0]/draft`, and
`each[2.3]/check` where the outer step is at its second attempt. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from autonomy.kernel.canonical import Json

from .definition import VERSION, Priority

# ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────────

StepStatus = Literal[
    "waiting", "running", "held", "retrying", "blocked", "stopping", "done", "skipped", "cancelled", "undoing", "undone"
]
"""`waiting`: for a step that must not run beside it. `held`: an action waits for people at the gate. `retrying`: until
a timer. `blocked`: an exception is open. `stopping`: withdrawn, and its effect may still happen. `undoing`, `undone`:
by its compensation. A step that has not begun is not in the state.
"""

RunStatus = Literal["new", "running", "compensating", "done", "failed", "cancelled", "compensated", "stopped"]
ENDED = frozenset({"done", "failed", "cancelled", "compensated", "stopped"})


class StepState(Struct, omit_defaults=True):
    """Where one step is. `order` counts the steps of the run in the order in which they were done, from 1.

    `open` are the commands whose answers are awaited. `interrupted` counts the attempts that nobody carried out, for
    whoever was to do so was gone; they use no `retry` up. `data` belongs to the kind of step: items and results of a
    `foreach`, the branch of a `choose`, the round of a `repeat`, what a person changed before a retry.
    """

    state: StepStatus
    attempt: int = 0
    output: Json = None
    order: int = 0
    since: int = 0
    open: tuple[str, ...] = ()
    data: Json = None
    trouble: str = ""
    returned: bool = False
    interrupted: int = 0


class State(Struct, omit_defaults=True):
    """Everything about a run that is remembered between events."""

    run: str
    workflow: str
    digest: str
    status: RunStatus = "new"
    reason: str = ""
    output: Json = None
    input: Json = None
    trigger: Json = None
    priority: Priority = "normal"
    depth: int = 0
    started: int = 0
    paused: bool = False
    steps: dict[str, StepState] = {}
    waiting: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    back: tuple[Command, ...] = ()
    begun: int = 0
    completed: int = 0
    items: int = 0
    spent: int = 0
    version: int = VERSION

    @property
    def ended(self) -> bool:
        return self.status in ENDED


# ── Events: what can happen to a run ─────────────────────────────────────────────────────────────────────────────────


class Event(Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """Something that happened at `at`."""

    at: int


class Started(Event, frozen=True, tag="started"):
    """The run begins. `depth` is 0 for a run that is nobody's child."""

    input: Json = None
    trigger: Json = None
    depth: int = 0
    priority: Priority | None = None


Outcome = Literal["done", "failed", "denied", "held", "unknown", "interrupted"]


class Performed(Event, frozen=True, tag="performed"):
    """What became of PerformTool or Decide. `held` says that it waits for people at the gate; another one follows.
    `interrupted`: it was certainly not done, for whoever was to do it was gone.

    `again`: whether a failure may pass when it is tried again. `cost` in minor units of the base currency.
    """

    command: str
    outcome: Outcome
    output: Json = None
    reason: str = ""
    cost: int = 0
    again: bool = True


class TaskEnded(Event, frozen=True, tag="task_ended"):
    """What became of OpenTask. `handed_on`: it goes to `role`, with what there is so far in `output`. `breach`: what is
    wrong with the result that no contract could say.
    """

    command: str
    outcome: Literal["done", "failed", "handed_on"]
    output: Json = None
    reason: str = ""
    role: str | None = None
    cost: int = 0
    breach: str = ""


class ApprovalEnded(Event, frozen=True, tag="approval_ended"):
    command: str
    outcome: Literal["given", "refused", "expired"]
    by: str = ""
    reason: str = ""


class TimerFired(Event, frozen=True, tag="timer_fired"):
    command: str


class EventArrived(Event, frozen=True, tag="event_arrived"):
    """An event that a Subscribe asked for."""

    command: str
    data: Json = None


class ChildEnded(Event, frozen=True, tag="child_ended"):
    """A run that StartChild began has ended; `spent` counts for this run's cap as well."""

    command: str
    status: RunStatus
    output: Json = None
    reason: str = ""
    spent: int = 0


class Cancelled(Event, frozen=True, tag="cancelled"):
    """Somebody ends the run; with `compensate` what was done is undone first."""

    by: str = ""
    reason: str = ""
    compensate: bool = False


class Paused(Event, frozen=True, tag="paused"):
    by: str = ""


class Resumed(Event, frozen=True, tag="resumed"):
    by: str = ""


class Reprioritised(Event, frozen=True, tag="reprioritised"):
    priority: Priority
    by: str = ""


class Chosen(Event, frozen=True, tag="chosen"):
    """What a person chose to do about an exception. `retry` may change the `arguments` (or a task's input); `edit`
    gives the step's output; while compensating, `edit` of an undoing step says that it was undone by hand.
    """

    exception: str
    choice: Literal["retry", "edit", "skip", "compensate", "cancel"]
    output: Json = None
    arguments: Json = None
    by: str = ""
    reason: str = ""


AnyEvent: TypeAlias = (
    Started
    | Performed
    | TaskEnded
    | ApprovalEnded
    | TimerFired
    | EventArrived
    | ChildEnded
    | Cancelled
    | Paused
    | Resumed
    | Reprioritised
    | Chosen
)

# ── Commands: what a run asks for ────────────────────────────────────────────────────────────────────────────────────


class Order(Struct, frozen=True, omit_defaults=True, tag_field="command"):
    """`id` is `RUN:PATH:ATTEMPT`, with a further part where one step asks for several things."""

    id: str


class PerformTool(Order, frozen=True, tag="perform_tool"):
    """An action through the gate, with `id` as its idempotency key. Answered by Performed. It is done in the name of
    the agent that did the task of the step `doer`, where there is one; else of `agent`.
    """

    path: str
    tool: str
    agent: str
    arguments: dict[str, Json]
    undoes: bool = False
    doer: str = ""


class OpenTask(Order, frozen=True, tag="open_task"):
    """Work for somebody with `role` and `capability`. Answered by TaskEnded. `returned` says what was wrong with the
    result before; `handed` is what whoever had it before came to.
    """

    path: str
    role: str
    goal: str
    input: Json
    by: str = "anybody"
    capability: str | None = None
    contract: dict[str, Any] | None = None
    due: int | None = None
    returned: str = ""
    handed: Json = None
    undoes: bool = False
    prefer: tuple[str, ...] = ()


class Decide(Order, frozen=True, tag="decide"):
    """Ask a decision. Answered by Performed."""

    path: str
    decision: str
    arguments: Json


class AskApproval(Order, frozen=True, tag="ask_approval"):
    """A checkpoint: as many holders of each role must say yes. Answered by ApprovalEnded, `expired` at `due`."""

    path: str
    roles: dict[str, int]
    question: str
    show: Json = None
    due: int | None = None


class StartChild(Order, frozen=True, tag="start_child"):
    """A run of another workflow under the id of this command. Answered by ChildEnded, but not where `detached`.

    `definition` is the digest of the wording, where it is not the declared one.
    """

    path: str
    workflow: str
    input: Json
    depth: int
    priority: Priority
    detached: bool = False
    definition: str = ""


class SetTimer(Order, frozen=True, tag="set_timer"):
    """Answered by TimerFired at `at` or later; at once where that has passed."""

    at: int


class Subscribe(Order, frozen=True, tag="subscribe"):
    """The next event of this name, with this key where there is one. Answered by EventArrived."""

    event: str
    key: str | None = None


class Emit(Order, frozen=True, tag="emit"):
    """An event for others, once under this id. Not answered."""

    event: str
    key: str | None = None
    data: Json = None


class Triggered(Order, frozen=True, tag="triggered"):
    """What starts runs has come: a time of a schedule, a delivery at a hook, the end of a run. No run asks for it.

    `came` says what: `at`; `delivery` and `type`; `run` and `status`.
    """

    source: Literal["schedule", "webhook", "ended"]
    name: str
    came: dict[str, Json]


class RaiseException(Order, frozen=True, tag="raise_exception"):
    """Something unexpected, for a person to decide. Answered by Chosen, with one of `choices`.

    `kind`: `failed`, `denied`, `refused`, `unknown`, `overdue`, `contract`, `conflict`, `expression`, `child`,
    `choice`, `limit`, or `cap`, which only tells that the run was stopped. `detail` shows what the person needs to see.
    """

    path: str
    kind: str
    reason: str
    role: str | None = None
    person: str | None = None
    choices: tuple[str, ...] = ()
    detail: Json = None


class Withdraw(Order, frozen=True, tag="withdraw"):
    """The command `target` is no longer wanted. Its answer may still come; a withdrawn PerformTool or StartChild is
    answered always, for its effect may have happened.
    """

    target: str


class Reprioritise(Order, frozen=True, tag="reprioritise"):
    """The open tasks and children of the run have this priority now."""

    priority: Priority


class EndRun(Order, frozen=True, tag="end_run"):
    """The run has ended."""

    status: RunStatus
    reason: str = ""
    output: Json = None


Command: TypeAlias = (
    PerformTool
    | OpenTask
    | Decide
    | AskApproval
    | StartChild
    | SetTimer
    | Subscribe
    | Emit
    | Triggered
    | RaiseException
    | Withdraw
    | Reprioritise
    | EndRun
)
