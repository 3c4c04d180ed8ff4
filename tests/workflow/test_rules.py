"""What events do to a run, kind by kind of step."""

from __future__ import annotations

import time
from typing import Any

import pytest

from autonomy.kernel.errors import AutonomyError
from autonomy.workflow import advance, encode, new_state
from autonomy.workflow.events import (
    Cancelled,
    ChildEnded,
    Chosen,
    Paused,
    Performed,
    PutBack,
    Reprioritised,
    Resumed,
    Started,
    TaskEnded,
    TimerFired,
)
from autonomy.workflow.model import (
    AskApproval,
    Emit,
    EndRun,
    OpenTask,
    PerformTool,
    RaiseException,
    Reprioritise,
    SetTimer,
    StartChild,
    Subscribe,
    TellChildren,
    Withdraw,
)

from .works import Run, definition, steps

CONTRACT = "{ type: object, properties: { price: { type: number } }, required: [price] }"


def test_outputs_flow_from_step_to_step_into_the_result() -> None:
    run = Run(
        definition("""
        input: { type: object, properties: { n: { type: integer } } }
        steps:
          one: { tool: add, arguments: { n: input.n, fixed: 3, words: "'a b'", deep: [{ x: input.n }] } }
          two: { needs: [one], tool: add, arguments: { n: steps.one.output.n + 1 } }
        result: { n: steps.two.output.n, who: run.id }
        """),
        {"n": 5},
    )
    assert run.command("one").arguments == {"n": 5, "fixed": 3, "words": "a b", "deep": [{"x": 5}]}
    run.done("one", {"n": 6})
    assert run.command("two").arguments == {"n": 7}
    run.done("two", {"n": 8})
    assert run.output == {"n": 8, "who": "run_1"}
    assert run.told[-1] == EndRun("run_1::0:end", "done", "", {"n": 8, "who": "run_1"})


def test_ids_of_commands_come_from_run_path_and_attempt() -> None:
    run = Run(steps("{ a: { tool: t, retry: { attempts: 2 }, deadline: 1h } }"))
    assert {command.id for command in run.commands()} == {"run_1::0:time", "run_1:a:1", "run_1:a:1:deadline"}
    run.ended("a", "failed")
    run.timer("a", "retry")
    assert {command.id for command in run.commands()} == {"run_1::0:time", "run_1:a:2", "run_1:a:2:deadline"}


@pytest.mark.parametrize(
    ("when", "begun"),
    [("true", True), ("false", False), ("input.n > 1", True), ("input.n > 9", False), ("input.missing", None)],
)
def test_a_step_runs_when_its_condition_is_true(when: str, begun: bool | None) -> None:
    run = Run(steps(f"{{ a: {{ tool: t, when: '{when}' }} }}"), {"n": 2})
    kinds = {None: RaiseException, True: PerformTool, False: EndRun}
    assert isinstance(run.told[-1], kinds[begun])


def test_what_follows_a_skipped_step_alone_is_skipped_and_what_has_another_need_is_not() -> None:
    run = Run(
        steps("""
        a: { tool: t, when: "false" }
        b: { needs: [a], tool: t }
        c: { tool: t }
        d: { needs: [b, c], tool: t }
        """)
    )
    run.done("c")
    assert run.statuses == {"a": "skipped", "c": "done", "b": "skipped", "d": "running"}


@pytest.mark.parametrize("number", [5, 50])
def test_an_expression_may_ask_whether_a_step_was_done(number: int) -> None:
    run = Run(
        steps(
            """
            a: { tool: t, when: input.n > 9 }
            b: { tool: t }
            c: { needs: [a, b], tool: t, arguments: { n: "has(steps.a.output) ? steps.a.output : 0" } }
            """
        ),
        {"n": number},
    )
    if number > 9:
        run.done("a", 7)
    run.done("b")
    assert run.command("c").arguments == {"n": 7 if number > 9 else 0}


# ── retries, deadlines, exceptions ──


def test_a_failure_is_tried_again_with_longer_and_longer_pauses_and_then_a_person_is_asked() -> None:
    run = Run(steps("{ a: { tool: t, retry: { attempts: 3, wait: 10s, factor: 3, longest: 20s } } }"))
    for pause in (10_000, 20_000):
        asked = run.at
        run.ended("a", "failed", reason="no answer")
        assert run.command("a", SetTimer).at == asked + 1 + pause
        run.timer("a", "retry")
    run.ended("a", "failed", reason="no answer")
    told = run.command("a", RaiseException)
    assert (told.kind, told.reason, told.role, told.choices) == (
        "failed",
        "no answer",
        "boss",
        ("retry", "edit", "skip", "compensate", "cancel"),
    )


def test_arguments_that_a_person_takes_away_are_gone() -> None:
    run = Run(steps("a: { tool: t, arguments: { n: 1 } }"))
    run.ended("a", "failed", reason="there is no `n`")
    run.send(Chosen(run.tick(), run.command("a", RaiseException).id, "retry", arguments={}))
    assert run.command("a", PerformTool).arguments == {}


@pytest.mark.parametrize(("outcome", "kind"), [("denied", "denied"), ("unknown", "unknown"), ("failed", "failed")])
def test_what_must_not_be_tried_again_is_not(outcome: str, kind: str) -> None:
    run = Run(steps("{ a: { tool: t, retry: {} } }"))
    run.ended("a", outcome, again=False)
    assert run.command("a", RaiseException).kind == kind


def test_what_nobody_carried_out_is_begun_again_and_uses_no_try_up() -> None:
    run = Run(steps("{ a: { tool: t, retry: { attempts: 2 } } }"))
    run.ended("a", "interrupted")
    assert (run.command("a").id, run.state.steps["a"].attempt) == ("run_1:a:2", 2)
    run.ended("a", "failed")
    assert run.status("a") == "retrying"
    run.timer("a", "retry")
    run.done("a", 1)
    assert run.state.status == "done"


