"""Asking for access: a role more for an agent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.wiring.asked_access import ask_for_access

from ..access import allowed
from ..answers import Answer, Asked, Reason, Text, refusals
from ..here import Here
from ..route import api

router = api("access")

Asker = Annotated[PersonCaller, allowed(Permission.IDENTITY_ACCESS_REQUEST)]


class AccessAsked(Asked):
    """`through` is the agent in whose name it is asked; the first that may, unless said."""

    agent: Text = Field(examples=["stock-watcher"])
    role: Text = Field(examples=["buyer"])
    reason: Reason = Field(examples=["it sees first what is missing"])
    through: Text | None = None


class RequestedAccessAnswer(Answer):
    """`status` is `held` where people are asked: `/api/approvals/ACTION` shows who. `needed` says what would be needed
    where it was `denied`."""

    action: str = Field(examples=["act_01j…"])
    status: str
    through: str
    code: str | None
    message: str | None
    policies: list[str]
    needed: list[str]


@router.post("/access", summary="ask that an agent gets a role", status_code=202, responses=refusals(404, 409, 429))
async def request_access(asked: AccessAsked, person: Asker, here: Here) -> RequestedAccessAnswer:
    """The rules of the agent that asks say which people decide; you are not among them. Their yes is a change of the
    organisation."""
    through, reply = await ask_for_access(here.system, person, asked.agent, asked.role, asked.reason, asked.through)
    return RequestedAccessAnswer(
        action=reply.action,
        status=reply.status,
        through=through,
        code=reply.code,
        message=reply.message,
        policies=list(reply.policies),
        needed=list(reply.needed),
    )
