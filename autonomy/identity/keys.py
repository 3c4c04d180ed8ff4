"""Keys that sign tokens: made here, stored only encrypted under the master key."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autonomy.kernel.errors import Invalid, Unavailable
from autonomy.kernel.ids import new_id

from .model import SigningKey

NONCE_BYTES = 12
MASTER_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key in memory, and the name under which others find its public half."""

    kid: str
    private: Ed25519PrivateKey


class KeyBox:
    """Seals and opens private keys with a key derived from the master key for this purpose alone (HKDF, RFC 5869)."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_BYTES:
            raise Invalid(
                f"the master key has {len(master)} bytes", code="key.master", hint=f"{MASTER_BYTES} are needed"
            )
        derived = HKDF(hashes.SHA256(), 32, None, b"autonomy identity signing keys").derive(master)
        self._box = AESGCM(derived)

    def make(self, at: int) -> tuple[SigningKey, bytes]:
        """A new key: its public half and its sealed private half."""
        kid, private, nonce = new_id("key", at), Ed25519PrivateKey.generate(), os.urandom(NONCE_BYTES)
        sealed = nonce + self._box.encrypt(nonce, private.private_bytes_raw(), kid.encode())
        return SigningKey(kid, private.public_key().public_bytes_raw(), at, None), sealed

    def open(self, kid: str, sealed: bytes) -> Signer:
        """The key named `kid`. Raises Unavailable where the master key is another or the stored bytes were changed."""
        try:
            raw = self._box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], kid.encode())
        except InvalidTag:
            raise Unavailable(
                "the signing key cannot be opened",
                code="key.sealed",
                hint="start with the master key this database was made with",
            ) from None
        return Signer(kid, Ed25519PrivateKey.from_private_bytes(raw))


def jwk(key: SigningKey) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 8037)."""
    x = base64.urlsafe_b64encode(key.public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": x}
