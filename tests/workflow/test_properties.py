"""What holds for every workflow and every order of events: random ones of both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonomy.workflow import paths
from autonomy.workflow.events import (
    Allowed,
    ApprovalEnded,
    Cancelled,
    Charged,
    ChildEnded,
    Chosen,
    EventArrived,
    Paused,
    Performed,
    PutBack,
    Reprioritised,
    Resumed,
    TaskEnded,
    TimerFired,
)
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import (
    AskApproval,
    Decide,
    Emit,
    OpenTask,
    PerformTool,
    RaiseException,
    SetTimer,
    StartChild,
    Subscribe,
    Withdraw,
)
from tests.examples import tried

from .works import Run, definition

MOST_EVENTS = 3_000  # to drive any of these runs to its end

UNDO = st.sampled_from([None, {"tool": "undo"}, {"task": {"role": "r", "goal": "undo"}}])
HANDLERS = st.sampled_from(
    [
        [],
        [],
        [{"then": "skip"}],
        [{"kinds": ["failed", "denied"], "then": "compensate"}],
        [{"kinds": ["unknown"], "then": "compensate"}],
        [{"kinds": ["overdue"], "then": "fail"}],
    ]
)


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """The spec of a workflow whose steps may be of any kind, up to two inside one another."""
    names = iter(f"s{number}" for number in range(1_000))
    spec: dict[str, Any] = {"steps": draw(blocks(names, depth=2)), "result": {"n": "1"}}
    spec["caps"] = {"steps": 300, "attempts": draw(st.sampled_from([3, 20])), "fanOut": 60}
    return spec


@st.composite
def blocks(draw: st.DrawFn, names: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(draw(st.integers(1, 5 if depth == 2 else 3))):
        step = draw(steps(names, depth, list(found)))
        found[next(names)] = step
    return found


@st.composite
def steps(draw: st.DrawFn, names: Any, depth: int, earlier: list[str]) -> dict[str, Any]:
    step: dict[str, Any] = dict(draw(kinds(names, depth, earlier)))
    if earlier:
        step["needs"] = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3))
        if len(step["needs"]) > 1 and draw(st.booleans()):
            step["join"] = "any"
        if draw(st.integers(0, 5)) == 0:
            step["before"] = [draw(st.sampled_from(earlier))]
    if draw(st.integers(0, 3)) == 0:
        asked = [f"has(steps.{name}.output)" for name in step.get("needs", [])]
        step["when"] = draw(st.sampled_from(["true", "false", "1 / 0 > 1", "round > 1", *asked]))
    if not step.keys() & {"foreach", "repeat", "choose"} and draw(st.integers(0, 4)) == 0:
        step["alone"] = draw(st.sampled_from(["x", "y"]))
    if draw(st.integers(0, 4)) == 0:
        step["deadline"] = "1h"
    step["onException"] = draw(HANDLERS)
    undo = draw(UNDO)
    return step | ({"compensate": undo} if undo else {})


@st.composite
def kinds(draw: st.DrawFn, names: Any, depth: int, earlier: list[str]) -> dict[str, Any]:
    kind = draw(st.integers(0, 11 if depth else 7))
    contract = {"output": {"type": "integer"}} if draw(st.booleans()) else {}
    if kind <= 2:
        retry = {"retry": {"attempts": 2}} if draw(st.booleans()) else {}
        return {"tool": "t", **contract, **retry}
    if kind == 3:
        return {"task": {"role": "clerk", "goal": "g"}, **contract}
    if kind == 4:
        return draw(st.sampled_from([{"emit": {"event": "e"}}, {"decide": "d"}, {"end": {"reason": "r"}}]))
    if kind == 5:
        return draw(
            st.sampled_from(
                [
                    {"approval": {"roles": {"lead": 1}, "question": "q"}},
                    {"workflow": {"name": "other"}},
                    {"workflow": {"name": "other", "detached": True}},
                ]
            )
        )
    if kind == 6:
        events = {"a": {"event": "a"}, "b": {"event": "b", "key": "'k'"}}
        return {"wait": draw(st.sampled_from([{"duration": "1m"}, {"events": events}, {"until": "now"}]))}
    if kind == 7:
        figures = {"one": "1", "two": draw(st.sampled_from(["1", "2"]))}
        chosen = {"cancel": [draw(st.sampled_from(earlier))]} if earlier else {"agree": {"figures": figures}}
        return draw(st.sampled_from([{"agree": {"figures": figures}}, chosen]))
    inner = draw(blocks(names, depth - 1))
    if kind == 8:
        items = draw(st.sampled_from(["[1, 2, 3]", "[]", "[1]", "[1, 2, 3, 4, 5]"]))
        loop = {"items": items, "atOnce": draw(st.integers(1, 3)), "most": 4, "steps": inner, "result": "item"}
        return {"foreach": loop}
    if kind == 9:
        until = draw(st.sampled_from(["true", "round > 0", "false"]))
        return {"repeat": {"steps": inner, "until": until, "most": 3, "result": "round"}}
    whens = draw(st.sampled_from([("true", "true"), ("false", "true"), ("false", "false")]))
    branches = {"one": {"when": whens[0], "steps": inner}, "two": {"when": whens[1]}}
    return {"choose": {"match": draw(st.sampled_from(["first", "unique"])), "branches": branches}}


def answer(draw: Any, run: Run, command: Any) -> Any:
    """Some answer to a command."""
    at = run.tick()
    if isinstance(command, PerformTool | Decide):
        outcome = draw(st.sampled_from(["done", "done", "done", "failed", "denied", "held", "unknown", "interrupted"]))
        return Performed(at, command.id, outcome, draw(OUTPUTS), cost=draw(COSTS), again=draw(st.booleans()))
    if isinstance(command, OpenTask):
        outcome = draw(st.sampled_from(["done", "done", "failed", "handed_on"]))
        role, breach = draw(st.sampled_from([None, "other"])), draw(st.sampled_from(["", "", "wrong"]))
        return TaskEnded(at, command.id, outcome, draw(OUTPUTS), role=role, breach=breach)
    if isinstance(command, AskApproval):
        return ApprovalEnded(at, command.id, draw(st.sampled_from(["given", "given", "refused", "expired"])))
    if isinstance(command, StartChild):
        status = draw(st.sampled_from(["done", "done", "failed", "cancelled", "compensated"]))
        left = status != "compensated" and draw(st.booleans())
        return ChildEnded(at, command.id, status, left=left)
    if isinstance(command, SetTimer):
        run.at = max(run.at, command.at)
        return TimerFired(run.tick(), command.id)
    if isinstance(command, Subscribe):
        return EventArrived(at, command.id, draw(OUTPUTS))
    choice = draw(st.sampled_from(["retry", "edit", "skip", "compensate", "cancel"]))
    return Chosen(at, command.id, choice, draw(OUTPUTS))


SAYS_HOW_IT_IS = Paused | Resumed | Reprioritised | PutBack | Allowed
"""Events that say how something is from now on: the same again means something else after another of its kind."""

OUTPUTS = st.sampled_from([1, 2, None, "text", {"n": 1}])
COSTS = st.sampled_from([0, 0, 5])
LENIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))


def some_event(draw: Any, run: Run) -> Any:
    """Any event: mostly an answer, else one that comes again, is for nothing, or is about the run as a whole."""
    awaited = [one for one in run.awaited.values() if not one.id.startswith("run_1::0:time")]
    kind = draw(st.integers(0, 19))
    if kind <= 14 and awaited:
        return answer(draw, run, draw(st.sampled_from(awaited)))
    if kind == 15:
        return draw(st.sampled_from(run.accepted))
    if kind == 16:
        command = draw(st.sampled_from(list(run.issued.values())))
        return answer(draw, run, command)
    at = run.tick()
    whole = [Paused(at), Resumed(at), Reprioritised(at, "urgent"), Performed(at, "run_1:nobody:1", "done")]
    whole += [Paused(at, above=True), Resumed(at, above=True)]
    whole += [Paused(at, "incident:inc_1"), Paused(at, "person:suzi"), Resumed(at, "incident:inc_1")]
    whole += [PutBack(at, one) for one in awaited[:3]]
    whole += [Charged(at, one.id, 3) for one in awaited[:3]] + [Allowed(at, run.state.spent + 20)]
    return draw(st.sampled_from([*whole, Cancelled(at, compensate=True)] if kind == 19 else whole))


def play(data: st.DataObject, spec: dict[str, Any], most: int) -> Run:
    """A run of the workflow that up to `most` random events have happened to."""
    run = Run(definition(spec), allowance=data.draw(st.sampled_from([None, None, 25])))
    for _ in range(data.draw(st.integers(0, most))):
        if run.state.ended:
            break
        run.send(some_event(data.draw, run))
    return run


def drive(run: Run) -> Run:
    """Bring a run to its end by answering everything, well where that is possible."""
    for _ in range(MOST_EVENTS):
        if run.state.ended:
            return run
        if run.state.rests:
            run.send(Resumed(run.tick(), "person:ada", above=run.state.above))
            continue
        run.send(_good_answer(run))
    raise AssertionError(f"it does not end: {run.statuses}, awaited are {sorted(run.awaited)}")


def _good_answer(run: Run) -> Any:
    at = run.tick()
    order = (PerformTool, Decide, OpenTask, AskApproval, StartChild, Subscribe, RaiseException, SetTimer)
    commands = [one for kind in order for one in run.commands(kind) if one.id != "run_1::0:time"]
    command = next((one for one in commands if one.id in run._open()), None)
    assert command is not None, f"nothing can be answered: {run.statuses}"
    path = command.id.split(":")[1]
    if isinstance(command, PerformTool | Decide):
        return Performed(at, command.id, "done", 1)
    if isinstance(command, OpenTask):
        return TaskEnded(at, command.id, "done", 1)
    if isinstance(command, AskApproval):
        return ApprovalEnded(at, command.id, "given")
    if isinstance(command, StartChild):
        return ChildEnded(at, command.id, "done")
    if isinstance(command, Subscribe):
        return EventArrived(at, command.id)
    if isinstance(command, SetTimer):
        run.at = max(run.at, command.at)
        return TimerFired(run.tick(), command.id)
    contract = run.definition.steps[path.rpartition("/")[2]].contract if path else None
    return Chosen(at, command.id, "edit" if "edit" in command.choices else "skip", 1 if contract else {"value": 1})


def check_undone(run: Run) -> None:
    """A compensated run has undone what was done, last first, and nothing else."""
    undone = [command for command in run.told if isinstance(command, PerformTool | OpenTask) and command.undoes]
    first = list(dict.fromkeys(command.path for command in undone))
    orders = [run.state.steps[path].order for path in first]
    assert orders == sorted(orders, reverse=True) and all(orders), first
    for path, found in run.state.steps.items():
        can_be = run.definition.steps[path.rpartition("/")[2]].undo is not None
        was_left = found.known.stays
        if found.state == "done" and can_be:
            assert was_left, f"{path} was done and not undone"
        if found.state == "undone":
            assert path in first or found.order, f"{path} was undone without having been done"
    for event in run.accepted:
        if not isinstance(event, PutBack):
            check_known(run, event, first)


def check_known(run: Run, event: Any, first: list[str]) -> None:
    """What was done while its step was being stopped is undone as well. Where nobody knows whether something was done,
    or a run inside that was to be undone was not, a person says what is left."""
    path, _, part = getattr(event, "command", "::").partition(":")[2].partition(":")
    step = run.definition.steps.get(path.rpartition("/")[2])
    if step is None or not part.isdigit():
        return
    found, outcome = run.state.steps.get(path), getattr(event, "outcome", getattr(event, "status", ""))
    was_left = found is not None and found.known.stays
    asked = {one.kind for one in run.told if isinstance(one, RaiseException) and one.id.startswith(f"{event.command}:")}
    if isinstance(event, ChildEnded) and outcome not in ("done", "compensated"):
        check_left(run, event, path in first or was_left, "child" in asked)
    elif step.undo is not None and outcome == "unknown":
        known = (one for one in run.accepted if isinstance(one, Performed) and one.command == event.command)
        assert "unknown" in asked or any(one.is_known for one in known), f"nobody was asked about {event}"
    elif step.undo is not None and outcome == "done" and (step.contract is None or isinstance(event, Performed)):
        if getattr(event, "breach", ""):
            return
        assert path in first or was_left, f"{path} had its effect, and is {found}"


def check_left(run: Run, event: ChildEnded, was_undone: bool, asked: bool) -> None:
    """What a run inside has left is undone with its step, or a person says what becomes of it."""
    place = paths.place("run_1", event.command)
    withdrawn = run.issued.get(f"{event.command}:withdraw")
    was_to_be_undone = isinstance(withdrawn, Withdraw) and withdrawn.compensate
    if (
        place is None
        or not event.left
        or (run.definition.steps[_name(place.path)].undo is None and not was_to_be_undone)
    ):
        return
    told = [one for one in run.told if isinstance(one, RaiseException)]
    seen = any(isinstance(one.detail, dict) and one.detail.get("command") == event.command for one in told)
    among = any(one.id.startswith(f"run_1:{place.path}:") and one.id.endswith("known.exception") for one in told)
    is_last = run.state.steps[place.path].attempt == place.attempt
    assert asked or seen or among or (is_last and was_undone), f"{event} is left: {run.state.steps[place.path]}"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def ends_or_waits(spec: dict[str, Any], data: Any) -> None:
    run = play(data, spec, 40)  # `Run` checks after each event what it waits for, the order of steps, and much else
    drive(run)
    if run.state.status == "compensated":
        check_undone(run)


def undoes_what_was_done(spec: dict[str, Any], data: Any) -> None:
    run = play(data, spec, 15)
    if run.state.ended:
        return
    run.send(Cancelled(run.tick(), compensate=True))
    drive(run)
    assert run.state.status in ("compensated", "stopped")
    if run.state.status == "compensated":
        check_undone(run)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(LENIENT, max_examples=2_000)
@given(spec=workflows(), data=st.data())
def test_every_run_of_thousands_ends_or_waits_for_something_named(spec: dict[str, Any], data: Any) -> None:
    ends_or_waits(spec, data)


@settings(LENIENT, max_examples=tried(120))
@given(spec=workflows(), data=st.data())
def test_every_run_ends_or_waits_for_something_named_whatever_happens(spec: dict[str, Any], data: Any) -> None:
    ends_or_waits(spec, data)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(LENIENT, max_examples=2_000)
@given(spec=workflows(), data=st.data())
def test_each_of_thousands_that_is_undone_undoes_exactly_what_was_done(spec: dict[str, Any], data: Any) -> None:
    undoes_what_was_done(spec, data)


@settings(LENIENT, max_examples=tried(80))
@given(spec=workflows(), data=st.data())
def test_a_run_that_is_undone_undoes_exactly_what_was_done(spec: dict[str, Any], data: Any) -> None:
    undoes_what_was_done(spec, data)


@settings(LENIENT, max_examples=tried(40))
@given(spec=workflows(), data=st.data())
def test_events_that_come_again_in_any_order_change_nothing(spec: dict[str, Any], data: Any) -> None:
    run = play(data, spec, 20)
    repeats = [event for event in run.accepted if not isinstance(event, SAYS_HOW_IT_IS)]
    for event in data.draw(st.permutations(repeats)):
        still_open = getattr(event, "command", "") in run.awaited  # said to be held or unknown, and may be said again
        goes_on = isinstance(event, Cancelled) and run.state.rests  # what rests while it is undone is undone by it
        if not still_open and not goes_on:
            assert run.send(event).ignored, event


@pytest.mark.parametrize("reverse", [False, True])
@settings(LENIENT, max_examples=20)
@given(data=st.data())
def test_steps_beside_each_other_come_to_the_same_in_any_order(reverse: bool, data: Any) -> None:
    spec = {
        "steps": {
            "each": {
                "foreach": {
                    "items": "[1, 2, 3, 4]",
                    "steps": {"a": {"tool": "t"}, "b": {"needs": ["a"], "tool": "t"}},
                    "result": "[item, steps.a.output, steps.b.output]",
                }
            },
            "beside": {"tool": "t"},
            "last": {"needs": ["each", "beside"], "tool": "t"},
        },
        "result": {"each": "steps.each.output", "beside": "steps.beside.output"},
    }
    run = Run(definition(spec))
    while not run.state.ended:
        tools = sorted(run.commands(PerformTool), key=lambda command: command.id, reverse=reverse)
        command = data.draw(st.sampled_from(tools))
        run.send(Performed(run.tick(), command.id, "done", command.path))
    each = [[number, f"each[{number - 1}]/a", f"each[{number - 1}]/b"] for number in (1, 2, 3, 4)]
    assert run.output == {"each": each, "beside": "beside"}


@settings(LENIENT, max_examples=tried(50))
@given(spec=workflows(), data=st.data())
def test_a_run_moved_to_a_definition_with_one_more_step_does_that_as_well_and_ends(
    spec: dict[str, Any], data: Any
) -> None:
    run = play(data, spec, 12)
    more = definition({**spec, "steps": {**spec["steps"], "more": {"emit": {"event": "moved"}}}})
    found = obstacles(run.state, run.definition, more)
    if run.state.ended or run.state.status == "compensating":
        assert found
        return
    assert not found
    moved = migrate(run.state, run.definition, more, run.tick())
    run.move(more, moved)
    assert [one for one in run.told if isinstance(one, Emit) and one.event == "moved"] or run.state.rests
    drive(run)


IDS = st.text(max_size=30) | st.from_regex(
    r"run_1:(s[0-9]|s1\[[0-9]{1,3}\]/s0)?:[0-9]{1,12}(:[a-z.0-9]{1,20})?", fullmatch=True
)
STRANGE = st.one_of(
    st.builds(Performed, st.integers(0, 9), IDS, st.just("done"), OUTPUTS),
    st.builds(TaskEnded, st.integers(0, 9), IDS, st.just("handed_on"), OUTPUTS),
    st.builds(ApprovalEnded, st.integers(0, 9), IDS, st.just("given")),
    st.builds(ChildEnded, st.integers(0, 9), IDS, st.just("done")),
    st.builds(EventArrived, st.integers(0, 9), IDS, OUTPUTS),
    st.builds(TimerFired, st.integers(0, 9), IDS),
    st.builds(Chosen, st.integers(0, 9), IDS, st.just("edit"), OUTPUTS),
)


@settings(LENIENT, max_examples=tried(50))
@given(spec=workflows(), strange=st.lists(STRANGE, max_size=8))
def test_answers_to_what_was_never_asked_are_ignored_with_a_reason(spec: dict[str, Any], strange: list[Any]) -> None:
    run = Run(definition(spec))
    for event in strange:
        if getattr(event, "command", getattr(event, "exception", "")) not in run.awaited:
            assert run.send(event).ignored
