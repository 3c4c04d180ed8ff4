"""The workflow that a goal is a run of: plan, propose, carry out. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from autonomy.catalog.own_tools import GOAL, GOAL_PROPOSE
from autonomy.kernel.clock import DAY
from autonomy.workflow import Definition
from autonomy.workflow.defining import digest
from autonomy.workflow.definition import (
    ROOT,
    Block,
    Caps,
    ChildWork,
    Handler,
    Priority,
    Step,
    TaskWork,
    ToolWork,
)

from .model import CARRY_OUT, GOAL_STEPS, MOST_TRIES, PLAN, PROPOSE, plan_name

TASK = "draw up a plan for the goal in `input.goal`, of nothing but what `input.vocabulary` lists"

CONTRACT: dict[str, Any] = {
    "type": "object",
    "properties": {"plan": {"type": "object", "additionalProperties": True}},
    "required": ["plan"],
    "additionalProperties": False,
}
INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "goal": {"type": "string"},
        "unit": {"type": "string"},
        "given": {"type": "object", "additionalProperties": True},
    },
    "required": ["goal", "unit", "given"],
}
STEPS: dict[str, Any] = {
    "type": "object",
    "properties": {
        PLAN: CONTRACT,
        PROPOSE: {"type": "object", "properties": {"definition": {"type": "string"}}},
        CARRY_OUT: {},
    },
}
DEPTH = 6  # workflows inside one another: the goal's own, its plan, and what that calls


def course(
    goal: str, role: str, planner: str, escalation: str, spend: int | None, priority: Priority = "normal"
) -> Definition:
    """The definition of the run `goal`. `planner` is the agent in whose name a plan is proposed that a person drew up;
    `spend` in minor units of the base currency."""
    plan = TaskWork(role, TASK, input={"goal": "input.goal", "given": "input.given", "unit": "input.unit"})
    propose = ToolWork(GOAL_PROPOSE, planner, {"goal": "run.id", "plan": f"steps.{PLAN}.output.plan"}, doer=PLAN)
    carry_out = ChildWork(plan_name(goal), False, "input.given", f"steps.{PROPOSE}.output.definition")
    steps = (
        Step(PLAN, ROOT, plan, followers=(PROPOSE,), contract=CONTRACT),
        # Rules or people who do not want it have spoken: there is nobody else to ask.
        Step(PROPOSE, ROOT, propose, (PLAN,), (CARRY_OUT,), handlers=(Handler(("denied",), "fail"),)),
        Step(CARRY_OUT, ROOT, carry_out, (PROPOSE,), handlers=(Handler(("child",), "fail"),)),
    )
    found = Definition(
        workflow=GOAL,
        escalation=escalation,
        caps=Caps(len(GOAL_STEPS) * MOST_TRIES, 30 * DAY, MOST_TRIES, DEPTH, 1, spend),
        steps={step.id: step for step in steps},
        blocks={ROOT: Block(ROOT, GOAL_STEPS, "", f"steps.{CARRY_OUT}.output")},
        input=INPUT,
        types={"input": INPUT, "items": {}, "steps": STEPS},
        priority=priority,
    )
    return msgspec.structs.replace(found, digest=digest(found))
