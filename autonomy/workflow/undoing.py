"""Compensation: what was done is undone, last first, and nothing else. Pure."""

from __future__ import annotations

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

from . import paths
from .definition import ChildWork, Definition, Handler, Step, ToolWork
from .model import OpenTask, PerformTool, RaiseException, State, StepState
from .trouble import TWICE, UNDO_CHOICES, ask_whether_done, raise_for_run, tried_before, unseen
from .turn import AFTER_ALL, Turn


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
    if found.trouble == "done" and isinstance(found.data, dict):
        if turn.id(path) in turn.state.unsure:
            turn.leave_behind(turn.id(path))  # it may have been done again
        turn.settle(path, "done", found.data[AFTER_ALL])
    elif found.trouble == "unknown":
        ask_whether_done(turn, path, "it was skipped while nobody knew whether it was done")
    elif tried_before(turn, path):
        ask_whether_done(turn, path, "it was begun again while nobody knew whether it was done")
    elif ids := left_by(turn, path):
        detail: Json = {"runs": [paths.derived("run", id) for id in ids]}
        reason = "the run inside ended before it was done, and what it did has not been undone"
        ask_whether_done(turn, path, reason, detail, kind="child")


def left_by(turn: Turn, path: str) -> tuple[str, ...]:
    """The commands of a step whose work stands though it does not tell of it."""
    return tuple(id for id in turn.state.left if (place := paths.place(turn.state.run, id)) and place.path == path)


def leaves_something(definition: Definition, state: State) -> bool:
    """Whether a run that has ended did something that can be undone, and may not have been."""
    if state.status == "compensated":
        return False
    stands = (path for path, found in state.steps.items() if _stands(found))
    may_stand = (place.path for id in state.unsure if (place := paths.place(state.run, id)) and not place.part)
    can_be = any(_step(definition, path).undo is not None for path in (*stands, *may_stand))
    return state.written_off or can_be or any(_can_be_undone(definition, state, id) for id in state.left)


def _stands(found: StepState) -> bool:
    was_done = isinstance(found.data, dict) and AFTER_ALL in found.data
    return was_done or found.state in ("done", "undoing") or found.trouble in ("done", "unknown", "contract")


def _can_be_undone(definition: Definition, state: State, id: str) -> bool:
    """Whether what is left by a command is not to stay, though a step that began a run may not say what undoes it."""
    place = paths.place(state.run, id)
    step = None if place is None else definition.steps.get(paths.split(place.path)[1])
    return step is not None and (step.undo is not None or (isinstance(step.work, ChildWork) and not step.stays))


def _step(definition: Definition, path: str) -> Step:
    return definition.steps[paths.split(path)[1]]


def undo_next(turn: Turn) -> None:
    """Undo the step that was done last of those not undone; end the run where there is none left."""
    steps = turn.state.steps
    busy = any(True for _ in turn.unsettled()) or any(found.state == "undoing" for found in steps.values())
    if turn.state.status != "compensating" or busy:
        return
    done = [
        (found.order, path)
        for path, found in steps.items()
        if found.state == "done" and turn.step(path).undo is not None and not _was_left(turn, path)
    ]
    if not done:
        _end(turn)
        return
    _, path = max(done)
    turn.change(path, state="undoing", data={"undo": 0, "before": steps[path].data})
    attempt_undo(turn, path)


def _end(turn: Turn) -> None:
    """End the run, when somebody has seen what is not undone with its steps."""
    for id in turn.state.left:
        part = left_part(turn, id)
        if _can_be_undone(turn.definition, turn.state, id) and turn.id("", part) not in turn.state.open:
            raise_for_run(turn, "left", _what_is_left(turn, id), part, detail={"command": id})
    if not unseen(turn):
        turn.end("compensated", turn.state.reason)


def left_part(turn: Turn, id: str) -> str:
    """The part of the exception by which somebody hears what a command has left."""
    place = paths.place(turn.state.run, id)
    assert place is not None  # a command of this run
    return f"{TWICE}{place.path}.{place.attempt}.left"


def _what_is_left(turn: Turn, id: str) -> str:
    place = paths.place(turn.state.run, id)
    assert place is not None  # a command of this run
    if turn.step(place.path).undo is None:
        return f"what the run inside `{place.path}` did has not been undone: its step does not say what undoes it"
    if id in turn.state.unsure:
        return f"nobody knows whether `{place.path}` was done again, and what that did has not been undone"
    return f"`{place.path}` was begun again, and what it had done by then has not been undone"


def attempt_undo(turn: Turn, path: str) -> None:
    """Ask for the compensation of a step, for the first time or again."""
    undo = turn.step(path).undo
    assert undo is not None
    number = _number(turn, path) + 1
    data = turn.state.steps[path].data
    turn.drop(turn.state.steps[path])
    turn.change(path, open=(), trouble="", charged=0, data={**data, "undo": number})
    id = turn.id(path, f"undo.{number}")
    try:
        reading = turn.reading(path)
        if isinstance(undo, ToolWork):
            arguments = reading.value(undo.arguments)
            turn.order(PerformTool(id, path, undo.tool, undo.agent, arguments, undoes=True), path)
        else:
            input = reading.value(undo.input)
            task = OpenTask(id, path, undo.role, undo.goal, input, undo.by, undo.capability, undoes=True)
            turn.order(msgspec.structs.replace(task, prefer=undo.prefer), path)
    except (Invalid, TooLarge) as error:
        undo_failed(turn, path, "expression", str(error))


def undo_interrupted(turn: Turn, path: str, reason: str) -> None:
    """Nobody carried the compensation out, for whoever was to do so was gone: ask again, but not for ever."""
    if _number(turn, path) < turn.definition.caps.attempts:
        attempt_undo(turn, path)
    else:
        undo_failed(turn, path, "failed", reason or "the compensation was interrupted")


def undo_failed(turn: Turn, path: str, kind: str, reason: str) -> None:
    """Somebody has to decide about a compensation that did not go as it should."""
    id = turn.id(path, f"undo.{_number(turn, path)}.exception")
    handler = Handler((), "ask", turn.definition.escalation)
    turn.change(path, trouble=kind)
    turn.order(RaiseException(id, path, kind, reason, handler.role, None, UNDO_CHOICES), path)


def undone(turn: Turn, path: str, left: bool = False) -> None:
    """The step is undone; or a person says that it stays as it is (`left`)."""
    turn.drop(turn.state.steps[path])
    number = _number(turn, path)
    before = (turn.state.steps[path].data or {}).get("before") or {}
    if left:
        turn.change(path, state="done", open=(), trouble="", data={**before, "left": True})
    else:
        turn.change(path, state="undone", open=(), trouble="", data={**before, "undone": number})
    turn.queue.append(("undo", ""))


def _number(turn: Turn, path: str) -> int:
    data = turn.state.steps[path].data
    return data.get("undo", 0) if isinstance(data, dict) else 0


def _was_left(turn: Turn, path: str) -> bool:
    data = turn.state.steps[path].data
    return isinstance(data, dict) and data.get("left") is True  # of a loop it is how many items are left to do
