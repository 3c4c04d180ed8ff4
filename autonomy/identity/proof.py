"""How a client proves at the token endpoint which agent it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autonomy.kernel.canonical import Json


@dataclass(frozen=True, slots=True)
class Secret:
    """It knows the secret of a credential (RFC 6749 section 2.3.1)."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedAssertion:
    """It signs with the private key of a credential, `private_key_jwt` (RFC 7523 section 2.2)."""

    token: str = field(repr=False)
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class ActorToken:
    """It holds an access token of ours that acts for nobody else (RFC 8693 section 2.1)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vouched:
    """A declared identity provider says whom it is; its signature and the times have been verified.

    `key` is the same for the same token and no other. A token counts once unless it is `reusable`; `expires_at` is in
    milliseconds.
    """

    provider: str
    subject: str
    claims: Mapping[str, Json] = field(repr=False)
    key: str
    expires_at: int
    reusable: bool = False


Proof = Secret | SignedAssertion | ActorToken | Vouched
