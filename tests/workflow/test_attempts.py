"""What several attempts of one step have done: each is undone, told, or known not to have been done."""

from __future__ import annotations

import pytest

from autonomy.workflow.events import Cancelled, Paused, Performed, Resumed, TaskEnded
from autonomy.workflow.left import leaves_something
from autonomy.workflow.model import OpenTask, PerformTool, RaiseException

from .test_left import BESIDE, PROMISED, asked, given_up, undone
from .works import Run, steps


def begun_again(run: Run) -> str:
    """Let nobody know how the step `a` ended, and let a person have it tried again; the command of before."""
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    return id


def known(run: Run, id: str, outcome: str) -> None:
    """It becomes known how an earlier attempt ended."""
    run.send(Performed(run.tick(), id, outcome, {"of": id}))


# ── it was done once ──


@pytest.mark.parametrize("rule", ["", "retry: { attempts: 5 }", "onException: [{ kinds: [failed], then: fail }]"])
@pytest.mark.parametrize("first", ["is known first", "is known last"])
def test_what_was_done_once_counts_as_done_and_is_not_begun_again(rule: str, first: str) -> None:
    if first == "is known last" and "fail" in rule:
        rule = ""  # the run has ended then
    run = Run(steps(f"{{ a: {{ tool: t, compensate: {{ tool: u }}, {rule} }}, z: {{ needs: [a], tool: t }} }}"))
    id = begun_again(run)
    if first == "is known first":
        known(run, id, "done")
        assert asked(run) == ["twice"], "nobody knows yet what the second attempt comes to"
    run.ended("a", "failed")
    if first != "is known first":
        known(run, id, "done")
    assert (asked(run), run.status("a"), run.state.steps["a"].output) == ([], "done", {"of": id})
    assert [one.path for one in run.commands(PerformTool)] == ["z"]


def test_what_was_done_once_is_not_told_as_twice_where_a_person_was_to_decide_about_a_late_attempt() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h, compensate: { tool: u } }, z: { tool: t } }"))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.timer("a", "deadline")
    known(run, first, "done")
    assert sorted(asked(run)) == ["overdue", "twice"]
    known(run, second, "failed")
    assert (asked(run), run.status("a")) == ([], "done")


def test_what_was_done_once_is_not_begun_again_where_that_had_been_chosen() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h, compensate: { tool: u } }, z: { tool: t } }"))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.timer("a", "deadline")
    run.choose("a", "retry")
    assert run.status("a") == "stopping"
    known(run, first, "done")
    known(run, second, "failed")
    assert (asked(run), run.status("a")) == ([], "done")
    assert "run_1:a:3" not in {one.id for one in run.told}


def test_what_was_done_once_is_undone_and_not_told_as_twice_though_the_run_was_given_up_meanwhile() -> None:
    run = Run(steps(BESIDE))
    id = begun_again(run)
    given_up(run)
    known(run, id, "done")
    run.ended("a", "failed", again=False)
    assert undone(run) == ["a"]
    assert (asked(run), run.state.status) == ([], "compensated")


@pytest.mark.parametrize("when", ["while it runs", "while it is undone"])
def test_what_was_done_once_is_undone_though_the_second_attempt_was_skipped(when: str) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    known(run, first, "done")
    if when == "while it runs":
        known(run, second, "failed")
        assert asked(run) == []
    given_up(run)
    if when != "while it runs":
        known(run, second, "failed")
    assert undone(run) == ["a"]
    assert (asked(run), run.state.status) == ([], "compensated")


def test_the_end_that_waited_comes_where_it_turns_out_to_be_done_once() -> None:
    run = Run(steps("{ a: { tool: t }, w: { tool: t }, over: { needs: [w], end: { status: done, reason: enough } } }"))
    id = begun_again(run)
    known(run, id, "done")
    run.done("w")
    assert run.status("over") == "running"
    run.ended("a", "failed", again=False)
    assert run.state.status == "done"


# ── it was undone once ──


@pytest.mark.parametrize("first", ["is known first", "is known last"])
def test_nobody_is_asked_to_undo_again_what_turns_out_to_be_undone(first: str) -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    id = begun_again(run)
    if first == "is known first":
        known(run, id, "done")
        assert asked(run) == ["twice"]
    run.ended("a", "failed")
    if first != "is known first":
        known(run, id, "done")
    assert (asked(run), run.state.status, run.status("a")) == ([], "compensated", "undone")


