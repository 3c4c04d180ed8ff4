"""What can begin now: the order of steps, and the turn of a run until nothing is left to look at. Pure."""

from __future__ import annotations

from autonomy.kernel.errors import Invalid, TooLarge

from . import paths
from .beginning import begin, is_ending
from .definition import Step
from .loops import close
from .model import StepState
from .trouble import trouble
from .turn import SETTLED, Turn
from .undoing import compensate, undo_next


def run_on(turn: Turn) -> None:
    """Look at everything that waits to be looked at, and at what comes of it, until nothing is left."""
    while turn.queue and not turn.state.ended:
        task, path = turn.queue.popleft()
        if task == "consider":
            consider(turn, path)
        elif task == "begin":
            _begin(turn, path)
        elif task == "close":
            close(turn, path)
        elif task == "unlock":
            _unlock(turn, path)
        elif task == "compensate":
            compensate(turn)
        else:
            undo_next(turn)


def consider(turn: Turn, path: str) -> None:
    """Begin the step, skip it, or leave it where it is: not all that it needs is settled."""
    prefix, name = paths.split(path)
    if path in turn.state.steps or not turn.alive(prefix) or is_ending(turn):
        return
    step = turn.definition.steps[name]
    ready = _ready(turn, prefix, step)
    if ready is None:
        return
    if not ready or any(_has_begun(turn, prefix + other) for other in step.before):
        turn.settle(path, "skipped")
    elif _wanted(turn, path, step):
        _enter(turn, path, step)


def _ready(turn: Turn, prefix: str, step: Step) -> bool | None:
    """Whether the step may begin (True), never will (False), or nobody knows yet (None)."""
    found = [turn.state.steps.get(prefix + name) for name in step.needs]
    states = ["" if one is None else one.state for one in found]
    if step.join == "any" and "done" in states:
        return True
    if any(state not in SETTLED for state in states):
        return None
    return not states or "done" in states


def _wanted(turn: Turn, path: str, step: Step) -> bool:
    """Whether `when` is true; otherwise the step is settled or in trouble already."""
    if step.when is None:
        return True
    try:
        if turn.reading(path).expression(step.when) is True:
            return True
        turn.settle(path, "skipped")
    except (Invalid, TooLarge) as error:
        attempt = turn.next_attempt(path)
        turn.state.steps[path] = StepState("running", attempt, since=turn.at, data={"unasked": True})
        trouble(turn, path, "expression", f"when: {error}", detail={"code": error.code})
    return False


def _enter(turn: Turn, path: str, step: Step) -> None:
    if step.alone is not None and turn.taken(step.alone):
        turn.state.steps[path] = StepState("waiting", since=turn.at)
        turn.state.waiting = (*turn.state.waiting, path)
    else:
        begin(turn, path)


def _begin(turn: Turn, path: str) -> None:
    """Begin again what is to be tried again, where the run still goes that way."""
    found = turn.state.steps.get(path)
    if found is None or found.state in SETTLED or not turn.alive(paths.split(path)[0]):
        return
    if isinstance(found.data, dict) and "unasked" in found.data:  # it failed before `when` was known
        for id in found.open:
            turn.withdraw(id)
        if not _wanted(turn, path, turn.step(path)):
            return
        turn.change(path, open=(), data=None)
    begin(turn, path)


def _unlock(turn: Turn, word: str) -> None:
    """Let the next one begin of those that wait for each other."""
    if turn.taken(word):
        return
    for path in turn.state.waiting:
        found = turn.state.steps.get(path)
        waits = found is not None and found.state == "waiting"
        if not waits:
            turn.state.waiting = tuple(one for one in turn.state.waiting if one != path)
        elif turn.step(path).alone == word and turn.alive(paths.split(path)[0]):
            turn.state.waiting = tuple(one for one in turn.state.waiting if one != path)
            begin(turn, path)
            return


def _has_begun(turn: Turn, path: str) -> bool:
    found = turn.state.steps.get(path)
    return found is not None and found.state not in ("skipped", "cancelled", "waiting")
