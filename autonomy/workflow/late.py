"""What becomes known of an action that no step waits for any more: it is paid for, and nobody is asked about it. Pure.

An attempt that is known to have been done counts, once the later ones are known to have come to nothing; until then
somebody is told that it may have been done twice.
"""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.canonical import Json

from . import paths, spending
from .definition import Definition, ToolWork
from .events import AnyEvent, Charged, ChildEnded, Performed, TaskEnded
from .left import told_no_more, was_done_after
from .loops import finish
from .model import Command, Known, State, StepState
from .trouble import raise_for_run, stop, tried_before
from .turn import SETTLED, TWICE, Turn
from .undoing import undone


def counted(state: State, event: Charged) -> str:
    """Count what an action has cost so far; an empty text, or why that changes nothing."""
    before = state.unsure[event.command]
    if event.cost <= before:
        return "it is counted already"
    state.spent += event.cost - before
    state.unsure = {**state.unsure, event.command: event.cost}
    return ""


def settled(state: State, event: Performed | TaskEnded | ChildEnded) -> None:
    """Count what something has cost in all, now that its end is known."""
    before = state.unsure[event.command]
    cost = event.spent if isinstance(event, ChildEnded) else event.cost
    if cost is None:
        cost = before
    if is_open := isinstance(event, ChildEnded) and event.unsure:
        cost = max(cost, before)  # what is told meanwhile of what it left under way is more
    state.spent += cost - before
    state.unsure = {id: cost for id, cost in state.unsure.items() if id != event.command}
    if is_open:
        state.unsure[event.command] = cost


def after_the_end(state: State, event: AnyEvent, definition: Definition | None) -> tuple[State, list[Command]] | None:
    """An ended run with what it has cost by now, and whom it tells of what stands otherwise than was thought; None
    where the event changes nothing. Without its definition nobody is told."""
    after, commands = replace(state), list[Command]()
    match event:
        case Charged() if event.command in state.unsure:
            counted(after, event)
        case Performed(is_known=True) | TaskEnded() | ChildEnded() if event.command in state.unsure:
            settled(after, event)
            if definition is not None:
                turn = Turn(definition, after, event.at)
                _remember(turn, event)
                after, commands = turn.state, turn.commands
    return (after, commands) if after != state else None


def _remember(turn: Turn, event: Performed | TaskEnded | ChildEnded) -> None:
    """Whether what ended after its run was done: the run around it may ask."""
    place = paths.place(turn.state.run, event.command)
    if place is None or place.path not in turn.state.steps:
        return
    if isinstance(event, ChildEnded):
        if event.command not in turn.state.steps[place.path].open:
            return  # it has been heard
        turn.answered(place.path, event.command)
        was_done = was_done_after(turn, place.path, event)
    else:
        was_done = event.outcome == "done"
    if not place.part:
        _keep(turn, place, event.command, was_done)
    if isinstance(event, Performed):
        _clear_up(turn, place, event)
    elif isinstance(event, TaskEnded) and place.part:
        _undone_after_all(turn, place, event)


def _keep(turn: Turn, place: paths.Place, id: str, was_done: bool) -> None:
    found = turn.state.steps[place.path]
    if was_done:
        is_undone = found.state == "undone" and place.attempt == (found.known.output_of or found.attempt)
        if not is_undone:
            turn.leave_behind(id)
        return
    turn.stands_no_more(id)
    if found.trouble == "unknown" and found.attempt == place.attempt:
        turn.change(place.path, trouble="")


def known_at_last(turn: Turn, event: Performed) -> str:
    """Take in how an action ended: what was skipped is undone if it was done, and nobody is asked any more whether it
    was; what was begun again since has been done twice."""
    settled(turn.state, event)
    place = paths.place(turn.state.run, event.command)
    if stop_beyond(turn):
        _remember(turn, event)
    elif place is not None and place.path in turn.state.steps:
        _clear_up(turn, place, event)
    if event.outcome != "done":
        told_no_more(turn, event.command)
    return ""


def _clear_up(turn: Turn, place: paths.Place, event: Performed) -> None:
    found, was_done = turn.state.steps[place.path], event.outcome == "done"
    if place.part:
        _undone_after_all(turn, place, event)
    elif found.attempt != place.attempt:
        _of_an_earlier_attempt(turn, place, event)
    elif was_done:
        _done_after_all(turn, place, event)
    else:
        _not_done_after_all(turn, place.path, found)


def _done_after_all(turn: Turn, place: paths.Place, event: Performed) -> None:
    """The present attempt was done: what was skipped is undone with the run."""
    found = turn.state.steps[place.path]
    if _is_asked(turn, place.path):
        turn.settle(place.path, "done", event.output)
    elif found.known.told:
        return  # somebody has been told of both
    elif found.trouble == "done" or found.known.output_of:
        _say_twice(turn, place, event)
    elif turn.state.ended:
        _say_left(turn, place, event)
    elif found.state == "skipped" and found.trouble == "unknown":
        _skipped_after_all(turn, place.path, event.output)


