"""Agents: who they are, where they stand, and every way to let them work or stop."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.identity import AgentView, Permission, PersonCaller, State
from autonomy.policy import Rule
from autonomy.policy.plain import Allowance, allowances
from autonomy.tools import Tool

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Reason, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("agents")

Reader = Annotated[PersonCaller, allowed(Permission.IDENTITY_AGENT_READ)]
Promoter = Annotated[PersonCaller, allowed(Permission.IDENTITY_AGENT_PROMOTE)]
Suspender = Annotated[PersonCaller, allowed(Permission.IDENTITY_AGENT_SUSPEND)]
Retirer = Annotated[PersonCaller, allowed(Permission.IDENTITY_AGENT_RETIRE)]
Lifter = Annotated[PersonCaller, allowed(Permission.IDENTITY_CONTAINMENT_LIFT)]

Filter = Annotated[str | None, Query(max_length=200)]


class Why(Asked):
    reason: Reason = Field(examples=["it ordered the same part nine times"])


class AgentAnswer(Answer):
    """`id` is its SPIFFE id, never given again; `revision` the digest of its declaration."""

    id: str = Field(examples=["spiffe://larkspur.example/agent/01j…"])
    name: str = Field(examples=["buyer-1"])
    state: State
    unit: str
    roles: list[str]
    sponsor: str
    owner: str
    supervisor: str
    parent: str | None
    site: str | None
    revision: str
    rate_per_minute: int
    created_at: int


class RetiredAnswer(Answer):
    """The ids of the agents that ended: the one named and those below it."""

    retired: list[str]


class SayAnswer(Answer):
    """A rule that has a say. `reason` says when it speaks, `needs` what would be needed, `roles` whose approval lifts
    it."""

    rule: str
    unit: str
    reason: str
    needs: str
    roles: list[str]
    text: str


class AllowanceAnswer(Answer):
    """A tool within the agent's scope. Without `permits` every call is refused; by `asks` people are asked first, by
    `forbids` it is refused."""

    tool: str
    description: str
    effect: str
    connector: str
    permits: list[SayAnswer]
    asks: list[SayAnswer]
    forbids: list[SayAnswer]


class AllowancesAnswer(Answer):
    agent: str
    items: list[AllowanceAnswer]


@router.get("/agents", summary="agents")
def list_agents(
    _person: Reader,
    here: Here,
    state: State | None = None,
    unit: Filter = None,
    role: Filter = None,
    sponsor: Filter = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[AgentAnswer]:
    """Every agent there ever was, by name."""

    def wanted(one: AgentView) -> bool:
        return (
            state in (None, one.state)
            and unit in (None, one.unit)
            and sponsor in (None, one.sponsor)
            and (role is None or role in one.roles)
        )

    found = filter(wanted, here.system.identity.agents())
    items, following = page(found, lambda one: one.name, after, limit)
    return Page(items=[AgentAnswer.model_validate(one) for one in items], next=following)


@router.get("/agents/{name}", summary="one agent", responses=refusals(404))
def describe_agent(name: str, _person: Reader, here: Here) -> AgentAnswer:
    """Its state, its roles, and who answers for it."""
    return AgentAnswer.model_validate(here.system.identity.agent(name))


@router.get("/agents/{name}/allowances", summary="what an agent may do", responses=refusals(404))
async def show_allowances(name: str, _person: Reader, here: Here) -> AllowancesAnswer:
    """The tools within its scope, each with the rules that permit it, that ask people first, and that refuse it."""
    agent = here.system.identity.agent(name)
    house = await here.system.watch.house()
    found = await run_in_threadpool(lambda: list(allowances(house.bundle, agent.name)))
    items = [_allowance(one, house.registry.get(one.tool.name)) for one in found]
    return AllowancesAnswer(agent=agent.name, items=items)


@router.post("/agents/{name}/promote", summary="make a pilot active", responses=refusals(404, 409))
def promote_agent(name: str, person: Promoter, here: Here) -> AgentAnswer:
    """From pilot to active."""
    identity = here.system.identity
    identity.promote(name, person.actor)
    return AgentAnswer.model_validate(identity.agent(name))


@router.post("/agents/{name}/suspend", summary="let an agent rest", responses=refusals(404, 409))
def suspend_agent(name: str, asked: Why, person: Suspender, here: Here) -> AgentAnswer:
    """Until a person reinstates it; effective on its next action in every process."""
    identity = here.system.identity
    identity.suspend(name, person.actor, asked.reason)
    return AgentAnswer.model_validate(identity.agent(name))


@router.post("/agents/{name}/reinstate", summary="let an agent work again", responses=refusals(404, 409))
def reinstate_agent(name: str, asked: Why, person: Lifter, here: Here) -> AgentAnswer:
    """Lifts what holds it: its own containment, else its suspension."""
    identity = here.system.identity
    identity.reinstate(identity.agent(name).id, person.actor, asked.reason)
    return AgentAnswer.model_validate(identity.agent(name))


@router.post("/agents/{name}/retire", summary="end an agent for good", responses=refusals(404, 409))
def retire_agent(name: str, asked: Why, person: Retirer, here: Here) -> RetiredAnswer:
    """With its child agents, credentials, tokens and delegations."""
    return RetiredAnswer(retired=list(here.system.identity.retire(name, person.actor, asked.reason)))


def _allowance(found: Allowance, tool: Tool) -> AllowanceAnswer:
    return AllowanceAnswer(
        tool=found.tool.name,
        description=tool.description,
        effect=tool.effect,
        connector=tool.connector,
        permits=[_say(one) for one in found.permits],
        asks=[_say(one) for one in found.asks],
        forbids=[_say(one) for one in found.forbids],
    )


def _say(rule: Rule) -> SayAnswer:
    return SayAnswer(
        rule=rule.id,
        unit=rule.unit,
        reason=rule.annotations.get("reason", ""),
        needs=rule.annotations.get("needs", ""),
        roles=sorted({ask.wanted for ask in rule.asks}),
        text=rule.text,
    )
