"""Keys of other systems: identity providers that speak SCIM, applications that ask by AuthZEN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.identity.service_keys import DEFAULT_TTL
from autonomy.kernel.errors import NotFound

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("services")

Reader = Annotated[PersonCaller, allowed(Permission.IDENTITY_SERVICE_READ)]
Issuer = Annotated[PersonCaller, allowed(Permission.IDENTITY_SERVICE_ISSUE)]
Revoker = Annotated[PersonCaller, allowed(Permission.IDENTITY_SERVICE_REVOKE)]

Purpose = Literal["scim", "authzen"]


class ServiceIssue(Asked):
    """A key for one purpose. One for SCIM names the identity provider it speaks for."""

    name: str = Field(min_length=1, max_length=63, examples=["corporate-directory"])
    purpose: Purpose
    provider: str = Field("", max_length=63, description="a declared identity provider; for `scim`")
    ttl: int = Field(DEFAULT_TTL, gt=0, description="milliseconds")


class ServiceRevocation(Asked):
    reason: str = Field("", max_length=1_000)


class ServiceKeyAnswer(Answer):
    """Never the secret, never its hash."""

    id: str
    purpose: Purpose
    name: str
    provider: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    issued_by: str


class IssuedServiceAnswer(Answer):
    """`secret` is the bearer token of the other system. It is shown here and nowhere else, ever."""

    id: str
    purpose: Purpose
    name: str
    expires_at: int
    secret: str


class RevokedServiceAnswer(Answer):
    """Whether the key was live."""

    revoked: bool


@router.get("/service-keys", summary="keys of other systems")
def list_service_keys(_person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[ServiceKeyAnswer]:
    """Newest first, ended ones too."""
    found = here.system.identity.service_keys()
    items, following = page(found, lambda one: one.id, after, limit, newest_first=True)
    return Page(items=[ServiceKeyAnswer.model_validate(one) for one in items], next=following)


@router.post("/service-keys", summary="issue a key to another system", status_code=201, responses=refusals(404, 409))
def issue_service_key(asked: ServiceIssue, person: Issuer, here: Here) -> IssuedServiceAnswer:
    """Its secret is in this answer only."""
    if asked.provider and here.system.catalog.organisation().get("IdentityProvider", asked.provider) is None:
        raise NotFound(f"there is no identity provider `{asked.provider}`", code="sign_on.unknown")
    made = here.system.identity.issue_service_key(asked.name, asked.purpose, person.actor, asked.provider, asked.ttl)
    return IssuedServiceAnswer.model_validate(made)


@router.post("/service-keys/{key}/revoke", summary="end a key of another system", responses=refusals(404))
def revoke_service_key(key: str, asked: ServiceRevocation, person: Revoker, here: Here) -> RevokedServiceAnswer:
    """At the next call, in every process."""
    return RevokedServiceAnswer(revoked=here.system.identity.revoke_service_key(key, person.actor, asked.reason))
