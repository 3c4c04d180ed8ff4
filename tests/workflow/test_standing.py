"""What was done stands, whatever has become of its step, its attempts or its run: nobody forgets it on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autonomy.tools import Refused
from autonomy.workflow import State
from autonomy.workflow.events import Cancelled, ChildEnded, Performed, TaskEnded
from autonomy.workflow.left import leaves_something
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import OpenTask, PerformTool, RaiseException, StartChild
from tests.gate.works import fail
from tests.workflow.office import office

from .test_left import asked, given_up, undone
from .works import Run, steps

NUMBER = "output: { type: object, properties: { n: { type: integer } }, required: [n] }"
PROMISED = f"{{ a: {{ tool: t, compensate: {{ tool: u }}, {NUMBER} RULE }}, z: {{ tool: t }} }}"
INSIDE = "{ a: { workflow: { name: x }, compensate: { tool: u } }, z: { tool: t } }"
INSIDE_PROMISED = f"{{ a: {{ workflow: {{ name: x }}, compensate: {{ tool: u }}, {NUMBER} }}, z: {{ tool: t }} }}"


def promised(rule: str = "", **more: Any) -> Run:
    return Run(steps(PROMISED.replace("RULE", rule and f", {rule}"), **more))


def left(run: Run) -> bool:
    assert run.state.ended, run.state.status
    return leaves_something(run.definition, run.state)


# ── a run that has ended early ──


def test_a_contract_breach_then_fail_has_left_something() -> None:
    run = promised("onException: [{ then: fail }]")
    run.done("a", {"x": 1})
    assert run.state.status == "failed"
    assert left(run)


def test_a_contract_breach_begun_again_in_vain_has_left_something() -> None:
    run = promised("onException: [{ kinds: [failed], then: fail }]")
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    assert run.state.status == "failed"
    assert left(run)


def test_an_action_whose_cost_stops_the_run_was_done() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } } }", caps={"spend": "1.00 EUR"}))
    run.done("a", {}, cost=500)
    assert (run.state.status, run.state.reason) == ("stopped", "cap.spend")
    assert left(run)


def test_a_task_whose_cost_stops_the_run_was_done() -> None:
    task = "{ a: { task: { role: r, goal: g }, compensate: { tool: u } } }"
    run = Run(steps(task, caps={"spend": "1.00 EUR"}))
    run.done("a", {}, cost=500)
    assert (run.state.status, run.state.reason) == ("stopped", "cap.spend")
    assert left(run)


@pytest.mark.parametrize("status", ["done", "failed"])
def test_a_run_inside_whose_cost_stops_the_run_has_left_something(status: Any) -> None:
    run = Run(steps(INSIDE, caps={"spend": "1.00 EUR"}))
    run.child("a", status, spent=500, left=status == "failed")
    assert (run.state.status, run.state.reason) == ("stopped", "cap.spend")
    assert left(run)


@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_what_was_under_way_at_the_end_and_is_known_before_the_run_around_hears(outcome: Any) -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, z: { tool: t, onException: [{ then: fail }] } }"))
    id = run.command("a", PerformTool).id
    run.ended("z", "failed", again=False)
    assert left(run)
    run.send(Performed(run.tick(), id, outcome))
    assert left(run) == (outcome == "done")


def test_a_task_under_way_at_the_end_is_done_before_the_run_around_hears() -> None:
    text = (
        "{ a: { task: { role: r, goal: g }, compensate: { tool: u } }, z: { tool: t, onException: [{ then: fail }] } }"
    )
    run = Run(steps(text.replace("RULE", "onException: [{ then: fail }]")))
    id = run.command("a", OpenTask).id
    run.ended("z", "failed", again=False)
    run.send(TaskEnded(run.tick(), id, "done", {}))
    assert left(run)


@pytest.mark.parametrize("status", ["done", "cancelled"])
def test_a_run_inside_under_way_at_the_end_ends_before_the_run_around_hears(status: Any) -> None:
    run = Run(
        steps(
            "{ a: { workflow: { name: x }, compensate: { tool: u } }, z: { tool: t, onException: [{ then: fail }] } }"
        )
    )
    id = run.command("a", StartChild).id
    run.ended("z", "failed", again=False)
    run.send(ChildEnded(run.tick(), id, status, left=status != "done"))
    assert left(run)


def test_what_was_skipped_and_is_known_not_to_be_done_has_left_nothing() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, z: { tool: t, onException: [{ then: fail }] } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.ended("z", "failed", again=False)
    run.send(Performed(run.tick(), id, "failed"))
    assert not left(run)


@pytest.mark.parametrize("how", ["choice", "cancelled"])
def test_a_question_about_a_run_inside_that_nobody_settled_is_still_left(how: str) -> None:
    run = Run(steps(INSIDE))
    run.child("a", "failed", left=True)
    run.choose("a", "skip")
    given_up(run)
    assert asked(run) == ["child"]
    if how == "choice":
        run.choose("a", "cancel")
    else:
        run.send(Cancelled(run.tick(), "person:x", "r"))
    assert left(run)


def test_what_a_run_inside_that_was_to_undo_itself_has_left_stays_left() -> None:
    run = Run(steps(INSIDE))
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    run.child("a", "stopped", left=True)
    assert asked(run) == ["child"]
    run.send(Cancelled(run.tick(), "person:x", "r"))
    assert left(run)


def test_a_left_that_nobody_has_seen_is_still_left() -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.done("a", {"n": 1})
    given_up(run)
    undone(run)
    assert asked(run) == ["left"]
    run.send(Cancelled(run.tick(), "person:x", "r"))
    assert run.state.status == "cancelled"
    assert left(run)


def test_what_was_under_way_while_it_was_undone_and_cost_too_much_is_left() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } } }", caps={"spend": "1.00 EUR"}))
    run.send(Cancelled(run.tick(), "run:outer", "withdrawn by the run it belongs to", compensate=True))
    run.done("a", {}, cost=500)
    assert run.state.status == "stopped"
    assert left(run)


def test_what_was_undone_at_the_cost_of_the_cap_is_not_left() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }", caps={"spend": "1.00 EUR"}))
    run.done("a", {}, cost=50)
    given_up(run)
    run.done("a", {}, cost=60)
    assert run.state.status == "stopped"
    assert not left(run)


# ── loops ──


LOOP = """
each: { foreach: { items: "[1, 2]", most: 9, steps: { a: { workflow: { name: x }, compensate: { tool: u } } } } }
z: { tool: t }
"""


def test_an_item_that_was_left_is_asked_about_as_a_step_is() -> None:
    run = Run(steps(LOOP))
    run.child("each[0]/a", "failed", left=True)
    run.choose("each[0]/a", "skip")
    run.child("each[1]/a", "done")
    given_up(run)
    assert asked(run) == ["child"]
    run.choose("each[0]/a", "edit", output={})
    assert sorted(undone(run)) == ["each[0]/a", "each[1]/a"]
    assert run.state.status == "compensated"


def test_an_item_that_was_left_is_left_by_the_run() -> None:
    run = Run(steps(LOOP.replace("z: { tool: t }", "z: { tool: t, onException: [{ then: fail }] }")))
    run.child("each[0]/a", "failed", left=True)
    run.choose("each[0]/a", "skip")
    run.child("each[1]/a", "failed")
    run.choose("each[1]/a", "skip")
    run.ended("z", "failed", again=False)
    assert left(run)


# ── contracts, and what nobody knows ──


@pytest.mark.parametrize("how", ["person", "rule", "late"])
def test_what_broke_its_contract_is_undone_though_the_second_attempt_was_not_done(how: str) -> None:
    run = promised("onException: [{ kinds: [unknown], then: compensate }]" if how == "rule" else "")
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    id = run.command("a", PerformTool).id
    if how == "rule":
        run.ended("a", "unknown")
        run.ended("z", "failed")
    else:
        run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
        run.ended("z", "failed")
        run.ended("a", "unknown")
    assert asked(run) == ["unknown"]
    if how == "late":
        run.send(Performed(run.tick(), id, "failed"))
    else:
        run.choose("a", "skip")
    assert undone(run) == ["a"]
    assert run.state.status == "compensated"


def test_an_attempt_of_which_nobody_knows_is_not_forgotten_over_one_that_broke_its_contract() -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.ended("a", "unknown")
    run.choose("a", "skip")
    given_up(run)
    undone(run)
    assert (run.state.status, len(asked(run))) == ("compensating", 1), "nobody knows of the second attempt"


@pytest.mark.parametrize("when", ["while it is undone", "after"])
def test_that_it_was_done_as_well_is_told_whenever_it_becomes_known(when: str) -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    given_up(run)
    if when == "after":
        undone(run)
        while run.commands(RaiseException):
            run.choose(run.commands(RaiseException)[0].path, "skip")
        assert run.state.status == "compensated"
    run.send(Performed(run.tick(), id, "done", {"n": 1}))
    undone(run)
    told = [one.kind for one in run.told if isinstance(one, RaiseException)]
    assert {"twice", "left"} & set(told), told


def test_what_is_told_as_left_names_the_command_that_was_done() -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "retry")
    run.done("a", {"n": 1})
    given_up(run)
    undone(run)
    [told] = run.commands(RaiseException)
    assert told.detail == {"command": "run_1:a:1"}


def test_what_the_last_run_inside_left_is_told_beside_the_first_that_broke_its_contract() -> None:
    run = Run(steps(INSIDE_PROMISED))
    run.child("a", "done", {"x": 1})
    run.choose("a", "retry")
    run.child("a", "failed", left=True)
    run.choose("a", "skip")
    given_up(run)
    assert undone(run) == ["a"]
    assert asked(run) in (["left"], ["child"])


@pytest.mark.parametrize("second", ["failed", "withdrawn"])
def test_a_task_whose_result_went_back_was_done(second: str) -> None:
    task = f"a: {{ task: {{ role: r, goal: g }}, compensate: {{ tool: u }}, {NUMBER} }}"
    run = Run(steps(f"{{ {task}, z: {{ tool: t }} }}"))
    run.done("a", {"x": 1})
    assert run.state.steps["a"].attempt == 2
    if second == "failed":
        run.ended("a", "failed")
        run.choose("a", "skip")
        given_up(run)
    else:
        given_up(run)
        run.ended("a", "failed")
    assert asked(run) or undone(run) == ["a"]


def test_two_attempts_of_which_nobody_knew_are_told_as_what_they_are_after_the_end() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"))
    first = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "unknown")
    run.choose("a", "skip")
    given_up(run)
    run.choose("a", "skip")
    assert run.state.status == "compensated"
    late = run.send(Performed(run.tick(), first, "done"))
    assert [one.kind for one in late.commands if isinstance(one, RaiseException)] == ["left"]


def test_what_was_done_once_is_undone_though_what_was_begun_again_was_skipped() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    run.send(Performed(run.tick(), id, "done"))
    given_up(run)
    assert undone(run) == ["a"]


# ── moving a live run ──


def test_compensation_is_not_taken_from_a_step_that_has_left_something() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"))
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    assert obstacles(run.state, run.definition, steps("{ a: { tool: t }, z: { tool: t } }"))


def test_compensation_is_not_taken_from_a_step_that_broke_its_contract() -> None:
    run = promised()
    run.done("a", {"x": 1})
    assert run.status("a") == "blocked"
    assert obstacles(run.state, run.definition, steps(f"{{ a: {{ tool: t, {NUMBER} }}, z: {{ tool: t }} }}"))


def test_compensation_is_not_taken_from_a_run_inside_that_left_something() -> None:
    run = Run(steps(INSIDE))
    run.child("a", "failed", left=True)
    run.choose("a", "skip")
    without = steps("{ a: { workflow: { name: x } }, z: { tool: t } }")
    assert obstacles(run.state, run.definition, without)


def test_a_compensation_that_a_step_gets_counts_for_what_its_run_inside_has_left() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }, z: { tool: t } }"))
    run.child("a", "failed", left=True)
    run.choose("a", "skip")
    more = steps(INSIDE)
    assert not obstacles(run.state, run.definition, more)
    run.move(more, migrate(run.state, run.definition, more, run.tick()))
    given_up(run)
    assert asked(run) in (["child"], ["left"])


@pytest.mark.parametrize("first", ["the child ends", "the run is given up"])
def test_an_output_that_a_person_gave_stands_whichever_comes_first(first: str) -> None:
    run = Run(steps("{ a: { workflow: { name: x }, deadline: 1h, compensate: { tool: u } }, z: { tool: t } }"))
    run.timer("a", "deadline")
    run.choose("a", "edit", output={"n": 1})
    if first == "the child ends":
        run.child("a", "cancelled", left=True)
    given_up(run)
    if first != "the child ends":
        run.child("a", "cancelled", left=True)
    assert (asked(run), undone(run), run.state.status) == ([], ["a"], "compensated")


# ── with the real engine ──

AROUND = """
steps:
  a:
    workflow: { name: inside }
    arguments: { n: "1" }
    compensate: { tool: look, arguments: { n: "1" } }
    onException: [{ then: compensate }]
