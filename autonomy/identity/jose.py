"""Signed tokens of others: read strictly, verified by a public key that is known beforehand (RFC 7515, 7517, 7518).

Nothing inside a token chooses how it is verified: the algorithms come from a declared list and must fit the kind of the
key; keys and addresses of keys that a token carries are never looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid, Unauthenticated

MAX_TOKEN = 16_384  # characters; a token with two hundred groups has about eight thousand
MIN_RSA_BITS = 2_048

_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

ALGORITHMS = ("EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
"""Every algorithm that is ever verified here."""

Jwk = Mapping[str, Json]
"""A JSON Web Key."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token taken apart. Nothing of it is to be believed before `verified`."""

    algorithm: str
    kid: str | None
    claims: Mapping[str, Json]
    signed: bytes
    signature: bytes

    @property
    def issuer(self) -> str:
        """Who the token says has issued it; empty where it says nothing."""
        said = self.claims.get("iss")
        return said if isinstance(said, str) else ""


def read(token: str) -> Unverified:
    """Take a compact JWS apart. Raises Unauthenticated (`assertion.invalid`), also for a key that stands twice."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or not token.isascii() or len(parts) != 3:
        raise refused("it is no signed token")
    header, claims = _object(parts[0]), _object(parts[1])
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise refused("its algorithm is not admitted")
    if "crit" in header or not isinstance(kid, str | None):
        raise refused("its header is not understood")
    return Unverified(algorithm, kid, claims, f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2]))


def verified(token: Unverified, key: Jwk, algorithms: Collection[str]) -> Mapping[str, Json]:
    """The claims of a token that the holder of `key` signed by one of `algorithms`.

    Raises Unauthenticated (`assertion.invalid`).
    """
    if token.algorithm not in algorithms or not fits(key, token.algorithm):
        raise refused("its algorithm is not admitted")
    try:
        algorithm = jwt.get_algorithm_by_name(token.algorithm)
        public = algorithm.from_jwk({name: key[name] for name in _PUBLIC[str(key["kty"])]})
        genuine = algorithm.verify(token.signed, public, token.signature)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        genuine = False
    if not genuine:
        raise refused("its signature does not hold")
    return token.claims


def fits(key: Jwk, algorithm: str) -> bool:
    """Whether `key` is of the kind, curve, purpose and strength that `algorithm` needs."""
    if key.get("kty") != _FAMILIES[algorithm[:2]] or key.get("use", "sig") != "sig":
        return False
    if key.get("alg", algorithm) != algorithm:
        return False
    if key["kty"] != "RSA":
        return key.get("crv") == _CURVES[algorithm]
    return _bits(key.get("n")) >= MIN_RSA_BITS


def check_public(key: Json) -> Jwk:
    """`key` as a public key under which tokens can be verified, without what does not matter for that.

    Raises Invalid (`credential.key`, and `credential.private_key` for one that shows its private half).
    """
    if not isinstance(key, dict):
        raise _no_key()
    if _PRIVATE & key.keys():
        raise Invalid(
            "this is the private half of a key",
            code="credential.private_key",
            hint="keep it, make a new one now that it was sent, and send the public half only",
        )
    suitable = [name for name in ALGORITHMS if fits(key, name)]
    if not suitable:
        raise _no_key()
    try:
        public = {name: key[name] for name in (*_PUBLIC[str(key["kty"])], "alg", "kid") if name in key}
        jwt.get_algorithm_by_name(suitable[0]).from_jwk({name: key[name] for name in _PUBLIC[str(key["kty"])]})
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        raise _no_key() from None
    return public


def refused(why: str, kind: str = "invalid") -> Unauthenticated:
    """A token that is not accepted; `kind` makes the code, which is `assertion.<kind>`."""
    return Unauthenticated(f"the token is refused: {why}", code=f"assertion.{kind}")


def _object(part: str) -> dict[str, Json]:
    try:
        found = canonical.parse(_bytes(part), MAX_TOKEN)
    except AutonomyError:
        raise refused("it cannot be read") from None
    if not isinstance(found, dict):
        raise refused("it cannot be read")
    return found


def _bytes(part: str) -> bytes:
    """What base64url (without padding) stands for, in its one spelling."""
    try:
        found = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refused("it cannot be read") from None
    if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != part:
        raise refused("it cannot be read")
    return found


def _bits(number: Any) -> int:
    if not isinstance(number, str) or len(number) > MAX_TOKEN:
        return 0
    try:
        return int.from_bytes(_bytes(number), "big").bit_length()
    except Unauthenticated:
        return 0


def _no_key() -> Invalid:
    return Invalid(
        "this is no public key that tokens can be signed with",
        code="credential.key",
        hint="a JSON Web Key: Ed25519, P-256, P-384, P-521, or RSA of 2048 bits and more",
    )
