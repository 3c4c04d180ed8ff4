"""What is looked at when: steps that wait for a word, for the end, or for a condition that could not be computed."""

from __future__ import annotations

import pytest

from autonomy.workflow.definition import Definition
from autonomy.workflow.events import Paused, Performed, Reprioritised, Resumed, TaskEnded
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import EndRun, OpenTask, PerformTool, Reprioritise, TellChildren

from .test_left import asked
from .works import Run, steps

END = "end: { status: done, reason: enough }"
GROUP = f"""
a: {{ tool: t }}
w: {{ tool: t }}
g:
  needs: [w]
  deadline: 1h
  choose: {{ branches: {{ x: {{ when: "true", steps: {{ over: {{ {END} }} }} }} }} }}
  RULE
z: {{ tool: t }}
y: {{ needs: [z], tool: t }}
"""


def moved(run: Run, new: Definition) -> None:
    """Move the run to another wording, which nothing stands in the way of."""
    run.move(new, migrate(run.state, run.definition, new, run.tick()))


def begun_twice(run: Run) -> None:
    """Let the step `a` be done twice, which somebody has to see before the run ends."""
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.done("a")
    run.send(Performed(run.tick(), id, "done"))
    assert asked(run) == ["twice"]


# ── put in again ──


def test_a_step_put_in_again_after_it_was_skipped_asks_under_an_id_of_its_own() -> None:
    one, both = steps("{ z: { tool: t } }"), steps("{ a: { tool: t }, z: { tool: t } }")
    never = steps("{ a: { tool: t, when: 'false' }, z: { tool: t } }")
    run = Run(both)
    run.done("a")
    moved(run, one)
    moved(run, never)
    assert run.status("a") == "skipped"
    moved(run, one)
    moved(run, both)
    assert run.command("a", PerformTool).id == "run_1:a:2"


def test_a_step_put_in_again_is_tried_again_as_often_as_its_retry_says() -> None:
    one, both = steps("{ z: { tool: t } }"), steps("{ a: { tool: t, retry: { attempts: 2 } }, z: { tool: t } }")
    run = Run(both)
    run.done("a")
    moved(run, one)
    moved(run, both)
    run.ended("a", "failed")
    assert run.status("a") == "retrying"


def test_a_branch_that_is_over_gets_no_first_compensation() -> None:
    text = "{ g: { choose: { branches: { x: { when: 'true', steps: { a: { tool: t MORE } } } } } }, z: { tool: t } }"
    old, new = steps(text.replace("MORE", "")), steps(text.replace("MORE", ", compensate: { tool: u }"))
    run = Run(old)
    assert not obstacles(run.state, old, new)
    run.done("g[x]/a")
    [found] = obstacles(run.state, old, new)
    assert str(found) == "`g`: what `a` has done in it is not remembered, and could not be undone"


# ── the end waits until somebody has seen something ──


def test_nothing_is_tried_again_while_the_end_waits() -> None:
    over = f"w: {{ tool: t }}, over: {{ needs: [w], {END} }}"
    run = Run(steps(f"{{ a: {{ tool: t }}, r: {{ tool: t, retry: {{ attempts: 3 }} }}, {over} }}"))
    begun_twice(run)
    run.ended("r", "failed")
    run.done("w")
    assert run.status("over") == "running"
    run.timer("r", "retry")
    assert not run.commands(PerformTool)
    run.choose("", "skip")
    assert run.state.status == "done"


def test_nothing_that_waited_for_its_word_begins_while_the_end_waits() -> None:
    over = f"w: {{ tool: t }}, over: {{ needs: [w], {END} }}"
    run = Run(steps(f"{{ a: {{ tool: t }}, r: {{ tool: t, alone: x }}, s: {{ tool: t, alone: x }}, {over} }}"))
    begun_twice(run)
    run.done("w")
    assert run.status("over") == "running"
    run.done(*(path for path in "rs" if run.status(path) == "running"))
    assert not run.commands(PerformTool)


