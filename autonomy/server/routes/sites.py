"""Keys by which workers of sites are known."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.kernel import clock

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("sites")

Reader = Annotated[PersonCaller, allowed(Permission.IDENTITY_CREDENTIAL_READ)]
Issuer = Annotated[PersonCaller, allowed(Permission.IDENTITY_CREDENTIAL_ISSUE)]
Revoker = Annotated[PersonCaller, allowed(Permission.IDENTITY_CREDENTIAL_REVOKE)]


class KeyAsked(Asked):
    site: str = Field(max_length=63)
    ttl: str = Field("90d", description="how long it is valid, such as `90d`")


class IssuedKeyAnswer(Answer):
    """A new key. `secret` is shown this once."""

    id: str
    site: str
    expires_at: int
    secret: str


class SiteKeyAnswer(Answer):
    """One key of a site. `revoked_at` is null for one that was not revoked."""

    id: str
    site: str
    created_at: int
    created_by: str
    expires_at: int
    revoked_at: int | None


class RevokedKeyAnswer(Answer):
    revoked: str


@router.get("/site-keys", summary="keys of sites, never their secrets")
def list_site_keys(_person: Reader, here: Here, after: After = None, limit: Limit = PAGE) -> Page[SiteKeyAnswer]:
    """By site."""
    with here.system.database.reading() as connection:
        found = here.system.sites.keys.list(connection)
    items, following = page(found, lambda one: f"{one.site}/{one.id}", after, limit)
    return Page(items=[SiteKeyAnswer(**one._asdict()) for one in items], next=following)


@router.post("/site-keys", summary="a new key of a site", status_code=201)
def issue_site_key(asked: KeyAsked, person: Issuer, here: Here) -> IssuedKeyAnswer:
    """Its secret is in the answer only."""
    issued = here.system.sites.keys.issue(asked.site, person.actor, clock.duration(asked.ttl))
    return IssuedKeyAnswer(**issued._asdict())


@router.post("/site-keys/{id}/revoke", summary="end a key of a site", responses=refusals(404))
def revoke_site_key(id: str, person: Revoker, here: Here) -> RevokedKeyAnswer:
    """From its next use on it opens nothing."""
    here.system.sites.keys.revoke(id, person.actor)
    return RevokedKeyAnswer(revoked=id)
