"""What is written when a run has moved: rows of its commands, and leaves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autonomy.audit import Leaf, make_leaf
from autonomy.tasks.model import PRIORITIES

from . import paths
from .codec import Codec
from .events import Chosen
from .model import (
    AskApproval,
    Command,
    Decide,
    Emit,
    EndRun,
    OpenTask,
    PerformTool,
    RaiseException,
    Reprioritise,
    SetTimer,
    StartChild,
    State,
    Subscribe,
    TellChildren,
    Triggered,
    Withdraw,
)
from .units import Change, Row

if TYPE_CHECKING:
    from autonomy.decisions import Decided


CARRIED_OUT = (
    *(PerformTool, OpenTask, Decide, AskApproval, StartChild, Emit, Triggered),
    *(Withdraw, Reprioritise, TellChildren),
)
"""What somebody has to do; other commands wait for a time, an event, a person."""


def kind_of(command: Command) -> str:
    """The kind as it is stored: the tag of the command."""
    return kind_of_type(type(command))


def kind_of_type(kind: type[Any]) -> str:
    """The stored kind of a class of commands."""
    return str(kind.__struct_config__.tag)


def change_of(
    codec: Codec, state: State, commands: Sequence[Command], at: int, owner: str | None, parent: str | None = None
) -> tuple[Change, list[Command]]:
    """What is written for `commands`, and those of them that are carried out at once by `owner`.

    `parent` is the command whose answer the end of this run is.
    """
    change, out = Change(), list[Command]()
    for command in commands:
        if isinstance(command, EndRun):
            change.leaves.append(_run_leaf(state, at, "ended", status=command.status))
            change.due += [parent] if parent else []
            continue
        if isinstance(command, RaiseException):
            change.leaves.append(_exception(state, command, at))
            if not command.choices:
                continue
        if isinstance(command, Withdraw) and not paths.is_effect(state.run, command.target):
            change.gone.append(command.target)
            continue
        change.put.append(_row(codec, state, command, at, owner))
        if isinstance(command, CARRIED_OUT):
            out.append(command)
        if isinstance(command, Reprioritise):
            change.priority = PRIORITIES[command.priority]
    return change, out


def started(state: State, by: str, unit: str, at: int) -> Leaf:
    """The leaf of a run's beginning."""
    return _run_leaf(state, at, "started", actor=by, definition=state.digest, unit=unit)


def steered(state: State, event: str, by: str, at: int, **more: str) -> Leaf:
    """The leaf of what somebody did to a run."""
    return _run_leaf(state, at, event, actor=by, **more)


def chosen(state: State, event: Chosen) -> Leaf:
    """The leaf of a person's choice; the reason stays out of the log: it is free text, and the log is for ever."""
    return _run_leaf(state, event.at, "chosen", actor=event.by, command=event.exception, choice=event.choice)


def decided(state: State, command: str, answer: Decided, at: int) -> Leaf:
    """The leaf of a decision: which rows of which wording of a table gave the answer; the case stays out of the log."""
    return make_leaf(
        "run",
        at,
        event="decided",
        run=state.run,
        workflow=state.workflow,
        command=command,
        table=answer.decision,
        table_revision=answer.revision,
        rows=list(answer.rows),
    )


def _exception(state: State, command: RaiseException, at: int) -> Leaf:
    return _run_leaf(
        state, at, "exception", command=command.id, exception=command.kind, role=command.role, person=command.person
    )


def _run_leaf(state: State, at: int, event: str, **more: str | None) -> Leaf:
    return make_leaf("run", at, event=event, run=state.run, workflow=state.workflow, **more)


def _row(codec: Codec, state: State, command: Command, at: int, owner: str | None) -> Row:
    carried_out = isinstance(command, CARRIED_OUT)
    due = command.at if isinstance(command, SetTimer) else at if carried_out and owner is None else None
    topic, key = (command.event, command.key) if isinstance(command, Subscribe) else (None, None)
    role, person = (command.role, command.person) if isinstance(command, RaiseException) else (None, None)
    mine = owner if carried_out else None
    return (
        command.id,
        state.run,
        kind_of(command),
        PRIORITIES[state.priority],
        mine,
        due,
        1 if mine else 0,
        None,
        topic,
        key,
        role,
        person,
        codec.command(command),
        at,
    )
