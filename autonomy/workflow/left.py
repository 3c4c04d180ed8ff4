"""What stands of all that a run did, though no step of it tells. Pure.

It is remembered by the commands that did it, in `State.left`, until a step tells of it, it is known not to have been
done, or somebody has said what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import paths
from .definition import ChildWork, Definition, Step
from .events import ChildEnded
from .model import State, StepState
from .turn import SETTLED, TWICE, Turn


def remember_child(turn: Turn, path: str, event: ChildEnded) -> None:
    """What a run inside did stands, unless the step itself is undone for it."""
    step = turn.step(path)
    stands = not step.stays and not _stands_for_all(turn, step) if step.undo is None else event.status != "done"
    if stands:
        turn.leave_behind(event.command)


def _stands_for_all(turn: Turn, step: Step) -> bool:
    """Whether another item stands for all of a step that does not say what becomes of runs inside, however many there
    are: one about which nobody will be asked by itself any more."""
    places = (place for one in turn.state.left if (place := paths.place(turn.state.run, one)))
    same = (turn.state.steps.get(place.path) for place in places if paths.split(place.path)[1] == step.id)
    return any(found is None or found.state in SETTLED for found in same)


def one_for_all(turn: Turn) -> None:
    """Keep one for all items of such a step, now that nothing more comes of any of them."""
    said = set[str]()
    for id in turn.state.left:
        place = paths.place(turn.state.run, id)
        assert place is not None  # a command of this run
        name = paths.split(place.path)[1]
        if name in said and turn.step(place.path).undo is None:
            turn.stands_no_more(id)
        said.add(name)


def was_done_after(turn: Turn, path: str, event: ChildEnded) -> bool:
    """Whether a run inside has done something that nobody else tells of, for the run around it has ended."""
    return event.left or (event.status == "done" and turn.step(path).undo is not None)


def left_by(state: State, path: str) -> tuple[str, ...]:
    """The commands of a step whose work stands though it does not tell of it."""
    return tuple(id for id in state.left if (place := paths.place(state.run, id)) and place.path == path)


def runs_of(ids: Iterable[str]) -> dict[str, list[str]]:
    """The detail of a question about runs inside that these commands began."""
    return {"runs": [paths.derived("run", id) for id in sorted(ids)]}


def leaves_something(definition: Definition, state: State) -> bool:
    """Whether a run that has ended did something that can be undone, and may not have been."""
    if state.status == "compensated":
        return False
    stands = (definition.steps[paths.split(path)[1]] for path, found in state.steps.items() if _stands(found))
    may_stand = (id for id in state.unsure if _may_stand(definition, state, id))
    can_be = any(can_be_undone(definition, state, id) for id in (*state.left, *may_stand))
    return state.written_off or can_be or any(step.undo is not None for step in stands)


def _stands(found: StepState) -> bool:
    if found.state == "undoing":
        return not found.known.undo_told
    return found.known.was_done or found.state == "done" or found.trouble in ("done", "unknown", "contract")


def _may_stand(definition: Definition, state: State, id: str) -> bool:
    """Whether nobody knows what was done; of a run inside that has ended only its cost is still open."""
    place = paths.place(state.run, id)
    if place is None or place.part or place.path not in state.steps:
        return False
    is_child = isinstance(definition.steps[paths.split(place.path)[1]].work, ChildWork)
    return not is_child or id in state.steps[place.path].open


def can_be_undone(definition: Definition, state: State, id: str) -> bool:
    """Whether what a command did is not to stay, though a step that began a run may not say what undoes it."""
    place = paths.place(state.run, id)
    step = None if place is None else definition.steps.get(paths.split(place.path)[1])
    return step is not None and (step.undo is not None or (isinstance(step.work, ChildWork) and not step.stays))


def seen_part(state: State, id: str) -> str:
    """The part of the exception by which somebody hears what a command has left."""
    place = paths.place(state.run, id)
    assert place is not None  # a command of this run
    return f"{TWICE}{place.path}.{place.attempt}.left"


def what_is_left(turn: Turn, id: str) -> str:
    """What whoever has to see it is told."""
    place = paths.place(turn.state.run, id)
    assert place is not None  # a command of this run
    if turn.step(place.path).undo is None:
        others = ", or one of another item," if paths.split(place.path)[0] else ""
        return (
            f"what the run inside `{place.path}`{others} did has not been undone: its step does not say what undoes it"
        )
    if id in turn.state.unsure:
        return f"nobody knows whether `{place.path}` was done again, and what that did has not been undone"
    return f"`{place.path}` was begun again, and what it had done by then has not been undone"


def told_no_more(turn: Turn, id: str) -> None:
    """It is known not to have been done, or told otherwise: nobody has to see it as left any more."""
    if id not in turn.state.left:
        return
    turn.stands_no_more(id)
    seen = turn.id("", seen_part(turn.state, id))
    if seen in turn.state.open:
        turn.state.open = tuple(one for one in turn.state.open if one != seen)
        turn.withdraw(seen)
        turn.queue.append(("undo", ""))
