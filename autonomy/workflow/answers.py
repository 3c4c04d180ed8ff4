"""What becomes of the commands of a run: answers of tools, people, children, timers, events. Pure.

Each function gives an empty text, or why the answer changes nothing. An answer counts when its command is awaited.
"""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.canonical import Json

from . import paths
from .definition import ApprovalWork, DecideWork, TaskWork, ToolWork
from .events import (
    Allowed,
    ApprovalEnded,
    Charged,
    ChildEnded,
    EventArrived,
    Performed,
    TaskEnded,
    TimerFired,
)
from .late import counted, go_on_with_it, known_at_last, stop_beyond, undo_again_came_to_nothing
from .left import left_by, remember_child, runs_of, was_done_after
from .loops import finish
from .model import StepState
from .trouble import raise_for_run, stop, tried_before, trouble
from .turn import Turn
from .undoing import came_to_nothing, undo_failed, undo_interrupted, undone


def awaited(turn: Turn, id: str, part: str = "") -> tuple[str, str]:
    """The path of the step that awaits the answer to `id`, and an empty text; or no path and why nobody does."""
    place = paths.place(turn.state.run, id)
    if place is None or not place.part.startswith(part):
        return "", f"`{id[:120]}` is no such command of this run"
    found = turn.state.steps.get(place.path)
    if found is None or id not in found.open:
        return "", f"`{id[:120]}` is not awaited (any more)"
    if turn.state.back and any(command.id == id for command in turn.state.back):
        return "", f"`{id[:120]}` is held back: the run is paused"
    return place.path, ""


def performed(turn: Turn, event: Performed) -> str:
    """An action has ended, or waits for people at the gate."""
    if event.command in turn.state.unsure and event.is_known:
        return known_at_last(turn, event)
    path, ignored = awaited(turn, event.command)
    if ignored:
        return ignored
    found, step = turn.state.steps[path], turn.step(path)
    if found.state == "undoing":
        return _undo_performed(turn, path, event)
    if not isinstance(step.work, ToolWork | DecideWork) or event.command != turn.id(path):
        return f"`{path}` asked for no action"
    if found.state == "blocked" and event.outcome != "done":
        return _not_done_late(turn, path, event)
    if event.outcome == "held":
        return _held(turn, path, found)
    if not _too_dear(turn, path, _cost(event, found), event.answered):
        _action_ended(turn, path, event, found)
    else:
        _too_late(turn, path, event)
    return ""


def _cost(event: Performed, found: StepState) -> int:
    """What an action has cost. Where nobody knows how it ended, what was charged for it already is no less."""
    return max(event.cost, found.charged) if event.outcome == "unknown" else event.cost


def _not_done_late(turn: Turn, path: str, event: Performed) -> str:
    """A person is asked about it already, and still is: what was not done may have cost something all the same."""
    found = turn.state.steps[path]
    if event.outcome == "unknown" and found.trouble == "overdue":
        if not _too_dear(turn, path, _cost(event, found)):
            trouble(turn, path, "unknown", event.reason or "nobody knows whether it was done", again=False)
        return ""
    if not event.is_known:
        return f"a person is asked about `{path}` already"
    if _too_dear(turn, path, event.cost, event.command):
        turn.change(path, trouble="failed")
        return ""
    turn.answered(path, event.command)
    if turn.take_back_twice(path):
        go_on_with_it(turn, path)
    elif not turn.goes_on(path):
        if not tried_before(turn, path):
            turn.settle(path, "cancelled")  # nobody has to say any more whether it was done
    elif turn.state.steps[path].trouble == "unknown":
        turn.change(path, trouble="failed")
    return ""


def _held(turn: Turn, path: str, found: StepState) -> str:
    if found.state == "held":
        return f"`{path}` is held already"
    if found.state == "stopping":
        return f"`{path}` is being stopped"
    turn.change(path, state="held")
    return ""


