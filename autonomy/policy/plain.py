"""What an agent may do, for people to read: its tools, and for each the rules that have a say. Pure.

Whether a rule matches is known only when something is asked; here it is left out where it can never speak of the agent:
its head names others, or it is the rule of a unit that the agent does not belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation, Revision

from .admission import Admission
from .bundle import Bundle
from .model import Rule
from .tool import Tool


@dataclass(frozen=True, slots=True)
class Allowance:
    """A tool within the agent's scope. Without `permits` every call of it is refused; `asks` are rules by which people
    are asked first, `forbids` rules by which it is refused. Rules in trial are not among them."""

    tool: Tool
    permits: tuple[Rule, ...]
    asks: tuple[Rule, ...]
    forbids: tuple[Rule, ...]


def allowances(bundle: Bundle, agent: str) -> Iterator[Allowance]:
    """The tools within the scope of a declared agent, by name; none where it is not declared."""
    organisation = bundle.organisation
    declared = organisation.get("Agent", agent)
    if declared is None:
        return
    admission, names = Admission(organisation), _names(organisation, declared)
    for name, tool in sorted(bundle.tools.items()):
        if admission.refusal(declared, tool):
            continue
        rules = [rule for rule in bundle.slice_of(name).rules.values() if _speaks(rule, organisation, names)]
        permits = tuple(rule for rule in rules if rule.effect == "permit")
        asks = tuple(rule for rule in rules if rule.effect == "forbid" and rule.asks)
        forbids = tuple(rule for rule in rules if rule.effect == "forbid" and not rule.asks)
        yield Allowance(tool, permits, asks, forbids)


def _names(organisation: Organisation, agent: Revision) -> frozenset[tuple[str, str]]:
    """The agent and all it belongs to, as rules name them."""
    roles = [("Role", role) for role in cast(AgentSpec, agent.spec).roles]
    units = [("Unit", unit) for unit in organisation.lineage(agent.unit)]
    return frozenset([("Agent", agent.name), *roles, *units])


def _speaks(rule: Rule, organisation: Organisation, names: frozenset[tuple[str, str]]) -> bool:
    is_within = rule.unit == organisation.root.name or ("Unit", rule.unit) in names
    return rule.mode == "enforce" and is_within and _is_named(rule.form["principal"], names)


def _is_named(head: Mapping[str, Any], names: frozenset[tuple[str, str]]) -> bool:
    entity = head.get("entity") or head.get("in", {}).get("entity")
    return entity is None or (entity["type"], entity["id"]) in names
