"""What a plan may be: everything that is wrong with it is told, with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.catalog import read
from autonomy.goals.model import MOST_STEPS, Aim
from autonomy.goals.plan import MAX_TOLD, read_plan, schema_of
from autonomy.goals.scope import vocabulary
from autonomy.kernel.errors import Invalid
from autonomy.tools.schema import Schema
from tests.catalog.company import organisation as company
from tests.gate.works import organisation
from tests.workflow.office import workflow

from .firm import AGENTS, CHECK, GOOD, PLANNERS, RULES, TABLE

FILES = organisation(
    agents=AGENTS,
    planners=PLANNERS,
    table=TABLE,
    policy=RULES,
    workflows="---\n".join(
        (
            workflow("check", CHECK),
            workflow("above", CHECK).replace("unit: works", "unit: acme"),
            workflow("beside", CHECK).replace("unit: works", "unit: office").replace("agent: w1", "agent: clerk"),
        )
    ),
)
FIRM = company(read(FILES))
AIM = Aim("goal.0", "works", "boss", {"n": 3})


def told(plan: Any, aim: Aim = AIM) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read_plan(FIRM, aim, plan)
    assert caught.value.code == "goal.plan"
    found: list[str] = caught.value.detail["problems"]
    assert caught.value.message == "\n".join(found)
    return found


def steps(**each: Any) -> dict[str, Any]:
    return {"agent": "w1", "steps": each}


def test_a_good_plan_becomes_a_definition_of_its_own() -> None:
    found = read_plan(FIRM, AIM, GOOD)
    assert (found.steps, found.changes, found.tools, found.agents) == (3, 1, ("look", "press"), ("w1",))
    assert (found.definition.workflow, found.definition.escalation) == ("goal.0", "boss")
    assert found.definition.digest == read_plan(FIRM, AIM, GOOD).definition.digest


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ("all of it", "spec: the plan is no object"),
        (steps(a={"tool": "look"}) | {"triggers": []}, "spec.triggers: a plan has no `triggers`"),
        (steps(a={"tool": "look"}) | {"key": "'x'"}, "spec.key: a plan has no `key`"),
        ({"agent": "w1", "steps": {}}, "spec.steps: "),
        (steps(a={"tool": "look", "arguments": {"n": 1}, "needs": ["b"]}), "spec.steps.a.needs[0]: there is no step"),
        (steps(a={"tool": "fly"}), "spec.steps.a.tool: there is no tool `fly`"),
        (steps(a={"tool": "look", "arguments": {"n": "'one'"}}), "spec.steps.a.arguments"),
        (steps(a={"tool": "look", "arguments": {"n": "input.m"}}), "spec.steps.a.arguments.n"),
        (steps(a={"tool": "look", "agent": "clerk", "arguments": {"n": "1"}}), "the agent `clerk` does not belong"),
        (steps(a={"workflow": {"name": "above"}, "arguments": {"n": "1"}}), "the workflow `above` does not belong"),
        (steps(a={"workflow": {"name": "beside"}, "arguments": {"n": "1"}}), "the workflow `beside` does not belong"),
        (steps(a={"tool": "goal.propose", "agent": "planner-1"}), "a plan proposes no plans"),
        (steps(a={"emit": {"event": "x"}}), "spec.steps.a.emit: a plan tells nobody"),
        (
            steps(a={"workflow": {"name": "check", "detached": True}, "arguments": {"n": "1"}}),
            "spec.steps.a.workflow.detached",
        ),
        (steps(a={"task": {"role": "pilot", "goal": "fly"}}), "spec.steps.a.task.role: there is no role `pilot`"),
        (steps(a={"wait": {"duration": "1s"}}) | {"caps": {"steps": 5_000}}, "spec.caps.steps: more than 1000"),
        (steps(a={"wait": {"duration": "1s"}}) | {"caps": {"time": "90d"}}, "spec.caps.time: more than 30d"),
        (
            steps(a={"wait": {"duration": "1s"}}) | {"input": {"type": "object", "required": ["k"]}},
            "spec.input: ",
        ),
        (steps(**{f"s{n}": {"wait": {"duration": "1s"}} for n in range(MOST_STEPS + 1)}), f"more than {MOST_STEPS}"),
        (
            steps(a={"task": {"role": "worker", "goal": "AKIA" + "ABCDEFGHIJKLMNOP"}}),
            "spec.steps.a.task.goal: holds what looks like an access key",
        ),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_with_its_place(plan: Any, reason: str) -> None:
    assert any(reason in line for line in told(plan)), told(plan)


def test_everything_wrong_is_told_at_once_and_no_more_than_can_be_read() -> None:
    assert len(told(steps(**{f"s{n}": {"tool": f"no{n}"} for n in range(40)}))) == MAX_TOLD + 1


def test_a_workflow_decision_and_checkpoint_of_the_scope_may_be_used() -> None:
    plan = steps(
        size={"decide": "size", "arguments": {"n": "input.n"}},
        check={"workflow": {"name": "check"}, "arguments": {"n": "input.n"}},
        sign={"needs": ["check"], "approval": {"roles": {"boss": 1}, "question": "is it right?"}},
    )
    assert read_plan(FIRM, AIM, plan).steps == 3


def test_a_plan_spends_no_more_than_its_goal() -> None:
    plan = {**GOOD, "caps": {"spend": "90.00 EUR"}}
    for spend, most in ((None, 9_000), (5_000, 5_000), (20_000, 9_000)):
        assert read_plan(FIRM, Aim("goal.0", "works", "boss", {"n": 3}, spend), plan).definition.caps.spend == most


def test_what_is_listed_may_be_used() -> None:
    known = vocabulary(FIRM, "works")
    assert [one["workflow"] for one in known["workflows"]] == ["check"]
    for agent in known["agents"]:
        for name in agent["tools"]:
            wanted = next(one for one in known["tools"] if one["tool"] == name)["input"]["properties"]
            values = {"integer": "1", "string": "'1.00'"}
            arguments = {field: values[kind["type"]] for field, kind in wanted.items()}
            plan = {"agent": agent["agent"], "steps": {"a": {"tool": name, "arguments": arguments}}}
            assert read_plan(FIRM, AIM, plan).tools == (name,)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-9, 9)
        | st.text(max_size=5)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_a_goal_is_given_fits_the_schema_that_is_made_of_it(value: Any) -> None:
    Schema(schema_of({"v": value})).validate({"v": value})
