"""Whichever becomes known first: what is known is not asked, what was done once is not told as done twice."""

from __future__ import annotations

from typing import Any

import pytest

from autonomy.workflow.events import Cancelled, Paused, PutBack, Resumed
from autonomy.workflow.left import leaves_something
from autonomy.workflow.model import PerformTool, RaiseException

from .test_attempts import begun_again, known
from .test_left import BESIDE, PROMISED, asked, given_up, undone
from .test_properties import check_undone
from .works import Run, steps


@pytest.mark.parametrize("choice", ["skip", "retry", "edit"])
def test_nobody_waits_for_what_is_overdue_and_may_never_be_heard_of(choice: Any) -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h }, z: { needs: [a], tool: t } }"))
    run.timer("a", "deadline")
    run.ended("a", "unknown")
    run.choose("a", choice, output={})
    assert run.status("a") != "stopping" or asked(run), "it waits for what may never be heard of, and nobody is asked"


@pytest.mark.parametrize("then", ["goes on", "is given up"])
def test_what_nobody_had_begun_again_is_not_begun_where_the_first_was_done(then: str) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool)
    known(run, first, "done")
    run.send(Paused(run.tick(), "person:x"))
    run.send(PutBack(run.tick(), second))
    if then == "goes on":
        run.send(Resumed(run.tick(), "person:x"))
        assert [one.path for one in run.commands(PerformTool)] == ["z"]
    else:
        given_up(run)
        assert undone(run) == ["a"]
    assert asked(run) == []


def test_what_nobody_had_undone_again_is_not_undone_where_the_first_has_done_it() -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    first = begun_again(run)
    second = run.command("a", PerformTool)
    known(run, first, "done")
    run.send(Paused(run.tick(), "person:x"))
    run.send(PutBack(run.tick(), second))
    run.send(Resumed(run.tick(), "person:x"))
    assert not run.commands(PerformTool), "it is undone already"


def test_a_third_attempt_that_is_held_back_is_not_begun_where_the_first_was_done() -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    known(run, first, "done")
    run.ended("a", "unknown")
    run.send(Paused(run.tick(), "person:x"))
    run.choose("a", "retry")
    known(run, second, "failed")
    run.send(Resumed(run.tick(), "person:x"))
    assert "run_1:a:3" not in {one.id for one in run.told}


@pytest.mark.parametrize("second_was", ["failed", "done"])
@pytest.mark.parametrize("last", ["the second", "the third"])
def test_each_time_that_a_step_was_undone_again_is_told(second_was: str, last: str) -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    first, second = begun_again(run), begun_again(run)
    third = run.command("a", PerformTool).id
    known(run, first, "done")
    assert asked(run) == ["twice"]
    for id in (third, second) if last == "the second" else (second, third):
        known(run, id, second_was if id == second else "done")
    assert asked(run) == ["twice"] * (1 if second_was == "failed" else 2), run.state.status


WITHIN = """
e:
  deadline: 1h
  onException: [{ then: skip }]
  foreach: { items: '[1]', most: 4, steps: { a: { tool: t, compensate: { tool: u } } } }
z: { tool: t }
"""


@pytest.mark.parametrize("first_was", ["done", "failed"])
def test_nobody_is_asked_about_what_is_known_in_a_loop_that_was_given_up(first_was: str) -> None:
    run = Run(steps(WITHIN))
    first = run.command("e[0]/a", PerformTool).id
    run.ended("e[0]/a", "unknown")
    run.choose("e[0]/a", "retry")
    second = run.command("e[0]/a", PerformTool).id
    run.ended("e[0]/a", "unknown")
    run.timer("e", "deadline")
    known(run, second, "failed")
    known(run, first, first_was)
    assert asked(run) == []


@pytest.mark.parametrize("when", ["while it runs", "while it is undone"])
def test_what_a_person_says_was_done_was_done_by_the_attempt_that_was(when: str) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    if when == "while it is undone":
        given_up(run)
    run.choose("a", "edit", output={})
    known(run, second, "failed")
    known(run, first, "done")
    assert asked(run) == []