@pytest.mark.parametrize("seen", ["before", "after"])
@pytest.mark.parametrize("rule", ["", "onException: [{ then: skip }]"])
def test_a_run_goes_on_where_the_step_that_was_to_end_it_was_left(seen: str, rule: str) -> None:
    run = Run(steps(GROUP.replace("RULE", rule)))
    begun_twice(run)
    run.done("w")
    assert run.status("g[x]/over") == "running"
    run.done("z")
    assert run.status("y") == "-", "nothing more begins"
    run.timer("g", "deadline")
    if seen == "before":
        run.choose("", "skip")
    if not rule:
        run.choose("g", "skip")
    assert (run.status("g"), run.status("y")) == ("skipped", "running")


# ── words ──


@pytest.mark.parametrize("word", ["", ", alone: v"])
def test_a_step_that_waits_begins_where_the_new_wording_has_another_word_for_it(word: str) -> None:
    run = Run(steps("{ a: { tool: t, alone: w }, b: { tool: t, alone: w } }"))
    [waiting] = (path for path, state in run.statuses.items() if state == "waiting")
    [first] = (path for path, state in run.statuses.items() if state == "running")
    moved(run, steps(f"{{ {waiting}: {{ tool: t {word} }}, {first}: {{ tool: t, alone: w }} }}"))
    assert run.status(waiting) == "running"


def test_a_step_that_waits_for_its_word_is_skipped_where_the_other_has_begun_meanwhile() -> None:
    late = "b: { tool: t, alone: w, before: [c] }, c: { needs: [m], tool: t }"
    run = Run(steps(f"{{ l: {{ tool: t, alone: w }}, m: {{ tool: t }}, {late} }}"))
    assert run.status("b") == "waiting"
    run.done("m")
    assert run.status("c") == "running"
    run.done("l")
    assert run.status("b") == "skipped"


# ── a condition that cannot be computed ──


@pytest.mark.timeout(20)
def test_a_task_whose_when_cannot_be_computed_is_not_reassigned_for_ever() -> None:
    task = "task: { role: r, goal: g }, onException: [{ then: reassign, role: other }]"
    run = Run(steps(f"{{ a: {{ tool: t }}, b: {{ needs: [a], when: steps.a.output.x > 1, {task} }} }}"))
    run.done("a", {})
    assert asked(run) == ["expression"]


def unasked(more: str) -> Run:
    """A run whose step `b` could not say whether it is wanted, and can now."""
    text = f"{{ l: {{ tool: t, alone: w }}, a: {{ tool: t }}, b: {{ needs: [a], when: WHEN, tool: t, {more} }} }}"
    run = Run(steps(text.replace("WHEN", "steps.a.output.x > 1")))
    run.done("a", {})
    moved(run, steps(text.replace("WHEN", "'true'")))
    return run


def test_a_step_whose_when_failed_first_waits_for_its_word() -> None:
    run = unasked("alone: w")
    run.choose("b", "retry")
    assert (run.status("l"), run.status("b")) == ("running", "waiting")
    run.done("l")
    assert run.status("b") == "running"


def test_a_step_whose_when_failed_keeps_nobody_waiting() -> None:
    run = Run(
        steps(
            "{ a: { tool: t }, b: { needs: [a], when: steps.a.output.x > 1, tool: t, alone: w },"
            "  c: { needs: [d], tool: t, alone: w }, d: { tool: t } }"
        )
    )
    run.done("a", {})
    assert asked(run) == ["expression"]
    run.done("d")
    assert run.status("c") == "running"


def test_arguments_given_with_a_retry_are_used_though_when_had_failed() -> None:
    run = unasked("arguments: { n: '1' }")
    run.choose("b", "retry", arguments={"n": 2})
    assert run.command("b", PerformTool).arguments == {"n": 2}


# ── what comes late keeps its contract ──


@pytest.mark.parametrize("then", ["skip", "retry"])
def test_a_result_that_is_wrong_is_wrong_though_its_task_was_to_be_left(then: str) -> None:
    rule = ", onException: [{ kinds: [overdue], then: skip }]" if then == "skip" else ""
    run = Run(steps(f"{{ a: {{ task: {{ role: r, goal: g }}, deadline: 1h {rule} }}, z: {{ needs: [a], tool: t }} }}"))
    id = run.command("a", OpenTask).id
    run.timer("a", "deadline")
    if then == "retry":
        run.choose("a", "retry")
    assert run.status("a") == "stopping"
    run.send(TaskEnded(run.tick(), id, "done", {"x": 1}, breach="it is wrong"))
    assert (run.status("a"), asked(run), run.status("z")) == ("blocked", ["contract"], "-")