def test_what_is_interrupted_for_ever_reaches_a_named_cap() -> None:
    run = Run(steps("{ a: { tool: t } }", caps={"attempts": 3}))
    for _ in range(3):
        run.ended("a", "interrupted")
    assert (run.state.status, run.state.reason) == ("stopped", "cap.attempts")


def test_a_compensation_that_nobody_carried_out_is_asked_for_again_but_not_for_ever() -> None:
    text = (
        "{ a: { tool: t, compensate: { tool: u } }, b: { needs: [a], tool: t, onException: [{ then: compensate }] } }"
    )
    run = Run(steps(text, caps={"attempts": 2}))
    run.done("a", 1)
    run.ended("b", "failed")
    run.ended("a", "interrupted")
    assert (run.state.status, run.command("a").id) == ("compensating", "run_1:a:1:undo.2")
    run.ended("a", "interrupted", reason="its process died")
    asked = run.command("a", RaiseException)
    assert (asked.kind, asked.reason) == ("failed", "its process died")


def test_an_action_that_waits_at_the_gate_goes_on_when_it_is_approved_there() -> None:
    run = Run(steps("{ a: { tool: t } }"))
    run.ended("a", "held")
    assert run.status("a") == "held"
    assert run.ended("a", "held").ignored == "`a` is held already"
    run.done("a", 1)
    assert run.state.status == "done"


def test_an_action_that_ends_after_its_time_still_counts_and_nobody_needs_to_decide() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1m }, b: { needs: [a], tool: t } }"))
    run.timer("a", "deadline")
    exception = run.command("a", RaiseException)
    assert (exception.kind, run.status("a")) == ("overdue", "blocked")
    found = run.done("a", 1)
    assert Withdraw(f"{exception.id}:withdraw", exception.id) in found.commands
    assert run.statuses == {"a": "done", "b": "running"}


LATE = "{ a: { tool: t, deadline: 1m, compensate: { tool: u }, onException: [%s] }, b: { needs: [a], tool: t } }"


@pytest.mark.parametrize(("outcome", "a", "b"), [("done", "done", "running"), ("failed", "skipped", "skipped")])
def test_what_is_skipped_for_its_time_counts_where_it_was_done_after_all(outcome: str, a: str, b: str) -> None:
    run = Run(steps(LATE % "{ kinds: [overdue], then: skip }"))
    id = run.command("a", PerformTool).id
    run.timer("a", "deadline")
    assert run.statuses == {"a": "stopping"}
    run.send(Performed(run.tick(), id, outcome))
    assert run.statuses == {"a": a, "b": b}


@pytest.mark.parametrize(("outcome", "attempt"), [("done", 1), ("denied", 2)])
def test_what_is_tried_again_after_its_time_is_begun_once_the_first_try_has_ended(outcome: str, attempt: int) -> None:
    run = Run(steps(LATE % ""))
    run.timer("a", "deadline")
    found = run.choose("a", "retry")
    assert not [one for one in found.commands if isinstance(one, PerformTool)]
    run.ended("a", outcome)
    assert (run.state.steps["a"].attempt, run.status("a")) == (attempt, "done" if attempt == 1 else "running")


@pytest.mark.parametrize("outcome", ["done", "failed", "unknown"])
def test_an_output_that_a_person_gives_counts_once_the_action_has_ended(outcome: str) -> None:
    run = Run(steps(LATE % ""))
    run.timer("a", "deadline")
    run.choose("a", "edit", output="by hand")
    assert run.status("a") == "stopping"
    run.ended("a", outcome, output="by itself")
    assert (run.status("a"), run.state.steps["a"].output, run.status("b")) == ("done", "by hand", "running")


def test_what_was_skipped_while_nobody_knew_is_asked_about_before_anything_is_undone() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u }, onException: [{ then: skip }] }, c: { tool: t } }"))
    run.ended("a", "unknown")
    assert run.status("a") == "skipped"
    run.send(Cancelled(run.tick(), compensate=True))
    run.ended("c", "failed")
    assert (run.command("a", RaiseException).kind, run.status("a")) == ("unknown", "blocked")
    run.choose("a", "edit", output={})
    assert run.command("a", PerformTool).undoes


def test_what_was_done_and_came_to_the_wrong_thing_is_undone() -> None:
    run = Run(steps(f"{{ a: {{ tool: t, output: {CONTRACT}, compensate: {{ tool: u }} }} }}"))
    run.done("a", {"prize": 3})
    run.choose("a", "compensate")
    assert run.command("a", PerformTool).undoes
    run.done("a")
    assert (run.state.status, run.status("a")) == ("compensated", "undone")


def test_an_action_of_unknown_ending_is_charged_once() -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t } }", caps={"spend": "1.50 EUR"}))
    run.ended("a", "unknown", cost=100)
    run.send(Performed(run.tick(), "run_1:a:1", "done", cost=90))
    assert (run.state.spent, run.status("b")) == (90, "running")
    run.done("b", cost=61)
    assert (run.state.status, run.state.spent) == ("stopped", 151)


def test_what_nobody_knows_may_become_known_while_a_person_is_asked() -> None:
    run = Run(steps("{ a: { tool: t } }"))
    id = run.command("a").id
    run.ended("a", "unknown", reason="no answer came")
    assert run.send(Performed(run.tick(), id, "unknown")).ignored == "a person is asked about `a` already"
    run.send(Performed(run.tick(), id, "done", 7))
    assert run.state.status == "done"


