"""Moving a live run to another definition: looked at first, step by step, and refused where a step stands in the way.

Pure. `autonomy workflow migrate` shows the obstacles, and writes the new state and its commands in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from autonomy.kernel.errors import Conflict

from . import paths
from .definition import (
    ApprovalWork,
    ChildWork,
    DecideWork,
    Definition,
    EmitWork,
    ForeachWork,
    RepeatWork,
    Step,
    TaskWork,
    ToolWork,
    WaitWork,
    Work,
)
from .flow import is_waiting, run_on
from .late import stop_beyond
from .left import left_by
from .loops import is_open, may_be_done
from .model import State, StepState
from .prepared import prepare
from .rules import Advanced
from .turn import SETTLED, Turn, block_of


class Obstacle(NamedTuple):
    """Why a run cannot go on under another definition; `path` is empty where it is about the run as a whole."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"`{self.path}`: {self.reason}" if self.path else self.reason


def obstacles(state: State, old: Definition, new: Definition) -> list[Obstacle]:
    """Everything that stands in the way of moving the run from `old`, which it is pinned to, to `new`."""
    return [*_of_run(state, old, new), *(one for path in state.steps for one in _of_step(state, old, new, path))]


def migrate(state: State, old: Definition, new: Definition, at: int) -> Advanced:
    """The run under its new definition, and the commands of steps that can begin under it at once.

    Raises Conflict (`workflow.migration`) with every obstacle in its detail.
    """
    if found := obstacles(state, old, new):
        raise Conflict(
            f"the run cannot go on under this definition: {found[0]}",
            code="workflow.migration",
            hint="let it end as it is, or settle the steps in the way first",
            obstacles=[{"path": one.path, "reason": one.reason} for one in found],
        )
    turn = Turn(new, state, at)
    turn.state.digest, turn.state.workflow = new.digest, new.workflow
    turn.state.steps = {path: found for path, found in state.steps.items() if _name(path) in new.steps}
    gone = (path for path in state.steps if _name(path) not in new.steps)
    begun = {path: max(state.steps[path].attempt, state.removed.get(path, 0)) for path in gone}
    turn.state.removed = {**state.removed, **begun}
    turn.state.put_off = tuple(one for one in state.put_off if one[0] == "unlock" or _stays_there(old, new, one[1]))
    _tell_again(turn, old)
    if not stop_beyond(turn):
        _look_at_all(turn, {paths.split(path)[0] for task, path in state.put_off if task != "unlock"})
        _let_begin(turn)
    run_on(turn)
    return Advanced(turn.state, tuple(turn.commands))


def _tell_again(turn: Turn, old: Definition) -> None:
    """A step that says what undoes it from now on tells of the run inside that it stood open for."""
    for path, found in turn.state.steps.items():
        if found.state == "done" and old.steps[_name(path)].undo is None and turn.step(path).undo is not None:
            turn.stands_no_more(turn.id(path))


def _look_at_all(turn: Turn, put_off: set[str]) -> None:
    """Consider every step of every block that is open, by the prefix of its steps, which may all be `put_off`: one may
    be ready."""
    found = {paths.split(path)[0] for path in turn.state.steps} | put_off
    for prefix in sorted(prefix for prefix in found | {""} if is_open(turn, prefix)):
        block = turn.definition.blocks[block_of(turn, prefix)]
        turn.queue.extend(("consider", prefix + name) for name in block.steps)
        turn.queue.append(("close", prefix))


def _let_begin(turn: Turn) -> None:
    """Steps that wait for each other may have another word now, or none."""
    waiting = [path for path in turn.state.waiting if is_waiting(turn.state, path)]
    turn.state.waiting = tuple(path for path in waiting if turn.step(path).alone is not None)
    for path in waiting:
        word = turn.step(path).alone
        turn.queue.append(("begin", path) if word is None else ("unlock", word))


def _of_run(state: State, old: Definition, new: Definition) -> Iterator[Obstacle]:
    if state.digest != old.digest:
        yield Obstacle("", "the run is pinned to another definition")
    if state.ended:
        yield Obstacle("", f"the run is {state.status}")
    if state.status == "compensating":
        yield Obstacle("", "the run is being undone")
    if breach := prepare(new).input_breach(state.input):
        yield Obstacle("", f"its input does not fit: {breach}")


def _of_step(state: State, old: Definition, new: Definition, path: str) -> Iterator[Obstacle]:
    found, name = state.steps[path], _name(path)
    before, after = old.steps[name], new.steps.get(name)
    if after is None:
        yield from _of_removed(state, path, found, before)
        return
    if after.block != before.block:
        yield Obstacle(path, "it has been moved into or out of another step")
    elif type(after.work) is not type(before.work):
        yield Obstacle(path, "it is of another kind now")
    elif _is_begun(state, path, found) and (told := _changed(found, before, after)):
        yield Obstacle(path, told)
    elif found.attempt and before.stays and not after.stays:
        yield Obstacle(path, "what runs inside it left was to stay, and is not remembered")
    elif (fresh := _undone_from_now(old, new).get(name)) and _has_forgotten(state, path, found, after):
        yield Obstacle(path, f"what `{fresh}` has done in it is not remembered, and could not be undone")
    elif found.state == "done" and (breach := prepare(new).breach(name, found.output)):
        yield Obstacle(path, f"its output does not fit: {breach}")
    elif found.state not in SETTLED and _inside_changed(old, new, name):
        yield Obstacle(path, "it is under way, and the steps inside it have changed")
    else:
        yield from _of_order(state, path, found, after)


