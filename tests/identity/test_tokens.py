"""Attacks on access tokens: everything but what we signed is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonomy.identity import Identity
from autonomy.identity.proof import Secret
from autonomy.identity.tokens import MAX_BEARER
from autonomy.kernel.clock import DAY, MINUTE, SECOND
from autonomy.kernel.errors import Unauthenticated
from tests.examples import tried
from tests.identity.world import ISSUER, MCP, World, code_of, other_process


class Forge:
    """What a thief of one good token can build from it; with `private` also a thief of the signing key."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.good = world.token("clerk")
        self.header = jwt.get_unverified_header(self.good)
        self.payload: dict[str, Any] = jwt.decode(self.good, options={"verify_signature": False})
        (public,) = world.identity.jwks()["keys"]
        self.public = base64.urlsafe_b64decode(public["x"] + "=")

    @property
    def private(self) -> Ed25519PrivateKey:
        return self.world.identity._signer.private  # type: ignore[union-attr]

    def signed(self, header: dict[str, Any] | None = None, private: Any = None, **payload: Any) -> str:
        claims = {name: value for name, value in {**self.payload, **payload}.items() if value is not ...}
        headers = {name: value for name, value in {**self.header, **(header or {})}.items() if value is not ...}
        return sign(headers, claims, private or self.private)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def sign(header: dict[str, Any], payload: dict[str, Any], private: Ed25519PrivateKey) -> str:
    body = f"{part(header)}.{part(payload)}"
    return f"{body}.{base64.urlsafe_b64encode(private.sign(body.encode())).rstrip(b'=').decode()}"


def hmac_with_public_key(forge: Forge, key: bytes) -> str:
    return jwt.encode(forge.payload, key, "HS256", headers={"kid": forge.header["kid"], "typ": "at+jwt"})


def pem(forge: Forge) -> bytes:
    body = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + forge.public)
    return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"


def own_key_in_header(forge: Forge) -> str:
    mine = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(mine.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return forge.signed({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}}, mine)


def unsigned(forge: Forge, algorithm: str, signature: str = "") -> str:
    return f"{part({**forge.header, 'alg': algorithm})}.{part(forge.payload)}.{signature}"


STOLEN_TOKEN: dict[str, Callable[[Forge], str]] = {
    "alg none": lambda forge: unsigned(forge, "none"),
    "alg NONE": lambda forge: unsigned(forge, "NONE"),
    "alg none, old signature": lambda forge: unsigned(forge, "none", forge.good.rsplit(".", 1)[1]),
    "no signature": lambda forge: forge.good.rsplit(".", 1)[0] + ".",
    "two parts": lambda forge: forge.good.rsplit(".", 1)[0],
    "four parts": lambda forge: forge.good + ".x",
    "HS256 under the raw public key": lambda forge: hmac_with_public_key(forge, forge.public),
    "HS256 under an empty key": lambda forge: hmac_with_public_key(forge, b"0" * 32),
    "another's key under our key id": lambda forge: forge.signed(private=Ed25519PrivateKey.generate()),
    "a key in the header": own_key_in_header,
    "unknown key id": lambda forge: forge.signed({"kid": "key_" + "0" * 26}, Ed25519PrivateKey.generate()),
    "key id as a path": lambda forge: forge.signed({"kid": "../../dev/null"}, Ed25519PrivateKey.generate()),
    "key id as SQL": lambda forge: forge.signed({"kid": "x' OR '1'='1"}, Ed25519PrivateKey.generate()),
    "key id as a number": lambda forge: forge.signed({"kid": 7}, Ed25519PrivateKey.generate()),
    "no key id": lambda forge: forge.signed({"kid": ...}, Ed25519PrivateKey.generate()),
    "header is a list": lambda forge: f"{part([])}.{part(forge.payload)}.AA",
    "payload is a list": lambda forge: sign(forge.header, [], Ed25519PrivateKey.generate()),  # type: ignore[arg-type]
    "too long": lambda forge: forge.good + "A" * MAX_BEARER,
}

SIGNED_BY_US: dict[str, Callable[[Forge], str]] = {
    "another issuer": lambda forge: forge.signed(iss="https://elsewhere.example"),
    "no issuer": lambda forge: forge.signed(iss=...),
    "two audiences": lambda forge: forge.signed(aud=[ISSUER, "https://elsewhere.example"]),
    "no expiry": lambda forge: forge.signed(exp=...),
    "expiry as text": lambda forge: forge.signed(exp="tomorrow"),
    "expiry without end": lambda forge: forge.signed(exp=1e300),
    "no epoch": lambda forge: forge.signed(epoch=...),
    "an unknown claim": lambda forge: forge.signed(admin=True),
    "an ID token": lambda forge: forge.signed({"typ": "JWT"}),
    "no type": lambda forge: forge.signed({"typ": ...}),
    "critical extension": lambda forge: forge.signed({"crit": ["b64"], "b64": False}),
    "key by URL": lambda forge: forge.signed({"jku": "https://elsewhere.example/keys"}),
    "subject who never was": lambda forge: forge.signed(sub="spiffe://example.org/agent/nobody"),
    "subject of another credential": lambda forge: forge.signed(sub=forge.world.agent("buyer").id),
    "unknown credential": lambda forge: forge.signed(client_id="cred_nothing"),
    "actor without a grant": lambda forge: forge.signed(act={"sub": forge.world.agent("buyer").id}),
    "grant without an actor": lambda forge: forge.signed(grants=["del_x"]),
    "a chain too deep": lambda forge: forge.signed(act=deep(12), grants=["del_x"] * 12),
    "a chain deeper than the stack": lambda forge: forge.signed(act=deep(150), grants=["del_x"] * 150),
}


