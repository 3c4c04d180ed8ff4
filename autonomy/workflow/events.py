"""What can happen to a run, as `rules.advance` is told of it: that it begins, answers to what it asked for, the time,
and what people do to it.

Events may come twice, late, out of order or for nothing: `advance` then changes nothing and says why in `ignored`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from autonomy.kernel.canonical import Json

from .definition import Priority
from .model import Command, RunStatus


class Event(Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """Something that happened at `at`."""

    at: int


class Started(Event, frozen=True, tag="started"):
    """The run begins. `depth` is 0 for a run that is nobody's child; `allowance` is what its parent may still spend."""

    input: Json = None
    trigger: Json = None
    depth: int = 0
    priority: Priority | None = None
    allowance: int | None = None


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

    @property
    def is_known(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.outcome not in ("held", "unknown")

    @property
    def answered(self) -> str:
        """The command that needs no further answer; empty where another one follows."""
        return self.command if self.is_known else ""


class TaskEnded(Event, frozen=True, tag="task_ended"):
    """What became of OpenTask. `handed_on`: it goes to `role`, with what there is so far in `output`. `breach`: what is
    wrong with the result that no contract could say. `cost` in minor units; None where nobody knows it any more.
    """

    command: str
    outcome: Literal["done", "failed", "handed_on"]
    output: Json = None
    reason: str = ""
    role: str | None = None
    cost: int | None = 0
    breach: str = ""


class ApprovalEnded(Event, frozen=True, tag="approval_ended"):
    command: str
    outcome: Literal["given", "refused", "expired"]
    by: str = ""
    reason: str = ""


class TimerFired(Event, frozen=True, tag="timer_fired"):
    command: str


class EventArrived(Event, frozen=True, tag="event_arrived"):
    """An event that a Subscribe asked for, told by `steered`."""

    command: str
    data: Json = None
    steered: tuple[str, ...] = ()


class ChildEnded(Event, frozen=True, tag="child_ended"):
    """A run that StartChild began has ended, or is `compensated` unbegun; `spent` counts for this run's cap as well,
    None where nobody knows it any more. Those who `steered` it have steered this one. Where it left actions of which
    nobody knows whether they were done, it is `unsure` what it has cost in the end; where something that it did can be
    undone, and may not have been, that is `left`."""

    command: str
    status: RunStatus
    output: Json = None
    reason: str = ""
    spent: int | None = 0
    steered: tuple[str, ...] = ()
    unsure: bool = False
    left: bool = False


class Charged(Event, frozen=True, tag="charged"):
    """What `command` has cost so far, before its answer is heard; of a run inside, what that has spent."""

    command: str
    cost: int


class Allowed(Event, frozen=True, tag="allowed"):
    """What the run may spend in all by what the runs around it have left."""

    allowance: int


class Cancelled(Event, frozen=True, tag="cancelled"):
    """Somebody ends the run; with `compensate` what was done is undone first."""

    by: str = ""
    reason: str = ""
    compensate: bool = False


class Paused(Event, frozen=True, tag="paused"):
    """`above`: because the run that this one is inside of rests."""

    by: str = ""
    above: bool = False


class Resumed(Event, frozen=True, tag="resumed"):
    by: str = ""
    above: bool = False


class PutBack(Event, frozen=True, tag="put_back"):
    """Nobody had begun to carry `command` out when the run was paused: it is asked for again once the run goes on."""

    command: Command


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
    | Charged
    | Allowed
    | Cancelled
    | Paused
    | Resumed
    | PutBack
    | Reprioritised
    | Chosen
)