@pytest.mark.parametrize("choice", ["retry", "skip"])
def test_what_was_not_done_after_all_has_cost_what_it_has_and_a_person_still_says_how_it_goes_on(choice: Any) -> None:
    run = Run(steps("{ a: { tool: t } }", caps={"spend": "1.50 EUR"}))
    id = run.command("a").id
    run.ended("a", "unknown", reason="no answer came")
    run.send(Performed(run.tick(), id, "failed", cost=40))
    assert (run.status("a"), run.state.spent) == ("blocked", 40)
    assert run.send(Performed(run.tick(), id, "done")).ignored, "it has ended"
    run.choose("a", choice)
    if choice == "retry":
        run.done("a", cost=60)
    assert (run.state.status, run.state.spent) == ("done", 100 if choice == "retry" else 40)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{ then: skip }", "done"),
        ("{ kinds: [failed], then: fail }", "failed"),
        ("{ then: compensate }", "compensated"),
        ("{ kinds: [denied], then: fail }", "running"),
        ("{ then: ask, person: ada }", "running"),
    ],
)
def test_a_rule_says_what_is_done_about_an_exception(rule: str, expected: str) -> None:
    run = Run(steps(f"{{ a: {{ tool: t, onException: [{rule}] }} }}"))
    run.ended("a", "failed", reason="no")
    assert run.state.status == expected
    if expected == "running":
        told = run.command("a", RaiseException)
        assert (told.role, told.person) == ((None, "ada") if "person" in rule else ("boss", None))


def test_a_task_is_given_to_another_role_once_and_then_a_person_is_asked() -> None:
    text = "{ a: { task: { role: clerk, goal: Do it }, onException: [{ then: reassign, role: expert }] } }"
    run = Run(steps(text))
    run.ended("a", "failed", reason="too hard")
    assert (run.command("a").role, run.command("a").returned) == ("expert", "too hard")
    run.ended("a", "failed", reason="too hard for me too")
    assert run.command("a", RaiseException).role == "boss"


@pytest.mark.parametrize(
    ("choice", "more", "status", "a"),
    [
        ("retry", {}, "running", "running"),
        ("edit", {"output": 5}, "done", "done"),
        ("skip", {}, "done", "skipped"),
        ("compensate", {}, "compensated", "cancelled"),
        ("cancel", {}, "cancelled", "blocked"),
    ],
)
def test_a_person_chooses_and_the_run_goes_on(choice: str, more: dict[str, Any], status: str, a: str) -> None:
    run = Run(steps("{ a: { tool: t } }"))
    run.ended("a", "denied", reason="not allowed")
    run.choose("a", choice, **more)
    assert (run.state.status, run.status("a")) == (status, a)


def test_a_person_may_change_what_is_tried_again() -> None:
    run = Run(steps("{ a: { tool: t, arguments: { n: 1 } }, b: { task: { role: r, goal: g, input: { n: 1 } } } }"))
    run.ended("a", "denied")
    run.choose("a", "retry", arguments={"n": 2})
    assert run.command("a").arguments == {"n": 2}
    run.ended("b", "failed")
    run.choose("b", "retry", arguments={"n": 3})
    assert run.command("b").input == {"n": 3}


def test_an_expression_that_fails_is_an_exception_with_its_code() -> None:
    run = Run(steps("{ a: { tool: t, arguments: { n: 1 / input.n } } }"), {"n": 0})
    told = run.command("a", RaiseException)
    assert (told.kind, told.detail) == ("expression", {"code": "expression.failed"})
    run.choose("a", "retry")
    assert run.command("a", RaiseException).id == "run_1:a:2:expression.exception"
    run.choose("a", "edit", output=1)
    assert run.state.status == "done"


def test_a_result_that_cannot_be_computed_waits_for_a_person() -> None:
    run = Run(definition({"steps": {"a": {"tool": "t"}}, "result": {"n": "steps.a.output.n"}}))
    run.done("a", {})
    assert run.state.status == "running"
    assert run.choose("", "retry").ignored == "`retry` is not possible here"
    run.choose("", "edit", output={"n": 1})
    assert run.output == {"n": 1}


# ── contracts (R049) ──


def test_a_result_that_breaks_its_contract_goes_back_once_with_the_reason_and_then_a_person_is_asked() -> None:
    run = Run(steps(f"{{ a: {{ task: {{ role: clerk, goal: Price it }}, output: {CONTRACT} }} }}"))
    run.done("a", {"price": "much"})
    assert "price" in run.command("a", OpenTask).returned
    run.done("a", {"prize": 3})
    told = run.command("a", RaiseException)
    assert (told.kind, told.detail) == ("contract", {"output": {"prize": 3}})
    assert "does not fit" in run.choose("a", "edit", output={"price": None}).ignored
    run.choose("a", "edit", output={"price": 3})
    assert run.state.status == "done"


def test_a_tools_result_that_breaks_its_contract_is_never_asked_for_twice() -> None:
    run = Run(steps(f"{{ a: {{ tool: t, output: {CONTRACT}, retry: {{}} }} }}"))
    run.done("a", {})
    assert (run.command("a", RaiseException).kind, run.commands(PerformTool)) == ("contract", [])


def test_figures_that_do_not_agree_are_an_exception_of_their_own() -> None:
    text = "{ a: { agree: { figures: { ledger: input.one, bank: input.two }, within: 0.5 } } }"
    agreed = Run(steps(text + "", result={"v": "steps.a.output.value"}), {"one": 10, "two": 10.5})
    assert agreed.output == {"v": 10}
    run = Run(steps(text, result={"v": "steps.a.output.value"}), {"one": 10, "two": 11})
    told = run.command("a", RaiseException)
    assert (told.kind, told.reason) == ("conflict", "ledger says 10, bank says 11")
    assert told.detail == {"figures": {"ledger": 10, "bank": 11}}
    run.choose("a", "edit", output={"value": 11})
    assert run.output == {"v": 11}


