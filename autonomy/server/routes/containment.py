"""Stopping an agent, a unit, a tool or everything, and letting it go on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.identity.model import Containment, Scope

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Reason, Text, refusals
from ..here import Here
from ..paging import page
from ..parts import Parts
from ..route import api

router = api("containment")

Reader = Annotated[PersonCaller, allowed(Permission.IDENTITY_CONTAINMENT_READ)]
Imposer = Annotated[PersonCaller, allowed(Permission.IDENTITY_CONTAINMENT_IMPOSE)]
Lifter = Annotated[PersonCaller, allowed(Permission.IDENTITY_CONTAINMENT_LIFT)]


class Stop(Asked):
    """`target` is an agent (name or id), a unit, a tool, or `*` with the scope `everything`."""

    scope: Scope
    target: Text = Field(examples=["buyer-1"])
    reason: Reason = Field(examples=["it pays the same invoice again and again"])


class Resume(Asked):
    """`what` is a containment (`con_…`) or an agent (name or id)."""

    what: Text = Field(examples=["con_01j…"])
    reason: Reason


class ContainmentAnswer(Answer):
    id: str
    scope: Scope
    target: str
    reason: str
    by: str
    at: int
    lifted_at: int | None
    lifted_by: str | None
    lift_reason: str | None


class ListedContainmentAnswer(ContainmentAnswer):
    """`agent_name` says what people call the agent that is the target, where one is."""

    agent_name: str | None


class StoppedAnswer(Answer):
    """What was under way when it was contained, and which of that is known to have ended."""

    containment: ContainmentAnswer
    in_flight: list[str]
    confirmed: list[str]
    looked: bool
    """False where the store could not be read: then nobody knows what was under way."""


@router.post("/contain", summary="stop an agent, a unit, a tool or everything", responses=refusals(404))
async def contain(asked: Stop, person: Imposer, here: Here) -> StoppedAnswer:
    """Effective on the next dispatch in every process; calls under way are cancelled."""
    found = await here.system.containing.contain(asked.scope, asked.target, person.actor, asked.reason)
    return StoppedAnswer.model_validate(found)


@router.post("/reinstate", summary="lift a containment", status_code=204, responses=refusals(404, 409))
def reinstate(asked: Resume, person: Lifter, here: Here) -> None:
    """Only a person may, with a reason. For an agent: its own containment, else its suspension."""
    here.system.identity.reinstate(asked.what, person.actor, asked.reason)


@router.get("/containments", summary="containments")
def list_containments(
    _person: Reader, here: Here, ended: bool = False, after: After = None, limit: Limit = PAGE
) -> Page[ListedContainmentAnswer]:
    """Those in force, with `ended` also those lifted; newest first."""
    found = here.system.identity.containments(ended)
    items, following = page(found, lambda one: one.id, after, limit, newest_first=True)
    return Page(items=[_listed(one, here) for one in items], next=following)


def _listed(one: Containment, here: Parts) -> ListedContainmentAnswer:
    name = here.system.identity.agent(one.target).name if one.scope == "agent" else None
    return ListedContainmentAnswer(agent_name=name, **asdict(one))
