"""What becomes of steps that wait, and of what they left, where a live run is moved to another wording."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autonomy.workflow import advance, new_state
from autonomy.workflow.definition import Definition
from autonomy.workflow.events import AnyEvent, Chosen, Performed, Started
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import PerformTool, State, StepState
from autonomy.workflow.turn import Turn

from .test_turns import GROUP, begun_twice, moved
from .works import Run, steps

NUMBER = "output: { type: object, properties: { n: { type: integer } }, required: [n] }"


def waiting() -> tuple[Run, str, str]:
    """A run of two steps that must not run beside each other; which one is under way, and which one waits."""
    run = Run(steps("{ a: { tool: t, alone: w }, b: { tool: t, alone: w } }"))
    [first] = (path for path, state in run.statuses.items() if state == "running")
    [second] = (path for path, state in run.statuses.items() if state == "waiting")
    return run, first, second


@pytest.mark.parametrize("then", ["is still there", "is done", "is done and no longer there"])
def test_a_step_begun_by_a_move_is_begun_once_whatever_the_next_move_says(then: str) -> None:
    run, first, second = waiting()
    moved(run, steps(f"{{ {second}: {{ tool: t }}, {first}: {{ tool: t, alone: w }} }}"))
    id = run.command(second, PerformTool).id
    if then != "is still there":
        run.done(second)
    there = "" if "no longer" in then else f"{second}: {{ tool: t }}, "
    new = steps(f"{{ {there}{first}: {{ tool: t, alone: w }}, n: {{ tool: t, needs: [{first}] }} }}")
    assert not obstacles(run.state, run.definition, new)
    moved(run, new)
    assert [one.id for one in run.told if isinstance(one, PerformTool) and one.path == second] == [id]
    if then == "is still there":
        assert not run.send(Performed(run.tick(), id, "done", cost=5)).ignored
        assert run.state.spent == 5


def test_a_run_is_moved_though_a_step_that_waited_was_cancelled_and_is_no_longer_there() -> None:
    alone = "l: { tool: t, alone: w }"
    run = Run(steps(f"{{ {alone}, b: {{ tool: t, alone: w }}, m: {{ tool: t }}, c: {{ needs: [m], cancel: [b] }} }}"))
    assert run.status("b") == "waiting"
    run.done("m")
    assert run.status("b") == "cancelled"
    new = steps(f"{{ {alone}, m: {{ tool: t }} }}")
    assert not obstacles(run.state, run.definition, new)
    moved(run, new)


def test_a_step_that_waited_is_skipped_where_it_comes_too_late_and_has_no_word_any_more() -> None:
    late = "b: { tool: t, WORD before: [c] }, c: { needs: [m], tool: t }"
    text = f"{{ l: {{ tool: t, alone: w }}, m: {{ tool: t }}, {late} }}"
    run = Run(steps(text.replace("WORD", "alone: w,")))
    run.done("m")
    assert run.status("b") == "waiting"
    moved(run, steps(text.replace("WORD", "")))
    assert run.status("b") == "skipped"


def test_a_step_that_was_put_off_and_is_inside_another_one_now_does_not_begin_outside() -> None:
    run = Run(steps(GROUP.replace("RULE", "onException: [{ then: skip }]")))
    begun_twice(run)
    run.done("w")
    run.done("z")
    assert run.status("y") == "-"
    inside = "choose: { branches: { x: { when: 'true', steps: { y: { tool: t } } } } }"
    new = GROUP.replace("RULE", "onException: [{ then: skip }]").replace("y: { needs: [z], tool: t }", "")
    moved(run, steps(f"{new}q: {{ tool: t }}\nh: {{ needs: [q], {inside} }}\n"))
    run.timer("g", "deadline")
    assert run.status("y") == "-"


@pytest.mark.parametrize("again", [False, True])
def test_a_branch_of_a_group_that_broke_its_contract_gets_no_first_compensation(again: bool) -> None:
    way = "choose: { branches: { x: { when: 'true', steps: { a: { tool: t MORE } } } } }"
    text = f"{{ g: {{ {way}, {NUMBER} }} }}"
    old, new = steps(text.replace("MORE", "")), steps(text.replace("MORE", ", compensate: { tool: u }"))
    run = Run(old)
    run.done("g[x]/a")
    assert run.state.steps["g"].trouble == "contract"
    if again:
        run.choose("g", "retry")
    assert obstacles(run.state, old, new)


def test_what_was_to_stay_stays_for_a_run_that_has_begun() -> None:
    text = "{ a: { workflow: { name: x }, compensate: WHAT }, z: { tool: t } }"
    old, new = steps(text.replace("WHAT", "{ nothing: used up }")), steps(text.replace("WHAT", "{ tool: u }"))
    run = Run(old)
    run.child("a", "failed", left=True)
    [found] = obstacles(run.state, old, new)
    assert str(found) == "`a`: what runs inside it left was to stay, and is not remembered"


ITEMS = 100


def many_items(definition: Definition) -> State:
    """A run with hundreds of steps, of which one was done twice."""
    state = advance(definition, new_state(definition, "r"), Started(1, {"items": list(range(ITEMS))})).state
    events: list[AnyEvent] = [Performed(2, "r:a:1", "unknown"), Chosen(3, "r:a:1:unknown.exception", "retry")]
    events += [Performed(4, "r:a:2", "done"), Performed(5, "r:a:1", "done")]
    events += [Performed(6, f"r:e{n}[{item}]/i{n}:1", "done") for n in range(6) for item in range(ITEMS)]
    for event in events:
        state = advance(definition, state, event).state
    return state


def test_a_move_looks_at_each_step_once_whatever_is_to_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "foreach: { items: input.items, most: 1000, atOnce: 100, steps: { STEPS } }"
    inside = "i{n}: {{ tool: t }}, j{n}: {{ needs: [i{n}], tool: t, compensate: {{ tool: u }} }}"
    loops = ", ".join(f"e{n}: {{ {loop.replace('STEPS', inside.format(n=n))} }}" for n in range(6))
    definition = steps(f"{{ a: {{ tool: t }}, {loops} }}", caps={"steps": 10_000, "fanOut": 10_000})
    looked = []
    walk = Turn.unsettled

    def unsettled(turn: Turn) -> Iterator[tuple[str, StepState]]:
        looked.append(turn)
        return walk(turn)

    state = many_items(definition)
    monkeypatch.setattr(Turn, "unsettled", unsettled)
    migrate(state, definition, definition, 99)
    assert len(looked) < 20
