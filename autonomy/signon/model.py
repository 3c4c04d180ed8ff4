"""The words of signing on."""

from __future__ import annotations

from dataclasses import dataclass, field

from autonomy.catalog.identity_provider import IdentityProviderSpec


@dataclass(frozen=True, slots=True)
class Provider:
    """A declared identity provider; `digest` names the wording of its declaration."""

    name: str
    digest: str
    spec: IdentityProviderSpec


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a provider does what (OpenID Connect Discovery 1.0 section 3). Empty where it does not say."""

    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    says_issuer: bool = False
    """Whether its answers name it (`authorization_response_iss_parameter_supported`, RFC 9207)."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A command that waits on loopback for somebody who signs on in a browser (RFC 8252 section 7.3)."""

    port: int
    challenge: str
    state: str


@dataclass(frozen=True, slots=True)
class Pending:
    """What the browser keeps, sealed, while somebody is at the provider."""

    provider: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    following: str
    expires_at: int
    terminal: Terminal | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """What a browser carries, sealed, to a command on the same machine."""

    session: str = field(repr=False)
    challenge: str
    expires_at: int
