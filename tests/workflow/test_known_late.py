"""What becomes known late, at a cap, after a move or beside another attempt is undone, told, or known not to stand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autonomy.tools import Unsure
from autonomy.workflow.events import Cancelled, ChildEnded, Performed
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import PerformTool, RaiseException, StartChild
from tests.gate.works import fail, organisation
from tests.house import declare
from tests.workflow.office import office, workflow

from .test_left import INSIDE, asked, given_up, inside, undone
from .test_standing import AROUND, INSIDE_PROMISED, is_decided, left, promised
from .works import Run, steps

BESIDE = "{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"
FAILS = ", z: { tool: t, onException: [{ then: fail }] } }"


def test_leaves_something_of_a_run_moved_to_a_wording_without_an_unsure_step() -> None:
    run = Run(steps("{ a: { tool: t }" + FAILS))
    run.ended("a", "unknown")
    run.choose("a", "skip")
    new = steps("{ z: { tool: t, onException: [{ then: fail }] } }")
    assert not obstacles(run.state, run.definition, new)
    run.move(new, migrate(run.state, run.definition, new, run.tick()))
    run.ended("z", "failed", again=False)
    assert not left(run)


def test_an_earlier_attempt_done_after_all_whose_cost_stops_the_run_is_left() -> None:
    run = Run(steps(BESIDE, caps={"spend": "1.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    run.send(Performed(run.tick(), id, "done", cost=500))
    assert run.state.status == "stopped"
    assert left(run)


def test_what_was_not_done_but_whose_cost_stops_the_run_is_not_left() -> None:
    run = Run(steps(BESIDE, caps={"spend": "1.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.send(Performed(run.tick(), id, "failed", cost=500))
    assert run.state.status == "stopped"
    run.send(Performed(run.tick(), "run_1:z:1", "failed"))
    assert not left(run)


def test_a_question_about_one_item_does_not_stand_for_the_others() -> None:
    loop = "foreach: { items: '[1, 2]', most: 9, atOnce: 2, steps: { a: { workflow: { name: x } } } }"
    run = Run(steps(f"{{ each: {{ {loop} }}, z: {{ tool: t }} }}"))
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    run.child("each[0]/a", "stopped", left=True)
    run.child("each[1]/a", "done", left=True)
    assert asked(run) == ["child"]
    run.choose("each[0]/a", "skip")
    assert (asked(run), run.state.status) == (["left"], "compensating")


@pytest.mark.parametrize("choice", ["skip", "edit"])
def test_a_question_about_a_run_inside_names_all_that_it_settles(choice: Any) -> None:
    run = inside("retry: { attempts: 2 }")
    run.child("a", "failed", left=True)
    run.timer("a", "retry")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    run.child("a", "stopped", left=True)
    [told] = run.commands(RaiseException)
    named = len((told.detail or {}).get("runs", ()))
    run.choose("a", choice, output={})
    undone(run)
    assert named == 2 or asked(run) == ["left"]


def test_what_a_run_inside_did_that_was_undone_since_is_not_told_as_left() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }, z: { tool: t } }"))
    run.child("a", "done", left=True)
    more = steps(INSIDE.replace("RULE", ""))
    run.move(more, migrate(run.state, run.definition, more, run.tick()))
    given_up(run)
    assert (undone(run), asked(run), run.state.status) == (["a"], [], "compensated")


def test_a_step_whose_run_inside_left_something_is_not_taken_away_unsaid() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }, z: { tool: t } }"))
    run.child("a", "done", left=True)
    assert obstacles(run.state, run.definition, steps("{ z: { tool: t } }"))


@pytest.mark.parametrize("kind", ["tool: t", "workflow: { name: x }"])
def test_a_loop_that_has_begun_gets_no_compensation_for_what_it_does_not_remember(kind: str) -> None:
    loop = f"each: {{ foreach: {{ items: '[1, 2]', most: 9, atOnce: 1, steps: {{ c: {{ {kind} MORE }} }} }} }}"
    old = steps(f"{{ {loop.replace('MORE', '')}, z: {{ tool: t }} }}")
    new = steps(f"{{ {loop.replace('MORE', ', compensate: { tool: u }')}, z: {{ tool: t }} }}")
    run = Run(old)
    [found] = obstacles(run.state, old, new)
    assert str(found) == "`each`: what `c` has done in it is not remembered, and could not be undone"


def test_a_run_inside_under_way_whose_step_does_not_say_what_undoes_it_may_have_left_something() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }" + FAILS))
    run.ended("z", "failed", again=False)
    assert left(run), "what it does until it is taken back"


def test_a_run_inside_that_ends_unsure_after_the_run_has_left_something() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }" + FAILS))
    id = run.command("a", StartChild).id
    run.ended("z", "failed", again=False)
    run.send(ChildEnded(run.tick(), id, "cancelled", unsure=True, left=True))
    assert left(run)


def test_a_run_inside_that_did_nothing_that_can_be_undone_leaves_nothing_at_the_cap() -> None:
    run = Run(steps("{ a: { workflow: { name: x } } }", caps={"spend": "1.00 EUR"}))
    run.child("a", "done", spent=500, left=False)
    assert run.state.status == "stopped"
    assert not left(run)


def test_a_run_inside_that_did_nothing_that_can_be_undone_leaves_nothing_after_the_end() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }" + FAILS))
    id = run.command("a", StartChild).id
    run.ended("z", "failed", again=False)
    run.send(ChildEnded(run.tick(), id, "done"))
    assert not left(run)


def test_both_runs_inside_are_told_of_where_a_person_gave_the_output() -> None:
    run = Run(steps(INSIDE_PROMISED))
    run.child("a", "done", {"x": 1})
    run.choose("a", "retry")
    run.child("a", "failed", left=True)
    run.choose("a", "edit", output={"n": 1})
    given_up(run)
    assert (undone(run), asked(run)) == (["a"], ["left"])


def test_what_a_person_gave_stands_for_what_broke_its_contract_also_where_it_was_overdue() -> None:
    run = promised("deadline: 1h")
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.timer("a", "deadline")
    run.choose("a", "edit", output={"n": 1})
    run.ended("a", "failed", again=False)
    given_up(run)
    assert (undone(run), asked(run)) == (["a"], [])


def test_an_earlier_attempt_of_which_nobody_knows_is_not_forgotten_over_one_that_broke_its_contract() -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    given_up(run)
    undone(run)
    assert (run.state.status, len(asked(run))) == ("compensating", 1)


def test_a_run_inside_that_is_only_unsure_of_what_cannot_be_undone_has_left_nothing() -> None:
    run = Run(steps("{ a: { workflow: { name: x }, compensate: { tool: u } }" + FAILS))
    run.child("a", "failed", unsure=True, left=False)
    run.choose("a", "skip")
    run.ended("z", "failed", again=False)
    assert not left(run)


def test_what_is_known_not_to_be_done_after_the_end_is_not_left() -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    given_up(run)
    undone(run)
    assert asked(run) == ["left"]
    run.send(Cancelled(run.tick(), "person:x", "r"))
    run.send(Performed(run.tick(), id, "failed"))
    assert not left(run)


def test_a_run_does_not_wait_for_somebody_to_see_what_is_known_not_to_be_done() -> None:
    run = promised()
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    given_up(run)
    undone(run)
    assert asked(run) == ["left"]
    run.send(Performed(run.tick(), id, "failed"))
    assert (asked(run), run.state.status) == ([], "compensated")


def test_a_question_settled_by_the_answer_that_stops_the_run_leaves_nothing() -> None:
    run = Run(steps(BESIDE, caps={"spend": "1.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.send(Performed(run.tick(), id, "failed", cost=500))
    assert run.state.status == "stopped"
    run.send(Performed(run.tick(), "run_1:z:1", "failed"))
    assert not left(run)


# ── with the real engine ──

BETWEEN = """
steps:
  deeper: { workflow: { name: deepest }, arguments: { n: "1" } }
  first: { wait: { duration: 2s } }
  over: { needs: [first], end: { status: failed, reason: enough } }
