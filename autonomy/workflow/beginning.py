"""How a step begins, by its kind: what it asks for, or what it comes to at once. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, TooLarge

from . import loops, spending
from .definition import (
    AgreeWork,
    ApprovalWork,
    CancelWork,
    ChildWork,
    ChooseWork,
    DecideWork,
    EmitWork,
    EndWork,
    ForeachWork,
    RepeatWork,
    TaskWork,
    ToolWork,
    WaitWork,
)
from .model import AskApproval, Decide, Emit, Known, OpenTask, PerformTool, SetTimer, StartChild, StepState, Subscribe
from .reading import Reading
from .trouble import stop, trouble, unseen
from .turn import Turn


def begin(turn: Turn, path: str) -> None:
    """Begin the step at `path`, or begin it again under its next attempt."""
    found = turn.state.steps.get(path) or StepState("running")
    turn.drop(found)
    if found.trouble == "contract":
        turn.supersede(path, found)
    attempt = turn.next_attempt(path)
    fresh = StepState("running", attempt, since=turn.at, returned=found.returned, interrupted=found.interrupted)
    fresh.known, fresh.given, fresh.loop = _remembered(found), found.given, found.loop
    turn.state.steps[path] = fresh
    turn.state.begun += 1
    caps = turn.definition.caps
    if turn.state.begun > caps.steps:
        stop(turn, "steps", f"more than {caps.steps} steps have begun")
    elif attempt > caps.attempts:
        stop(turn, "attempts", f"`{path}` was begun more than {caps.attempts} times")
    else:
        _deadline(turn, path)
        attempted(turn, path)


def _remembered(found: StepState) -> Known:
    """What a new attempt knows of those before; that one was done, where what it came to broke its contract."""
    if found.trouble != "contract":
        return found.known
    untold = found.known.output_of or found.attempt
    return replace(found.known, was_done=True, output=found.output, untold=untold, told=0, output_of=0)


def end_at_last(turn: Turn) -> None:
    """Let a step end the run that has come to its end, but had to wait until somebody had seen something."""
    for path in turn.ending:
        if not turn.state.ended:
            attempted(turn, path)


def is_ending(turn: Turn) -> bool:
    """Whether the run ends as soon as somebody has seen something: nothing more begins."""
    return bool(unseen(turn)) and bool(turn.ending)


def attempted(turn: Turn, path: str) -> None:
    """Do what the step's kind does; what cannot be computed is an exception of the step."""
    work = turn.step(path).work
    try:
        _KINDS[type(work)](turn, path, work, turn.reading(path))
    except (Invalid, TooLarge) as error:
        trouble(turn, path, "expression", str(error), detail={"code": error.code})


def _deadline(turn: Turn, path: str) -> None:
    step = turn.step(path)
    if step.deadline is not None and not isinstance(step.work, ApprovalWork | EndWork):
        turn.order(SetTimer(turn.id(path, "deadline"), turn.at + step.deadline), path)


def _due(turn: Turn, path: str) -> int | None:
    deadline = turn.step(path).deadline
    return None if deadline is None else turn.at + deadline


def _given(turn: Turn, path: str, reading: Reading, arguments: Json) -> Any:
    """The arguments: what a person wrote in their place before they let it be tried again, be it nothing at all."""
    given = turn.state.steps[path].given.arguments
    return reading.value(arguments) if given is None else given


def _tool(turn: Turn, path: str, work: ToolWork, reading: Reading) -> None:
    arguments = _given(turn, path, reading, work.arguments)
    turn.order(PerformTool(turn.id(path), path, work.tool, work.agent, arguments, doer=work.doer), path)


def _task(turn: Turn, path: str, work: TaskWork, reading: Reading) -> None:
    given = turn.state.steps[path].given
    turn.order(
        OpenTask(
            id=turn.id(path),
            path=path,
            role=given.role or work.role,
            goal=work.goal,
            input=_given(turn, path, reading, work.input),
            by=work.by,
            prefer=work.prefer,
            capability=work.capability,
            contract=turn.step(path).contract,
            due=_due(turn, path),
            returned=given.returned,
            handed=given.handed,
        ),
        path,
    )


