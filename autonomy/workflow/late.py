"""What becomes known of an action that no step waits for any more: it is paid for, and nobody is asked about it. Pure.

An attempt that is known to have been done counts, once the later ones are known to have come to nothing; until then
somebody is told that it may have been done twice.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from autonomy.kernel.canonical import Json

from . import paths, spending
from .beginning import end_at_last
from .definition import Definition
from .events import AnyEvent, Charged, ChildEnded, Performed, TaskEnded
from .left import told_no_more, was_done_after
from .loops import finish
from .model import Command, State, StepState
from .trouble import TWICE, raise_for_run, stop, tried_before
from .turn import AFTER_ALL, KNOWN_OF, SETTLED, Turn
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
    elif found.trouble == "done" and was_done:
        _say_twice(turn, place, event)
    elif turn.state.ended:
        _say_left(turn, place, event)
    elif found.state == "skipped" and found.trouble == "unknown":
        _skipped_after_all(turn, place.path, event.output if was_done else None, was_done)
    elif found.state == "blocked" and found.trouble == "unknown" and turn.state.status == "compensating":
        _answered(turn, place.path, event)


def _answered(turn: Turn, path: str, event: Performed) -> None:
    """Nobody has to say any more whether it was done, unless there is another attempt of which nobody knows."""
    if event.outcome == "done":
        turn.count_as_done(path, event.output)
    elif not tried_before(turn, path):
        turn.settle(path, "cancelled")


def _of_an_earlier_attempt(turn: Turn, place: paths.Place, event: Performed) -> None:
    """It was done twice, unless what was begun again has come to nothing since."""
    found, was_done = turn.state.steps[place.path], event.outcome == "done"
    if turn.state.status == "compensated" and found.state in ("skipped", "cancelled"):
        _say_left(turn, place, event)
    elif not _came_to_nothing(turn, place.path):
        if was_done:
            _say_twice(turn, place, event)
            _remember_seen(turn, place, event.output)
    elif turn.state.ended:
        return
    elif found.state == "blocked" and turn.state.status == "compensating":
        _answered(turn, place.path, event)
    elif was_done and found.state in ("blocked", "retrying"):
        turn.change(place.path, data={**_data(found), AFTER_ALL: event.output})
        go_on_with_it(turn, place.path)
    elif was_done:
        _skipped_after_all(turn, place.path, event.output, was_done)


def _remember_seen(turn: Turn, place: paths.Place, output: Json) -> None:
    """It counts if the present attempt comes to nothing; if it does not, somebody has been told already."""
    found = turn.state.steps[place.path]
    may_come_to_nothing = found.state not in SETTLED or (found.state == "skipped" and found.trouble == "unknown")
    if may_come_to_nothing and AFTER_ALL not in _data(found):
        turn.change(place.path, data={**_data(found), AFTER_ALL: output, KNOWN_OF: place.attempt})


def was_done_before(turn: Turn, path: str) -> bool:
    """Whether an earlier attempt is known to have been done, now that the present one has come to nothing: then it was
    done once, and nobody has to see that it was done twice."""
    of = _data(turn.state.steps[path]).get(KNOWN_OF)
    if of is None:
        return False
    _withdraw_twice(turn, f"{TWICE}{path}.{of}")
    return True


def go_on_with_it(turn: Turn, path: str) -> None:
    """The step is done by an earlier attempt: nobody is asked about it any more, and it is not begun again."""
    output = _data(turn.state.steps[path])[AFTER_ALL]
    if turn.alive(paths.split(path)[0]):
        turn.change(path, state="running", trouble="")
        finish(turn, path, output)
    else:
        turn.count_as_done(path, output)


def _came_to_nothing(turn: Turn, path: str) -> bool:
    """Whether the present attempt of a step is known not to have been done, though a person may be asked about the
    one before."""
    found = turn.state.steps[path]
    if turn.id(path) in (*turn.state.unsure, *found.open):
        return False
    if found.state == "blocked":
        is_asked = found.trouble == "unknown" and turn.state.status == "compensating"
        return is_asked or found.trouble in ("failed", "denied", "expression")
    return found.state == "retrying" or (found.state in ("skipped", "cancelled") and found.trouble in ("", "unknown"))


def _skipped_after_all(turn: Turn, path: str, output: Json, was_done: bool) -> None:
    """What was skipped counts as skipped for the steps that follow; it is undone with the run if it was done."""
    if not was_done and not was_done_before(turn, path):
        turn.change(path, trouble="")
        return
    output = output if was_done else _data(turn.state.steps[path])[AFTER_ALL]
    if turn.state.status == "compensating" and turn.step(path).undo is not None:
        turn.count_as_done(path, output)
    else:
        turn.change(path, trouble="done", data={AFTER_ALL: output})


def _undone_after_all(turn: Turn, place: paths.Place, event: Performed | TaskEnded) -> None:
    """The same of what was to undo a step."""
    found = turn.state.steps[place.path]
    if event.outcome != "done" or not isinstance(found.data, dict):
        return
    number = int(place.part.removeprefix("undo."))
    if found.state == "undoing":
        _undone_by_earlier(turn, place, event, number)
    elif found.data.get("left") is True:
        before = {key: one for key, one in found.data.items() if key != "left"}
        turn.change(place.path, state="undone", data={**before, "undone": number})
    elif number != found.data.get("undone", number):
        _say_twice(turn, place, event)


def _undone_by_earlier(turn: Turn, place: paths.Place, event: Performed | TaskEnded, number: int) -> None:
    """What undoes a step has been done; it may have been begun again since."""
    found = turn.state.steps[place.path]
    last = _data(found).get("undo", number)
    present = turn.id(place.path, f"undo.{last}")
    if turn.state.ended:
        turn.change(place.path, state="undone", data={"undone": number})
    elif number == last or present not in (*turn.state.unsure, *found.open):
        undone(turn, place.path, by=number)
    else:
        _say_twice(turn, place, event)
        turn.change(place.path, data={**_data(found), KNOWN_OF: number})


def was_undone_before(turn: Turn, path: str) -> int | None:
    """The attempt by which a step is known to be undone, now that the present one has come to nothing."""
    found = turn.state.steps[path]
    of = _data(found).get(KNOWN_OF)
    if of is not None:
        _withdraw_twice(turn, f"{TWICE}{path}.{found.attempt}.undo.{of}")
    return of


def _withdraw_twice(turn: Turn, part: str) -> None:
    """Nobody has to see it any more; the end of the run may have waited for that."""
    id = turn.id("", part)
    if id in turn.state.open:
        turn.state.open = tuple(one for one in turn.state.open if one != id)
        turn.withdraw(id)
        end_at_last(turn)
        turn.queue.extend((("close", ""), ("undo", "")))


def _data(found: StepState) -> dict[str, Any]:
    return found.data if isinstance(found.data, dict) else {}


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
