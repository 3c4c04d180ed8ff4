"""Steps that others go on without, though they were done, or though nobody knows whether they were. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from autonomy.workflow.events import Cancelled, Charged, ChildEnded, Performed
from autonomy.workflow.migration import migrate
from autonomy.workflow.model import OpenTask, PerformTool, RaiseException, SetTimer, StartChild

from .works import Run, steps

BESIDE = "{ a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"
NUMBER = "output: { type: object, properties: { n: { type: integer } }, required: [n] }"
PROMISED = f"{{ a: {{ tool: t, compensate: {{ tool: u }}, {NUMBER} RULE }}, z: {{ tool: t }} }}"
GROUP = """
g:
  choose: { branches: { w: { when: "true", steps: { a: { tool: t, compensate: { tool: u } } } } } }
  deadline: 1h
z: { tool: t }
"""


def cancelled(run: Run) -> None:
    """Give the run up, undone; nothing else is under way then."""
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")


def undone(run: Run) -> list[str]:
    """Let what undoes steps be done; returns their paths in order."""
    order = []
    while found := run.commands(PerformTool):
        order.append(found[0].path)
        run.done(found[0].path)
    return order


def asked(run: Run) -> list[str]:
    return [one.kind for one in run.commands(RaiseException)]


def test_what_an_action_of_unknown_ending_has_cost_counts_where_a_person_had_said_what_it_came_to() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h }, z: { tool: t } }", caps={"spend": "1.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.timer("a", "deadline")
    run.choose("a", "edit", output={})
    run.send(Performed(run.tick(), id, "unknown"))
    assert run.status("a") == "done"
    assert not run.send(Performed(run.tick(), id, "done", cost=500)).ignored
    assert (run.state.spent, run.state.status) == (500, "stopped")


@pytest.mark.parametrize("late", [True, False])
def test_what_was_tried_again_in_a_group_that_was_left_is_undone_or_asked_about(late: bool) -> None:
    run = Run(steps(GROUP))
    id = run.command("g[w]/a", PerformTool).id
    run.ended("g[w]/a", "unknown")
    run.timer("g", "deadline")
    run.choose("g", "skip")
    run.choose("g[w]/a", "retry")
    assert run.status("g[w]/a") == "skipped", "nothing is begun in a group that was left"
    if late:
        run.send(Performed(run.tick(), id, "done"))
    cancelled(run)
    assert (asked(run), undone(run)) == (([], ["g[w]/a"]) if late else (["unknown"], []))


@pytest.mark.parametrize("when", ["before", "while", "never"])
def test_what_was_begun_again_in_vain_is_undone_if_it_was_done_the_first_time(when: str) -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    if when == "before":
        run.send(Performed(run.tick(), id, "done"))
    cancelled(run)
    assert asked(run) == ([] if when == "before" else ["unknown"])
    if when == "while":
        run.send(Performed(run.tick(), id, "done"))
    assert undone(run) == ([] if when == "never" else ["a"])
    assert run.state.status == ("compensating" if when == "never" else "compensated")


def test_nobody_is_asked_any_more_once_the_first_time_is_known_to_have_come_to_nothing() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "compensate")
    run.ended("z", "failed")
    assert asked(run) == ["unknown"]
    run.send(Performed(run.tick(), id, "failed"))
    assert (asked(run), run.state.status) == ([], "compensated")


@pytest.mark.parametrize("rule", ["", ", onException: [{ kinds: [contract], then: skip }]"])
def test_what_broke_its_contract_was_done_and_is_undone_though_it_was_skipped(rule: str) -> None:
    run = Run(steps(PROMISED.replace("RULE", rule)))
    run.done("a", {"x": 1})
    if not rule:
        run.choose("a", "skip")
    cancelled(run)
    assert (undone(run), run.state.status) == (["a"], "compensated")


@pytest.mark.parametrize("choice", ["skip", "compensate"])
def test_what_broke_its_contract_is_undone_though_it_was_begun_again_in_vain(choice: Any) -> None:
    run = Run(steps(PROMISED.replace("RULE", "")))
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", choice)
    if choice == "skip":
        run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    assert (undone(run), run.state.status) == (["a"], "compensated")


def test_of_what_is_undone_nobody_is_asked_how_it_keeps_its_contract() -> None:
    run = Run(steps(PROMISED.replace("RULE", "")))
    id = run.command("a", PerformTool).id
    cancelled(run)
    run.send(Performed(run.tick(), id, "unknown"))
    run.send(Performed(run.tick(), id, "done", {"x": 1}))
    assert (asked(run), undone(run)) == ([], ["a"])


def test_what_was_undone_twice_is_seen_though_somebody_had_left_it_as_it_was() -> None:
    both = "{ b: { tool: t, compensate: { tool: u } }, a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"
    run = Run(steps(both))
    run.done("b")
    run.done("a")
    cancelled(run)
    ids = []
    for choice in ("retry", "skip"):
        ids.append(run.command("a", PerformTool).id)
        run.ended("a", "unknown")
        run.choose("a", choice)
    for id in ids:
        run.send(Performed(run.tick(), id, "done"))
    assert asked(run) == ["twice"]


@pytest.mark.parametrize("ended", [False, True])
def test_how_a_run_inside_ended_takes_nothing_back_that_was_counted_since(ended: bool) -> None:
    run = Run(steps("{ a: { workflow: { name: x } }, z: { tool: t } }"))
    id = run.command("a", StartChild).id
    run.send(Charged(run.tick(), id, 100))
    if ended:
        run.send(Cancelled(run.tick(), "person:x", "r"))
    run.send(Charged(run.tick(), id, 600))
    run.send(ChildEnded(run.tick(), id, "stopped", None, "", 100, (), True))
    assert run.state.spent == 600


def test_a_step_that_ends_the_run_waits_until_somebody_has_seen_what_was_done_twice() -> None:
    run = Run(steps("{ a: { tool: t }, b: { tool: t }, e: { needs: [a, b], end: { status: done, reason: ok } } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a")
    run.send(Performed(run.tick(), id, "done"))
    run.done("b")
    assert (asked(run), run.state.ended) == (["twice"], False)
    run.choose("", "skip")
    assert (run.state.status, run.state.reason) == ("done", "ok")


def test_a_run_that_is_moved_below_what_it_has_spent_begins_nothing_more() -> None:
    new = steps("{ a: { tool: t }, b: { tool: t }, c: { needs: [a], tool: t } }", caps={"spend": "1.00 EUR"})
    old = steps("{ a: { tool: t }, b: { tool: t } }")
    run = Run(old)
    run.done("a", cost=500)
    run.move(new, migrate(run.state, old, new, run.tick()))
    assert (run.status("c"), run.state.status) == ("-", "stopped")


def test_a_checkpoint_costs_nothing_and_is_not_heard_of_again() -> None:
    run = Run(steps("{ a: { approval: { roles: { boss: 1 }, question: q } } }"))
    run.send(Cancelled(run.tick(), "person:x", "r"))
    assert run.state.unsure == {}


def test_what_was_begun_again_is_looked_at_once_that_has_come_to_nothing_while_the_run_is_undone() -> None:
    run = Run(steps(BESIDE))
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("a", "failed", again=False)
    run.ended("z", "failed")
    assert (asked(run), run.state.status) == (["unknown"], "compensating")


def test_what_broke_its_contract_is_undone_once_its_next_attempt_has_come_to_nothing() -> None:
    run = Run(steps(PROMISED.replace("RULE", "")))
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("a", "failed", again=False)
    run.ended("z", "failed")
    assert (undone(run), run.state.status) == (["a"], "compensated")


@pytest.mark.parametrize("found_out", [0, 1])
def test_of_two_attempts_of_which_nobody_knows_the_one_is_still_asked_about(found_out: int) -> None:
    run = Run(steps(BESIDE))
    ids = []
    for choice in ("retry", "skip"):
        ids.append(run.command("a", PerformTool).id)
        run.ended("a", "unknown")
        run.choose("a", choice)
    cancelled(run)
    assert asked(run) == ["unknown"]
    run.send(Performed(run.tick(), ids[found_out], "failed"))
    assert (asked(run), run.state.status) == (["unknown"], "compensating")
    run.send(Performed(run.tick(), ids[1 - found_out], "done"))
    assert (asked(run), undone(run), run.state.status) == ([], ["a"], "compensated")


@pytest.mark.parametrize("status", ["failed", "compensated"])
def test_nobody_is_asked_about_a_run_inside_of_which_only_the_cost_is_open(status: Any) -> None:
    run = Run(steps("{ a: { workflow: { name: x }, compensate: { tool: u } }, z: { tool: t } }"))
    run.send(ChildEnded(run.tick(), run.command("a", StartChild).id, status, None, "", 100, (), True))
    run.choose("a", "skip")
    cancelled(run)
    assert (asked(run), run.state.status) == ([], "compensated")


def test_what_somebody_took_for_not_done_at_first_is_undone_once() -> None:
    both = "{ b: { tool: t, compensate: { tool: u } }, a: { tool: t, compensate: { tool: u } }, z: { tool: t } }"
    run = Run(steps(both))
    run.done("b")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    cancelled(run)
    run.choose("a", "skip")
    run.send(Performed(run.tick(), id, "done"))
    assert (asked(run), sorted(undone(run))) == ([], ["a", "b"])


def test_what_broke_its_contract_and_was_done_again_after_all_somebody_has_to_see() -> None:
    run = Run(steps(PROMISED.replace("RULE", "")))
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.send(Performed(run.tick(), id, "done", {"n": 1}))
    assert asked(run) == ["twice"]


def test_a_task_that_broke_its_contract_is_undone_however_often_it_is_given_to_others() -> None:
    rules = ", ".join(f"{{ kinds: [{kind}], then: reassign, role: {kind} }}" for kind in ("contract", "failed"))
    task = f"task: {{ role: first, goal: g }}, compensate: {{ tool: u }}, {NUMBER}, onException: [{rules}]"
    run = Run(steps(f"{{ a: {{ {task} }}, z: {{ tool: t }} }}"))
    run.done("a", {"x": 1})
    run.done("a", {"x": 1})
    assert run.command("a", OpenTask).role == "contract"
    run.ended("a", "failed")
    assert run.command("a", OpenTask).role == "failed"
    run.ended("a", "failed")
    run.choose("a", "skip")
    cancelled(run)
    assert (undone(run), run.state.status) == (["a"], "compensated")


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ("choose: { branches: { w: { when: 'true', steps: { i: { tool: t } }, result: { x: 1 } } } }", "w"),
        ("foreach: { items: '[1]', most: 9, steps: { i: { tool: t } } }", "0"),
        ("repeat: { until: 'true', most: 3, steps: { i: { tool: t } }, result: { x: 1 } }", "0"),
    ],
)
def test_steps_together_that_broke_their_contract_are_undone_though_they_were_begun_again_in_vain(
    block: str, key: str
) -> None:
    run = Run(steps(f"{{ a: {{ {block}, deadline: 1h, compensate: {{ tool: u }}, {NUMBER} }}, z: {{ tool: t }} }}"))
    run.done(f"a[{key}]/i")
    run.choose("a", "retry")
    run.timer("a", "deadline")
    run.ended(f"a[2.{key}]/i", "failed", again=False)
    run.choose("a", "skip")
    cancelled(run)
    assert undone(run) == ["a"]


def test_nothing_begins_any_more_in_a_run_that_waits_to_end() -> None:
    text = "{ a: { tool: t }, d: { tool: t }, b: { tool: t }, c: { needs: [b], tool: t }, e: END }"
    run = Run(steps(text.replace("END", "{ needs: [a, d], deadline: 1h, end: { status: done, reason: ok } }")))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a")
    run.send(Performed(run.tick(), id, "done"))
    run.done("d")
    run.done("b")
    assert (run.status("c"), [one.id for one in run.commands(SetTimer) if ":e:" in one.id]) == ("-", [])
    run.choose("", "skip")
    assert run.state.status == "done"


def test_what_was_done_once_is_not_said_to_be_done_twice_because_it_broke_the_cap() -> None:
    run = Run(steps(BESIDE, caps={"spend": "1.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    late = run.send(Performed(run.tick(), id, "done", cost=500))
    told = [one.kind for one in late.commands if isinstance(one, RaiseException)]
    assert (run.state.status, told) == ("stopped", ["cap"])