# ── tasks, approvals, children, waits ──


def test_a_task_carries_goal_input_contract_and_time() -> None:
    task = "task: { role: clerk, capability: pricing, goal: Price it, input: { sku: input.sku }, by: agent }"
    run = Run(steps(f"{{ a: {{ {task}, output: {CONTRACT}, deadline: 1h }} }}"), {"sku": "b-1"})
    command = run.command("a", OpenTask)
    assert (command.role, command.capability, command.by) == ("clerk", "pricing", "agent")
    assert (command.input, command.due) == ({"sku": "b-1"}, 1_000 + 3_600_000)
    assert command.contract["required"] == ["price"]


def test_a_task_handed_on_goes_to_the_other_role_with_what_there_is_and_not_for_ever() -> None:
    run = Run(steps("{ a: { task: { role: clerk, goal: g } } }", caps={"attempts": 4}))
    for role in ("expert", "clerk", "expert"):
        run.ended("a", "handed_on", role=role, output={"so far": 1}, reason="not mine")
        command = run.command("a")
        assert (command.role, command.handed, command.returned) == (role, {"so far": 1}, "not mine")
    run.ended("a", "handed_on", role="clerk")
    assert (run.state.status, run.state.reason) == ("stopped", "cap.attempts")


def test_a_checkpoint_asks_people_and_a_no_is_an_exception() -> None:
    text = "{ a: { approval: { roles: { lead: 2 }, question: 'Really?', show: { n: input.n } }, deadline: 1d } }"
    run = Run(steps(text), {"n": 3})
    asked = run.command("a", AskApproval)
    assert (asked.roles, asked.show, asked.due) == ({"lead": 2}, {"n": 3}, 1_000 + 86_400_000)
    run.approve("a", "refused")
    assert run.command("a", RaiseException).reason == "refused by ada"


@pytest.mark.parametrize("outcome", ["given", "refused"])
def test_a_checkpoint_may_let_the_run_go_on_after_a_no(outcome: str) -> None:
    text = "{ a: { approval: { roles: { lead: 1 }, question: q, refusal: continue } } }"
    run = Run(steps(text, result={"yes": "steps.a.output.approved"}))
    run.approve("a", outcome)
    assert run.output == {"yes": outcome == "given"}


def test_a_checkpoint_nobody_decides_in_time_is_overdue() -> None:
    run = Run(steps("{ a: { approval: { roles: { lead: 1 }, question: q } } }"))
    run.approve("a", "expired")
    assert run.command("a", RaiseException).kind == "overdue"


def test_a_child_gets_its_input_and_its_end_is_the_steps() -> None:
    run = Run(steps("{ a: { workflow: { name: other }, arguments: { n: input.n } } }"), {"n": 1}, depth=2)
    command = run.command("a", StartChild)
    assert (command.workflow, command.input, command.depth) == ("other", {"n": 1}, 3)
    run.child("a", "failed")
    assert run.command("a", RaiseException).kind == "child"


def test_workflows_inside_one_another_have_a_depth() -> None:
    run = Run(steps("{ a: { workflow: { name: work } } }", caps={"depth": 3}), depth=3)
    assert (run.state.status, run.state.reason) == ("stopped", "cap.depth")


def test_a_wait_ends_with_the_first_of_its_events_or_its_time_and_withdraws_the_others() -> None:
    text = "{ a: { wait: { duration: 1d, events: { paid: { event: payment, key: input.k }, void: { event: v } } } } }"
    for how in ("paid", "time"):
        run = Run(steps(text, result={"by": "steps.a.output.by"}), {"k": "o-1"})
        assert {(one.event, one.key) for one in run.commands(Subscribe)} == {("payment", "o-1"), ("v", None)}
        found = run.timer("a", "timer") if how == "time" else run.arrives("a", "paid", {"sum": 1})
        assert len([one for one in found.commands if isinstance(one, Withdraw)]) == 3
        assert run.output == {"by": how}


def test_a_wait_for_a_date_sets_a_timer_for_it() -> None:
    run = Run(steps("{ a: { wait: { until: now + duration('1h') } } }"))
    assert run.command("a", SetTimer).at == 1_000 + 3_600_000


def test_an_event_is_emitted_once_with_its_key_and_data() -> None:
    run = Run(steps("{ a: { emit: { event: ordered, key: input.k, data: { n: 1 } } } }"), {"k": "o-1"})
    assert next(one for one in run.told if isinstance(one, Emit)) == Emit("run_1:a:1", "ordered", "o-1", {"n": 1})
    assert run.state.status == "done"


# ── steps inside steps ──


def test_items_are_worked_on_some_at_once_and_their_results_keep_their_order() -> None:
    inner = "{ get: { tool: t, arguments: { n: line.n, at: index } } }"
    loop = f"items: input.lines, item: line, atOnce: 2, steps: {inner}, result: steps.get.output"
    run = Run(
        steps(f"{{ each: {{ foreach: {{ {loop} }} }} }}", result={"all": "steps.each.output"}),
        {"lines": [{"n": number} for number in (10, 20, 30)]},
    )
    assert [one.arguments for one in run.commands(PerformTool)] == [{"n": 10, "at": 0}, {"n": 20, "at": 1}]
    run.done("each[1]/get", "b")
    assert [one.arguments for one in run.commands(PerformTool)] == [{"n": 10, "at": 0}, {"n": 30, "at": 2}]
    run.done("each[2]/get", "c")
    run.done("each[0]/get", "a")
    assert run.output == {"all": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("items", "kind"), [([], "done"), ([1] * 101, "limit"), ("text", "expression"), ({"a": 1}, "expression")]
)
def test_items_may_be_none_and_not_too_many_and_must_be_a_list(items: Any, kind: str) -> None:
    run = Run(steps("{ each: { foreach: { items: input.all, steps: { a: { tool: t } } } } }"), {"all": items})
    assert run.state.status == "done" if kind == "done" else run.command("each", RaiseException).kind == kind