def deep(depth: int) -> dict[str, Any]:
    actor: dict[str, Any] = {"sub": "spiffe://example.org/agent/x"}
    for _ in range(depth - 1):
        actor = {"sub": "spiffe://example.org/agent/x", "act": actor}
    return actor


@pytest.fixture
def forge(world: World) -> Forge:
    return Forge(world)


@pytest.mark.parametrize("attack", STOLEN_TOKEN)
def test_a_forged_token_is_refused(world: World, forge: Forge, attack: str) -> None:
    forged = STOLEN_TOKEN[attack](forge)
    assert world.refusal(forged) == "token.invalid"
    assert world.identity.authenticate(forge.good).name == "clerk"
    assert world.refusal(forged) == "token.invalid"


@pytest.mark.parametrize("claims", SIGNED_BY_US)
def test_a_token_we_would_never_issue_is_refused_even_under_our_signature(
    world: World, forge: Forge, claims: str
) -> None:
    assert world.identity.authenticate(forge.signed()).name == "clerk"  # the forge itself works
    assert world.refusal(SIGNED_BY_US[claims](forge)) == "token.invalid"


def test_hs256_under_the_public_key_as_pem_is_refused(world: World, forge: Forge) -> None:
    header, payload = part({**forge.header, "alg": "HS256"}), part(forge.payload)
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{header}.{payload}".encode(), pem(forge)
    )
    forged = f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert world.refusal(forged) == "token.invalid"


def test_times_are_judged_by_our_clock_within_the_leeway(world: World, forge: Forge) -> None:
    now = world.now // SECOND
    assert world.refusal(forge.signed(exp=now - 30)) == "token.expired"
    assert world.identity.authenticate(forge.signed(exp=now - 29)).name == "clerk"
    assert world.refusal(forge.signed(nbf=now + 31)) == "token.early"
    assert world.identity.authenticate(forge.signed(nbf=now + 30)).name == "clerk"
    assert world.refusal(forge.signed(iat=now + 31)) == "token.early"


def test_a_remembered_token_still_expires(world: World, forge: Forge) -> None:
    for _ in range(3):
        world.identity.authenticate(forge.good)
    world.later(5 * MINUTE + 30 * SECOND)
    assert world.refusal(forge.good) == "token.expired"


def test_a_clock_turned_back_an_hour_admits_nobody_early(world: World, forge: Forge) -> None:
    world.later(-60 * MINUTE)
    assert world.refusal(forge.good) == "token.early"