def test_what_a_task_undid_after_the_end_is_not_left() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { task: { role: r, goal: g } } }, z: { tool: t } }"))
    run.done("a")
    given_up(run)
    id = run.command("a", OpenTask).id
    run.send(Cancelled(run.tick(), "person:x", "r"))
    run.send(TaskEnded(run.tick(), id, "done"))
    assert not leaves_something(run.definition, run.state)


# ── another one of which nobody knows ──


def three_attempts(run: Run) -> tuple[str, str]:
    """Two attempts of which nobody knows, and a third that came to nothing and was skipped."""
    first, second = begun_again(run), begun_again(run)
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    return first, second


def test_an_attempt_of_which_nobody_knows_is_not_forgotten_over_one_that_is_known_while_it_is_asked() -> None:
    run = Run(steps(BESIDE))
    first, _ = three_attempts(run)
    given_up(run)
    assert asked(run) == ["unknown"]
    known(run, first, "done")
    assert undone(run) == ["a"]
    assert (asked(run), run.state.status) == (["left"], "compensating")


def test_an_attempt_of_which_nobody_knows_is_not_forgotten_over_one_that_broke_its_contract_before() -> None:
    run = Run(steps(PROMISED))
    begun_again(run)
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    given_up(run)
    run.ended("a", "failed", again=False)
    assert undone(run) == ["a"]
    assert (asked(run), run.state.status) == (["left"], "compensating")


def test_what_is_told_as_twice_is_no_longer_told_as_left() -> None:
    run = Run(steps(BESIDE))
    first, second = three_attempts(run)
    known(run, first, "done")
    given_up(run)
    assert undone(run) == ["a"]
    assert asked(run) == ["left"]
    known(run, second, "done")
    assert asked(run) == ["twice"]
    run.choose("", "skip")
    assert run.state.status == "compensated"


# ── runs inside ──


EACH = "foreach: { items: '[1, 2]', most: 9, atOnce: 2, steps: { a: { workflow: { name: x }, RULE } } }"


def each(rule: str) -> Run:
    """A run with two items, each of which begins a run inside that nothing undoes."""
    return Run(steps(f"{{ each: {{ {EACH.replace('RULE', rule)} }}, z: {{ tool: t }} }}"))


def test_a_question_about_one_item_that_was_told_does_not_stand_for_the_others() -> None:
    run = each("retry: { attempts: 2 }")
    run.child("each[0]/a", "failed", left=True)
    run.child("each[1]/a", "failed", left=True)
    run.timer("each[0]/a", "retry")
    given_up(run)
    run.child("each[0]/a", "stopped", left=True)
    assert asked(run) == ["child"]
    run.choose("each[0]/a", "skip")
    assert (asked(run), run.state.status) == (["left"], "compensating")


def test_many_items_are_told_once() -> None:
    run = each("onException: [{ then: skip }]")
    run.child("each[0]/a", "failed", left=True)
    run.child("each[1]/a", "failed", left=True)
    given_up(run)
    assert asked(run) == ["left"]
    run.choose("", "skip")
    assert run.state.status == "compensated"


def test_a_question_about_a_run_inside_names_that_run_though_another_item_was_told() -> None:
    run = each("onException: [{ then: skip }]")
    run.child("each[0]/a", "failed", left=True)
    given_up(run)
    run.child("each[1]/a", "stopped", left=True)
    [told] = run.commands(RaiseException)
    assert (told.path, len(told.detail["runs"])) == ("each[1]/a", 1)


def test_a_question_names_the_run_that_has_just_ended_beside_those_before() -> None:
    run = Run(steps("{ a: { workflow: { name: x }, retry: { attempts: 2 } }, z: { tool: t } }"))
    run.child("a", "failed", left=True)
    run.timer("a", "retry")
    given_up(run)
    run.child("a", "stopped", left=True)
    [told] = run.commands(RaiseException)
    assert len(told.detail["runs"]) == 2


