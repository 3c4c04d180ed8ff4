"""Whether an agent could still do the least thing that costs anything, by every budget that would bind it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from autonomy.budget import Limit
from autonomy.budget.limits import limits_for, read_limits
from autonomy.budget.rules import account_key, charges, judge
from autonomy.budget.store import read_balances
from autonomy.catalog.model import AgentSpec, RoleSpec
from autonomy.catalog.organisation import Organisation, matches, spec

SNAPSHOTS = 2  # the organisation in force and the one before it, which looks under way still hold

Limits = tuple[Limit, ...]
Bound = tuple[tuple[Limits, ...], tuple[tuple[str, Limits], ...]]


class Purse(NamedTuple):
    """What an agent may still spend: `funded` where some tool of its scope has room in every budget; `spent_for` are
    the workflows whose budgets have none."""

    funded: bool
    spent_for: frozenset[str]


def purse(connection: Connection, organisation: Organisation, agent: str, at: int) -> Purse:
    """How an agent stands at `at` (milliseconds)."""
    tools, workflows = _limits(organisation, agent)
    every = {limit for limits in (*tools, *(limits for _, limits in workflows)) for limit in limits}
    balances = read_balances(connection, [account_key(limit, at) for limit in every])

    def has_room(limits: Sequence[Limit]) -> bool:
        return judge(charges(limits, at, money=1, calls=1, tokens=1), balances) is None

    funded = any(has_room(limits) for limits in tools)
    return Purse(funded, frozenset(name for name, limits in workflows if not has_room(limits)))


@lru_cache(maxsize=SNAPSHOTS)
def _known(organisation: Organisation) -> dict[str, Bound]:  # noqa: ARG001 - what is remembered belongs to it
    """The limits of agents that were asked for so far."""
    return {}


def _limits(organisation: Organisation, agent: str) -> Bound:
    """The limits that bind an agent, found once for each organisation."""
    known = _known(organisation)
    if agent not in known:
        known[agent] = _find(organisation, agent)
    return known[agent]


def _find(organisation: Organisation, agent: str) -> Bound:
    """The limits of each tool that the agent may use, equal ones once; and by workflow those that a workflow adds."""
    revision = organisation.all("Agent")[agent]
    said, unit = spec(revision, AgentSpec), revision.unit
    roles = [organisation.get("Role", name) for name in said.roles]
    patterns = [pattern for role in roles if role for pattern in spec(role, RoleSpec).scope.tools]
    usable = [one for one in organisation.all("Tool") if matches(patterns, one) and organisation.grants(unit, one)]
    tools = dict.fromkeys(limits_for(organisation, agent, unit, tool, said.roles) for tool in usable)
    if not tools:
        own = limits_for(organisation, agent, unit, "", said.roles)
        tools = {tuple(limit for limit in own if limit.scope_kind != "tool"): None}
    named = sorted({limit.scope for limit in read_limits(organisation) if limit.scope_kind == "workflow"})
    bound = ((name, limits_for(organisation, agent, unit, "", (), name)) for name in named)
    workflows = ((name, tuple(one for one in limits if one.scope_kind == "workflow")) for name, limits in bound)
    return tuple(tools), tuple((name, limits) for name, limits in workflows if limits)