def test_the_first_branch_that_is_true_is_taken_and_its_steps_read_what_came_before() -> None:
    text = """
    first: { tool: t }
    way: { needs: [first], choose: { otherwise: {}, branches: {
      small: { when: input.n < 10, steps: { a: { tool: t } }, result: steps.a.output },
      medium: { when: input.n < 100, steps: { b: { tool: t, arguments: { n: steps.first.output } } } } } } }
    """
    for number, path, branch in ((5, "way[small]/a", "small"), (50, "way[medium]/b", "medium"), (500, "", "otherwise")):
        run = Run(steps(text, result={"branch": "steps.way.output.branch"}), {"n": number})
        run.done("first", 3)
        if path:
            run.done(path, 4)
        assert run.output == {"branch": branch}


@pytest.mark.parametrize(("number", "expected"), [(1, "one"), (2, "choice"), (3, "choice")])
def test_exactly_one_branch_must_be_true_where_it_says_so(number: int, expected: str) -> None:
    branches = "{ one: { when: input.n < 3 }, two: { when: input.n == 2 } }"
    run = Run(steps(f"{{ a: {{ choose: {{ match: unique, branches: {branches} }} }} }}"), {"n": number})
    if expected == "choice":
        assert run.command("a", RaiseException).kind == "choice"
    else:
        assert run.state.status == "done"


def test_steps_are_done_again_until_it_is_enough_or_too_often() -> None:
    text = """
    again: { repeat: { steps: { draft: { tool: t, arguments: { last: "previous == null ? 0 : previous", n: round } } },
      until: steps.draft.output > 5, most: 3, result: steps.draft.output } }
    """
    run = Run(steps(text, result={"v": "steps.again.output"}))
    for number, last in ((0, 0), (1, 4)):
        assert run.command(f"again[{number}]/draft").arguments == {"last": last, "n": number}
        run.done(f"again[{number}]/draft", 4 + 4 * number)
    assert run.output == {"v": 8}
    run = Run(steps(text))
    for number in range(3):
        run.done(f"again[{number}]/draft", 1)
    assert run.command("again", RaiseException).kind == "limit"
    run.choose("again", "retry")
    assert run.command("again[2.0]/draft").id == "run_1:again[2.0]/draft:1"


def test_a_person_who_settles_an_outer_step_ends_what_is_under_way_inside() -> None:
    inner = "{ a: { tool: t, retry: { attempts: 1 } } }"
    run = Run(
        steps(f"{{ each: {{ foreach: {{ items: input.all, steps: {inner} }}, deadline: 1h }} }}"), {"all": [1, 2]}
    )
    run.done("each[0]/a")
    run.timer("each", "deadline")
    assert run.statuses["each[1]/a"] == "stopping"
    run.choose("each", "edit", output=[1, 2])
    assert run.state.status == "running", "one effect is not known yet"
    run.ended("each[1]/a", "failed")
    assert run.state.status == "done"


# ── the run as a whole ──


def test_a_paused_run_takes_events_in_and_begins_nothing() -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t }, c: { needs: [a], emit: { event: e } } }"))
    run.send(Paused(run.tick()))
    found = run.done("a")
    assert (found.commands, run.status("b")) == ((), "running")
    assert run.send(Performed(run.tick(), "run_1:b:1", "done")).ignored
    found = run.send(Resumed(run.tick()))
    assert [type(command) for command in found.commands] == [PerformTool, Emit]
    run.done("b")
    assert run.state.status == "done"


def test_a_run_rests_for_itself_and_for_the_run_around_it() -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t }, kid: { workflow: { name: x } } }"))
    assert TellChildren in map(type, run.send(Paused(run.tick())).commands)
    assert run.send(Paused(run.tick(), above=True)).commands == ()
    run.done("a")
    assert run.send(Resumed(run.tick())).commands == ()
    assert run.send(Resumed(run.tick())).ignored == "the run that it is inside of is paused"
    assert {PerformTool, TellChildren} == set(map(type, run.send(Resumed(run.tick(), above=True)).commands))


def test_it_is_kept_who_paused_a_run_until_it_goes_on() -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t } }"))
    run.send(Paused(run.tick(), "person:suzi"))
    run.send(Paused(run.tick(), "run:run_0", above=True))
    assert run.send(Paused(run.tick(), "incident:inc_1")).ignored == "the run is paused already"
    assert run.send(Resumed(run.tick(), "incident:inc_1")).ignored == "`person:suzi` paused the run"
    run.send(Resumed(run.tick(), "run:run_0", above=True))
    assert (run.state.paused, run.state.paused_by) == (True, "person:suzi")
    run.send(Resumed(run.tick(), "person:ada"))
    run.send(Paused(run.tick(), "incident:inc_1"))
    run.send(Paused(run.tick(), "run:run_0", above=True))
    run.send(Resumed(run.tick(), "incident:inc_2"))
    assert (run.state.paused, run.state.paused_by, run.state.above) == (False, "", True)


