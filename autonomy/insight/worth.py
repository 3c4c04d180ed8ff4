"""What the work of agents, units and workflows would have cost people: baselines as they are declared now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from autonomy.catalog.model import AgentSpec, RoleSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.catalog.prices import price_of
from autonomy.catalog.workflow import WorkflowSpec

from .kpis import Baseline, Sums, baseline_of, together

PIECES = {"case": "cases", "task": "tasks_done", "action": "done"}
ALONE = {"case": "cases_alone", "task": "tasks_alone", "action": "done_alone"}
"""What counts as a piece of a role's work: all of it, and what belongs to no run, which has a baseline of its own."""

NONE = Baseline()
Lines = Mapping[str, Sums]


def of_workflow(organisation: Organisation, name: str, sums: Sums) -> Baseline:
    """The baseline of a workflow's runs that ended as done."""
    revision = organisation.get("Workflow", name)
    said = spec(revision, WorkflowSpec).baseline if revision else None
    return baseline_of(sums["runs_done"], said.minutes, price_of(said, organisation.currency)) if said else NONE


def of_roles(
    organisation: Organisation, roles: Iterable[str], sums: Sums, pieces: Mapping[str, str] = PIECES
) -> Baseline:
    """The baseline of work done under `roles`: that of the first one that declares any."""
    for name in roles:
        revision = organisation.get("Role", name)
        said = spec(revision, RoleSpec).baseline if revision else None
        if said:
            return baseline_of(sums[pieces[said.per]], said.minutes, price_of(said, organisation.currency))
    return NONE


def of_everything(organisation: Organisation, agents: Lines, workflows: Lines) -> Baseline:
    """The baseline of several agents and workflows together: runs by that of their workflow, and what was done outside
    of runs by those of the agents' roles, so that nothing is counted twice."""
    runs = [of_workflow(organisation, name, sums) for name, sums in workflows.items()]
    alone = [of_roles(organisation, roles_of(organisation, name), sums, ALONE) for name, sums in agents.items()]
    return together(*runs, *alone)


def roles_of(organisation: Organisation, agent: str) -> tuple[str, ...]:
    """The roles of an agent as declared now; none where it is no longer declared."""
    revision = organisation.get("Agent", agent)
    return tuple(spec(revision, AgentSpec).roles) if revision else ()


def belongs(organisation: Organisation, unit: str, kind: str, name: str) -> bool:
    """Whether an agent or workflow belongs to `unit` or to a unit below it."""
    revision = organisation.get(kind, name)
    return revision is not None and unit in organisation.lineage(revision.unit)


def any_of(organisation: Organisation, kind: Literal["Role", "Workflow"]) -> bool:
    """Whether any role or workflow declares what its work costs people."""
    if kind == "Role":
        return any(spec(one, RoleSpec).baseline for one in organisation.all(kind).values())
    return any(spec(one, WorkflowSpec).baseline for one in organisation.all(kind).values())
