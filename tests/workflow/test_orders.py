"""What is known, said and begun in odd orders: nothing is begun twice, forgotten, or told though it is not so."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from autonomy.workflow.events import Chosen, Performed
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import PerformTool, RaiseException

from .test_attempts import begun_again, known
from .test_left import BESIDE, PROMISED, asked, given_up, undone
from .works import Run, steps

GIVES_UP = """
t: {{ tool: t }}
w: {{ tool: t }}
c:
  needs: [w]
  deadline: 1h
  onException: [{{ kinds: [overdue], then: skip }}]
  choose: {{ branches: {{ y: {{ when: 'true', steps: {{ over: {{ end: {{ status: done, reason: x }} }} }} }} }} }}
{more}
"""


def ending(more: str) -> Run:
    run = Run(steps(GIVES_UP.format(more=more)))
    id = run.command("t", PerformTool).id
    run.ended("t", "unknown")
    run.choose("t", "retry")
    run.send(Performed(run.tick(), id, "done"))
    run.done("t")
    assert asked(run) == ["twice"]
    return run


def test_items_that_were_put_off_begin_where_the_end_is_given_up() -> None:
    run = ending("f: { needs: [w], foreach: { items: '[1, 2]', most: 4, steps: { i: { tool: t } } } }")
    run.done("w")
    assert run.status("c[y]/over") == "running"
    run.timer("c", "deadline")
    assert run.status("c") == "skipped"
    assert run.status("f[0]/i") == "running", run.statuses


def test_the_next_item_that_was_put_off_begins_where_the_end_is_given_up() -> None:
    run = ending("f: { foreach: { items: '[1, 2]', most: 4, atOnce: 1, steps: { i: { tool: t } } } }")
    run.done("w")
    run.done("f[0]/i")
    run.timer("c", "deadline")
    run.choose("", "skip")
    assert run.status("f[1]/i") == "running", run.statuses


def test_the_next_round_that_was_put_off_begins_where_the_end_is_given_up() -> None:
    run = ending("f: { repeat: { most: 4, until: 'false', steps: { i: { tool: t } } } }")
    run.done("w")
    run.done("f[0]/i")
    run.timer("c", "deadline")
    run.choose("", "skip")
    assert run.status("f[1]/i") == "running", run.statuses


def test_what_a_cancel_step_has_cancelled_does_not_begin() -> None:
    run = Run(steps("{ x: { tool: t, alone: w }, c: { cancel: [y], alone: w }, y: { tool: t, alone: w } }"))
    assert run.statuses == {"x": "running", "c": "waiting", "y": "waiting"}
    run.done("x")
    assert run.status("y") == "cancelled", run.statuses


@pytest.mark.parametrize("choice", ["skip", "edit"])
@pytest.mark.parametrize("when", ["before the end", "after the end"])
def test_what_was_done_twice_is_told_though_a_person_was_asked_meanwhile(choice: Any, when: str) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    known(run, first, "done")
    given_up(run)
    run.choose("a", choice, output={})
    if when == "before the end":
        known(run, second, "done")
        undone(run)
        assert asked(run) == ["twice"], run.state.status  # undone once, known to be done twice, and nobody has seen it
        return
    undone(run)
    seen = asked(run)
    if seen:
        run.choose("", "skip")
    assert run.state.status == "compensated"
    before = len(run.told)
    known(run, second, "done")
    told = [one.kind for one in run.told[before:] if isinstance(one, RaiseException)]
    assert seen == ["twice"] or told in (["twice"], ["left"]), (seen, told)


def test_twice_is_not_taken_back_where_nobody_knows_of_the_second() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h, compensate: { tool: u } }, z: { tool: t } }"))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.timer("a", "deadline")
    known(run, first, "done")
    assert sorted(asked(run)) == ["overdue", "twice"]
    run.choose("a", "edit", output={})
    run.send(Performed(run.tick(), second, "unknown"))
    assert asked(run) == ["twice"]
    run.send(Performed(run.tick(), second, "done"))
    assert asked(run) == ["twice"]


def test_first_done_is_not_twice_where_the_second_was_overdue_and_failed() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h, compensate: { tool: u } }, z: { tool: t } }"))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.timer("a", "deadline")
    known(run, second, "failed")
    known(run, first, "done")
    assert (asked(run), run.status("a")) == ([], "done")


@pytest.mark.parametrize("then", ["nothing", "done"])
def test_what_a_person_said_was_done_is_not_told_as_left(then: str) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    run.ended("a", "failed", again=False)
    run.choose("a", "skip")
    given_up(run)
    assert asked(run) == ["unknown"]
    run.choose("a", "edit", output={})
    if then == "done":
        known(run, first, "done")
    assert undone(run) == ["a"]
    assert (asked(run), run.state.status) == ([], "compensated")


def test_twice_is_taken_back_after_the_step_was_undone() -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "edit", output={})
    given_up(run)
    known(run, first, "done")
    assert undone(run) == ["a"]
    known(run, second, "failed")
    assert (asked(run), run.state.status) == ([], "compensated")


@pytest.mark.parametrize("choice", ["skip", "edit"])
@pytest.mark.parametrize("second_was", ["failed", "done"])
def test_what_undid_a_step_is_told_as_twice_once_and_only_where_it_was(choice: Any, second_was: str) -> None:
    run = Run(steps(BESIDE))
    run.done("a")
    given_up(run)
    id = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    known(run, id, "done")
    run.choose("a", choice)
    known(run, second, second_was)
    assert asked(run) == ([] if second_was == "failed" else ["twice"])


def test_what_was_put_off_and_is_no_longer_there_is_not_begun() -> None:
    one = steps("{ t: { tool: t }, x: { needs: [t], tool: t }, v: { tool: t } }")
    two = steps("{ t: { tool: t }, v: { tool: t } }")
    run = Run(one)
    state = replace(run.state, put_off=(("consider", "x"),))
    assert not obstacles(state, one, two)
    migrate(state, one, two, 5)


def test_what_broke_its_contract_is_told_though_its_retry_was_put_off() -> None:
    run = Run(
        steps(PROMISED + "t: { tool: t }\nw: { tool: t }\nover: { needs: [w], end: { status: done, reason: x } }")
    )
    tid = run.command("t", PerformTool).id
    run.ended("t", "unknown")
    run.choose("t", "retry")
    run.send(Performed(run.tick(), tid, "done"))
    run.done("t")
    first = begun_again(run)
    run.done("w")
    run.done("a", {"x": 1})
    run.choose("a", "retry")
    assert run.status("a") in ("retrying", "running")
    run.send(Performed(run.tick(), first, "done", {"n": 1}))
    run.send(Chosen(run.tick(), "run_1::0:twice.t.1", "compensate", by="ada"))
    run.ended("z", "failed")
    assert undone(run)
    told = [
        one.detail["command"] for one in run.told if isinstance(one, RaiseException) and one.kind in ("twice", "left")
    ]
    assert len([one for one in told if ":a:" in one]) >= 1, told


@pytest.mark.parametrize(
    "work", ["foreach: { items: '[1, 2]', most: 9, steps: { i: { tool: t } } }", "wait: { duration: 1h }"]
)
def test_a_step_that_was_taken_out_and_put_in_as_another_kind_is_not_done_by_it(work: str) -> None:
    one = steps("{ a: { tool: t }, z: { tool: t }, y: { needs: [a, z], tool: t } }")
    none = steps("{ z: { tool: t }, y: { needs: [z], tool: t } }")
    other = steps(f"{{ a: {{ {work} }}, z: {{ tool: t }}, y: {{ needs: [a, z], tool: t }} }}")
    run = Run(one)
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    run.move(none, migrate(run.state, one, none, run.tick()))
    run.move(other, migrate(run.state, none, other, run.tick()))
    assert run.status("a") == "running"
    run.send(Performed(run.tick(), id, "done", {"of": id}))
    assert run.status("a") == "running", run.statuses


def test_what_a_person_is_asked_about_does_not_begin_by_itself() -> None:
    run = ending("a: { tool: t, deadline: 30m }")
    run.done("w")
    run.ended("a", "interrupted")
    run.timer("a", "deadline")
    assert sorted(asked(run)) == ["overdue", "twice"]
    run.timer("c", "deadline")
    assert sorted(asked(run)) == ["overdue", "twice"]
    assert run.status("a") == "blocked"


@pytest.mark.parametrize("second_was", ["done", "failed"])
def test_nobody_is_asked_any_more_once_both_attempts_are_known(second_was: Any) -> None:
    run = Run(steps(BESIDE))
    first = begun_again(run)
    second = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "skip")
    given_up(run)
    assert asked(run) == ["unknown"]
    known(run, first, "done")
    known(run, second, second_was)
    assert undone(run) == ["a"]
    assert asked(run) == (["twice"] if second_was == "done" else [])


def test_items_put_off_while_an_end_waits_go_on_under_the_new_wording() -> None:
    text = "f: { foreach: { items: '[1, 2]', most: 4, atOnce: 1, steps: { NAME: { tool: t } } } }"
    run = ending(text.replace("NAME", "i"))
    run.done("w")
    run.done("f[0]/i")
    new = steps(GIVES_UP.format(more=text.replace("NAME", "j")))
    assert not obstacles(run.state, run.definition, new)
    run.move(new, migrate(run.state, run.definition, new, run.tick()))
    run.timer("c", "deadline")
    run.choose("", "skip")
    assert run.status("f[1]/j") == "running", run.statuses


def test_what_comes_before_a_step_is_skipped_once_that_one_has_begun_whatever_it_came_to() -> None:
    run = Run(steps("{ m: { tool: t }, c: { tool: t }, b: { needs: [m], before: [c], tool: t } }"))
    run.ended("c", "failed", again=False)
    run.choose("c", "skip")
    run.done("m")
    assert run.status("b") == "skipped", "c has begun"


def test_a_step_comes_too_late_for_one_whose_output_a_person_gave() -> None:
    run = Run(steps("{ a: { when: '1 / 0 > 1', tool: t }, m: { tool: t }, b: { needs: [m], before: [a], tool: t } }"))
    run.choose("a", "edit", output={})
    run.done("m")
    assert run.status("b") == "skipped"