def test_a_person_makes_the_pause_of_an_incident_their_own() -> None:
    run = Run(steps("{ a: { tool: t }, kid: { workflow: { name: x } } }"))
    run.send(Paused(run.tick(), "incident:inc_1"))
    run.send(Paused(run.tick(), "run:run_0", above=True))
    assert run.send(Paused(run.tick(), "run:run_0", above=True)).ignored == "the run is paused already"
    found = run.send(Paused(run.tick(), "person:suzi"))
    assert (found.ignored, found.commands, run.state.paused_by) == ("", (), "person:suzi")
    assert run.send(Paused(run.tick(), "person:ada")).ignored == "the run is paused already"
    assert run.send(Resumed(run.tick(), "incident:inc_1")).ignored == "`person:suzi` paused the run"
    run.send(Resumed(run.tick(), "person:ada"))
    assert (run.state.paused, run.state.paused_by, run.state.above) == (False, "", True)


def test_what_nobody_has_begun_is_put_back_while_the_run_rests_and_asked_for_again() -> None:
    run = Run(steps("{ a: { tool: t }, b: { tool: t } }"))
    first, second = run.commands(PerformTool)
    assert run.send(PutBack(run.tick(), first)).ignored
    run.send(Paused(run.tick()))
    run.send(PutBack(run.tick(), first))
    run.send(Performed(run.tick(), second.id, "done"))
    assert run.send(PutBack(run.tick(), second)).ignored
    assert run.send(Resumed(run.tick())).commands == (first,)


def test_a_paused_run_that_is_undone_goes_on_and_begins_nothing_else() -> None:
    run = Run(
        steps("{ a: { tool: t, compensate: { tool: u } }, b: { needs: [a], tool: t }, c: { wait: { until: now } } }")
    )
    run.send(Paused(run.tick()))
    run.done("a")
    run.send(Cancelled(run.tick(), compensate=True))
    assert (run.state.paused, run.status("b"), run.command("a", PerformTool).undoes) == (False, "cancelled", True)


def test_an_event_that_is_owed_goes_out_even_where_the_run_ends_paused() -> None:
    run = Run(
        steps(
            "{ a: { tool: t }, b: { needs: [a], emit: { event: e } }, c: { needs: [b], task: { role: r, goal: g } } }"
        )
    )
    run.send(Paused(run.tick()))
    run.done("a")
    found = run.send(Cancelled(run.tick(), reason="enough"))
    assert [type(command) for command in found.commands] == [Withdraw, Emit, EndRun]


def test_the_priority_may_change_while_a_run_waits() -> None:
    run = Run(steps("{ a: { workflow: { name: x } } }", priority="low"))
    assert run.state.priority == "low"
    found = run.send(Reprioritised(run.tick(), "urgent"))
    assert found.commands == (Reprioritise("run_1::0:priority.1", "urgent"),)
    assert run.state.priority == "urgent"
    assert run.send(Reprioritised(run.tick(), "urgent")).ignored


@pytest.mark.parametrize(
    ("caps", "text", "reason"),
    [
        ({"steps": 2}, "{ a: { emit: { event: e } }, b: { emit: { event: e } }, c: { emit: { event: e } } }", "steps"),
        ({"fanOut": 2}, "{ a: { foreach: { items: '[1, 2, 3]', most: 2, steps: { b: { tool: t } } } } }", ""),
        ({"fanOut": 2}, "{ a: { foreach: { items: '[1, 2, 3]', most: 5, steps: { b: { tool: t } } } } }", "fan_out"),
    ],
)
def test_a_cap_ends_the_run_in_a_state_with_its_name_and_tells_somebody(
    caps: dict[str, int], text: str, reason: str
) -> None:
    run = Run(steps(text, caps=caps))
    if not reason:
        assert run.command("a", RaiseException).kind == "limit"
        return
    assert (run.state.status, run.state.reason) == ("stopped", f"cap.{reason}")
    [told] = [one for one in run.told if isinstance(one, RaiseException)]
    assert (told.kind, told.role, told.choices) == ("cap", "boss", ())


def test_time_and_money_are_capped() -> None:
    run = Run(steps("{ a: { tool: t } }", caps={"time": "1h"}))
    run.timer("", "time")
    assert (run.state.status, run.state.reason) == ("stopped", "cap.time")
    run = Run(
        steps("{ a: { tool: t }, b: { needs: [a], tool: t }, c: { needs: [b], tool: t } }", caps={"spend": "10 EUR"})
    )
    run.done("a", cost=600)
    run.done("b", cost=401)
    assert (run.state.status, run.state.reason, run.state.spent) == ("stopped", "cap.spend", 1_001)


def test_a_run_inside_another_spends_no_more_than_that_has_left() -> None:
    parent = Run(steps("{ a: { tool: t }, b: { needs: [a], workflow: { name: child } } }", caps={"spend": "10 EUR"}))
    parent.done("a", cost=600)
    allowance = parent.command("b", StartChild).allowance
    assert allowance == 400
    two = "{ a: { tool: t }, b: { needs: [a], workflow: { name: child } } }"
    child = Run(steps(two, caps={"spend": "20 EUR"}), allowance=allowance)
    child.done("a", cost=150)
    assert child.command("b", StartChild).allowance == 250
    child = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t } }"), allowance=allowance)
    child.done("a", cost=401)
    assert (child.state.status, child.state.reason) == ("stopped", "cap.spend")


def test_a_run_past_its_deadline_asks_somebody_and_goes_on() -> None:
    run = Run(steps("{ a: { tool: t } }", deadline="1d"))
    run.timer("", "deadline")
    told = run.command("", RaiseException)
    assert (told.kind, told.role) == ("overdue", "boss")
    run.choose("", "skip")
    run.done("a")
    assert run.state.status == "done"


