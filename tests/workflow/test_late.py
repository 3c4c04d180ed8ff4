"""What becomes known late: after its step has gone on, or while a person is asked about it. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from autonomy.workflow.codec import Unreadable
from autonomy.workflow.events import Cancelled, Charged, ChildEnded, Chosen, Performed
from autonomy.workflow.giving_up import last_word
from autonomy.workflow.migration import obstacles
from autonomy.workflow.model import OpenTask, PerformTool, RaiseException, StartChild
from autonomy.workflow.ports import Work

from .works import Run, steps

UNDONE = """
a: { tool: t, compensate: { tool: refund } }
b: { needs: [a], tool: t }
"""
BESIDE = "{ a: { tool: t, compensate: { tool: refund } }, b: { tool: t } }"


@pytest.mark.parametrize("choice", ["retry", "skip", "edit", "compensate"])
def test_a_run_inside_that_fails_while_a_person_is_asked_about_it_is_no_longer_waited_for(choice: Any) -> None:
    run = Run(steps("{ a: { workflow: { name: x }, deadline: 1h } }"))
    run.timer("a", "deadline")
    id = run.command("a", StartChild).id
    assert not run.send(ChildEnded(run.tick(), id, "failed", None, "no", 700)).ignored
    assert (run.state.spent, run.status("a")) == (700, "blocked")
    run.choose("a", choice)
    assert run.status("a") != "stopping" and all(one.id != id for one in run.commands(StartChild))


@pytest.mark.parametrize(("choice", "spent"), [("retry", 200), ("edit", 100), ("skip", 100)])
def test_what_was_done_after_all_has_cost_what_it_has_although_nobody_waits_for_it(choice: Any, spent: int) -> None:
    run = Run(steps("{ a: { tool: t }, z: { tool: t } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", choice)
    assert not run.send(Performed(run.tick(), id, "done", cost=100)).ignored
    assert run.send(Performed(run.tick(), id, "done", cost=100)).ignored, "it is counted once"
    if choice == "retry":
        run.done("a", cost=100)
    assert run.state.spent == spent


def test_what_was_done_after_all_stops_a_run_beyond_its_limit() -> None:
    each = "{ foreach: { items: '[1, 2]', most: 2, atOnce: 1, steps: { buy: %s } } }"
    run = Run(
        steps(
            "{ all: %s, z: { tool: t } }" % (each % "{ tool: t, onException: [{ kinds: [unknown], then: skip }] }"),
            caps={"spend": "1.50 EUR"},
        )
    )
    lost = []
    for item in (0, 1):
        lost.append(run.command(f"all[{item}]/buy", PerformTool).id)
        run.ended(f"all[{item}]/buy", "unknown")
    for id in lost:
        run.send(Performed(run.tick(), id, "done", cost=100))
    assert (run.state.status, run.state.reason) == ("stopped", "cap.spend")


def test_a_compensation_that_turns_out_to_be_done_is_not_done_again() -> None:
    run = Run(steps(UNDONE))
    run.done("a", cost=100)
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    undo = run.command("a", PerformTool).id
    run.send(Performed(run.tick(), undo, "unknown", reason="?"))
    assert run.commands(RaiseException)
    run.send(Performed(run.tick(), undo, "done", cost=50))
    assert not run.commands(RaiseException) and run.state.status == "compensated" and run.state.spent == 150
    assert len([one for one in run.told if isinstance(one, PerformTool) and one.undoes]) == 1


def test_a_compensation_that_is_asked_for_again_may_have_cost_something_before() -> None:
    run = Run(steps(UNDONE))
    run.done("a", cost=100)
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    undo = run.command("a", PerformTool).id
    run.send(Performed(run.tick(), undo, "unknown"))
    run.choose("a", "retry")
    run.send(Performed(run.tick(), undo, "done", cost=50))
    assert run.state.spent == 150 and run.state.status == "compensating"
    run.done("a", cost=50)
    assert (run.state.spent, run.state.status) == (200, "compensating"), "it was compensated twice: somebody has to see"
    [asked] = run.commands(RaiseException)
    assert (asked.kind, asked.path) == ("twice", "")
    run.choose("", "skip")
    assert (run.state.spent, run.state.status) == (200, "compensated")


def test_nobody_is_asked_whether_that_was_done_of_which_it_is_known_that_it_was_not() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.send(Performed(run.tick(), id, "failed", reason="not done"))
    run.choose("a", "skip")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    assert run.state.status == "compensated" and not run.commands(RaiseException)


def test_undoing_goes_on_once_it_is_known_that_there_is_nothing_to_undo() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    run.send(Performed(run.tick(), id, "unknown"))
    assert run.state.status == "compensating" and run.commands(RaiseException)
    run.send(Performed(run.tick(), id, "failed"))
    assert run.state.status == "compensated"


def test_what_a_run_inside_has_spent_stays_spent_where_its_beginning_is_given_up() -> None:
    run = Run(steps("{ a: { workflow: { name: x } } }", caps={"spend": "50.00 EUR"}))
    id = run.command("a", StartChild).id
    run.send(Charged(run.tick(), id, 3000))
    word = last_word(Work("run_1", Unreadable(id, "start_child", "workflow.sealed", "bad"), 2), "told", run.tick())
    assert word is not None
    run.send(word)
    assert (run.state.spent, run.status("a")) == (3000, "blocked")


def test_what_was_charged_for_an_action_stays_spent_where_nobody_knows_how_it_ended() -> None:
    run = Run(steps("{ a: { tool: t } }", caps={"spend": "50.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.send(Charged(run.tick(), id, 3000))
    run.send(Performed(run.tick(), id, "unknown", reason="whoever did it was gone"))
    assert run.state.spent == 3000


@pytest.mark.parametrize(("outcome", "undone"), [("failed", 0), ("done", 1)])
@pytest.mark.parametrize("when", ["before it is undone", "while a person is asked"])
def test_what_was_skipped_is_undone_if_it_is_known_by_then_that_it_was_done(
    outcome: Any, undone: int, when: str
) -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    late = Performed(run.tick(), id, outcome, {"ref": "x"}, cost=5 * undone)
    if when == "before it is undone":
        assert not run.send(late).ignored
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    if when != "before it is undone":
        assert run.commands(RaiseException)
        assert not run.send(late).ignored
    assert not run.commands(RaiseException), "nobody has to say what is known"
    while run.commands(PerformTool):
        run.done("a")
    assert len([one for one in run.told if isinstance(one, PerformTool) and one.undoes]) == undone
    assert (run.state.status, run.state.spent) == ("compensated", 5 * undone)


def test_what_was_done_twice_somebody_has_to_see_before_the_run_ends() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.send(Performed(run.tick(), id, "done", {"ref": "first"}, cost=5))
    [asked] = run.commands(RaiseException)
    assert (asked.kind, asked.detail) == ("twice", {"command": id, "output": {"ref": "first"}})
    run.done("a", {"ref": "second"}, cost=5)
    run.done("b")
    assert (run.state.status, run.state.spent) == ("running", 10)
    run.choose("", "skip")
    assert run.state.status == "done"


def test_what_was_done_twice_is_undone_once_and_somebody_has_to_see() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.send(Performed(run.tick(), id, "done", {"ref": "first"}))
    run.done("a", {"ref": "second"})
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    run.done("a")
    assert run.state.status == "compensating" and run.commands(RaiseException)
    run.choose("", "skip")
    assert run.state.status == "compensated"


def test_nobody_waits_for_what_was_not_done_in_a_group_that_was_left() -> None:
    group = "{ choose: { branches: { w: { when: 'true', steps: { a: { tool: t } } } } }, deadline: 1h }"
    run = Run(steps("{ g: " + group + ", z: { tool: t } }"))
    id = run.command("g[w]/a", PerformTool).id
    run.ended("g[w]/a", "unknown")
    run.timer("g", "deadline")
    run.choose("g", "skip")
    run.done("z")
    assert run.state.status == "running"
    run.send(Performed(run.tick(), id, "failed", reason="not done"))
    assert run.state.status == "done"


def test_what_a_task_has_cost_stays_spent_where_it_is_given_up() -> None:
    run = Run(steps("{ a: { task: { role: buyer, goal: g } } }", caps={"spend": "50.00 EUR"}))
    id = run.command("a", OpenTask).id
    run.send(Charged(run.tick(), id, 3000))
    word = last_word(Work("run_1", Unreadable(id, "open_task", "workflow.sealed", "bad"), 0), "told", run.tick())
    assert word is not None
    run.send(word)
    assert run.state.spent == 3000


def test_what_was_charged_before_its_step_went_on_is_not_counted_again() -> None:
    run = Run(steps("{ a: { tool: t }, z: { tool: t } }"), allowance=100_000)
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.send(Charged(run.tick(), id, 100))
    run.choose("a", "skip")
    assert run.send(Charged(run.tick(), id, 100)).ignored
    assert not run.send(Charged(run.tick(), id, 120)).ignored
    run.send(Performed(run.tick(), id, "done", cost=150))
    assert run.state.spent == 150


def test_what_becomes_known_after_the_end_of_a_run_is_counted_and_nothing_else() -> None:
    run = Run(steps("{ a: { tool: t, onException: [{ then: skip }] } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    assert run.state.status == "done"
    assert run.send(Performed(run.tick(), id, "unknown")).ignored
    found = run.send(Performed(run.tick(), id, "done", cost=100))
    assert (found.ignored, found.commands, run.state.status, run.state.spent) == ("", (), "done", 100)
    assert run.send(Performed(run.tick(), id, "done", cost=100)).ignored


def test_a_run_inside_that_is_unsure_may_cost_more_than_it_had_at_its_end() -> None:
    run = Run(steps("{ a: { workflow: { name: x } }, z: { tool: t } }", caps={"spend": "1.00 EUR"}))
    id = run.command("a", StartChild).id
    run.send(ChildEnded(run.tick(), id, "done", None, "", 50, (), True))
    assert (run.status("a"), run.state.spent) == ("done", 50)
    assert not run.send(Charged(run.tick(), id, 130)).ignored
    assert (run.state.status, run.state.reason, run.state.spent) == ("stopped", "cap.spend", 130)


X_THEN_A = """
x: { tool: t, compensate: { tool: u } }
a: { needs: [x], tool: t, compensate: { tool: u } }
b: { tool: t }
"""


def undone_in_order(run: Run) -> list[str]:
    """The steps in the order in which they are undone."""
    order = []
    while found := run.commands(PerformTool):
        order.append(found[0].path)
        run.done(found[0].path)
    assert run.state.status == "compensated", run.statuses
    return order


def test_what_was_done_after_all_is_undone_before_what_it_was_built_on() -> None:
    run = Run(steps(X_THEN_A))
    run.done("x")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.send(Performed(run.tick(), id, "done"))
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    assert undone_in_order(run) == ["a", "x"]


def test_what_somebody_took_for_not_done_is_undone_where_it_turns_out_that_it_was_while_others_are() -> None:
    run = Run(steps(X_THEN_A))
    run.done("x")
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("b", "failed")
    run.choose("a", "skip")
    assert [one.path for one in run.commands(PerformTool)] == ["x"]
    run.send(Performed(run.tick(), id, "done"))
    assert undone_in_order(run) == ["x", "a"]


LOOP = """
e:
  foreach:
    items: "[1, 2]"
    most: 2
    steps: { a: { tool: t, compensate: { tool: u, arguments: { i: item } } } }
  compensate: { tool: u }