def _decide(turn: Turn, path: str, work: DecideWork, reading: Reading) -> None:
    arguments = _given(turn, path, reading, work.arguments)
    turn.order(Decide(turn.id(path), path, work.decision, arguments), path)


def _approval(turn: Turn, path: str, work: ApprovalWork, reading: Reading) -> None:
    shown = reading.value(work.show)
    turn.order(AskApproval(turn.id(path), path, work.roles, work.question, shown, _due(turn, path)), path)


def _child(turn: Turn, path: str, work: ChildWork, reading: Reading) -> None:
    depth = turn.state.depth + 1
    if depth > turn.definition.caps.depth:
        stop(turn, "depth", f"`{path}` would be workflow {depth} inside another")
        return
    input = _given(turn, path, reading, work.arguments)
    wording = "" if work.definition is None else str(reading.expression(work.definition))
    allowance = None if work.detached else spending.left(turn.definition, turn.state)
    command = StartChild(turn.id(path), path, work.workflow, input, depth, work.detached, wording, allowance=allowance)
    turn.order(command, path, awaited=not work.detached)
    if work.detached:
        turn.settle(path, "done", {"run": command.id})


def _wait(turn: Turn, path: str, work: WaitWork, reading: Reading) -> None:
    if work.duration is not None:
        turn.order(SetTimer(turn.id(path, "timer"), turn.at + work.duration), path)
    if work.until is not None:
        turn.order(SetTimer(turn.id(path, "timer"), _milliseconds(reading.expression(work.until))), path)
    for one in work.events:
        key = None if one.key is None else str(reading.expression(one.key))
        turn.order(Subscribe(turn.id(path, f"event.{one.name}"), one.event, key), path)


def _milliseconds(moment: Json) -> int:
    """A point in time as an expression writes it."""
    try:
        return round(datetime.fromisoformat(moment).timestamp() * 1_000)
    except (TypeError, ValueError):
        raise Invalid(f"`{str(moment)[:40]}` is not a point in time", code="expression.result") from None


def _emit(turn: Turn, path: str, work: EmitWork, reading: Reading) -> None:
    key = None if work.key is None else str(reading.expression(work.key))
    turn.order(Emit(turn.id(path), work.event, key, reading.value(work.data)), path, awaited=False)
    turn.settle(path, "done", {})


def _agree(turn: Turn, path: str, work: AgreeWork, reading: Reading) -> None:
    figures = {name: reading.expression(text) for name, text in work.figures.items()}
    values = list(figures.values())
    if _agreed(values, reading.value(work.within)):
        turn.settle(path, "done", {"value": values[0], "figures": figures})
    else:
        told = ", ".join(f"{name} says {value}" for name, value in figures.items())
        trouble(turn, path, "conflict", told[:500], detail={"figures": figures})


def _agreed(values: list[Json], within: Json) -> bool:
    if all(type(value) in (int, float) for value in values) and type(within) in (int, float):
        return bool(max(values) - min(values) <= within)
    return all(value == values[0] and type(value) is type(values[0]) for value in values)


def _cancel(turn: Turn, path: str, work: CancelWork, reading: Reading) -> None:  # noqa: ARG001 - one form for all
    prefix = path[: path.rfind("/") + 1]
    turn.settle(path, "done", {})
    for name in work.steps:
        other = prefix + name
        if other in turn.state.steps:
            turn.abandon(other)
        else:
            turn.settle(other, "cancelled")


def _end(turn: Turn, path: str, work: EndWork, reading: Reading) -> None:
    result = reading.value(work.result)
    if unseen(turn):
        turn.waits_to_end(path)
        return  # it is looked at again once somebody has seen what was done twice
    turn.settle(path, "done", result)
    turn.end(work.status, work.reason, result)


_KINDS: dict[type, Any] = {
    ToolWork: _tool,
    TaskWork: _task,
    DecideWork: _decide,
    ApprovalWork: _approval,
    ChildWork: _child,
    ForeachWork: loops.foreach,
    ChooseWork: loops.choose,
    RepeatWork: loops.repeat,
    WaitWork: _wait,
    EmitWork: _emit,
    AgreeWork: _agree,
    CancelWork: _cancel,
    EndWork: _end,
}