def _undone_from_now(old: Definition, new: Definition) -> dict[str, str]:
    """The steps in which another one says for the first time what undoes it, and that one."""
    said = [name for name, step in new.steps.items() if step.undo is not None and name in old.steps]
    fresh = [name for name in said if old.steps[name].undo is None]
    return {owner: name for name in fresh for owner in _around(new, name)}


def _has_forgotten(state: State, path: str, found: StepState, step: Step) -> bool:
    """Whether steps inside may have been done that are not remembered: in a loop those of items and rounds that are
    over, which is not looked at more closely; else those of a branch that is over, now or in an earlier attempt."""
    if isinstance(step.work, ForeachWork | RepeatWork) or found.attempt > 1:
        return bool(found.attempt)
    is_over = found.state in SETTLED or found.trouble == "contract"
    return bool(found.attempt) and is_over and not any(one.startswith(f"{path}[") for one in state.steps)


def _around(definition: Definition, name: str) -> Iterator[str]:
    """The steps that a step is inside of, the nearest first."""
    while owner := definition.blocks[definition.steps[name].block].owner:
        yield owner
        name = owner


def _is_begun(state: State, path: str, found: StepState) -> bool:
    """Whether something was asked for that is done, or that may still be: it would be told of another step now."""
    under_way = paths.command(state.run, path, found.attempt) in found.open
    was_done = found.trouble == "contract" or found.known.was_done
    goes_on = under_way or found.state in ("running", "held", "stopping")
    return goes_on or may_be_done(found) or was_done or _is_left(state, path)


def _changed(found: StepState, before: Step, after: Step) -> str:
    """What of a step that was begun would mean something else; empty where nothing does. A compensation that it did
    not have is welcome."""
    stands = "it was done" if found.state == "done" else f"it is {found.state}"
    if _asked(before.work) != _asked(after.work):
        return f"{stands}, and asks for something else now"
    if before.undo is not None and after.undo is None:
        return f"{stands}, and could no longer be undone"
    if before.undo is not None and _undoes(before.undo) != _undoes(after.undo):
        return f"{stands}, and would be undone by something else now"
    return ""


def _asked(work: Work) -> tuple[Any, ...]:
    """What a step asks for, whoever does it and with which arguments; nothing where it asks nobody."""
    match work:
        case ToolWork():
            return (work.tool,)
        case TaskWork():
            return (work.role, work.goal)
        case DecideWork():
            return (work.decision,)
        case ApprovalWork():
            return (work.roles, work.question)
        case ChildWork():
            return (work.workflow, work.detached)
        case WaitWork():
            return (work.duration, work.until, work.events)
        case EmitWork():
            return (work.event,)
    return ()


def _undoes(work: ToolWork | TaskWork | None) -> tuple[Any, ...]:
    """What a compensation does, with its arguments: it is still to be done."""
    match work:
        case ToolWork():
            return (work.tool, work.arguments)
        case TaskWork():
            return (work.role, work.goal, work.input)
    return ()


def _of_removed(state: State, path: str, found: StepState, before: Step) -> Iterator[Obstacle]:
    if found.state not in SETTLED:
        yield Obstacle(path, f"it is {found.state}, and no longer there")
    elif _may_be_undone(state, path, found, before):
        stands = "it was done" if found.state == "done" else "it may have been done"
        yield Obstacle(path, f"{stands}, and could no longer be undone")


def _may_be_undone(state: State, path: str, found: StepState, before: Step) -> bool:
    if before.undo is not None:
        return may_be_done(found) or _is_left(state, path)
    return bool(left_by(state, path)) and isinstance(before.work, ChildWork) and not before.stays


def _is_left(state: State, path: str) -> bool:
    places = (paths.place(state.run, id) for id in (*state.left, *state.unsure))
    return any(place is not None and place.path == path for place in places)


def _of_order(state: State, path: str, found: StepState, after: Step) -> Iterator[Obstacle]:
    """A step that has begun must have begun after all that it needs now."""
    if found.state in ("skipped", "cancelled"):
        return
    prefix = paths.split(path)[0]
    for needed in after.needs:
        other = state.steps.get(prefix + needed)
        if after.join == "all" and (other is None or other.state not in SETTLED):
            yield Obstacle(path, f"it has begun, and needs `{needed}` first now")


def _inside_changed(old: Definition, new: Definition, owner: str) -> bool:
    """Whether a step under way has other ways or loops inside: what it remembers would mean something else."""
    inside = [block for block in old.blocks.values() if block.owner == owner]
    return any(block.id not in new.blocks for block in inside)


def _stays_there(old: Definition, new: Definition, path: str) -> bool:
    name = _name(path)
    return name in new.steps and name in old.steps and old.steps[name].block == new.steps[name].block


def _name(path: str) -> str:
    return paths.split(path)[1]
