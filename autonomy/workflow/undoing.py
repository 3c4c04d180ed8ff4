"""Compensation: what was done is undone, last first, and nothing else. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.errors import Invalid, TooLarge

from . import paths
from .definition import Handler, ToolWork
from .left import can_be_undone, left_by, one_for_all, runs_of, seen_part, what_is_left
from .model import OpenTask, PerformTool, RaiseException, StepState
from .trouble import UNDO_CHOICES, ask_whether_done, raise_for_run, tried_before, unseen
from .turn import Turn


def compensate(turn: Turn) -> None:
    """Stop what is under way, and undo what was done as soon as all of it is known."""
    if turn.state.status != "running":
        return
    turn.state.status = "compensating"
    turn.state.waiting = ()
    kept = unseen(turn)
    for id in turn.state.open:
        if id not in kept:
            turn.withdraw(id)
    turn.state.open = kept
    _abandon_all(turn)
    for path, found in list(turn.state.steps.items()):
        if found.state in ("skipped", "cancelled") and turn.step(path).undo is not None:
            _not_done(turn, path, found)
    turn.queue.append(("undo", ""))


def _abandon_all(turn: Turn) -> None:
    for path, _ in turn.unsettled():
        if path in turn.state.steps and "/" not in path:
            turn.abandon(path)
    for path, found in turn.unsettled():
        if found.then == "begin":  # nothing is begun again
            turn.change(path, then="cancelled")
        turn.abandon(path)


def came_to_nothing(turn: Turn, path: str) -> None:
    """What was under way as the run was given up was not done; whether it was before is looked at as of the others."""
    found = turn.state.steps[path]
    is_given_up = turn.state.status == "compensating" and found.state in ("skipped", "cancelled")
    if is_given_up and turn.step(path).undo is not None:
        _not_done(turn, path, found)


def _not_done(turn: Turn, path: str, found: StepState) -> None:
    """What was given up while nobody knew whether it was done is undone if it was: that is known since, or asked."""
    if found.known.was_done:
        if turn.id(path) in turn.unsure_of(path) and not found.known.told:
            turn.leave_behind(turn.id(path))  # it may have been done as well, and is undone once
        turn.settle(path, "done", found.known.output)
    elif found.trouble == "unknown":
        ask_whether_done(turn, path, "it was skipped while nobody knew whether it was done")
    elif tried_before(turn, path):
        ask_whether_done(turn, path, "it was begun again while nobody knew whether it was done")
    elif ids := left_by(turn.state, path):
        reason = "the run inside ended before it was done, and what it did has not been undone"
        ask_whether_done(turn, path, reason, runs_of(ids), kind="child")


def undo_next(turn: Turn) -> None:
    """Undo the step that was done last of those not undone; end the run where there is none left."""
    steps = turn.state.steps
    busy = any(True for _ in turn.unsettled()) or any(found.state == "undoing" for found in steps.values())
    if turn.state.status != "compensating" or busy:
        return
    done = [
        (found.order, path)
        for path, found in steps.items()
        if found.state == "done" and turn.step(path).undo is not None and not found.known.stays
    ]
    if not done:
        _end(turn)
        return
    _, path = max(done)
    for id in turn.unsure_of(path):
        if id not in (turn.id(path), _done_by(turn, path)):
            turn.leave_behind(id)  # it may have been done again, and is undone once
    turn.change(path, state="undoing")
    attempt_undo(turn, path)


def _end(turn: Turn) -> None:
    """End the run, when somebody has seen what is not undone with its steps."""
    one_for_all(turn)
    for id in turn.state.left:
        part = seen_part(turn.state, id)
        if can_be_undone(turn.definition, turn.state, id) and turn.id("", part) not in turn.state.open:
            raise_for_run(turn, "left", what_is_left(turn, id), part, detail={"command": id})
    if not unseen(turn):
        turn.end("compensated", turn.state.reason)


def attempt_undo(turn: Turn, path: str) -> None:
    """Ask for the compensation of a step, for the first time or again."""
    undo = turn.step(path).undo
    assert undo is not None
    found = turn.state.steps[path]
    known = replace(found.known, undo=found.known.undo + 1)
    turn.drop(found)
    turn.change(path, open=(), trouble="", charged=0, known=known)
    id = turn.id(path, f"undo.{known.undo}")
    try:
        reading = turn.reading(path)
        if isinstance(undo, ToolWork):
            arguments = reading.value(undo.arguments)
            turn.order(PerformTool(id, path, undo.tool, undo.agent, arguments, undoes=True), path)
        else:
            input = reading.value(undo.input)
            task = OpenTask(id, path, undo.role, undo.goal, input, undo.by, undo.capability, undoes=True)
            turn.order(replace(task, prefer=undo.prefer), path)
    except (Invalid, TooLarge) as error:
        undo_failed(turn, path, "expression", str(error))


def undo_interrupted(turn: Turn, path: str, reason: str) -> None:
    """Nobody carried the compensation out, for whoever was to do so was gone: ask again, but not for ever."""
    if turn.state.steps[path].known.undo < turn.definition.caps.attempts:
        attempt_undo(turn, path)
    else:
        undo_failed(turn, path, "failed", reason or "the compensation was interrupted")


def undo_failed(turn: Turn, path: str, kind: str, reason: str) -> None:
    """Somebody has to decide about a compensation that did not go as it should."""
    id = turn.id(path, f"undo.{turn.state.steps[path].known.undo}.exception")
    handler = Handler((), "ask", turn.definition.escalation)
    turn.change(path, trouble=kind)
    turn.order(RaiseException(id, path, kind, reason, handler.role, None, UNDO_CHOICES), path)


def undone(turn: Turn, path: str, left: bool = False, by: int = 0) -> None:
    """The step is undone, by this attempt of its compensation if not by the last one; or a person says that it stays as
    it is (`left`)."""
    found = turn.state.steps[path]
    turn.drop(found)
    earlier = 0 if by else found.known.undo_told
    if left and not earlier:
        known = replace(found.known, undo=0, undo_told=0, stays=True)
        turn.change(path, state="done", open=(), trouble="", known=known)
    else:
        known = replace(found.known, undo_told=earlier, undone_by=by or earlier or found.known.undo)
        turn.change(path, state="undone", open=(), trouble="", known=known)
    turn.queue.append(("undo", ""))


def _done_by(turn: Turn, path: str) -> str:
    """The attempt, by its command, that is undone with a step: the present one unless another is said to be it."""
    found = turn.state.steps[path]
    return paths.command(turn.state.run, path, found.known.output_of or found.attempt)
