"""What the plans of a unit may be built of, and the same as a list for who plans. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from autonomy.catalog.decision import DecisionSpec, case_of
from autonomy.catalog.model import AgentSpec, PersonSpec, RoleSpec, ToolSpec
from autonomy.catalog.operations import input_of
from autonomy.catalog.organisation import Organisation, Revision, matches, spec
from autonomy.catalog.own_tools import GOAL, GOAL_PROPOSE
from autonomy.catalog.workflow import WorkflowSpec
from autonomy.kernel.canonical import Json

from .model import MOST_STEPS

MOST_NAMED = 300  # objects of one kind that are listed
MOST_BYTES = 262_144  # of all descriptions and schemas together; what has no room is only named

_encoder = msgspec.json.Encoder()


def obstacle(organisation: Organisation, unit: str, kind: str, name: str) -> str:
    """Why a plan of `unit` may not name this object; empty where it may, and where there is no such object.

    What acts must belong to the unit or to one below it: agents, and workflows, which bring agents of their own. What
    is only asked may also come from above.
    """
    found = organisation.get(kind, name)
    if found is None or kind == "Person":
        return ""
    if kind == "Tool":
        return _of_tool(organisation, unit, name)
    if unit in organisation.lineage(found.unit):
        return ""
    if kind in ("Agent", "Workflow"):
        return f"the {kind.lower()} `{name}` does not belong to `{unit}` or to a unit below it"
    if found.unit in organisation.lineage(unit):
        return ""
    return f"the {kind.lower()} `{name}` belongs to `{found.unit}`, which has nothing to do with `{unit}`"


def _of_tool(organisation: Organisation, unit: str, name: str) -> str:
    if name == GOAL_PROPOSE:
        return "a plan proposes no plans"
    return "" if organisation.grants(unit, name) else f"the unit `{unit}` may not use `{name}`"


def vocabulary(organisation: Organisation, unit: str) -> dict[str, Json]:
    """Everything that a plan of `unit` may name, with what it needs to be called."""
    agents = list(_agents(organisation, unit))
    used: set[str] = set().union(*(one["tools"] for one in agents))
    left = MOST_BYTES

    def told(kind: str, found: Iterator[dict[str, Json]]) -> list[Json]:
        """The list of one kind, in full as long as there is room."""
        nonlocal left
        shown: list[Json] = []
        for one in found:
            left -= len(_encoder.encode(one))
            shown.append(one if left >= 0 else {kind: one[kind]})
            if len(shown) == MOST_NAMED:
                break
        return shown

    return {
        "form": (
            "`plan` has the fields of the `spec` of a Workflow, without `triggers` and `key`: `steps`, and where they "
            "are needed `agent`, `result`, `escalation`, `caps`, `deadline`, `priority`"
        ),
        "limits": {"steps": MOST_STEPS},
        "agents": told("agent", iter(agents)),
        "roles": told("role", _roles(organisation, unit)),
        "tools": told("tool", _tools(organisation, unit, used)),
        "decisions": told("decision", _decisions(organisation, unit)),
        "workflows": told("workflow", _workflows(organisation, unit)),
    }


def _within(organisation: Organisation, unit: str, kind: str) -> Iterator[Revision]:
    """The objects of a kind that a plan of `unit` may name, by name."""
    for name, one in sorted(organisation.all(kind).items()):
        if not obstacle(organisation, unit, kind, name):
            yield one


def _agents(organisation: Organisation, unit: str) -> Iterator[dict[str, Json]]:
    tools = [one.name for one in _within(organisation, unit, "Tool")]
    for agent in _within(organisation, unit, "Agent"):
        said = spec(agent, AgentSpec)
        roles = [organisation.get("Role", role) for role in said.roles]
        patterns = [pattern for role in roles if role for pattern in spec(role, RoleSpec).scope.tools]
        may = [name for name in tools if matches(patterns, name) and organisation.grants(agent.unit, name)]
        yield {
            "agent": agent.name,
            "unit": agent.unit,
            "roles": list(said.roles),
            "capabilities": list(said.capabilities),
            "tools": may,
        }


def _roles(organisation: Organisation, unit: str) -> Iterator[dict[str, Json]]:
    people = {role for one in organisation.all("Person").values() for role in spec(one, PersonSpec).roles}
    agents = {role for one in _within(organisation, unit, "Agent") for role in spec(one, AgentSpec).roles}
    for role in _within(organisation, unit, "Role"):
        said = spec(role, RoleSpec)
        holders = [who for who, held in (("person", people), ("agent", agents)) if role.name in held]
        if holders:
            yield {
                "role": role.name,
                "held_by": holders,
                "responsibilities": list(said.responsibilities),
                "boundaries": list(said.decisionBoundaries),
            }


def _tools(organisation: Organisation, unit: str, used: set[str]) -> Iterator[dict[str, Json]]:
    for tool in _within(organisation, unit, "Tool"):
        if tool.name in used:
            yield {
                "tool": tool.name,
                "description": tool.description,
                "effect": spec(tool, ToolSpec).effect,
                "input": dict(input_of(organisation, tool)),
            }


def _decisions(organisation: Organisation, unit: str) -> Iterator[dict[str, Json]]:
    for one in _within(organisation, unit, "Decision"):
        yield {"decision": one.name, "description": one.description, "input": case_of(spec(one, DecisionSpec))}


def _workflows(organisation: Organisation, unit: str) -> Iterator[dict[str, Json]]:
    for one in _within(organisation, unit, "Workflow"):
        if one.name != GOAL:
            yield {"workflow": one.name, "description": one.description, "input": dict(spec(one, WorkflowSpec).input)}
