"""What an event does to a run. Pure: the same state and event give the same state and commands, everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from autonomy.kernel.errors import Corrupt, Invalid

from . import earlier
from .answers import (
    allowed,
    approval_ended,
    charged,
    child_ended,
    event_arrived,
    performed,
    task_ended,
    timer_fired,
)
from .choices import chosen
from .definition import ROOT, Definition
from .events import (
    Allowed,
    AnyEvent,
    ApprovalEnded,
    Cancelled,
    Charged,
    ChildEnded,
    Chosen,
    EventArrived,
    Paused,
    Performed,
    PutBack,
    Reprioritised,
    Resumed,
    Started,
    TaskEnded,
    TimerFired,
)
from .flow import run_on
from .late import after_the_end, put_back
from .loops import open_block
from .model import VERSION, Command, PerformTool, Reprioritise, SetTimer, State
from .standing import standing
from .turn import Orders, Turn

_versions = msgspec.msgpack.Decoder(earlier.Version)
_decoder = msgspec.msgpack.Decoder(State)
_encoder = msgspec.msgpack.Encoder()


class Advanced(NamedTuple):
    """The next state, what is to be done, and, where the event changed nothing, why."""

    state: State
    commands: tuple[Command, ...]
    ignored: str = ""


def new_state(definition: Definition, run: str) -> State:
    """The state of a run that has not begun. `run` is an id without `:`."""
    return State(run, definition.workflow, definition.digest)


def advance(definition: Definition, state: State, event: AnyEvent) -> Advanced:
    """Take in one event. `state` stays as it is; events that come late, twice or for nothing are `ignored`.

    Raises Invalid (`workflow.definition`) where `definition` is not the one the run is pinned to.
    """
    if definition.digest != state.digest:
        raise Invalid("the run is pinned to another definition", code="workflow.definition", run=state.run)
    if state.ended:
        return advance_ended(state, event, definition)
    if (state.status == "new") != isinstance(event, Started):
        return Advanced(state, (), "the run has begun already" if state.status != "new" else "the run has not begun")
    turn = Turn(definition, state, event.at)
    ignored = _HANDLERS[type(event)](turn, event)
    if ignored:
        return Advanced(state, (), ignored)
    run_on(turn)
    return Advanced(turn.state, tuple(turn.commands))


def advance_ended(state: State, event: AnyEvent, definition: Definition | None) -> Advanced:
    """Take in one event of a run that has ended, also where its definition is not to be had any more: it may have cost
    more than was known, and something may stand that nobody knew of."""
    after = after_the_end(state, event, definition)
    if after is None:
        return Advanced(state, (), f"the run is {state.status}")
    return Advanced(after[0], tuple(after[1]))


def halt(state: State, at: int, reason: str) -> Advanced:
    """End a run that cannot be moved on, whatever its definition is: what is under way is withdrawn."""
    orders = Orders(state, at)
    orders.end("stopped", reason)
    return Advanced(orders.state, tuple(orders.commands))


def encode(state: State) -> bytes:
    """The state as stored: MessagePack."""
    return _encoder.encode(state)


def decode(data: bytes) -> State:
    """A stored state. Raises Corrupt (`workflow.state`) where it is none, Invalid (`workflow.version`) where a newer
    version wrote it.
    """
    try:
        version = _versions.decode(data).version
        if version <= VERSION:
            return _decoder.decode(data) if version == VERSION else earlier.read(data)
    except msgspec.DecodeError as error:
        raise Corrupt(f"the state of a run cannot be read: {error}", code="workflow.state") from None
    raise Invalid(
        f"the state is of version {version}, this process knows {VERSION}",
        code="workflow.version",
        hint="let a newer process take the run up",
    )


def _started(turn: Turn, event: Started) -> str:
    state = turn.state
    state.status, state.started, state.input, state.trigger = "running", event.at, event.input, event.trigger
    state.depth, state.priority = event.depth, event.priority or turn.definition.priority
    state.allowance = event.allowance
    if breach := turn.prepared.input_breach(event.input):
        turn.end("failed", f"input: {breach}")
        return ""
    turn.order(SetTimer(turn.id("", "time"), event.at + turn.definition.caps.time))
    if turn.definition.deadline is not None:
        turn.order(SetTimer(turn.id("", "deadline"), event.at + turn.definition.deadline))
    open_block(turn, ROOT)
    return ""


def _cancelled(turn: Turn, event: Cancelled) -> str:
    if not event.compensate:
        turn.end("cancelled", event.reason)
        return ""
    state = turn.state
    if state.status == "compensating" and not state.rests:
        return "the run is being undone already"
    _go_on(turn)
    if state.status != "compensating":
        state.reason = event.reason
        turn.queue.append(("compensate", ""))
    return ""


def _paused(turn: Turn, event: Paused) -> str:
    state = turn.state
    if state.above if event.above else state.paused:
        if event.above or _is_person(state.paused_by) or not _is_person(event.by):
            return "the run is paused already"
        state.paused_by = event.by  # from now on only a person lets it go on
        return ""
    if not state.rests:
        turn.tell_children("paused")
    if event.above:
        state.above = True
    else:
        state.paused, state.paused_by = True, event.by
    return ""


def _resumed(turn: Turn, event: Resumed) -> str:
    state = turn.state
    if not (state.above if event.above else state.paused):
        return "the run that it is inside of is paused" if state.above else "the run is not paused"
    if not event.above and not _may_undo(event.by, state.paused_by):
        return f"`{state.paused_by}` paused the run"
    if not (state.paused and state.above):
        _go_on(turn)
    elif event.above:
        state.above = False
    else:
        state.paused, state.paused_by = False, ""
    return ""


def _may_undo(by: str, paused_by: str) -> bool:
    """A person lets a run go on whoever paused it; anybody else only where one of their kind (`KIND:NAME`) did, or
    where it was not kept who did."""
    return _is_person(by) or paused_by.partition(":")[0] in ("", by.partition(":")[0])


def _is_person(by: str) -> bool:
    return by.startswith("person:")


def _go_on(turn: Turn) -> None:
    if turn.state.rests:
        turn.tell_children("resumed")
        turn.go_on()


def _put_back(turn: Turn, event: PutBack) -> str:
    state, id = turn.state, event.command.id
    if standing(state, event.command) != "held back" or any(command.id == id for command in state.back):
        return f"`{id[:120]}` is not held back"
    state.back = (*state.back, event.command)
    if isinstance(event.command, PerformTool):
        put_back(turn, event.command)
    return ""


def _reprioritised(turn: Turn, event: Reprioritised) -> str:
    if turn.state.priority == event.priority:
        return f"the priority is {event.priority} already"
    turn.state.priority = event.priority
    turn.commands.append(Reprioritise(turn.word("priority"), event.priority))
    return ""


_HANDLERS: dict[type, Callable[[Turn, Any], str]] = {
    Started: _started,
    Performed: performed,
    TaskEnded: task_ended,
    ApprovalEnded: approval_ended,
    TimerFired: timer_fired,
    EventArrived: event_arrived,
    ChildEnded: child_ended,
    Charged: charged,
    Allowed: allowed,
    Cancelled: _cancelled,
    Paused: _paused,
    Resumed: _resumed,
    PutBack: _put_back,
    Reprioritised: _reprioritised,
    Chosen: chosen,
}
"""Each gives an empty text, or why the event changes nothing."""