def test_cancelling_withdraws_everything_and_late_answers_change_nothing() -> None:
    run = Run(steps("{ a: { tool: t, deadline: 1h }, b: { wait: { events: { x: { event: e } } } } }"))
    id = run.command("a", PerformTool).id
    found = run.send(Cancelled(run.tick(), by="ada", reason="not needed"))
    targets = {command.target for command in found.commands if isinstance(command, Withdraw)}
    assert targets == {"run_1:a:1", "run_1:a:1:deadline", "run_1:b:1:event.x", "run_1::0:time"}
    late = run.send(Performed(run.tick(), id, "done", cost=30))
    assert (late.ignored, late.commands, run.state.spent) == ("", (), 30), "but what it has cost is counted"
    assert run.send(Performed(run.tick(), id, "done")).ignored == "the run is cancelled"


# ── compensation ──

SAGA = """
reserve: { tool: reserve, compensate: { tool: release, arguments: { id: steps.reserve.output.id } } }
log: { needs: [reserve], tool: log }
pay: { needs: [log], tool: pay, compensate: { task: { role: clerk, goal: Pay back, input: { n: input.n } } } }
ship: { needs: [pay], tool: ship, compensate: { tool: call_back }, onException: [{ then: compensate }] }
"""


def test_what_was_done_is_undone_last_first_and_nothing_else() -> None:
    run = Run(steps(SAGA), {"n": 7})
    run.done("reserve", {"id": "r-1"})
    run.done("log")
    run.done("pay")
    run.ended("ship", "failed", reason="no lorry")
    command = run.command("pay")
    assert (command.role, command.input, command.undoes, command.id) == ("clerk", {"n": 7}, True, "run_1:pay:1:undo.1")
    run.done("pay")
    command = run.command("reserve")
    assert (command.tool, command.arguments) == ("release", {"id": "r-1"})
    run.done("reserve")
    assert (run.state.status, run.state.reason) == ("compensated", "ship: no lorry")
    assert run.statuses == {"reserve": "undone", "log": "done", "pay": "undone", "ship": "cancelled"}


@pytest.mark.parametrize(("outcome", "undone"), [("done", ["b", "a"]), ("failed", ["a"]), ("denied", ["a"])])
def test_what_was_under_way_is_undone_only_if_it_was_done(outcome: str, undone: list[str]) -> None:
    run = Run(
        steps("{ a: { tool: t, compensate: { tool: u } }, b: { tool: t, compensate: { tool: u } }, c: { tool: t } }")
    )
    run.done("a")
    found = run.send(Cancelled(run.tick(), compensate=True, reason="stop"))
    assert {one.target for one in found.commands if isinstance(one, Withdraw)} >= {"run_1:b:1", "run_1:c:1"}
    run.ended("c", "failed")
    assert not [one for one in run.told if isinstance(one, PerformTool) and one.undoes]
    run.ended("b", outcome)
    for path in undone:
        run.done(path)
    assert run.state.status == "compensated"


def test_what_nobody_knows_is_asked_before_anything_is_undone() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, b: { tool: t, compensate: { tool: u } } }"))
    run.done("a")
    run.ended("b", "unknown")
    run.send(Cancelled(run.tick(), compensate=True))
    assert run.statuses == {"a": "done", "b": "blocked"}
    assert run.choose("b", "retry").ignored
    run.choose("b", "edit", output={})
    assert run.statuses == {"a": "done", "b": "undoing"}


@pytest.mark.parametrize(
    ("choice", "expected"), [("skip", "done"), ("edit", "undone"), ("retry", "undoing"), ("cancel", "undoing")]
)
def test_a_compensation_that_fails_is_decided_by_a_person(choice: Any, expected: str) -> None:
    run = Run(steps("{ a: { tool: t, compensate: { tool: u } } , b: { needs: [a], task: { role: r, goal: g } } }"))
    run.done("a")
    run.send(Cancelled(run.tick(), compensate=True))
    run.ended("b", "failed", reason="withdrawn")
    run.ended("a", "failed", reason="gone")
    told = run.command("a", RaiseException)
    assert (told.id, told.reason, told.choices) == (
        "run_1:a:1:undo.1.exception",
        "gone",
        ("retry", "edit", "skip", "cancel"),
    )
    run.choose("a", choice)
    assert run.status("a") == expected
    if choice == "retry":
        run.done("a")
    assert run.state.status == ("cancelled" if choice == "cancel" else "compensated")


def test_a_run_inside_that_is_under_way_undoes_itself_and_a_person_says_what_is_left_of_one_that_did_not() -> None:
    for status, ended in (("compensated", True), ("done", True), ("stopped", False), ("cancelled", False)):
        run = Run(steps("{ a: { tool: t, compensate: { tool: u } }, kid: { needs: [a], workflow: { name: x } } }"))
        run.done("a")
        run.send(Cancelled(run.tick(), compensate=True))
        assert run.issued["run_1:kid:1:withdraw"] == Withdraw("run_1:kid:1:withdraw", "run_1:kid:1", compensate=True)
        run.child("kid", status, left=not ended)
        if not ended:
            assert (run.status("a"), run.command("kid", RaiseException).kind) == ("done", "child")
            run.choose("kid", "skip")
        run.done("a")
        assert run.state.status == "compensated"


def test_a_task_that_was_completed_as_its_run_began_to_be_undone_is_undone() -> None:
    for outcome, undone in (("done", True), ("failed", False)):
        run = Run(steps("{ a: { task: { role: r, goal: g }, compensate: { tool: u } } }"))
        run.send(Cancelled(run.tick(), compensate=True))
        run.ended("a", outcome)
        assert bool(run.commands(PerformTool)) == undone


def test_what_is_being_undone_is_withdrawn_where_the_run_is_ended() -> None:
    run = Run(steps("{ a: { tool: t, compensate: { task: { role: r, goal: g } } }, b: { tool: t } }"))
    run.done("a")
    run.send(Cancelled(run.tick(), compensate=True))
    run.ended("b", "failed")
    found = run.send(Cancelled(run.tick(), reason="leave it"))
    assert "run_1:a:1:undo.1" in {one.target for one in found.commands if isinstance(one, Withdraw)}