def _not_done_after_all(turn: Turn, path: str, found: StepState) -> None:
    """The present attempt came to nothing: an earlier one may have been done."""
    was_done_before = turn.take_back_twice(path)
    _stands_for_another(turn, path, found.attempt)
    if turn.state.ended:
        return
    if found.state == "skipped" and found.trouble == "unknown":
        turn.change(path, trouble="")
    elif _is_asked(turn, path) and was_done_before:
        go_on_with_it(turn, path)
    elif _is_asked(turn, path) and not tried_before(turn, path):
        turn.settle(path, "cancelled")  # nobody has to say any more whether it was done


def _stands_for_another(turn: Turn, path: str, number: int) -> None:
    """A person has said that the step was done. Now that it was not by the attempt with this number, it was by the
    first of the others of which that is known, or nobody knows."""
    found = turn.state.steps[path]
    if found.state not in ("done", "undoing", "undone") or number != (found.known.output_of or found.attempt):
        return
    places = (paths.place(turn.state.run, id) for id in turn.unsure_of(path))
    others = [place.attempt for place in places if place is not None]
    if other := found.known.untold or (others[0] if others else 0):
        turn.change(path, known=replace(found.known, output_of=0 if other == found.attempt else other))
        told_no_more(turn, paths.command(turn.state.run, path, other))


def _is_asked(turn: Turn, path: str) -> bool:
    """Whether a person is asked whether the step was done, with which nobody goes on."""
    found = turn.state.steps[path]
    is_blocked = found.state == "blocked" and found.trouble == "unknown"
    return is_blocked and not turn.state.ended and not turn.goes_on(path)


def _of_an_earlier_attempt(turn: Turn, place: paths.Place, event: Performed) -> None:
    """It was done twice, unless what was begun again has come to nothing since."""
    path, found, was_done = place.path, turn.state.steps[place.path], event.outcome == "done"
    if found.state in SETTLED and found.known.output_of == place.attempt:
        if not was_done and not turn.take_back_twice(path):  # else somebody has said so already
            _stands_for_another(turn, path, place.attempt)
        return
    if turn.state.status == "compensated" and found.state in ("skipped", "cancelled"):
        _say_left(turn, place, event)
    elif was_done and not _came_to_nothing(turn, path):
        _say_twice(turn, place, event)
        _remember_seen(turn, place, event.output)
    elif turn.state.ended or not _came_to_nothing(turn, path):
        return
    elif was_done:
        _counts_after_all(turn, place, event.output)
    elif not tried_before(turn, path):
        _no_other_unknown(turn, path)


def _counts_after_all(turn: Turn, place: paths.Place, output: Json) -> None:
    """An earlier attempt was done, and the present one was not."""
    path, found = place.path, turn.state.steps[place.path]
    if found.state in SETTLED:
        _skipped_after_all(turn, path, output)
    else:
        turn.change(path, known=replace(found.known, was_done=True, output=output, output_of=place.attempt))
        go_on_with_it(turn, path)


def _no_other_unknown(turn: Turn, path: str) -> None:
    """Of all attempts it is known whether they were done, and neither the present one was nor the last to be known."""
    if turn.state.steps[path].state in SETTLED:
        turn.change(path, trouble="")
    elif turn.take_back_twice(path):
        go_on_with_it(turn, path)  # an earlier one yet is known to have been
    elif _is_asked(turn, path):
        turn.settle(path, "cancelled")


def _remember_seen(turn: Turn, place: paths.Place, output: Json) -> None:
    """It counts if the present attempt comes to nothing; if it does not, somebody has been told already."""
    found = turn.state.steps[place.path]
    done_by = paths.command(turn.state.run, place.path, found.known.output_of or found.attempt)
    may_come_to_nothing = found.state not in SETTLED or done_by in turn.state.unsure
    if not may_come_to_nothing or found.known.was_done:
        return
    known = replace(found.known, told=place.attempt)
    if found.state != "undoing":
        known = replace(known, was_done=True, output=output)
    if found.state == "skipped" and found.trouble == "unknown":
        turn.change(place.path, trouble="done")
    turn.change(place.path, known=known)


def put_back(turn: Turn, command: Command) -> None:
    """Nobody had begun it: where it was to be done again, an earlier attempt may be known to have done it."""
    place = paths.place(turn.state.run, command.id)
    if place is None or not place.path:
        return
    if place.part:
        undo_again_came_to_nothing(turn, place.path)
    elif turn.take_back_twice(place.path):
        go_on_with_it(turn, place.path)