"""
DEEPEST = """
steps:
  paid: { tool: buy, arguments: { amount: "'30.00'" }, compensate: { tool: look, arguments: { n: "1" } } }
  long: { needs: [paid], wait: { duration: 1h } }
"""


async def test_somebody_is_asked_what_a_run_inside_under_way_had_paid(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=BETWEEN, deepest=DEEPEST) as it:
        around = await it.start("around", n=1)
        assert (await it.until(around, is_decided)).status == "compensating"


MOVED = """
steps:
  first: { tool: buy, arguments: { amount: "'30.00'" }, onException: [{ kinds: [unknown], then: skip }] }
  hear: { wait: { events: { go: { event: go } } } }
"""
MOVED_TO = "steps: { hear: { wait: { events: { go: { event: go } } } } }"


async def test_a_run_around_one_that_was_moved_hears_its_end(tmp_path: Path, database_url: str) -> None:
    flows = {"around": AROUND.replace("onException: [{ then: compensate }]", ""), "inside": MOVED}
    async with office(tmp_path, database_url, **flows) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        around = await it.start("around", n=1)
        [child] = await it.some(lambda runs: [one for one in runs if one.workflow == "inside"])
        await it.until(child.id, lambda state: bool(state.unsure))
        text = "---\n".join((workflow("around", flows["around"]), workflow("inside", MOVED_TO)))
        declare(it.works.system, organisation(workflows=text))
        [moved] = (await it.flows.migrating.migrate("inside", "person:sam")).runs
        assert not moved.obstacles
        await it.flows.runs.cancel(child.id, "person:sam")
        assert (await it.ended(child.id)).status == "cancelled"
        async with asyncio.timeout(8):
            assert (await it.until(around, is_decided)).status == "running"


# ── a step taken out of a wording, and put in again ──


def put_in_again(run: Run) -> None:
    """Take the step `a` out of the run, and put it in again."""
    both, one = run.definition, steps("{ z: { tool: t } }")
    run.move(one, migrate(run.state, both, one, run.tick()))
    run.move(both, migrate(run.state, one, both, run.tick()))


def test_a_step_that_is_put_in_again_asks_under_an_id_of_its_own() -> None:
    run = Run(steps("{ a: { tool: t }, z: { tool: t } }"))
    run.done("a")
    put_in_again(run)
    assert run.command("a", PerformTool).id == "run_1:a:2"


def test_a_step_that_is_put_in_again_hears_how_it_ended() -> None:
    run = Run(steps("{ a: { tool: t }, z: { tool: t } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    put_in_again(run)
    run.done("a", {"n": 1})
    assert run.status("a") == "done"
    run.send(Performed(run.tick(), id, "done"))
    assert asked(run) == ["twice"]


TASK = """
a:
  task: { role: r, goal: g }
  deadline: 1h
  compensate: { tool: u }
  output: { type: object, properties: { n: { type: integer } }, required: [n] }
z: { tool: t }
"""


def test_a_task_that_was_done_again_too_late_stands_beside_the_first_one() -> None:
    run = Run(steps(TASK))
    for _ in range(2):
        run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.timer("a", "deadline")
    run.done("a", {"n": 1})
    given_up(run)
    assert (undone(run), asked(run)) == (["a"], ["left"])


def test_a_task_whose_result_went_back_again_stands_beside_the_one_before() -> None:
    run = Run(steps(TASK))
    for _ in range(2):
        run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.done("a", {"x": 2})
    assert run.state.steps["a"].attempt == 4, "it went back"
    given_up(run)
    run.ended("a", "failed")
    assert (undone(run), asked(run)) == (["a"], ["left"])


def test_the_end_of_a_run_inside_that_is_told_again_after_the_end_says_nothing_new() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }, z: { tool: t } }"))
    run.done("z")
    told = ChildEnded(run.tick(), run.command("a", StartChild).id, "done", unsure=True, left=True)
    run.send(told)
    assert run.state.status == "done" and run.send(told).ignored
