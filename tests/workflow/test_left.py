"""What stands though its step is about something else by now: it is undone, or somebody says what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autonomy.kernel.clock import now
from autonomy.tools import Refused
from autonomy.workflow.events import Cancelled, Chosen, Performed
from autonomy.workflow.migration import obstacles
from autonomy.workflow.model import PerformTool, RaiseException
from tests.gate.works import fail
from tests.workflow.office import office

from .works import Run, steps

INSIDE = "{ a: { workflow: { name: x }, compensate: { tool: u } RULE }, z: { tool: t } }"
PROMISED = """
a:
  tool: t
  compensate: { tool: u }
  output: { type: object, properties: { n: { type: integer } }, required: [n] }
z: { tool: t }
"""
BESIDE = "{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"


def inside(rule: str = "") -> Run:
    return Run(steps(INSIDE.replace("RULE", rule and f", {rule}")))


def given_up(run: Run) -> None:
    """Give the run up, undone; nothing else is under way then."""
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")


def asked(run: Run) -> list[str]:
    return [one.kind for one in run.commands(RaiseException)]


def undone(run: Run) -> list[str]:
    """Let what undoes steps be done; returns their paths in order."""
    order = []
    while found := run.commands(PerformTool):
        order.append(found[0].path)
        run.done(found[0].path)
    return order


@pytest.mark.parametrize("choice", ["edit", "skip", "cancel"])
@pytest.mark.parametrize("before", ["skip", "compensate"])
def test_what_a_run_inside_did_before_it_failed_is_asked_about_when_the_run_around_it_is_undone(
    before: Any, choice: Any
) -> None:
    run = inside()
    run.child("a", "failed", left=True)
    run.choose("a", before)
    if before == "skip":
        run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    [told] = run.commands(RaiseException)
    assert (told.kind, told.choices, len(told.detail["runs"])) == ("child", ("edit", "skip", "cancel"), 1)
    run.choose("a", choice, output={"n": 1})
    assert undone(run) == (["a"] if choice == "edit" else [])
    assert run.state.status == ("cancelled" if choice == "cancel" else "compensated")


def test_a_rule_that_undoes_the_run_asks_as_a_person_does() -> None:
    run = inside("onException: [{ then: compensate }]")
    run.child("a", "stopped", left=True)
    run.ended("z", "failed")
    assert (asked(run), run.state.status) == (["child"], "compensating")


@pytest.mark.parametrize("status", ["failed", "compensated"])
def test_nobody_is_asked_about_a_run_inside_that_has_left_nothing(status: Any) -> None:
    run = inside()
    run.child("a", status)
    run.choose("a", "skip")
    given_up(run)
    assert (asked(run), run.state.status) == ([], "compensated")


def test_nobody_is_asked_about_what_a_step_says_need_not_be_undone() -> None:
    run = Run(steps("{ a: { workflow: { name: x }, compensate: { nothing: used up } }, z: { tool: t } }"))
    run.child("a", "failed", left=True)
    run.choose("a", "skip")
    given_up(run)
    assert (asked(run), run.state.status) == ([], "compensated")


@pytest.mark.parametrize("status", ["failed", "done"])
def test_somebody_sees_what_runs_inside_did_whose_step_does_not_say_what_undoes_it(status: Any) -> None:
    loop = "foreach: { items: '[1, 2]', most: 9, steps: { a: { workflow: { name: x } } } }"
    run = Run(steps(f"{{ each: {{ {loop} }}, z: {{ tool: t }} }}"))
    for item in (0, 1):
        run.child(f"each[{item}]/a", status, left=True)
        if status == "failed":
            run.choose(f"each[{item}]/a", "skip")
    assert len(run.state.left) == 1, "once is enough, however many items there are"
    given_up(run)
    [told] = run.commands(RaiseException)
    assert (told.kind, "does not say what undoes it" in told.reason) == ("left", True)
    run.choose("", "skip")
    assert run.state.status == "compensated"


@pytest.mark.parametrize("loop", ["", "each"])
def test_somebody_has_to_see_what_is_left_of_a_run_inside_that_was_begun_again(loop: str) -> None:
    text = "{ a: { workflow: { name: x }, retry: { attempts: 2 }, compensate: { tool: u } } }"
    looped = f"{{ each: {{ foreach: {{ items: '[1]', most: 9, steps: {text} }} }}, z: {{ tool: t }} }}"
    run = Run(steps(looped if loop else text.replace("} }", "} }, z: { tool: t }")))
    path = "each[0]/a" if loop else "a"
    run.child(path, "failed", left=True)
    run.timer(path, "retry")
    run.child(path, "done")
    given_up(run)
    assert undone(run) == [path]
    assert (asked(run), run.state.status) == (["left"], "compensating")
    assert run.commands(RaiseException)[0].detail == {"command": f"run_1:{path}:1"}
    run.choose("", "skip")
    assert run.state.status == "compensated"


def test_one_question_is_about_all_that_several_attempts_have_left() -> None:
    run = inside()
    for choice in ("retry", "skip"):
        run.child("a", "failed", left=True)
        run.choose("a", choice)
    given_up(run)
    assert [len(one.detail["runs"]) for one in run.commands(RaiseException)] == [2]
    run.choose("a", "skip")
    assert run.state.status == "compensated"


def test_an_output_that_a_person_gave_stands_for_what_the_run_inside_has_left() -> None:
    run = inside()
    run.child("a", "failed", left=True)
    run.choose("a", "edit", output={"n": 1})
    given_up(run)
    assert (undone(run), asked(run), run.state.status) == (["a"], [], "compensated")


def test_somebody_has_to_see_that_what_broke_its_contract_was_done_again() -> None:
    run = Run(steps(PROMISED))
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.done("a", {"n": 1})
    given_up(run)
    assert (undone(run), asked(run)) == (["a"], ["left"])
    run.choose("", "skip")
    assert run.state.status == "compensated"


@pytest.mark.parametrize("last", ["breaks it", "fails", "is given"])
def test_what_broke_its_contract_is_told_of_as_often_as_it_was_done_more_than_once(last: str) -> None:
    run = Run(steps(PROMISED))
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    if last == "breaks it":
        run.done("a", {"x": 2})
    else:
        run.ended("a", "failed", again=False)
    run.choose("a", "edit" if last == "is given" else "skip", output={"n": 1})
    given_up(run)
    assert (undone(run), asked(run)) == (["a"], ["left"] if last == "breaks it" else [])


def test_a_step_that_has_left_something_is_not_taken_out_of_its_workflow() -> None:
    run = inside()
    run.child("a", "failed", left=True)
    run.choose("a", "skip")
    without = steps("{ z: { tool: t } }")
    [found] = obstacles(run.state, run.definition, without)
    assert str(found) == "`a`: it may have been done, and could no longer be undone"


@pytest.mark.parametrize("again", ["done", "skipped"])
def test_whoever_is_asked_for_exceptions_hears_after_the_end_what_stands(again: str) -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    if again == "done":
        run.choose("a", "retry")
        run.done("a")
        run.done("z")
    else:
        run.choose("a", "compensate")
        run.ended("z", "failed")
        run.choose("a", "skip")
    assert run.state.ended
    late = run.send(Performed(run.tick(), id, "done", {"n": 1}, cost=5))
    told = [(one.kind, one.role, one.choices) for one in late.commands if isinstance(one, RaiseException)]
    assert told == [("twice" if again == "done" else "left", "boss", ())]
    assert run.state.spent == 5


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_nobody_hears_after_the_end_of_what_was_not_done(outcome: Any) -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a")
    run.done("z")
    assert not run.send(Performed(run.tick(), id, outcome, cost=5)).commands


PART = """
steps:
  paid:
    tool: buy
    arguments: { amount: "'30.00'" }
    compensate: { tool: look, arguments: { n: "1" } }
    onException: [{ then: fail }]
  over: { needs: [paid], end: { status: STATUS, reason: enough } }