def go_on_with_it(turn: Turn, path: str) -> None:
    """The step is done by an earlier attempt: nobody is asked about it any more, and it is not begun again."""
    known = turn.state.steps[path].known
    if turn.alive(paths.split(path)[0]):
        turn.change(path, state="running", trouble="", known=replace(known, was_done=False, output=None))
        finish(turn, path, known.output)
    else:
        turn.settle(path, "done", known.output)


def _came_to_nothing(turn: Turn, path: str) -> bool:
    """Whether the present attempt of a step is known not to have been done, or has not been begun yet, though a person
    may be asked about the one before."""
    found, id = turn.state.steps[path], turn.id(path)
    if not isinstance(turn.step(path).work, ToolWork) or found.trouble == "contract":
        return False
    if id in turn.state.unsure or (id in found.open and not turn.is_held_back(id)):
        return False
    if found.state == "blocked":
        return _is_asked(turn, path) or found.trouble in ("failed", "denied", "expression", "overdue")
    if found.state in ("skipped", "cancelled"):
        return found.trouble in ("", "unknown")
    return found.state in ("running", "retrying")


def _skipped_after_all(turn: Turn, path: str, output: Json) -> None:
    """What was skipped and was done counts as skipped for the steps that follow; it is undone with the run."""
    if turn.state.status == "compensating" and turn.step(path).undo is not None:
        turn.settle(path, "done", output)
    else:
        turn.change(path, trouble="done", known=Known(was_done=True, output=output))
        turn.count_done(path)


def _undone_after_all(turn: Turn, place: paths.Place, event: Performed | TaskEnded) -> None:
    """The same of what was to undo a step."""
    found, number = turn.state.steps[place.path], int(place.part.removeprefix("undo."))
    if event.outcome != "done":
        if number == found.known.undo:
            turn.need_not_see(f"{TWICE}{place.path}.{place.attempt}.undo.{found.known.undo_told}")
        return
    if found.state == "undoing":
        _undone_by_earlier(turn, place, event, number)
    elif found.known.stays:
        turn.change(place.path, state="undone", known=replace(found.known, stays=False, undone_by=number))
    elif found.known.undone_by not in (0, number) and not (found.known.undo_told and number == found.known.undo):
        _say_twice(turn, place, event)


def _undone_by_earlier(turn: Turn, place: paths.Place, event: Performed | TaskEnded, number: int) -> None:
    """What undoes a step has been done; it may have been begun again since."""
    found = turn.state.steps[place.path]
    last = found.known.undo
    present = turn.id(place.path, f"undo.{last}")
    is_under_way = present in (*turn.state.unsure, *found.open) and not turn.is_held_back(present)
    if turn.state.ended:
        turn.change(place.path, state="undone", trouble="", known=replace(found.known, undone_by=number))
    elif number == last or not is_under_way:
        undone(turn, place.path, by=number)
    else:
        _say_twice(turn, place, event)
        turn.change(place.path, known=replace(found.known, undo_told=number))


def undo_again_came_to_nothing(turn: Turn, path: str) -> bool:
    """Take a step as undone by an earlier attempt, now that the present one came to nothing; whether it was."""
    found = turn.state.steps[path]
    of = found.known.undo_told
    if not of:
        return False
    turn.need_not_see(f"{TWICE}{path}.{found.attempt}.undo.{of}")
    undone(turn, path, by=of)
    return True


def _say_twice(turn: Turn, place: paths.Place, event: Performed | TaskEnded) -> None:
    """It may have to be set right by hand: what undoes the step undoes it once."""
    undo = "what undoes " if place.part else ""
    what = f"{undo}`{place.path}` was done after all, and has been begun again since"
    part = f"{TWICE}{place.path}.{place.attempt}.{place.part}".rstrip(".")
    told_no_more(turn, event.command)
    raise_for_run(turn, "twice", what, part, detail={"command": event.command, "output": event.output})


def _say_left(turn: Turn, place: paths.Place, event: Performed) -> None:
    """The run was undone without it, for somebody had said that it was not done, or nobody knew of it."""
    found, can_be = turn.state.steps[place.path], turn.step(place.path).undo is not None
    was_given_up = turn.state.status == "compensated" and found.state in ("skipped", "cancelled")
    if can_be and was_given_up and event.outcome == "done":
        what = f"`{place.path}` was done after all, and has not been undone"
        detail: Json = {"command": event.command, "output": event.output}
        raise_for_run(turn, "left", what, f"{TWICE}{place.path}.{place.attempt}", detail=detail)


def stop_beyond(turn: Turn) -> bool:
    """Stop a run that has spent more than it may; whether it has."""
    most = spending.limit(turn.definition, turn.state)
    if most is None or turn.state.spent <= most:
        return False
    stop(turn, "spend", f"{turn.state.spent} spent, {most} allowed (minor units)")
    return True