def _action_ended(turn: Turn, path: str, event: Performed, found: StepState) -> None:
    if event.outcome != "unknown":  # of an unknown one somebody may still find out
        turn.answered(path, event.command)
    if found.state == "stopping" and event.outcome == "unknown" and found.then != "done":
        trouble(turn, path, "unknown", event.reason or "nobody knows whether it was done", again=False)
    elif found.state == "stopping":
        if event.outcome == "unknown":
            turn.change(path, trouble="unknown")  # what it has cost may become known yet
        _stopped(turn, path, found, event.outcome == "done", event.output)
    elif event.outcome == "done" and not turn.alive(paths.split(path)[0]):
        turn.settle(path, "done", event.output)  # nobody goes on with it, and it is known to be done
    elif event.outcome == "done":
        turn.change(path, state="running", trouble="")
        finish(turn, path, event.output)
    elif event.is_known and turn.take_back_twice(path):
        go_on_with_it(turn, path)
    elif event.outcome == "interrupted" and turn.state.status == "running":
        turn.change(path, interrupted=found.interrupted + 1)
        turn.queue.append(("begin", path))
    else:
        again = event.again and event.outcome == "failed"
        trouble(turn, path, _kind(event), event.reason or f"the action was {event.outcome}", again)


def _kind(event: Performed) -> str:
    """The kind of exception that an action leads to. One that was not done has failed, where nobody begins it again."""
    return "failed" if event.outcome == "interrupted" else event.outcome


def _stopped(turn: Turn, path: str, found: StepState, was_done: bool, output: Json, breach: str = "") -> None:
    """The end is known of what was withdrawn while it was under way: what was done counts, for it may be undone. Where
    others may go on with what it came to, that keeps its contract."""
    is_known = turn.state.steps[path].trouble != "unknown"
    if not was_done and is_known and turn.take_back_twice(path) and found.then == "begin":
        go_on_with_it(turn, path)
    elif not was_done:
        if found.then == "done" and not turn.state.steps[path].trouble:
            turn.change(path, trouble="failed")  # the output that a person gave stands for what was done before
        turn.come_to(path, found.then, found.output)
        came_to_nothing(turn, path)
    elif found.then == "done" or not turn.alive(paths.split(path)[0]):
        turn.settle(path, "done", found.output if found.then == "done" else output)
    else:
        turn.change(path, state="running", trouble="")
        finish(turn, path, output, breach)


def _undo_performed(turn: Turn, path: str, event: Performed) -> str:
    if event.outcome == "held":
        return "a compensation that is held is still under way"
    found = turn.state.steps[path]
    asked = found.trouble == "unknown"
    if asked and event.outcome == "unknown":
        return f"a person is asked about `{path}` already"
    if _too_dear(turn, path, _cost(event, found), event.answered):
        _too_late(turn, path, event)
        return ""
    if event.outcome != "unknown":  # of an unknown one somebody may still find out
        turn.answered(path, event.command)
    if event.outcome != "done" and event.is_known and undo_again_came_to_nothing(turn, path):
        return ""
    if asked and event.outcome != "done":
        return ""  # a person is asked about it already, and still is
    if event.outcome == "done":
        undone(turn, path)
    elif event.outcome == "interrupted":
        undo_interrupted(turn, path, event.reason)
    else:
        undo_failed(turn, path, event.outcome, event.reason or f"the compensation was {event.outcome}")
    return ""


def _too_late(turn: Turn, path: str, event: Performed | TaskEnded) -> None:
    """The run has been stopped by what this cost, before its step could tell that it was done."""
    if event.outcome != "done":
        return
    if turn.state.steps[path].state == "undoing":
        turn.change(path, open=())  # withdrawn with the run
        undone(turn, path)
    else:
        turn.leave_behind(event.command)


