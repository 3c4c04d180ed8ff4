"""What agents authenticate with, what they let each other do, and the keys that sign their tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.identity.credentials import DEFAULT_TTL
from autonomy.identity.model import Delegation
from autonomy.kernel.errors import NotFound

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("credentials")

Reader = Annotated[PersonCaller, allowed(Permission.IDENTITY_CREDENTIAL_READ)]
Issuer = Annotated[PersonCaller, allowed(Permission.IDENTITY_CREDENTIAL_ISSUE)]
Revoker = Annotated[PersonCaller, allowed(Permission.IDENTITY_CREDENTIAL_REVOKE)]
DelegationReader = Annotated[PersonCaller, allowed(Permission.IDENTITY_DELEGATION_READ)]
Granter = Annotated[PersonCaller, allowed(Permission.IDENTITY_DELEGATION_GRANT)]
DelegationRevoker = Annotated[PersonCaller, allowed(Permission.IDENTITY_DELEGATION_REVOKE)]
KeyRotator = Annotated[PersonCaller, allowed(Permission.IDENTITY_KEY_ROTATE)]


class Issue(Asked):
    kind: Literal["client_secret", "api_key"] = "client_secret"
    ttl: int = Field(DEFAULT_TTL, gt=0, description="milliseconds")


class Revocation(Asked):
    reason: str = Field("", max_length=1_000)


class Grant(Asked):
    """`to_agent` may use `tools` (exact names) for `from_agent` during `ttl` milliseconds."""

    from_agent: Text
    to_agent: Text
    tools: list[Text] = Field(min_length=1, max_length=200)
    ttl: int = Field(gt=0, description="milliseconds")


class KeyRotation(Asked):
    compromised: bool = Field(False, description="end the tokens of the old key at once")


class KeyRegistration(Asked):
    """The public half of a key pair; the private half never leaves the agent."""

    jwk: dict[str, Any] = Field(examples=[{"kty": "OKP", "crv": "Ed25519", "x": "…"}])
    ttl: int = Field(DEFAULT_TTL, gt=0, description="milliseconds")


class CredentialAnswer(Answer):
    """Never the secret, never its hash. `federated` ones are declared and end with their declaration."""

    id: str
    agent: str
    kind: Literal["client_secret", "api_key", "public_key", "federated"]
    created_at: int
    expires_at: int
    revoked_at: int | None
    issued_by: str


class IssuedAnswer(Answer):
    """`secret` is shown here and nowhere else, ever. For a client secret, `id` is the client id."""

    id: str
    agent: str
    kind: Literal["client_secret", "api_key"]
    expires_at: int
    secret: str


class RevokedAnswer(Answer):
    """How many credentials ended."""

    revoked: int


class DelegationAnswer(Answer):
    id: str
    from_agent: str
    to_agent: str
    tools: list[str]
    expires_at: int
    revoked_at: int | None
    granted_by: str


class KeyAnswer(Answer):
    """The id of the key that signs from now on."""

    kid: str


@router.get("/agents/{name}/credentials", summary="credentials of an agent", responses=refusals(404))
def list_credentials(
    name: str, _person: Reader, here: Here, after: After = None, limit: Limit = PAGE
) -> Page[CredentialAnswer]:
    """Newest first, ended ones too."""
    items, following = page(here.system.identity.credentials(name), lambda one: one.id, after, limit, newest_first=True)
    return Page(items=[CredentialAnswer.model_validate(one) for one in items], next=following)


@router.post("/agents/{name}/credentials", summary="issue a credential", status_code=201, responses=refusals(404, 409))
def issue_credential(name: str, asked: Issue, person: Issuer, here: Here) -> IssuedAnswer:
    """Its secret is in this answer only."""
    return IssuedAnswer.model_validate(here.system.identity.issue_credential(name, asked.kind, person.actor, asked.ttl))


@router.post(
    "/agents/{name}/keys", summary="register an agent's public key", status_code=201, responses=refusals(404, 409)
)
def register_agent_key(name: str, asked: KeyRegistration, person: Issuer, here: Here) -> CredentialAnswer:
    """The agent then proves itself by signing (`private_key_jwt`); `id` is its client id."""
    made = here.system.identity.register_key(name, asked.jwk, person.actor, asked.ttl)
    return CredentialAnswer.model_validate(made)


@router.post("/agents/{name}/revoke", summary="revoke everything of an agent", responses=refusals(404))
def revoke_agent(name: str, asked: Revocation, person: Revoker, here: Here) -> RevokedAnswer:
    """Its credentials, tokens and delegations, and those of its child agents."""
    identity = here.system.identity
    return RevokedAnswer(revoked=identity.revoke(identity.agent(name).id, person.actor, asked.reason))


@router.post("/credentials/{credential}/revoke", summary="revoke one credential", responses=refusals(404))
def revoke_credential(credential: str, asked: Revocation, person: Revoker, here: Here) -> RevokedAnswer:
    """With the tokens obtained by it."""
    _check_credential(credential)
    return RevokedAnswer(revoked=here.system.identity.revoke(credential, person.actor, asked.reason))


@router.get("/delegations", summary="delegations", responses=refusals(404))
def list_delegations(
    _person: DelegationReader,
    here: Here,
    agent: Annotated[str | None, Query(max_length=400)] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[DelegationAnswer]:
    """Every grant, or those from or to one agent; newest first, ended ones too."""
    found = here.system.identity.delegations(agent)
    items, following = page(found, lambda one: one.id, after, limit, newest_first=True)
    return Page(items=[_delegation(one) for one in items], next=following)


@router.post("/delegations", summary="let an agent act for another", status_code=201, responses=refusals(404, 409))
def grant_delegation(asked: Grant, person: Granter, here: Here) -> DelegationAnswer:
    """It widens nothing: both agents must be entitled at every use."""
    return _delegation(
        here.system.identity.delegate(asked.from_agent, asked.to_agent, asked.tools, asked.ttl, person.actor)
    )


@router.post("/delegations/{delegation}/revoke", summary="end a delegation", status_code=204, responses=refusals(404))
def revoke_delegation(delegation: str, person: DelegationRevoker, here: Here) -> None:
    """And every token that rests on it."""
    here.system.identity.revoke_delegation(delegation, person.actor)


@router.post("/keys/rotate", summary="sign tokens with a new key")
def rotate_key(asked: KeyRotation, person: KeyRotator, here: Here) -> KeyAnswer:
    """Tokens of the old key live out their five minutes, unless it is compromised."""
    return KeyAnswer(kid=here.system.identity.rotate_signing_key(person.actor, asked.compromised))


def _delegation(one: Delegation) -> DelegationAnswer:
    return DelegationAnswer(
        id=one.id,
        from_agent=one.from_agent,
        to_agent=one.to_agent,
        tools=sorted(one.tools),
        expires_at=one.expires_at,
        revoked_at=one.revoked_at,
        granted_by=one.granted_by,
    )


def _check_credential(credential: str) -> None:
    """An agent's name here would revoke everything it has."""
    if not credential.startswith("cred_"):
        raise NotFound(f"there is no credential `{credential[:80]}`", code="credential.unknown")
