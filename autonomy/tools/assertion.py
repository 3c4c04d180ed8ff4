"""A client's own signature in place of a shared secret: `private_key_jwt` (RFC 7523, section 2.2; OpenID Connect Core,
section 9). Pure."""

from __future__ import annotations

from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from autonomy.kernel.clock import SECOND

from .errors import Unreachable

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_S: Final = 60  # long enough for clocks that differ, too short to be worth stealing
MIN_RSA_BITS: Final = 2_048

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def client_assertion(client: str, audience: str, pem: str, key_id: str | None, id: str, at: int) -> str:
    """A token by which `client` proves itself once to `audience`, signed at `at` (milliseconds); `id` is its `jti`.

    Raises Unreachable (`credential.signing_key`) where `pem` holds no private key to sign with.
    """
    key, algorithm = _key(pem)
    issued = at // SECOND
    claims = {"iss": client, "sub": client, "aud": audience, "jti": id, "iat": issued, "exp": issued + LIFE_S}
    return jwt.encode(claims, key, algorithm, headers={"kid": key_id} if key_id else None)


def _key(pem: str) -> tuple[RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey, str]:
    """The key, and the algorithm that its kind signs by."""
    try:
        found = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if isinstance(found, Ed25519PrivateKey):
        return found, "EdDSA"
    if isinstance(found, EllipticCurvePrivateKey) and found.curve.name in _CURVES:
        return found, _CURVES[found.curve.name]
    if isinstance(found, RSAPrivateKey) and found.key_size >= MIN_RSA_BITS:
        return found, "RS256"
    raise Unreachable(
        "the client's secret holds no private key to sign with",
        code="credential.signing_key",
        hint="PEM without a password: Ed25519, P-256, P-384, P-521, or RSA of 2048 bits and more",
    )