"""
PAYS = """
steps:
  paid: { tool: buy, arguments: { amount: "'30.00'" }, compensate: { tool: look, arguments: { n: "1" } } }
"""
OVER = "  over: { needs: [paid], end: { status: failed, reason: enough } }"
BETWEEN = """
steps:
  deeper: { workflow: { name: deepest }, arguments: { n: "1" }, onException: [{ then: skip }] }
  beside: { agree: { figures: { one: '1', two: '1' } } }
  after: { needs: [deeper, beside], agree: { figures: { one: '1', two: '1' } } }
  over: { needs: [after], end: { status: failed, reason: enough } }
"""
TASK = """
steps:
  work: { task: { role: boss, goal: do it, by: person }, compensate: { tool: look, arguments: { n: "1" } } }
  bad: { tool: buy, arguments: { amount: "'30.00'" }, onException: [{ then: fail }] }
"""


def is_decided(state: State) -> bool:
    """Whether the run has ended, or asks a person."""
    return state.ended or any(step.state == "blocked" for step in state.steps.values())


async def test_somebody_is_asked_what_a_run_inside_had_paid_before_its_cap_stopped_it(
    tmp_path: Path, database_url: str
) -> None:
    inside = f"caps: {{ spend: 10.00 EUR }}{PAYS}"
    async with office(tmp_path, database_url, around=AROUND, inside=inside) as it:
        around = await it.start("around", n=1)
        assert (await it.until(around, is_decided)).status == "compensating"


@pytest.mark.parametrize("deepest", [PAYS, PAYS + OVER], ids=["done", "failed"])
async def test_somebody_is_asked_what_a_run_inside_one_that_ended_early_had_paid(
    tmp_path: Path, database_url: str, deepest: str
) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=BETWEEN, deepest=deepest) as it:
        around = await it.start("around", n=1)
        assert (await it.until(around, is_decided)).status == "compensating"


async def test_nobody_is_asked_about_a_task_inside_that_nobody_took(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=TASK) as it:
        it.plant.behaves["buy"] = fail(Refused("no"))
        around = await it.start("around", n=1)
        assert (await it.until(around, is_decided)).status == "compensated"


def test_a_run_inside_that_left_nothing_is_not_told_as_left_where_its_result_was_wrong() -> None:
    contract = "output: { type: object, properties: { n: { type: integer } }, required: [n] }"
    run = Run(steps(f"{{ a: {{ workflow: {{ name: x }}, {contract} }}, z: {{ tool: t }} }}"))
    run.child("a", "done", {"x": 1})
    run.choose("a", "retry")
    run.child("a", "done", {"n": 1})
    given_up(run)
    assert asked(run) == [], "neither run inside has left anything"