# ── ids of what the run as a whole tells ──


def test_a_priority_set_again_within_a_millisecond_is_told_under_an_id_of_its_own() -> None:
    run = Run(steps("{ a: { tool: t } }"))
    for word in ("high", "low", "high"):
        run.send(Reprioritised(5_000, word))
    assert len({one.id for one in run.told if isinstance(one, Reprioritise)}) == 3


def test_a_pause_within_the_same_millisecond_is_told_under_an_id_of_its_own() -> None:
    run = Run(steps("{ a: { workflow: { name: x } } }"))
    for event in (Paused(5_000, "person:x"), Resumed(5_000, "person:x"), Paused(5_000, "person:x")):
        run.send(event)
    assert len({one.id for one in run.told if isinstance(one, TellChildren)}) == 3


def test_a_group_that_is_to_begin_again_is_not_done_by_what_was_cancelled() -> None:
    run = Run(
        steps(
            f"{{ a: {{ tool: t }}, w: {{ tool: t }}, over: {{ needs: [w], {END} }},"
            "g: { deadline: 1h, choose: { branches: { x: { when: 'true', steps: { s: { tool: t } } } } } } }"
        )
    )
    begun_twice(run)
    s = run.command("g[x]/s", PerformTool).id
    run.done("w")
    run.timer("g", "deadline")
    assert run.status("g[x]/s") == "stopping"
    run.choose("g", "retry")
    run.send(Performed(run.tick(), s, "failed"))
    assert run.status("g") != "done"


def test_before_is_heeded_by_a_step_whose_when_failed_first() -> None:
    run = unasked("before: [c] }, m: { tool: t }, c: { needs: [m], tool: t")
    run.done("m")
    assert run.status("c") == "running"
    run.choose("b", "retry")
    assert run.status("b") == "skipped"


def test_a_step_that_never_began_does_not_count_as_begun() -> None:
    b = "b: { needs: [a], when: steps.a.output.x > 1, tool: t }"
    run = Run(steps(f"{{ a: {{ tool: t }}, {b}, m: {{ tool: t }}, c: {{ needs: [m], tool: t, before: [b] }} }}"))
    run.done("a", {})
    assert asked(run) == ["expression"]
    run.done("m")
    assert run.status("c") == "running", "b has not begun"


def test_a_when_that_failed_uses_no_retry_up() -> None:
    run = unasked("retry: { attempts: 2 }")
    run.choose("b", "retry")
    run.ended("b", "failed")
    assert run.status("b") == "retrying"


@pytest.mark.parametrize("then", ["it is known", "the end is off"])
def test_a_retry_that_was_put_off_is_not_begun_where_the_first_attempt_was_done(then: str) -> None:
    run = Run(steps(GROUP.replace("RULE", "onException: [{ then: skip }]") + "r: { tool: t }\n"))
    begun_twice(run)
    id = run.command("r", PerformTool).id
    run.ended("r", "unknown")
    run.choose("r", "retry")
    run.ended("r", "failed", again=False)
    run.done("w")
    run.choose("r", "retry")
    assert [one.path for one in run.commands(PerformTool)] == ["z"]
    run.send(Performed(run.tick(), id, "done"))
    assert (asked(run), run.status("r")) == (["twice"], "done"), "it is told of `a` only"
    if then == "the end is off":
        run.timer("g", "deadline")
        assert [one.path for one in run.commands(PerformTool)] == ["z"]


def test_nothing_is_asked_for_after_the_end() -> None:
    run = Run(steps(f"{{ a: {{ tool: t, deadline: 1h }}, w: {{ tool: t }}, over: {{ needs: [w], {END} }} }}"))
    id = run.command("a", PerformTool).id
    run.ended("a", "unknown")
    run.choose("a", "retry")
    run.send(Performed(run.tick(), id, "done"))
    run.done("w")
    found = run.ended("a", "failed", again=False)
    assert run.state.status == "done"
    ids = [one.id for one in found.commands]
    assert len(ids) == len(set(ids)), ids
    assert isinstance(found.commands[-1], EndRun)
