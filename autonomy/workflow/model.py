"""The words of a run: its state, and what it asks for (commands). What can happen to it is in `events`.

A dispatcher writes what `rules.advance` gives, State and Commands, in one transaction; what becomes of each command
comes back as an event that names its `id`. Ids of commands are derived from run, path and attempt, so that carrying one
out twice can be seen.

A *path* names a step in a run: `order`; inside others `each[3]/check`, `route[cheap]/buy`, `again[0]/draft`, and
`each[2.3]/check` where the outer step is at its second attempt. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from autonomy.kernel.canonical import Json

from .definition import Priority

VERSION = 2
"""Of states as this process writes them."""

# ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────────

StepStatus = Literal[
    "waiting", "running", "held", "retrying", "blocked", "stopping", "done", "skipped", "cancelled", "undoing", "undone"
]
"""`waiting`: for a step that must not run beside it. `held`: an action waits for people at the gate. `retrying`: until
a timer. `blocked`: an exception is open. `stopping`: withdrawn, and its effect may still happen. `undoing`, `undone`:
by its compensation. A step that has not begun is not in the state.
"""

Then = Literal["cancelled", "skipped", "done", "begin"]

Task = Literal["consider", "begin", "close", "unlock", "end", "undo", "compensate"]
"""What is looked at in a turn: whether a step is to begin (`consider`) or to begin again, by its path; a block that may
be over (`close`), by its prefix; steps that are `alone`, by their word; the end of the run; what is to be undone."""

RunStatus = Literal["new", "running", "compensating", "done", "failed", "cancelled", "compensated", "stopped"]
ENDED = frozenset({"done", "failed", "cancelled", "compensated", "stopped"})


class Known(Struct, frozen=True, omit_defaults=True):
    """What is known of how the attempts of a step ended, where its state does not tell. Attempts stand here by their
    numbers, 0 for none.

    One of them `was_done` and came to `output`, though others may go on as if it had not been: it is `untold`, while
    nobody has been told of it. Somebody is told that the step may have been done twice for the earlier one `told`.
    `output_of` is the one that the step's output is of, where that is not the present one. `undo` is the last
    attempt at undoing the step, `undone_by` the one that did; `undo_told` is an earlier one that did. A person has said
    that what was done `stays`.
    """

    was_done: bool = False
    output: Json = None
    untold: int = 0
    told: int = 0
    output_of: int = 0
    undo: int = 0
    undone_by: int = 0
    undo_told: int = 0
    stays: bool = False


class Given(Struct, frozen=True, omit_defaults=True):
    """What the next attempt of a step is given in place of what its workflow says, or beside it: a person's
    `arguments`; the `role` that a task was handed on to, what it was `handed`, and why it was `returned`."""

    arguments: Json = None
    role: str = ""
    handed: Json = None
    returned: str = ""


class Items(Struct, frozen=True, omit_defaults=True, tag="items"):
    """The items of a `foreach` step at its attempt `of`, by index: those that are `begun` and not done, the `next` one
    to begin, and how many are `left` to do. The items of `earlier` attempts are kept while something of theirs may have
    to be undone."""

    items: list[Json]
    results: list[Json]
    left: int
    of: int
    next: int = 0
    begun: tuple[int, ...] = ()
    earlier: dict[int, list[Json]] = {}


class Round(Struct, frozen=True, omit_defaults=True, tag="round"):
    """The round of a `repeat` step, from 0, and what the one before came to."""

    number: int = 0
    previous: Json = None


class StepState(Struct, omit_defaults=True):
    """Where one step is. `order` counts the steps of the run in the order in which they were done, from 1; of one of
    which nobody knows that, it was skipped then.

    `open` are the commands whose answers are awaited. `interrupted` counts the attempts that nobody carried out, for
    whoever was to do so was gone; they use no `retry` up. A task's result was `returned` once. `then` is what a step
    that is `stopping` comes to where its effect did not happen (a `done` one has its `output` already); `charged` is
    what its present attempt has cost so far. One that is `unasked` was not begun: whether it is wanted (`when`)
    could not be computed. Of one that was `abandoned` a person is only asked whether it was done.
    """

    state: StepStatus
    attempt: int = 0
    output: Json = None
    order: int = 0
    since: int = 0
    open: tuple[str, ...] = ()
    trouble: str = ""
    returned: bool = False
    interrupted: int = 0
    then: Then = "cancelled"
    charged: int = 0
    unasked: bool = False
    abandoned: bool = False
    known: Known = Known()
    given: Given = Given()
    loop: Items | Round | None = None


class State(Struct, omit_defaults=True, tag_field="version", tag=VERSION):
    """Everything about a run that is remembered between events. It rests while it is `paused` or the run that it is
    inside of rests (`above`); what is not begun until then is held `back`. `paused_by` is empty in states of before it
    was kept. Those who have said what a step is done with, or what it came to, have `steered` it. What was in one that
    is `written_off` nobody knows any more. Actions that no step waits for, and of which nobody knows whether they were
    done, are `unsure`, and so are runs inside that left such actions: each with what has been counted of it. `left` are
    the commands whose work may stand though their steps do not tell of it: of earlier attempts, of runs inside that
    ended before they were done, of what a cap has stopped or was done after the end. Of steps that were `removed` when
    the run was moved it is remembered how often they had been begun: no id is used twice; what the run as a whole tells
    others is counted (`words`) for the same reason. What is not begun while a step
    waits to end the run is `put_off`."""

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
    paused_by: str = ""
    above: bool = False
    steps: dict[str, StepState] = {}
    waiting: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    back: tuple[Command, ...] = ()
    begun: int = 0
    completed: int = 0
    items: int = 0
    spent: int = 0
    allowance: int | None = None
    steered: tuple[str, ...] = ()
    written_off: bool = False
    unsure: dict[str, int] = {}
    left: tuple[str, ...] = ()
    removed: dict[str, int] = {}
    words: int = 0
    put_off: tuple[tuple[Task, str], ...] = ()

    def steer(self, by: Iterable[str]) -> None:
        """These have had a say in the run."""
        self.steered = tuple(dict.fromkeys((*self.steered, *by)))

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def rests(self) -> bool:
        return self.paused or self.above


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
    """A run of another workflow under the id of this command, with the priority that this one has when it begins.
    Answered by ChildEnded, but not where `detached`.

    `definition` is the digest of the wording, where it is not the declared one. `allowance` is what the run may still
    spend, and the other one with it, where that is limited.
    """

    path: str
    workflow: str
    input: Json
    depth: int
    detached: bool = False
    definition: str = ""
    allowance: int | None = None


class SetTimer(Order, frozen=True, tag="set_timer"):
    """Answered by TimerFired at `at` or later; at once where that has passed."""

    at: int


class Subscribe(Order, frozen=True, tag="subscribe"):
    """The next event of this name, with this key where there is one. Answered by EventArrived."""

    event: str
    key: str | None = None


class Emit(Order, frozen=True, tag="emit"):
    """An event for others, once under this id. Not answered. `by` is who told it, where that was no run."""

    event: str
    key: str | None = None
    data: Json = None
    by: str = ""


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
    `choice`, `limit`; of the run as a whole `twice` and `left`, which somebody has to have seen, and `cap`, which only
    tells that it was stopped; `unreadable` stands for one that is damaged.
    `detail` shows what the person needs to see.
    """

    path: str
    kind: str
    reason: str
    role: str | None = None
    person: str | None = None
    choices: tuple[str, ...] = ()
    detail: Json = None


class Withdraw(Order, frozen=True, tag="withdraw"):
    """The command `target` is no longer wanted. Its answer may still come; a withdrawn PerformTool, OpenTask or
    StartChild is answered always, for its effect may have happened. `compensate`: what a child did is undone.
    """

    target: str
    compensate: bool = False


class Reprioritise(Order, frozen=True, tag="reprioritise"):
    """The open tasks and children of the run have this priority now."""

    priority: Priority


class TellChildren(Order, frozen=True, tag="tell_children"):
    """The runs inside this one hear whether it rests."""


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
    | TellChildren
    | EndRun
)