def task_ended(turn: Turn, event: TaskEnded) -> str:
    """Whoever had a task is done with it, failed, or gives it to somebody else."""
    path, ignored = awaited(turn, event.command)
    if ignored:
        return ignored
    found, work = turn.state.steps[path], turn.step(path).work
    undoing = found.state == "undoing"
    if not undoing and (not isinstance(work, TaskWork) or event.command != turn.id(path)):
        return f"`{path}` is no task"
    if event.outcome == "handed_on" and (undoing or event.role is None):
        return "a task is handed on to a role, and a compensation is not handed on"
    if _too_dear(turn, path, found.charged if event.cost is None else event.cost, event.command):
        _too_late(turn, path, event)
        return ""
    turn.answered(path, event.command)
    if undoing:
        _undo_task_ended(turn, path, event)
    elif found.state == "stopping":
        _stopped(turn, path, found, event.outcome == "done", event.output, event.breach)
    elif event.outcome == "handed_on":
        assert event.role is not None  # it would have been refused
        given = replace(found.given, role=event.role, handed=event.output, returned=event.reason)
        turn.change(path, given=given)
        turn.queue.append(("begin", path))
    elif event.outcome == "failed":
        trouble(turn, path, "failed", event.reason or "the task was not done")
    else:
        _task_done(turn, path, event, found)
    return ""


def _undo_task_ended(turn: Turn, path: str, event: TaskEnded) -> None:
    if event.outcome == "done":
        undone(turn, path)
    else:
        undo_failed(turn, path, "failed", event.reason or "the compensation was not done")


def _task_done(turn: Turn, path: str, event: TaskEnded, found: StepState) -> None:
    """A result that breaks its contract goes back once with the reason; the second time it is an exception (R049)."""
    breach = event.breach or turn.prepared.breach(paths.split(path)[1], event.output)
    if not breach:
        turn.change(path, state="running", trouble="")  # it was late perhaps, and it is done
        turn.settle(path, "done", event.output)
    elif found.returned:
        turn.change(path, output=event.output)
        turn.count_done(path)
        trouble(turn, path, "contract", breach, detail={"output": event.output})
    else:
        turn.supersede(path, found)
        known = replace(found.known, was_done=True, output=event.output, untold=0)
        turn.change(path, returned=True, known=known, given=replace(found.given, returned=breach))
        turn.queue.append(("begin", path))


def approval_ended(turn: Turn, event: ApprovalEnded) -> str:
    """People have said yes or no at a checkpoint, or nobody did in time."""
    path, ignored = awaited(turn, event.command)
    if ignored:
        return ignored
    work = turn.step(path).work
    if not isinstance(work, ApprovalWork) or event.command != turn.id(path):
        return f"`{path}` is no checkpoint"
    turn.answered(path, event.command)
    if event.outcome == "given" or (event.outcome == "refused" and work.goes_on_refused):
        output = {"approved": event.outcome == "given", "by": event.by, "reason": event.reason}
        finish(turn, path, output)
    elif event.outcome == "refused":
        told = f"refused by {event.by}" if event.by else "refused"
        trouble(turn, path, "refused", f"{told}: {event.reason}" if event.reason else told)
    else:
        trouble(turn, path, "overdue", "nobody decided in time")
    return ""


def event_arrived(turn: Turn, event: EventArrived) -> str:
    """An event that a step waits for."""
    path, ignored = awaited(turn, event.command, "event.")
    if ignored:
        return ignored
    turn.answered(path, event.command)
    turn.state.steer(event.steered)  # which of the events it was may decide, without data too
    name = event.command.rpartition("event.")[2]
    finish(turn, path, {"by": name, "data": event.data})
    return ""


def child_ended(turn: Turn, event: ChildEnded) -> str:
    """A run that a step began has ended."""
    path, ignored = awaited(turn, event.command)
    if ignored:
        return ignored
    found = turn.state.steps[path]
    spent = found.charged if event.spent is None else event.spent
    if event.unsure:
        spent = max(spent, found.charged)  # what was told meanwhile of what it left under way is more
    if _too_dear(turn, path, spent, "" if event.unsure else event.command):
        turn.answered(path, event.command)
        if was_done_after(turn, path, event):
            turn.leave_behind(event.command)
        return ""
    if event.left:
        remember_child(turn, path, event)
    _child_ended(turn, path, event)
    return ""