"""
AROUND = """
steps:
  a:
    workflow: { name: inside }
    arguments: { n: "1" }
    compensate: { tool: look, arguments: { n: "1" } }
    onException: [{ then: compensate }]
"""


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_a_run_around_one_that_ended_early_asks_about_what_that_has_left(
    tmp_path: Path, database_url: str, status: str
) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=PART.replace("STATUS", status)) as it:
        around = await it.start("around", n=1)
        [asked] = await it.excepted(around)
        assert asked.command.kind == "child"
        chosen = Chosen(now(), asked.command.id, "skip", by="person:bea", reason="set right by hand")
        await it.flows.runs.choose(around, chosen, ["boss"], anyway=False)
        assert (await it.ended(around)).status == "compensated"


async def test_a_run_around_one_that_did_nothing_is_undone_unasked(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=PART.replace("STATUS", "failed")) as it:
        it.plant.behaves["buy"] = fail(Refused("no"))
        ended = await it.ended(await it.start("around", n=1))
        assert (ended.status, ended.reason) == ("compensated", "a: the run ended as failed: paid: no")


def test_what_undoes_a_round_by_what_the_one_before_came_to_is_for_a_person() -> None:
    undo = "compensate: { tool: u, arguments: { last: previous } }"
    loop = f"{{ until: 'round > 0', most: 3, steps: {{ a: {{ tool: t, {undo} }} }}, result: steps.a.output }}"
    run = Run(steps(f"{{ again: {{ repeat: {loop} }}, z: {{ tool: t }} }}"))
    run.done("again[0]/a", 1)
    run.done("again[1]/a", 2)
    given_up(run)
    [told] = run.commands(RaiseException)
    assert (told.kind, told.choices) == ("expression", ("retry", "edit", "skip", "cancel"))
    run.choose("again[1]/a", "edit")
    run.choose("again[0]/a", "skip")
    assert (run.status("again[1]/a"), run.status("again[0]/a")) == ("undone", "done")
    assert run.state.status == "compensated"
