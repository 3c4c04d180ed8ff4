"""What can begin now: the order of steps, and the turn of a run until nothing is left to look at. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.errors import Invalid, TooLarge

from . import paths
from .beginning import begin, end_at_last, is_ending
from .definition import Step
from .loops import close
from .model import State, StepState, Task
from .trouble import trouble
from .turn import SETTLED, Turn
from .undoing import compensate, undo_next


def run_on(turn: Turn) -> None:
    """Look at everything that waits to be looked at, and at what comes of it, until nothing is left."""
    while _has_next(turn) and not turn.state.ended:
        task, path = turn.queue.popleft()
        if task == "consider":
            consider(turn, path)
        elif task == "begin":
            _begin(turn, path)
        elif task == "close":
            close(turn, path)
        elif task == "unlock":
            _unlock(turn, path)
        elif task == "end":
            end_at_last(turn)
        elif task == "compensate":
            compensate(turn)
        else:
            undo_next(turn)


def _has_next(turn: Turn) -> bool:
    """Whether something is to be looked at; what was put off is, once no step waits to end the run any more."""
    if turn.state.put_off and not is_ending(turn):
        turn.queue.extend(turn.state.put_off)
        turn.state.put_off = ()
    return bool(turn.queue)


def _is_put_off(turn: Turn, task: Task, path: str) -> bool:
    """Whether nothing more begins, for a step waits to end the run: then it is looked at again where that is over."""
    if not is_ending(turn):
        return False
    if (task, path) not in turn.state.put_off:
        turn.state.put_off = (*turn.state.put_off, (task, path))
    return True


def consider(turn: Turn, path: str) -> None:
    """Begin the step, skip it, or leave it where it is: not all that it needs is settled."""
    prefix, name = paths.split(path)
    if path in turn.state.steps or not turn.alive(prefix):
        return
    step = turn.definition.steps[name]
    ready = _ready(turn, prefix, step)
    if ready is None or _is_put_off(turn, "consider", path):
        return
    if not ready or _comes_too_late(turn, prefix, step):
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
        found = turn.state.steps.get(path)
        before = found or StepState("running")
        fresh = StepState("running", turn.next_attempt(path), since=turn.at, unasked=True)
        fresh.known, fresh.given, fresh.loop = before.known, before.given, before.loop
        fresh.interrupted = before.interrupted + 1  # it uses no `retry` up
        turn.state.steps[path] = fresh
        trouble(turn, path, "expression", f"when: {error}", detail={"code": error.code})
    return False


def _enter(turn: Turn, path: str, step: Step) -> None:
    """Begin the step, unless it comes too late, or another one is under way that it must not run beside."""
    if _comes_too_late(turn, paths.split(path)[0], step):
        turn.settle(path, "skipped")
    elif step.alone is not None and turn.taken(step.alone):
        found = turn.state.steps.get(path) or StepState("waiting")
        turn.state.steps[path] = replace(found, state="waiting", since=turn.at)
        turn.state.waiting = (*turn.state.waiting, path)
    else:
        begin(turn, path)


def _begin(turn: Turn, path: str) -> None:
    """Begin again what is to be tried again, where the run still goes that way."""
    found = turn.state.steps.get(path)
    if found is None or found.state in (*SETTLED, "blocked") or not turn.alive(paths.split(path)[0]):
        return
    if _is_put_off(turn, "begin", path):
        return
    if found.state == "waiting":
        _enter(turn, path, turn.step(path))
    elif found.unasked:
        _ask_for(turn, path, found)
    else:
        begin(turn, path)


def _ask_for(turn: Turn, path: str, found: StepState) -> None:
    """Begin a step whose `when` could not be computed before, where it can be and is true."""
    turn.drop(found)
    turn.change(path, open=())
    if _wanted(turn, path, turn.step(path)):
        turn.change(path, state="waiting", trouble="")
        _enter(turn, path, turn.step(path))


def _unlock(turn: Turn, word: str) -> None:
    """Let the next one begin of those that wait for each other."""
    if turn.taken(word) or not turn.state.waiting or _is_put_off(turn, "unlock", word):
        return
    turn.state.waiting = tuple(path for path in turn.state.waiting if is_waiting(turn.state, path))
    for path in turn.state.waiting:
        if not is_waiting(turn.state, path):
            continue
        if turn.step(path).alone == word and turn.alive(paths.split(path)[0]) and not turn.taken(word):
            turn.state.waiting = tuple(one for one in turn.state.waiting if one != path)
            _enter(turn, path, turn.step(path))


def is_waiting(state: State, path: str) -> bool:
    """Whether a step waits for one that it must not run beside."""
    found = state.steps.get(path)
    return found is not None and found.state == "waiting"


def _comes_too_late(turn: Turn, prefix: str, step: Step) -> bool:
    return any(_has_begun(turn, prefix + other) for other in step.before)


def _has_begun(turn: Turn, path: str) -> bool:
    found = turn.state.steps.get(path)
    return found is not None and found.attempt > 0 and found.state != "waiting" and not found.unasked