z: { tool: t }
"""


def test_of_a_loop_that_was_undone_after_all_the_items_are_still_known() -> None:
    run = Run(steps(LOOP))
    run.done("e[0]/a")
    run.done("e[1]/a")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    undo = run.command("e", PerformTool).id
    run.ended("e", "unknown")
    run.choose("e", "skip")
    run.send(Performed(run.tick(), undo, "done"))
    assert undone_in_order(run) == ["e[1]/a", "e[0]/a"]


def test_what_was_done_twice_in_a_loop_is_seen() -> None:
    run = Run(steps("{ e: { foreach: { items: '[1]', most: 1, steps: { a: { tool: t } } } }, z: { tool: t } }"))
    id = run.command("e[0]/a", PerformTool).id
    run.ended("e[0]/a", "unknown")
    run.choose("e[0]/a", "retry")
    run.done("e[0]/a")
    run.send(Performed(run.tick(), id, "done"))
    assert [one.kind for one in run.commands(RaiseException)] == ["twice"]


def test_what_was_undone_twice_is_seen_in_whichever_order_it_is_known() -> None:
    run = Run(steps("{ y: { tool: t, compensate: { tool: u } }, a: { needs: [y], tool: t, compensate: { tool: u } } }"))
    run.done("y")
    run.ended("a", "unknown")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.choose("a", "edit", output=None)
    undo = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a")
    run.send(Performed(run.tick(), undo, "done"))
    assert [one.kind for one in run.commands(RaiseException)] == ["twice"]


def test_a_run_does_not_end_with_another_result_before_somebody_has_seen_what_was_done_twice() -> None:
    run = Run(steps("{ a: { tool: t }, b: { tool: t } }", result={"r": "steps.b.output.nope.x"}))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a")
    run.done("b", {})
    [result] = run.commands(RaiseException)
    run.send(Performed(run.tick(), id, "done"))
    edit = Chosen(run.tick(), result.id, "edit", by="ada", output={"r": 1})
    assert run.send(edit).ignored
    [twice] = [one for one in run.commands(RaiseException) if one.kind == "twice"]
    run.send(Chosen(run.tick(), twice.id, "skip", by="ada"))
    run.send(edit)
    assert run.state.status == "done"


def test_a_cap_does_not_hide_what_was_done_twice() -> None:
    run = Run(steps("{ a: { tool: t }, b: { tool: t } }", caps={"spend": "1.00 EUR"}))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a", cost=60)
    run.send(Performed(run.tick(), id, "done", cost=60))
    assert run.state.status == "stopped"
    assert {one.kind for one in run.told if isinstance(one, RaiseException)} == {"unknown", "cap", "twice"}


def test_a_run_inside_that_is_unsure_counts_beyond_the_cap_it_broke() -> None:
    run = Run(steps("{ a: { workflow: { name: x } } }", caps={"spend": "1.00 EUR"}))
    id = run.command("a", StartChild).id
    run.send(ChildEnded(run.tick(), id, "done", None, "", 150, (), True))
    assert (run.state.status, run.state.spent) == ("stopped", 150)
    run.send(Charged(run.tick(), id, 500))
    assert run.state.spent == 500


def test_what_may_have_been_done_is_not_moved_to_a_wording_that_could_not_undo_it() -> None:
    old = steps("{ a: { tool: t, compensate: { tool: u } }, b: { tool: t } }")
    run = Run(old)
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    new = steps("{ b: { tool: t }, c: { needs: [b], tool: t } }")
    assert [one.path for one in obstacles(run.state, old, new)] == ["a"]
    run.send(Performed(run.tick(), id, "done"))
    assert [one.path for one in obstacles(run.state, old, new)] == ["a"]
