"""The words of goals.

A goal is a run of a workflow of the system's own: somebody plans, the plan is proposed, what was proposed is carried
out. So it lives through crashes, waits for people, counts what it costs and is told of in the log as every run is.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from autonomy.catalog.own_tools import GOAL
from autonomy.kernel.canonical import Json

GOAL_STEPS = PLAN, PROPOSE, CARRY_OUT = ("plan", "propose", "carry_out")

MOST_STEPS = 50  # of a plan, those inside others counted
MOST_TRIES = 5  # times that somebody plans for one goal, those a person asks for included

State = Literal[
    "planning", "proposed", "held", "working", "asking", "done", "refused", "failed", "cancelled", "stopped"
]
"""`proposed`: the gate decides about the plan. `held`: people do. `working`: it is carried out. `asking`: a person is
asked about an exception. `refused`: rules or people did not want the plan. `stopped`: a cap was reached.
"""


class Aim(Struct, frozen=True):
    """What a plan has to fit: the unit of the goal, what it is given, who is asked when something goes wrong, and how
    much may be spent (minor units of the base currency). `name` is that of the workflow that the plan becomes."""

    name: str
    unit: str
    escalation: str
    given: dict[str, Json] = {}
    spend: int | None = None


class Goal(NamedTuple):
    """A goal and where it is. `id` is that of its run; `run` is the run that its plan became. Times in milliseconds."""

    id: str
    state: State
    goal: str
    unit: str
    role: str
    by: str
    created_at: int
    ended_at: int | None
    reason: str
    planner: str | None
    plan: dict[str, Json] | None
    graph: str | None
    run: str | None
    output: Json


def plan_name(goal: str) -> str:
    """The workflow that the plan of a goal becomes."""
    return f"{GOAL}.{goal.removeprefix('run_')}"


__all__ = ["GOAL", "GOAL_STEPS", "Aim", "Goal", "State", "plan_name"]
