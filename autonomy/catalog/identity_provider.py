"""Identity providers: whose word about people and workloads counts here, and what their groups admit to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from .words import Access, BaseUrl, Name, SharedSecret, Strict, Text, fault

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair only: a shared secret proves nothing to a third party, and `none` proves nothing at all."""


class SignIn(Strict):
    """People sign in at this provider: OpenID Connect, authorization code with PKCE."""

    clientId: Text
    credential: SharedSecret | None = Field(None, description="the secret we are known by there; none: a public client")
    label: Text | None = Field(None, description="what the button says; the provider's name when absent")
    scopes: list[Text] = Field(["openid", "profile", "email"], description="`openid` among them")
    subjectClaim: Text = Field("sub", description="claim that names the person, never given to another")
    groupsClaim: Text = Field("groups", description="claim of the ID token that lists the person's groups")

    @model_validator(mode="after")
    def _asks_for_an_identity(self) -> SignIn:
        if "openid" not in self.scopes:
            raise fault("without the scope `openid` no identity comes back", "add `openid`")
        return self


class GroupGrant(Strict):
    """What members of a group at the provider may do here and which business roles they hold."""

    group: Text
    access: list[Access] = Field([])
    roles: list[Name] = Field([])


class IdentityProviderSpec(Strict):
    """An issuer outside whose signed word counts: people sign in there, agents bring its tokens, SCIM speaks for it."""

    issuer: BaseUrl = Field(description="exactly as its tokens say it; https, http on loopback only")
    keys: BaseUrl | None = Field(None, description="its JWKS; found by its discovery document when absent")
    algorithms: list[Algorithm] = Field(["RS256", "PS256", "ES256", "EdDSA"], min_length=1)
    allow: list[str] = Field([], description="CIDR ranges that may be reached although they are private")
    signIn: SignIn | None = Field(None, description="people sign in there; nobody does when absent")
    groups: list[GroupGrant] = Field([])
    reusableTokens: bool = Field(
        False, description="admit an agent's token again until it expires, as Kubernetes mounts them; else each once"
    )

    @model_validator(mode="after")
    def _each_group_once(self) -> IdentityProviderSpec:
        names = [each.group for each in self.groups]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise fault(f"the group `{twice[0]}` stands twice", "say once what it admits to")
        return self


class FederatedIdentity(Strict):
    """A workload at an identity provider: who proves to be it acts as this agent."""

    provider: Name
    subject: Text = Field(description="exactly the `sub` of its tokens")
    claims: dict[Text, str] = Field({}, description="further claims, each of which must say exactly this")