def _child_ended(turn: Turn, path: str, event: ChildEnded) -> None:
    turn.answered(path, event.command)
    turn.state.steer(event.steered)
    found = turn.state.steps[path]
    if event.unsure:
        turn.state.unsure = {**turn.state.unsure, event.command: found.charged}
    if found.state == "blocked" and event.status != "done":
        return  # a person is asked about it already, and still is
    told = f"the run ended as {event.status}: {event.reason}".removesuffix(": ")
    # A run that was to be undone, and has ended otherwise: a person says what is left of it.
    is_left = event.left and event.status != "done" and turn.state.status == "compensating"
    is_left = is_left and not turn.step(path).stays
    if found.state == "stopping" and is_left and found.then != "done":
        trouble(turn, path, "child", told, again=False, detail=runs_of({*left_by(turn.state, path), event.command}))
    elif found.state == "stopping":
        _stopped(turn, path, found, event.status == "done", event.output)
    elif event.status == "done":
        turn.change(path, state="running", trouble="")
        finish(turn, path, event.output)
    else:
        trouble(turn, path, "child", told)


def charged(turn: Turn, event: Charged) -> str:
    """What a command has cost so far; it only grows until the answer says what it was in all."""
    if event.command in turn.state.unsure:
        return _counted_late(turn, event)
    path, ignored = awaited(turn, event.command)
    if ignored:
        return ignored
    if event.cost <= turn.state.steps[path].charged:
        return "it is counted already"
    _too_dear(turn, path, event.cost)
    return ""


def _counted_late(turn: Turn, event: Charged) -> str:
    ignored = counted(turn.state, event)
    if not ignored:
        stop_beyond(turn)
    return ignored


def allowed(turn: Turn, event: Allowed) -> str:
    """What those around the run have left has changed."""
    if turn.state.allowance in (None, event.allowance):
        return "it may spend as much already"
    turn.state.allowance = event.allowance
    stop_beyond(turn)
    return ""


def timer_fired(turn: Turn, event: TimerFired) -> str:
    """A time has come."""
    place = paths.place(turn.state.run, event.command)
    if place is not None and not place.path:
        return _run_timer(turn, event.command, place.part)
    path, ignored = awaited(turn, event.command)
    if ignored or place is None:
        return ignored
    turn.answered(path, event.command)
    if place.part == "retry":
        turn.queue.append(("begin", path))
    elif place.part == "timer":
        finish(turn, path, {"by": "time", "data": None})
    elif place.part == "deadline":
        trouble(turn, path, "overdue", "not done in time")
    else:
        return f"`{event.command[:120]}` is no timer"
    return ""


def _run_timer(turn: Turn, id: str, part: str) -> str:
    if id not in turn.state.open or part not in ("time", "deadline"):
        return f"`{id[:120]}` is not awaited (any more)"
    turn.state.open = tuple(one for one in turn.state.open if one != id)
    if part == "time":
        stop(turn, "time", "the run took longer than it may")
    else:
        raise_for_run(turn, "overdue", "the run is not done in time", "overdue")
    return ""


def _too_dear(turn: Turn, path: str, cost: int, answered: str = "") -> bool:
    """Count what the step's present command has cost, of which something may have been counted before; whether that
    has stopped the run. A command that is `answered` with it costs nothing more."""
    if more := cost - turn.state.steps[path].charged:
        turn.state.spent += more
        turn.change(path, charged=cost)
    if not stop_beyond(turn):
        return False
    turn.state.unsure = {id: cost for id, cost in turn.state.unsure.items() if id != answered}
    return True