def test_items_done_are_undone_each_with_its_own_item() -> None:
    undo = "compensate: { tool: u, arguments: { n: item, was: steps.a.output } }"
    run = Run(
        steps(
            f"{{ each: {{ foreach: {{ items: '[7, 8]', atOnce: 1, steps: {{ a: {{ tool: t, {undo} }} }} }} }}, "
            "last: { needs: [each], tool: t, onException: [{ then: compensate }] } }"
        )
    )
    run.done("each[0]/a", "first")
    run.done("each[1]/a", "second")
    run.ended("last", "denied")
    assert run.command("each[1]/a").arguments == {"n": 8, "was": "second"}
    run.done("each[1]/a")
    assert run.command("each[0]/a").arguments == {"n": 7, "was": "first"}
    run.done("each[0]/a")
    assert run.state.status == "compensated"


def test_rounds_done_are_undone_each_as_its_own_round() -> None:
    undo = "compensate: { tool: u, arguments: { round: round, was: steps.a.output } }"
    run = Run(steps(f"{{ again: {{ repeat: {{ steps: {{ a: {{ tool: t, {undo} }} }}, until: 'false', most: 5 }} }} }}"))
    run.done("again[0]/a", "first")
    run.done("again[1]/a", "second")
    run.send(Cancelled(run.tick(), compensate=True))
    run.ended("again[2]/a", "denied")
    assert run.command("again[1]/a").arguments == {"round": 1, "was": "second"}
    run.done("again[1]/a")
    assert run.command("again[0]/a").arguments == {"round": 0, "was": "first"}


# ── late, twice, unknown, out of order ──


@pytest.mark.parametrize(
    "event",
    [
        Performed(5, "run_1:a:1", "done"),
        Performed(5, "run_1:zzz:1", "done"),
        Performed(5, "run_1:b:7", "done"),
        Performed(5, "run_2:b:1", "done"),
        Performed(5, "nonsense", "done"),
        Performed(5, "run_1:b:x", "done"),
        TaskEnded(5, "run_1:b:1", "done"),
        TimerFired(5, "run_1:b:1"),
        TimerFired(5, "run_1::0:deadline"),
        TimerFired(5, "run_1::0:nothing"),
        ChildEnded(5, "run_1:a:1", "done"),
        Chosen(5, "run_1:b:1:exception", "skip"),
        Chosen(5, "run_1::0:result", "edit"),
        Chosen(5, "run_1:b:1", "skip"),
        Resumed(5),
        Started(5),
    ],
    ids=str,
)
def test_what_comes_late_twice_or_for_nothing_is_ignored_with_a_reason(event: Any) -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t } }"))
    run.done("a")
    found = run.send(event)
    assert found.ignored, event


def test_nothing_happens_to_a_run_that_has_not_begun() -> None:
    wanted = steps("{ a: { tool: t } }")
    found = advance(wanted, new_state(wanted, "run_1"), Cancelled(1))
    assert found.ignored == "the run has not begun"


def test_a_run_stays_with_the_definition_it_was_pinned_to() -> None:
    one, other = steps("{ a: { tool: t } }"), steps("{ a: { tool: u } }")
    with pytest.raises(AutonomyError) as raised:
        advance(other, new_state(one, "run_1"), Started(1))
    assert raised.value.code == "workflow.definition"


def test_a_run_does_not_begin_with_an_input_that_does_not_fit() -> None:
    wanted = definition({"steps": {"a": {"tool": "t"}}, "input": {"type": "object", "properties": {}}})
    run = Run(wanted, {"n": 1})
    assert run.state.status == "failed"
    assert run.state.reason.startswith("input: the arguments: ")


def test_an_output_that_is_too_large_is_not_carried_through_the_run() -> None:
    run = Run(steps("{ a: { tool: t } }"))
    run.done("a", "x" * 300_000)
    assert "300002 bytes" in run.command("a", RaiseException).reason


def test_an_advance_of_a_plain_workflow_takes_microseconds_and_its_state_little_room() -> None:
    names = ["input.n", *(f"steps.s{number}.output.n + 1" for number in range(4))]
    text = {
        f"s{number}": {"tool": "t", "arguments": {"n": said}} | ({"needs": [f"s{number - 1}"]} if number else {})
        for number, said in enumerate(names)
    }
    wanted = definition({"steps": text, "result": {"n": "steps.s4.output.n"}})

    def once() -> float:
        started = time.process_time()
        state, commands, _ = advance(wanted, new_state(wanted, "run_1"), Started(1, {"n": 1}))
        while not state.ended:
            [command] = [one for one in commands if isinstance(one, PerformTool)]
            state, commands, _ = advance(wanted, state, Performed(2, command.id, "done", command.arguments))
        assert state.output == {"n": 5} and len(encode(state)) < 600
        return (time.process_time() - started) / 6

    assert min(once() for _ in range(50)) < 250e-6


SKIPPED = """
a:
  task: { role: r, goal: g }
  output: { type: integer }
  deadline: 1h
  onException: [{ kinds: [overdue], then: skip }]
b: { needs: [a], tool: t }
"""


def test_a_late_result_of_what_was_skipped_keeps_its_contract() -> None:
    for output, expected in ((1, "done"), ("text", "blocked")):
        run = Run(steps(SKIPPED))
        task = run.command("a", OpenTask)
        run.timer("a", "deadline")
        assert run.status("a") == "stopping"
        run.send(TaskEnded(run.tick(), task.id, "done", output))
        assert run.status("a") == expected
