"""Steps with steps inside: one of several ways, the same for every item, again until enough. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

from . import paths
from .definition import ChooseWork, ForeachWork, RepeatWork, Step
from .model import Items, Round, StepState
from .reading import Reading
from .trouble import RESULT_CHOICES, raise_for_run, stop, trouble, unseen
from .turn import SETTLED, Turn, block_of


def open_block(turn: Turn, prefix: str) -> None:
    """Look at the steps of a block that need no other; a block without steps closes at once."""
    block = turn.definition.blocks[block_of(turn, prefix)]
    turn.queue.extend(("consider", prefix + name) for name in block.steps if not turn.definition.steps[name].needs)
    turn.queue.append(("close", prefix))


def foreach(turn: Turn, path: str, work: ForeachWork, reading: Reading) -> None:
    """Begin the first items."""
    items = reading.expression(work.items)
    if not isinstance(items, list):
        raise Invalid("the items are not a list", code="expression.type")
    if len(items) > work.most:
        trouble(turn, path, "limit", f"{len(items)} items, `most` is {work.most}")
        return
    turn.state.items += len(items)
    if turn.state.items > turn.definition.caps.fan_out:
        stop(turn, "fan_out", f"more than {turn.definition.caps.fan_out} items in all")
        return
    found = turn.state.steps[path]
    loop = Items(items, [None] * len(items), len(items), found.attempt, earlier=_earlier(turn, path, found.loop))
    turn.change(path, loop=loop)
    for _ in range(min(work.at_once, len(items))):
        _next_item(turn, path)
    if not items:
        turn.settle(path, "done", [])


def _earlier(turn: Turn, path: str, before: Items | Round | None) -> dict[int, list[Json]]:
    """The items of earlier attempts, while steps of theirs are remembered: what undoes those reads them."""
    if not isinstance(before, Items) or not turn.inside(path):
        return {}
    return {**before.earlier, before.of: before.items}


def choose(turn: Turn, path: str, work: ChooseWork, reading: Reading) -> None:
    """Take the way whose condition is true."""
    name = _way(turn, path, work, reading)
    if name is not None:
        open_block(turn, paths.inner(path, turn.state.steps[path].attempt, name))


def _way(turn: Turn, path: str, work: ChooseWork, reading: Reading) -> str | None:
    true = []
    for way in work.ways:
        if reading.expression(way.when) is True:
            true.append(way.name)
            if work.match == "first":
                break
    if len(true) > 1:
        trouble(turn, path, "choice", f"several branches are true: {', '.join(true)}", detail={"branches": true})
        return None
    if not true and work.otherwise is None:
        trouble(turn, path, "choice", "no branch is true", detail={"branches": []})
        return None
    return true[0] if true else "otherwise"


def repeat(turn: Turn, path: str, work: RepeatWork, reading: Reading) -> None:  # noqa: ARG001 - one form for all
    """Begin the first round."""
    turn.change(path, loop=Round())
    open_block(turn, paths.inner(path, turn.state.steps[path].attempt, 0))


def close(turn: Turn, prefix: str) -> None:
    """Go on after a block whose steps are all settled; nothing happens while one is not."""
    block = turn.definition.blocks[block_of(turn, prefix)]
    if not is_open(turn, prefix) or not all(_is_settled(turn, prefix + name) for name in block.steps):
        return
    if not prefix and (any(True for _ in turn.unsettled()) or unseen(turn)):
        return  # something was stopped whose effect is not known yet, or was done twice
    owner = paths.owner(prefix)
    try:
        reading = Reading(turn.prepared, turn.state, turn.at, prefix)
        result = reading.value(block.result)
        if not prefix:
            turn.end("done", output=result)
        else:
            _closed(turn, owner, prefix, result, reading)
    except (Invalid, TooLarge) as error:
        if prefix:
            trouble(turn, owner, "expression", str(error), detail={"code": error.code})
        elif turn.id("", "result") not in turn.state.open:
            raise_for_run(turn, "expression", str(error), "result", RESULT_CHOICES)


def is_open(turn: Turn, prefix: str) -> bool:
    """Whether the steps of a block go on: the run does, and neither the step around them nor their item or round has
    come to its end. Steps of one that has may be remembered, for they may have to be undone."""
    if not turn.alive(prefix):
        return False
    loop = turn.state.steps[paths.owner(prefix)].loop if prefix else None
    if isinstance(loop, Round):
        return int(paths.key(prefix)) == loop.number
    return loop is None or int(paths.key(prefix)) in loop.begun


def _closed(turn: Turn, owner: str, prefix: str, result: Json, reading: Reading) -> None:
    step = turn.step(owner)
    if isinstance(step.work, ForeachWork):
        _item_done(turn, owner, prefix, result)
    elif isinstance(step.work, RepeatWork):
        _round_done(turn, owner, prefix, step.work, result, reading.expression(step.work.until) is True)
    else:
        forget(turn, prefix)
        finish(turn, owner, {"branch": paths.key(prefix), "result": result})


def _item_done(turn: Turn, owner: str, prefix: str, result: Json) -> None:
    loop, number = _items(turn, owner), int(paths.key(prefix))
    results = list(loop.results)
    results[number] = result
    begun = tuple(one for one in loop.begun if one != number)
    turn.change(owner, loop=replace(loop, left=loop.left - 1, results=results, begun=begun))
    forget(turn, prefix)
    if loop.left == 1:
        finish(turn, owner, results)
    else:
        _next_item(turn, owner)


def _next_item(turn: Turn, path: str) -> None:
    loop = _items(turn, path)
    if loop.next < len(loop.items):
        turn.change(path, loop=replace(loop, next=loop.next + 1, begun=(*loop.begun, loop.next)))
        open_block(turn, paths.inner(path, turn.state.steps[path].attempt, loop.next))


def _items(turn: Turn, path: str) -> Items:
    loop = turn.state.steps[path].loop
    assert isinstance(loop, Items)  # it has begun
    return loop


def _round_done(turn: Turn, owner: str, prefix: str, work: RepeatWork, result: Json, enough: bool) -> None:
    number = int(paths.key(prefix)) + 1
    forget(turn, prefix)
    if enough:
        finish(turn, owner, result)
    elif number >= work.most:
        trouble(turn, owner, "limit", f"not enough after {number} rounds", detail={"previous": result})
    else:
        turn.change(owner, loop=Round(number, result))
        open_block(turn, paths.inner(owner, turn.state.steps[owner].attempt, number))


def finish(turn: Turn, path: str, output: Json, breach: str = "") -> None:
    """The step is done where its output keeps its contract and nothing else is wrong with it (`breach`); an exception
    where it does not."""
    if breach := breach or turn.prepared.breach(paths.split(path)[1], output):
        turn.change(path, output=output)
        turn.count_done(path)
        trouble(turn, path, "contract", breach, detail={"output": output})
    else:
        turn.settle(path, "done", output)


def forget(turn: Turn, prefix: str) -> None:
    """Drop what is remembered of a block's steps, unless one of them may have to be undone: that reads the others."""
    inside = [path for path in turn.state.steps if path.startswith(prefix)]
    places = (paths.place(turn.state.run, id) for id in (*turn.state.unsure, *turn.state.left))
    if any(place is not None and place.path.startswith(prefix) for place in places):
        return  # it may turn out to be done, or to be done twice
    if not any(_may_be_undone(turn.step(path), turn.state.steps[path]) for path in inside):
        for path in inside:
            del turn.state.steps[path]


def _may_be_undone(step: Step, found: StepState) -> bool:
    return found.state == "stopping" or (may_be_done(found) and step.undo is not None)


def may_be_done(found: StepState) -> bool:
    """Whether a step was done, also where those that follow go on without it."""
    given_up = found.state in ("skipped", "cancelled") and found.trouble in ("unknown", "done")
    return found.state == "done" or given_up


def _is_settled(turn: Turn, path: str) -> bool:
    found = turn.state.steps.get(path)
    return found is not None and found.state in SETTLED