@settings(max_examples=tried(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_character_goes_unseen(world: World, data: st.DataObject) -> None:
    forge = world.__dict__.setdefault("forge", None) or Forge(world)
    world.__dict__["forge"] = forge
    at = data.draw(st.integers(0, len(forge.good) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = forge.good[:at] + letter + forge.good[at + 1 :]
    if decoded(changed) != decoded(forge.good):
        assert world.refusal(changed) == "token.invalid"


def decoded(token: str) -> list[bytes | str]:
    """The bytes a token stands for: the last character of base64 has bits that mean nothing."""
    found: list[bytes | str] = []
    for piece in token.split("."):
        try:
            found.append(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))
        except ValueError:
            found.append(piece)
    return found


def test_any_text_is_refused_as_a_token_and_breaks_nothing() -> None:
    @given(st.text(max_size=200))
    @settings(max_examples=tried(200), deadline=None)
    def refused(text: str) -> None:
        from autonomy.identity.tokens import decode

        with pytest.raises(Unauthenticated):
            decode(text, ISSUER, lambda kid: None)

    refused()


def test_rotating_the_key_keeps_tokens_until_they_expire(world: World, identity: Identity, forge: Forge) -> None:
    elsewhere = other_process(world)
    assert elsewhere.admit(forge.good, world.epoch).name == "clerk"
    kid = identity.rotate_signing_key("person:cleo")
    new = world.token("buyer")
    assert jwt.get_unverified_header(new)["kid"] == kid != forge.header["kid"]
    assert elsewhere.admit(forge.good, world.epoch).name == "clerk"
    assert elsewhere.admit(new, world.epoch).name == "buyer"
    assert len(identity.jwks()["keys"]) == 2
    world.later(6 * MINUTE)
    assert [key["kid"] for key in identity.jwks()["keys"]] == [kid]
    fresh = forge.signed(iat=world.now // SECOND, exp=world.now // SECOND + 300, private=forge_key(forge))
    assert world.refusal(fresh) == "token.revoked"


def forge_key(forge: Forge) -> Ed25519PrivateKey:
    kid = forge.header["kid"]
    return forge.world.identity._box.open(kid, forge.world.identity._sealed(kid)).private


def test_a_compromised_key_ends_its_tokens_at_once_in_every_process(
    world: World, identity: Identity, forge: Forge
) -> None:
    elsewhere = other_process(world)
    assert elsewhere.admit(forge.good, world.epoch).name == "clerk"
    identity.rotate_signing_key("person:cleo", compromised=True)
    assert world.refusal(forge.good) == "token.revoked"
    assert code_of(lambda: elsewhere.admit(forge.good, world.epoch)) == "token.revoked"


def test_the_private_key_is_stored_sealed_and_opens_only_under_the_master_key(world: World, forge: Forge) -> None:
    with world.database.reading() as connection:
        (sealed,) = connection.exec_driver_sql("SELECT private FROM signing_key").scalars()
    assert forge.private.private_bytes_raw() not in bytes(sealed)
    client = world.client("clerk")
    stranger = Identity(world.database, world.queue, lambda: world.now, bytes(32), ISSUER)
    assert code_of(lambda: stranger.token(Secret(client.id, client.secret))) == "key.sealed"
    assert code_of(lambda: Identity(world.database, world.queue, lambda: 0, b"short", ISSUER)) == "key.master"


def test_the_published_key_verifies_a_token_for_anybody(world: World, forge: Forge) -> None:
    public = Ed25519PublicKey.from_public_bytes(forge.public)
    options: Any = {"verify_exp": False, "verify_iat": False}
    found = jwt.decode(forge.good, public, ["EdDSA"], audience=ISSUER, issuer=ISSUER, options=options)
    assert found["sub"] == world.agent("clerk").id and "act" not in found
    assert found["exp"] - found["iat"] == 300 and found["jti"].startswith("tok_")


def test_two_processes_that_begin_at_once_sign_with_one_key(world: World, identity: Identity) -> None:
    elsewhere, client = other_process(world), world.client("clerk")
    tokens = [one.token(Secret(client.id, client.secret)).access_token for one in (elsewhere, identity)]
    assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 1
    identity._begin_signing()
    assert len(identity.jwks()["keys"]) == 1


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda w, c: w.identity.token(Secret(c.id, "wrong")), "oauth.invalid_client"),
        (lambda w, c: w.identity.token(Secret("cred_nothing", c.secret)), "oauth.invalid_client"),
        (lambda w, c: w.identity.token(Secret(c.id, c.secret), ["https://elsewhere.example"]), "oauth.invalid_target"),
        (lambda w, c: w.identity.token(Secret(c.id, c.secret), act_for="buyer"), "oauth.invalid_grant"),
        (lambda w, c: w.identity.token(Secret(c.id, c.secret), act_for="nobody"), "oauth.invalid_grant"),
        (lambda w, c: w.identity.exchange(Secret(c.id, c.secret), "nonsense"), "oauth.invalid_grant"),
        (lambda w, c: w.identity.exchange(Secret(c.id, c.secret), w.api_key("buyer")), "oauth.invalid_request"),
        (lambda w, c: w.identity.exchange(Secret(c.id, c.secret), w.token("buyer")), "oauth.invalid_grant"),
    ],
)
def test_the_token_endpoint_refuses_with_the_codes_of_the_standard(world: World, ask: Callable, code: str) -> None:
    assert code_of(lambda: ask(world, world.client("clerk"))) == code


def test_a_suspended_agent_gets_no_token(world: World, identity: Identity) -> None:
    client = world.client("clerk")
    identity.suspend("clerk", "person:ben", "odd")
    assert code_of(lambda: identity.token(Secret(client.id, client.secret))) == "oauth.unauthorized_client"
    assert code_of(lambda: identity.token(Secret(client.id, "wrong"))) == "oauth.invalid_client"


def test_an_api_key_is_no_client_secret(world: World, identity: Identity) -> None:
    issued = identity.issue_credential("clerk", "api_key", "person:cleo")
    secret = issued.secret.split("_", 2)[2]
    assert code_of(lambda: identity.token(Secret(issued.id, secret))) == "oauth.invalid_client"


def test_a_token_ends_with_the_credential_it_was_obtained_by(world: World, identity: Identity) -> None:
    client = world.client("clerk")
    world.later(30 * DAY - MINUTE)
    assert identity.token(Secret(client.id, client.secret), [MCP]).expires_in == 60
    world.later(MINUTE)
    assert code_of(lambda: identity.token(Secret(client.id, client.secret))) == "oauth.invalid_client"