def test_nobody_is_asked_about_what_stays_where_it_is_withdrawn() -> None:
    run = Run(steps("{ a: { workflow: { name: x }, compensate: { nothing: used up } }, z: { tool: t } }"))
    given_up(run)
    run.child("a", "stopped", left=True)
    assert (asked(run), run.state.status) == ([], "compensated")


# ── in every order ──


@pytest.mark.parametrize("choice", ["skip", "edit"])
def test_twice_is_taken_back_where_the_second_attempt_was_settled_by_a_person_and_then_known_to_have_failed(
    choice: str,
) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    known(run, first, "done")
    run.choose("a", choice)
    known(run, second, "failed")
    assert asked(run) == []


def test_twice_is_taken_back_where_a_person_says_while_undoing_that_the_second_was_not_done() -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    run.ended("a", "unknown")
    known(run, first, "done")
    given_up(run)
    run.choose("a", "skip")
    assert undone(run) == ["a"]
    assert (asked(run), run.state.status) == ([], "compensated")


def test_what_was_done_twice_is_still_told_where_a_third_attempt_came_to_nothing() -> None:
    run = Run(steps(PROMISED))
    first = begun_again(run)
    known(run, first, "done")
    assert asked(run) == ["twice"]
    run.done("a", {"x": 1})  # done as well, and it breaks its contract
    assert sorted(asked(run)) == ["contract", "twice"]
    run.choose("a", "retry")
    run.ended("a", "failed", again=False)
    assert "twice" in asked(run)


def test_left_names_the_attempt_that_was_done() -> None:
    run = Run(steps(PROMISED))
    first = begun_again(run)
    run.ended("a", "failed", again=False)
    run.send(Performed(run.tick(), first, "done", {"x": 1}))
    assert asked(run) == ["contract"]
    run.choose("a", "retry")
    run.done("a", {"n": 1})
    given_up(run)
    assert undone(run) == ["a"]
    [told] = run.commands(RaiseException)
    assert (told.kind, told.detail["command"]) == ("left", first)


def test_nobody_is_asked_about_undoing_where_the_first_undid_and_the_second_did_not() -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    id = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    known(run, id, "done")
    known(run, second, "failed")
    assert (asked(run), run.state.status, run.status("a")) == ([], "compensated", "undone")


def test_what_a_person_left_counts_as_undone_where_an_earlier_attempt_undid_it() -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    id = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    known(run, id, "done")
    run.choose("a", "skip")
    known(run, second, "failed")
    assert (asked(run), run.state.status, run.status("a")) == ([], "compensated", "undone")


def test_a_second_attempt_that_is_held_back_is_not_begun_where_the_first_is_known_to_be_done() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.send(Paused(run.tick(), "person:x"))
    run.choose("a", "retry")
    known(run, id, "done")
    assert asked(run) == []
    run.send(Resumed(run.tick(), "person:x"))
    assert "run_1:a:2" not in {one.id for one in run.told}


def test_a_second_undoing_that_is_held_back_is_not_begun_where_the_first_is_known_to_be_done() -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.send(Paused(run.tick(), "person:x"))
    run.choose("a", "retry")
    known(run, id, "done")
    assert asked(run) == []
    run.send(Resumed(run.tick(), "person:x"))
    assert "run_1:a:1:undo.2" not in {one.id for one in run.told}


@pytest.mark.parametrize("when", ["done, then given up", "given up, then done"])
def test_an_attempt_of_which_nobody_knows_is_told_as_left_beside_one_that_is_undone(when: str) -> None:
    run = Run(steps(BESIDE))
    begun_again(run)
    if when == "done, then given up":
        run.done("a")
        given_up(run)
    else:
        given_up(run)
        run.done("a")
    assert undone(run) == ["a"]
    assert asked(run) == ["left"]


def test_an_attempt_in_between_of_which_nobody_knows_is_told_as_left() -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    begun_again(run)
    run.ended("a", "failed", again=False)
    known(run, first, "done")
    assert run.status("a") == "done"
    given_up(run)
    assert undone(run) == ["a"]
    assert asked(run) == ["left"]


def test_an_attempt_of_which_nobody_knows_is_told_as_left_beside_one_that_broke_its_contract() -> None:
    run = Run(steps(PROMISED))
    begun_again(run)
    run.done("a", {"x": 1})
    given_up(run)
    assert undone(run) == ["a"]
    assert asked(run) == ["left"]