def test_what_a_person_says_was_done_was_not_by_an_attempt_that_is_known_not_to_be() -> None:
    run = Run(steps(BESIDE))
    first, second = begun_again(run), begun_again(run)
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    given_up(run)
    run.choose("a", "edit", output={})
    known(run, first, "failed")
    known(run, second, "done")
    assert undone(run) == ["a"]
    assert asked(run) == []


@pytest.mark.parametrize("how", ["it broke its contract", "it became known late"])
def test_what_was_skipped_and_done_is_undone_after_what_was_done_later(how: str) -> None:
    run = Run(steps(PROMISED + "x: { tool: t }\nb: { needs: [a, x], tool: t, compensate: { tool: u } }"))
    id = run.command("a", PerformTool).id
    if how == "it broke its contract":
        run.done("a", {"x": 1})
        run.choose("a", "skip")
    else:
        run.ended("a", "unknown")
        run.choose("a", "skip")
        known(run, id, "done")
    run.done("x")
    run.done("b")
    given_up(run)
    assert undone(run) == ["b", "a"]


def test_what_broke_its_contract_is_not_left_where_the_attempt_after_it_came_to_nothing() -> None:
    run = Run(steps(PROMISED))
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "edit", output={"n": 1})
    known(run, second, "failed")
    given_up(run)
    assert undone(run) == ["a"]
    assert asked(run) == []


def test_what_may_be_done_twice_is_told_once() -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    known(run, first, "done")
    assert asked(run) == ["twice"]
    given_up(run)
    known(run, second, "done")
    assert undone(run) == ["a"]
    assert asked(run) == ["twice"]


