"""What a person chose to do about an exception. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from . import paths
from .events import Chosen
from .left import left_by, seen_part
from .model import StepState
from .trouble import CHOICES, KNOWN_CHOICES, RESULT_CHOICES, RUN_CHOICES, UNDO_CHOICES, ask_whether_done, unseen
from .turn import TWICE, Turn
from .undoing import attempt_undo, undone


def chosen(turn: Turn, event: Chosen) -> str:
    """Do as the person said; or say why that is not possible (any more)."""
    place = paths.place(turn.state.run, event.exception)
    if place is None:
        return f"`{event.exception[:120]}` is no exception of this run"
    ignored = _chosen(turn, event, place)
    if not ignored and (event.choice == "edit" or event.arguments is not None):
        turn.state.steer((event.by,))
    return ignored


def _chosen(turn: Turn, event: Chosen, place: paths.Place) -> str:
    if not place.path:
        return _about_run(turn, event, place.part)
    found = turn.state.steps.get(place.path)
    if found is None or event.exception not in found.open or not place.part.endswith("exception"):
        return f"`{event.exception[:120]}` is not open (any more)"
    if found.state == "undoing":
        return _about_undoing(turn, event, place.path)
    return _about_step(turn, event, place.path, found)


def _about_step(turn: Turn, event: Chosen, path: str, found: StepState) -> str:
    undoing = turn.state.status == "compensating"
    if event.choice not in (KNOWN_CHOICES if undoing else CHOICES):
        return f"`{event.choice}` is not possible while the run is being undone"
    if event.choice == "edit":
        if breach := turn.prepared.breach(paths.split(path)[1], event.output):
            return f"the output does not fit: {breach}"
        _seen(turn, path, found, event.choice)
        turn.answered(path, event.exception)
        turn.leave(path, "done", event.output)
    elif event.choice == "retry":
        given = found.given if event.arguments is None else replace(found.given, arguments=event.arguments)
        turn.answered(path, event.exception)
        turn.change(path, given=given, returned=False)
        turn.leave(path, "begin")
    elif event.choice == "skip":
        _seen(turn, path, found, event.choice)
        turn.answered(path, event.exception)
        turn.leave(path, "skipped")
    elif event.choice == "compensate":
        _compensate(turn, event, path)
    else:
        turn.answered(path, event.exception)
        turn.end("cancelled", _reason(event))
    return ""


def _seen(turn: Turn, path: str, found: StepState, choice: str) -> None:
    """A person has said what becomes of what a run inside has left, or whether a step was done."""
    if turn.state.status != "compensating":
        return
    if found.trouble == "child":
        turn.stands_no_more(*left_by(turn.state, path))
    elif found.trouble == "unknown" and choice == "skip":
        turn.take_back_twice(path)
    elif found.trouble == "unknown":
        _say_which(turn, path)


def _say_which(turn: Turn, path: str) -> None:
    """It was done: by the first attempt of which nobody knew, where the present one is known to have come to nought."""
    unsure = turn.unsure_of(path)
    place = paths.place(turn.state.run, unsure[0]) if unsure else None
    found = turn.state.steps[path]
    if place is not None and turn.id(path) not in (*found.open, *turn.state.unsure):
        turn.change(path, known=replace(found.known, output_of=place.attempt))


def _compensate(turn: Turn, event: Chosen, path: str) -> None:
    turn.state.reason = _reason(event)
    turn.answered(path, event.exception)
    if turn.state.steps[path].trouble == "unknown":  # it is undone only if it was done: that is still to be said
        ask_whether_done(turn, path, "was it done?")
    turn.queue.appendleft(("compensate", ""))


def _about_undoing(turn: Turn, event: Chosen, path: str) -> str:
    if event.choice not in UNDO_CHOICES:
        return f"`{event.choice}` is not possible while the run is being undone"
    turn.answered(path, event.exception)
    if event.choice == "retry":
        attempt_undo(turn, path)
    elif event.choice == "cancel":
        turn.end("cancelled", _reason(event))
    else:
        undone(turn, path, left=event.choice == "skip")
    return ""


def _about_run(turn: Turn, event: Chosen, part: str) -> str:
    if event.exception not in turn.state.open:
        return f"`{event.exception[:120]}` is not open (any more)"
    if event.choice not in (RESULT_CHOICES if part == "result" else RUN_CHOICES):
        return f"`{event.choice}` is not possible here"
    if event.choice == "edit" and unseen(turn):
        return "somebody has to see first what was done twice"
    turn.state.open = tuple(id for id in turn.state.open if id != event.exception)
    if event.choice == "edit":
        turn.end("done", output=event.output)
    elif event.choice == "compensate":
        turn.state.reason = _reason(event)
        turn.queue.append(("compensate", ""))
    elif event.choice == "cancel":
        turn.end("cancelled", _reason(event))
    if part.startswith(TWICE):  # its end may have waited for this one
        if event.choice != "cancel":
            turn.stands_no_more(*(id for id in turn.state.left if seen_part(turn.state, id) == part))
        turn.queue.extend((("end", ""), ("close", ""), ("undo", "")))
    return ""


def _reason(event: Chosen) -> str:
    return event.reason or (f"decided by {event.by}" if event.by else "decided by a person")
