"""What the work of agents, units and workflows would have cost people: baselines as they are declared now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from autonomy.catalog.model import AgentSpec, RoleSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.catalog.prices import price_of
from autonomy.catalog.workflow import WorkflowSpec

from .kpis import Baseline, Sums, baseline_of, together

PIECES = {"case": "cases", "task": "tasks_done", "action": "done"}
ALONE = {"case": "cases_alone", "task": "tasks_alone", "action": "done_alone"}
"""What counts as a piece of a role's work: all of it, and what belongs to no run, which has a baseline of its own."""

OF_POSTS, OF_WORKFLOWS = tuple(ALONE.values()), ("runs_done",)
"""The counters of posts and of workflows that the baseline of everything is made of."""

NONE = Baseline()
Lines = Mapping[str, Sums]


def of_workflow(organisation: Organisation, name: str, sums: Sums) -> Baseline:
    """The baseline of a workflow's runs that ended as done."""
    revision = organisation.get("Workflow", name)
    said = spec(revision, WorkflowSpec).baseline if revision else None
    return baseline_of(sums["runs_done"], said.minutes, price_of(said, organisation.currency)) if said else NONE


def of_role(organisation: Organisation, name: str, sums: Sums, pieces: Mapping[str, str] = PIECES) -> Baseline:
    """The baseline of work done under a role; nothing where it declares none."""
    revision = organisation.get("Role", name)
    said = spec(revision, RoleSpec).baseline if revision else None
    if said is None:
        return NONE
    return baseline_of(sums[pieces[said.per]], said.minutes, price_of(said, organisation.currency))


def of_everything(organisation: Organisation, posts: Lines, workflows: Lines, unit: str | None = None) -> Baseline:
    """The baseline of all posts (`UNIT|ROLE`) and workflows, or of those in a unit and below it: runs by that of their
    workflow, and what was done outside of runs by those of the roles, so that nothing is counted twice."""
    runs = [
        of_workflow(organisation, name, sums)
        for name, sums in workflows.items()
        if unit is None or unit in organisation.lineage(_unit_of(organisation, name))
    ]
    alone = [
        of_role(organisation, role, sums, ALONE)
        for (place, role), sums in ((tuple(name.split("|", 1)), sums) for name, sums in posts.items())
        if unit is None or unit in organisation.lineage(place)
    ]
    return together(*runs, *alone)


def first_role(organisation: Organisation, agent: str) -> str:
    """The first role of an agent as declared now, whose baseline its work has; empty where it is no longer declared."""
    revision = organisation.get("Agent", agent)
    return spec(revision, AgentSpec).roles[0] if revision else ""


def _unit_of(organisation: Organisation, workflow: str) -> str:
    revision = organisation.get("Workflow", workflow)
    return revision.unit if revision else ""
