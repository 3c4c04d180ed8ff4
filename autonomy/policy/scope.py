"""Which tools a statement speaks of, and what a unit may say: the rules of confinement. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autonomy.catalog.organisation import Organisation
from autonomy.catalog.scope import is_granted

from .source import Form
from .tool import Tool

Reach = Mapping[str, frozenset[str]]
"""Every action name (a tool's or a group's) with the tools it stands for."""


def reach_of(tools: Mapping[str, Tool]) -> Reach:
    """The action hierarchy, flattened."""
    found: dict[str, set[str]] = {"read": set(), "write": set()}
    for tool in tools.values():
        for name in (tool.name, *tool.groups):
            found.setdefault(name, set()).add(tool.name)
    return {name: frozenset(members) for name, members in found.items()}


def named_actions(form: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The actions a statement's head names; None where it speaks of all."""
    head = form["action"]
    if head["op"] == "All":
        return None
    entities = head["entities"] if "entities" in head else [head["entity"]]
    return tuple(entity["id"] for entity in entities)


def tools_of(form: Mapping[str, Any], reach: Reach, tools: Mapping[str, Tool]) -> frozenset[str]:
    """The tools a statement can decide about. `action == Action::"group"` matches no tool: a group is not an action."""
    names = named_actions(form)
    if names is None:
        return frozenset(tools)
    if form["action"]["op"] == "==":
        return frozenset(names) & frozenset(tools)
    return frozenset[str]().union(*(reach.get(name, frozenset()) for name in names))


def tools_beyond(
    form: Mapping[str, Any], unit: str, organisation: Organisation, tools: Mapping[str, Tool]
) -> Iterator[str]:
    """The tools that a unit's `permit` names although they were not granted to the unit."""
    for name in named_actions(form) or ():
        if name in tools and not is_granted(organisation, unit, name, tools[name].spec.tags):
            yield name


def confined(form: Form, unit: str, organisation: Organisation, reach: Reach, tools: Mapping[str, Tool]) -> Form:
    """The statement as it counts: the root's unchanged; another unit's only for agents within that unit, asked first so
    that nothing after it is evaluated for others, and its `permit` only for tools the unit was granted."""
    if unit == organisation.root.name:
        return form
    within = {"in": {"left": {"Var": "principal"}, "right": {"Value": {"__entity": {"type": "Unit", "id": unit}}}}}
    narrowed = {**form, "conditions": [{"kind": "when", "body": within}, *form["conditions"]]}
    if form["effect"] == "permit":
        spoken = tools_of(form, reach, tools)
        granted = sorted(name for name in spoken if is_granted(organisation, unit, name, tools[name].spec.tags))
        if len(granted) < len(spoken):
            narrowed["action"] = {"op": "in", "entities": [{"type": "Action", "id": name} for name in granted]}
    return narrowed