def test_nobody_is_asked_about_what_was_cancelled_once_it_is_known_not_to_be_done() -> None:
    run = Run(steps("{ a: { tool: t }, m: { tool: t }, k: { needs: [m], cancel: [a] }, z: { tool: t } }"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.done("m")
    known(run, id, "failed")
    assert asked(run) == []


FOLLOWED = (
    PROMISED
    + """
x: { tool: t }
b: { needs: [a, x], tool: t, compensate: { tool: u } }
y: { tool: t, compensate: { tool: u } }
"""
)


@pytest.mark.parametrize("how", ["known after", "said while it is undone"])
def test_what_was_skipped_is_undone_in_its_turn_whenever_it_is_known_to_be_done(how: str) -> None:
    run = Run(steps(FOLLOWED))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.done("x")
    run.done("b")
    run.ended("y", "failed")
    run.choose("y", "skip")
    if how == "known after":
        known(run, id, "done")
        given_up(run)
    else:
        given_up(run)
        run.choose("a", "edit", output={"n": 1})
    assert undone(run) == ["b", "a"]


def test_what_broke_its_contract_was_done_before_what_was_done_since() -> None:
    run = Run(steps(FOLLOWED))
    run.done("a", {"x": 1})
    run.done("y")
    run.choose("a", "skip")
    given_up(run)
    run.ended("x", "failed")
    assert undone(run) == ["y", "a"]


OVERDUE = "{ a: { tool: t, deadline: 1h, compensate: { tool: u } }, z: { tool: t } }"


def test_somebody_is_asked_whether_what_was_overdue_was_done() -> None:
    run = Run(steps(OVERDUE))
    run.timer("a", "deadline")
    run.ended("a", "unknown")
    given_up(run)
    assert asked(run) == ["unknown"]
    run.choose("a", "edit", output={})
    assert undone(run) == ["a"]
    check_undone(run)


# ── what was cancelled ──

CUT = "{ a: { tool: t }, m: { tool: t }, k: { needs: [m], cancel: [a] }, z: { tool: t } }"


def test_nobody_is_asked_about_what_was_cancelled_before_nobody_knew() -> None:
    run = Run(steps(CUT))
    id = run.command("a", PerformTool).id
    run.done("m")
    run.ended("a", "unknown")
    known(run, id, "failed")
    assert asked(run) == []


def test_what_was_cancelled_is_not_begun_again() -> None:
    run = Run(steps(CUT))
    run.done("m")
    run.ended("a", "unknown")
    run.choose("a", "retry")
    assert "run_1:a:2" not in {one.id for one in run.told}


def test_nobody_is_asked_about_what_was_overdue_and_cancelled() -> None:
    text = OVERDUE.removesuffix("}") + ", m: { tool: t }, k: { needs: [m], cancel: [a] }, b: { needs: [a], tool: t } }"
    run = Run(steps(text))
    run.timer("a", "deadline")
    run.done("m")
    run.ended("a", "unknown")
    known(run, "run_1:a:1", "interrupted")
    assert asked(run) == []


def test_nobody_goes_on_with_what_breaks_its_contract_though_it_was_cancelled() -> None:
    uses = 'b: { needs: [a], tool: t, arguments: { n: "steps.a.output.n" } }'
    run = Run(steps(f"{PROMISED}{uses}\nm: {{ tool: t }}\nk: {{ needs: [m], cancel: [a] }}"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.done("m")
    known(run, id, "done")  # without an `n`
    assert run.status("b") == "-", run.statuses


# ── by which attempt ──


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_what_a_person_says_was_done_was_done_once_whichever_is_known_first(order: Any) -> None:
    run = Run(steps(BESIDE))
    ids = {"first": begun_again(run), "second": begun_again(run)}
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    given_up(run)
    run.choose("a", "edit", output={})
    for which in order:
        known(run, ids[which], "failed" if which == "first" else "done")
    assert undone(run) == ["a"]
    assert asked(run) == []


@pytest.mark.parametrize(("second_was", "told"), [("failed", 0), ("done", 1)])
def test_a_third_attempt_that_was_never_begun_is_not_the_second_time(second_was: str, told: int) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    known(run, first, "done")
    run.ended("a", "unknown")
    run.send(Paused(run.tick(), "person:x"))
    run.choose("a", "retry")
    given_up(run)
    known(run, second, second_was)
    assert "run_1:a:3" not in {one.id for one in run.told}
    assert undone(run) == ["a"]
    assert asked(run) == ["twice"] * told


# ── after the end ──


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_what_was_undone_twice_is_told_after_the_end_whichever_is_known_first(order: Any) -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    ids = {"first": begun_again(run), "second": run.command("a", PerformTool).id}
    run.send(Cancelled(run.tick(), "person:x", "r"))
    for which in order:
        known(run, ids[which], "done")
    assert [one.kind for one in run.told if isinstance(one, RaiseException) and not one.path] == ["twice"]


def test_what_was_undone_after_the_end_is_not_left_though_nobody_knew() -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.send(Cancelled(run.tick(), "person:x", "r"))
    known(run, id, "done")
    assert run.status("a") == "undone"
    assert not leaves_something(run.definition, run.state)


def test_what_is_undone_is_not_left_once_it_is_known_to_have_been_done() -> None:
    run = Run(steps(BESIDE))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    given_up(run)
    run.choose("a", "edit", output={})
    undo = run.command("a", PerformTool).id
    run.send(Cancelled(run.tick(), "person:x", "r"))
    known(run, undo, "done")
    known(run, id, "done")
    assert run.status("a") == "undone"
    assert not leaves_something(run.definition, run.state)


def test_what_the_first_undid_is_not_left_where_the_run_ended_meanwhile() -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    known(run, first, "done")
    run.send(Cancelled(run.tick(), "person:x", "r"))
    known(run, second, "failed")
    assert not leaves_something(run.definition, run.state)


# ── several attempts ──


def test_what_was_done_and_is_begun_again_after_a_pause_is_told() -> None:
    run = Run(steps(OVERDUE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    known(run, first, "done")
    run.ended("a", "unknown")
    run.send(Paused(run.tick(), "person:x"))
    run.choose("a", "retry")
    run.timer("a", "deadline")
    run.choose("a", "retry")
    run.send(Resumed(run.tick(), "person:x"))
    run.done("a", {})
    known(run, second, "failed")
    run.done("z")
    assert asked(run) == ["twice"]


@pytest.mark.parametrize("choice", ["skip", "retry"])
def test_nobody_is_asked_about_what_was_cancelled_once_no_attempt_was_done(choice: str) -> None:
    run = Run(steps(CUT.replace("a: { tool: t }", "a: { tool: t, compensate: { tool: u } }")))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.done("m")
    known(run, second, "failed")
    run.choose("a", choice)
    known(run, first, "failed")
    given_up(run)
    assert asked(run) == []
