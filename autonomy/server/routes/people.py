"""People: who is declared, inviting, letting go, and the review of who can do what."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.identity.model import PersonView
from autonomy.identity.people import INVITATION_TTL
from autonomy.kernel.errors import NotFound

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Reason, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("people")

Reader = Annotated[PersonCaller, allowed(Permission.IDENTITY_PERSON_READ)]
Inviter = Annotated[PersonCaller, allowed(Permission.IDENTITY_PERSON_INVITE)]
Offboarder = Annotated[PersonCaller, allowed(Permission.IDENTITY_PERSON_OFFBOARD)]
Reviewer = Annotated[PersonCaller, allowed(Permission.IDENTITY_ACCESS_REVIEW)]


class Leaving(Asked):
    reason: Reason = Field(examples=["left the company"])


class PersonListed(Answer):
    name: str
    display_name: str
    email: str
    roles: list[str]
    access: list[str]
    manager: str | None
    external_subject: str | None
    state: Literal["active", "inactive", "offboarded"]
    has_password: bool
    user_name: str | None = Field(description="the SCIM account that says who this is; null where the manifest does")


class InvitationAnswer(Answer):
    """A one-time link by which the person sets a password. It is shown here only."""

    name: str
    link: str = Field(examples=["http://127.0.0.1:8085/invite/aosi_…"])
    expires_in: int = Field(description="milliseconds")


class OffboardedAnswer(Answer):
    """`known_to_them` are live credentials whose secret they have seen: rotate them."""

    suspended: list[str]
    credentials_revoked: int
    known_to_them: list[str]


class AccessAnswer(Answer):
    """One line of an access review: who, with which roles, answerable to whom, by what means."""

    kind: Literal["agent", "person"]
    name: str
    state: str
    unit: str | None
    roles: list[str]
    access: list[str]
    sponsor: str | None
    owner: str | None
    supervisor: str | None
    live_credentials: int
    acts_for: list[str]


@router.get("/people", summary="people")
def list_people(
    _person: Reader,
    here: Here,
    role: Annotated[str | None, Query(max_length=63)] = None,
    state: Literal["active", "inactive", "offboarded"] | None = None,
    like: Annotated[str, Query(max_length=100, description="only those whose name or address holds this")] = "",
    after: After = None,
    limit: Limit = PAGE,
) -> Page[PersonListed]:
    """Everybody ever declared, by name."""
    found = (
        one
        for one in here.system.identity.people()
        if (role is None or role in one.roles) and state in (None, one.state) and _is_like(one, like.lower())
    )
    items, following = page(found, lambda one: one.name, after, limit)
    return Page(items=[PersonListed.model_validate(one) for one in items], next=following)


@router.get("/people/{name}", summary="one person", responses=refusals(404))
def describe_person(name: str, _person: Reader, here: Here) -> PersonListed:
    """Whoever was ever declared under this name."""
    found = next((one for one in here.system.identity.people() if one.name == name), None)
    if found is None:
        raise NotFound(f"there is no person `{name}`", code="person.unknown", hint="`autonomy people` lists them")
    return PersonListed.model_validate(found)


@router.post("/people/{name}/invite", summary="make a one-time link", status_code=201, responses=refusals(404, 409))
def invite_person(name: str, person: Inviter, here: Here) -> InvitationAnswer:
    """Good for a day; earlier links of the person end."""
    token = here.system.identity.invite(name, person.actor)
    # Never from the request's Host header, which whoever asks can choose.
    link = f"{here.system.settings.public_url}/invite/{token}"
    return InvitationAnswer(name=name, link=link, expires_in=INVITATION_TTL)


@router.post("/people/{name}/offboard", summary="end a person's access", responses=refusals(404, 409))
def offboard_person(name: str, asked: Leaving, person: Offboarder, here: Here) -> OffboardedAnswer:
    """At once, and the agents they sponsor rest until a new sponsor is declared."""
    return OffboardedAnswer.model_validate(here.system.identity.offboard(name, person.actor, asked.reason))


@router.get("/access-review", summary="who can do what")
def review_access(
    _person: Reviewer,
    here: Here,
    kind: Literal["agent", "person"] | None = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[AccessAnswer]:
    """Everyone who can do anything here: agents that are not retired, then people."""
    found = (one for one in here.system.identity.access_review() if kind in (None, one.kind))
    items, following = page(found, lambda one: f"{one.kind}/{one.name}", after, limit)
    return Page(items=[AccessAnswer.model_validate(one) for one in items], next=following)


def _is_like(person: PersonView, like: str) -> bool:
    return any(like in text.lower() for text in (person.name, person.display_name, person.email))
