"""Access tokens: signed claims of who acts, for whom, towards which audience, for five minutes.

JWT (RFC 7519) of the profile RFC 9068, signed with Ed25519 (RFC 8037). Delegation follows RFC 8693 section 4.1: `sub`
is whom everything is done for; the *outermost* `act.sub` is the agent acting now, and each `act` nested in it is who
passed the task on before, the least recent innermost. A token without `act` is its subject acting for itself.

Private claims: `epoch`, the identity epoch under which it was issued, by which revocations are ordered without any
clock; `grants`, the ids of the delegations between the members of the chain, acting first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from autonomy.kernel.clock import MINUTE, SECOND
from autonomy.kernel.errors import Unauthenticated

from .keys import Signer
from .model import SigningKey

LIFETIME = 5 * MINUTE
LEEWAY = 30 * SECOND
"""How far the clocks of two of our processes may differ before tokens are refused."""

MAX_BEARER = 8_192  # a chain of nine agents needs about two thousand characters
TYPE = "at+jwt"
ALGORITHM = "EdDSA"

_HEADER = {"alg", "kid", "typ"}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Times in milliseconds; `chain` and `grants` as in `Caller`."""

    id: str
    chain: tuple[str, ...]
    grants: tuple[str, ...]
    credential: str
    audience: str
    epoch: int
    issued_at: int
    expires_at: int
    not_before: int = 0
    kid: str = ""
    """The key that signed it; known of a token that was read."""


class _Actor(msgspec.Struct, forbid_unknown_fields=True):
    sub: str
    act: _Actor | None = None


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    iss: str
    sub: str
    aud: str
    iat: int
    exp: int
    jti: str
    client_id: str
    epoch: int
    grants: list[str] = []
    act: _Actor | None = None
    nbf: int | None = None


def encode(claims: Claims, issuer: str, signer: Signer) -> str:
    """The token that says `claims`."""
    payload: dict[str, Any] = {
        "iss": issuer,
        "sub": claims.chain[-1],
        "aud": claims.audience,
        "iat": claims.issued_at // SECOND,
        "exp": claims.expires_at // SECOND,
        "jti": claims.id,
        "client_id": claims.credential,
        "epoch": claims.epoch,
    }
    if len(claims.chain) > 1:
        payload["act"] = _nested(claims.chain[:-1])
        payload["grants"] = list(claims.grants)
    return jwt.encode(payload, signer.private, ALGORITHM, headers={"kid": signer.kid, "typ": TYPE})


def decode(token: str, issuer: str, key: Callable[[str], SigningKey | None]) -> Claims:
    """The claims of a token that `issuer` signed with the key its header names.

    Only the signature and the shape are judged; `check_time` and the state of identity are for every use anew.
    Raises Unauthenticated (`token.invalid`), which never says more: who forges learns nothing.
    """
    if len(token) > MAX_BEARER:
        raise _invalid()
    try:
        header = jwt.get_unverified_header(token)
        kid = _key_id(header)
        signed_by = key(kid)
        if signed_by is None:
            raise _invalid()
        # The algorithm comes from the key, never from the token; times are judged by our own clock.
        public = Ed25519PublicKey.from_public_bytes(signed_by.public)
        payload = jwt.decode(token, public, [ALGORITHM], options=_SIGNATURE_ONLY)
        found = msgspec.convert(payload, _Payload)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
        raise _invalid() from None
    if found.iss != issuer:
        raise _invalid()
    return _claims(found, kid)


def check_time(claims: Claims, at: int) -> None:
    """Raise Unauthenticated (`token.expired`, `token.early`) where the token is not in force at `at`."""
    if at >= claims.expires_at + LEEWAY:
        raise Unauthenticated("the token has expired", code="token.expired", hint="get a new one")
    if at < max(claims.issued_at, claims.not_before) - LEEWAY:
        raise Unauthenticated("the token is not valid yet", code="token.early", hint="set the clocks right")


_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _key_id(header: dict[str, Any]) -> str:
    # Nothing else is understood: a key inside the header (`jwk`, `jku`, `x5c`) or a `crit` is an attack here.
    kid = header.get("kid")
    if set(header) != _HEADER or header["typ"] != TYPE or header["alg"] != ALGORITHM or not isinstance(kid, str):
        raise _invalid()
    return kid


def _claims(found: _Payload, kid: str) -> Claims:
    chain: list[str] = []
    actor = found.act
    while actor is not None:
        chain.append(actor.sub)
        actor = actor.act
    if len(found.grants) != len(chain):
        raise _invalid()
    return Claims(
        id=found.jti,
        chain=(*chain, found.sub),
        grants=tuple(found.grants),
        credential=found.client_id,
        audience=found.aud,
        epoch=found.epoch,
        issued_at=found.iat * SECOND,
        expires_at=found.exp * SECOND,
        not_before=(found.nbf or 0) * SECOND,
        kid=kid,
    )


def _nested(actors: tuple[str, ...]) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for actor in reversed(actors):
        inner = {"sub": actor, "act": inner} if inner else {"sub": actor}
    return inner


def _invalid() -> Unauthenticated:
    return Unauthenticated("the token is not valid", code="token.invalid", hint="get a new one from the token endpoint")
