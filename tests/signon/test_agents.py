"""Agents from outside: tokens of declared issuers, keys of their own, and exchange, at the token endpoint over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from autonomy.kernel.ids import new_id
from tests.gate.works import agent as manifest
from tests.house import declare
from tests.server.desk import Answer, Desk, files

from .issuer import CLIENT, Issuer, Key, b64
from .lobby import PROVIDER, form

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"

SUBJECT = "system:serviceaccount:buying:w1"
FEDERATED = """
  federated:
  - provider: corporate
    subject: {subject}
    claims: {claims}
"""


def admit(
    desk: Desk, issuer: Issuer, more: str = "", claims: str = "{ kubernetes.io.namespace: buying }", **others: str
) -> None:
    """Declare the issuer, and that its workload is the agent `w1`; `others` are workloads of other agents."""
    declared = {"w1": (SUBJECT, claims)} | {name: (subject, "{}") for name, subject in others.items()}
    agents = [
        manifest(name, "office" if name == "clerk" else "works", parent="w1" if name == "child" else "",
                 sponsor="bea" if name == "clerk" else "sam")
        + (FEDERATED.format(subject=declared[name][0], claims=declared[name][1]) if name in declared else "")
        for name in ("w1", "w2", "child", "clerk")
    ]  # fmt: skip
    provider = PROVIDER.format(issuer=issuer.url, client=CLIENT, more=more)
    declare(desk.system, {**files(agents="---".join(agents)), "provider.yaml": provider})


@pytest.fixture
def office(hall: Desk, issuer: Issuer) -> Desk:
    for one in hall.system.identity.credentials():
        if one.revoked_at is None and one.kind != "federated":
            hall.system.identity.revoke(one.id, "system")
    admit(hall, issuer)
    return hall


def token(desk: Desk, issuer: Issuer, key: Key | None = None, **changed: Any) -> str:
    """A token of the workload, meant for our server; a claim changed to `...` is left out."""
    said = {
        "sub": SUBJECT,
        "aud": f"{desk.url}/oauth/token",
        "jti": new_id("jti"),
        "kubernetes.io": {"namespace": "buying", "pod": "w1-7"},
    } | changed
    return (key or issuer.keys[0]).sign(issuer.claims(**said))


def ask(desk: Desk, **fields: Any) -> Answer:
    return form(desk.pool, "/oauth/token", fields)


def bearer(desk: Desk, assertion: str, **more: str) -> Answer:
    return ask(desk, grant_type=BEARER, assertion=assertion, **more)


def who(desk: Desk, answer: Answer) -> tuple[str, ...]:
    """The chain of agents a token was given to, acting first; fails where none was given."""
    assert answer.status == 200, answer.body
    caller = desk.system.identity.authenticate(answer.json["access_token"])
    return tuple(one.name for one in caller.chain)


def refused(answer: Answer, error: str, word: str = "") -> None:
    assert answer.status == (401 if error == "invalid_client" else 400), answer.body
    assert answer.json["error"] == error and word in answer.json["error_description"]


def test_a_workload_outside_is_its_agent_here(office: Desk, issuer: Issuer) -> None:
    answer = bearer(office, token(office, issuer))
    assert who(office, answer) == ("w1",)
    reply = office.stranger.post(
        "/v1/actions",
        {"tool": "pay", "arguments": {"payee": "acme", "amount": "20.00"}},
        Authorization=f"Bearer {answer.json['access_token']}",
    )
    assert reply.json["status"] == "done"


def test_its_token_authenticates_it_as_a_client_too(office: Desk, issuer: Issuer) -> None:
    answer = ask(
        office,
        grant_type="client_credentials",
        client_assertion_type=ASSERTION,
        client_assertion=token(office, issuer, aud=office.url),
    )
    assert who(office, answer) == ("w1",)


def test_a_token_counts_once_in_every_process(office: Desk, issuer: Issuer) -> None:
    assertion = token(office, issuer)
    assert bearer(office, assertion).status == 200
    refused(bearer(office, assertion), "invalid_grant", "used before")
    twin = token(office, issuer, jti="the-same")
    assert bearer(office, twin).status == 200
    refused(bearer(office, token(office, issuer, jti="the-same", iat=1)), "invalid_grant", "used before")


def test_a_provider_may_be_declared_to_reuse_its_tokens(hall: Desk, issuer: Issuer) -> None:
    admit(hall, issuer, more="  reusableTokens: true")
    assertion = token(hall, issuer, jti=...)
    assert bearer(hall, assertion).status == bearer(hall, assertion).status == 200


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another audience": ({"aud": "https://elsewhere.example"}, "audience"),
    "two audiences": ({"aud": ["{url}", "https://elsewhere.example"]}, "audience"),
    "an audience that only begins like ours": ({"aud": "{url}/oauth/token/"}, "audience"),
    "no audience": ({"aud": ...}, "audience"),
    "the sign-on client as audience": ({"aud": CLIENT}, "audience"),
    "expired": ({"exp": 1_700_000_000}, "expired"),
    "no expiry": ({"exp": ...}, "when it ends"),
    "good for two days": ({"exp": 172_800 + 2_000_000_000}, "holds for more"),
    "not yet": ({"nbf": 3_900_000_000}, "not valid yet"),
    "from the future": ({"iat": 3_900_000_000}, "not valid yet"),
    "no id": ({"jti": ...}, "jti"),
    "an id that is a number": ({"jti": 7}, "id"),
    "an endless id": ({"jti": "x" * 600}, "id"),
    "no subject": ({"sub": ...}, "whom it is about"),
    "another subject": ({"sub": "system:serviceaccount:buying:w2"}, "no agent is declared"),
    "a subject in other letters": ({"sub": SUBJECT.upper()}, "no agent is declared"),
    "another namespace": ({"kubernetes.io": {"namespace": "selling"}}, "no agent is declared"),
    "a namespace that is a list": ({"kubernetes.io": {"namespace": ["buying"]}}, "no agent is declared"),
    "a claim is missing": ({"kubernetes.io": ...}, "no agent is declared"),
    "another issuer": ({"iss": "https://elsewhere.example"}, "not declared here"),
    "no issuer": ({"iss": ...}, "not declared here"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_token_that_says_anything_else_is_nobodys(office: Desk, issuer: Issuer, case: str) -> None:
    changed, word = WRONG[case]
    said = json.loads(json.dumps(changed, default=lambda _: "...").replace("{url}", office.url))
    said = {name: ... if value == "..." else value for name, value in said.items()}
    refused(bearer(office, token(office, issuer, **said)), "invalid_grant", word)


@pytest.mark.parametrize(
    "forge",
    [
        lambda claims, key: f"{b64(b'{}')}.{b64(json.dumps(claims).encode())}.",
        lambda claims, key: jwt.encode(claims, "s" * 32, "HS256", headers={"kid": "first"}),
        lambda claims, key: Key.make("first").sign(claims),
        lambda claims, key: Key.make("other").sign(claims),
        lambda claims, key: key.sign(json.dumps(claims).encode()[:-1] + b',"sub":"x"}'),
        lambda claims, key: key.sign(claims, crit=["exp"]),
        lambda claims, key: "x" * 20_000,
        lambda claims, key: "a.b",
        lambda claims, key: "é.é.é",
    ],
)
def test_a_forged_token_is_nobodys(office: Desk, issuer: Issuer, forge: Callable[[Any, Key], str]) -> None:
    claims = issuer.claims(sub=SUBJECT, aud=office.url, jti="x", **{"kubernetes.io": {"namespace": "buying"}})
    refused(bearer(office, forge(claims, issuer.keys[0])), "invalid_grant")


def test_a_token_two_agents_could_claim_is_nobodys(hall: Desk, issuer: Issuer) -> None:
    admit(hall, issuer, w2=SUBJECT)
    refused(bearer(hall, token(hall, issuer)), "invalid_grant", "several agents")


def test_what_was_revoked_comes_back_only_by_a_new_declaration(hall: Desk, issuer: Issuer) -> None:
    admit(hall, issuer)
    hall.system.identity.revoke("w1", "person:ada", "its node was broken into")
    refused(bearer(hall, token(hall, issuer)), "invalid_grant", "revoked")
    admit(hall, issuer, clerk="another")
    refused(bearer(hall, token(hall, issuer)), "invalid_grant", "revoked")
    declare(hall.system, files())
    refused(bearer(hall, token(hall, issuer)), "invalid_grant", "no agent is declared")
    admit(hall, issuer)
    assert who(hall, bearer(hall, token(hall, issuer))) == ("w1",)


def test_keys_of_an_issuer_that_is_down_are_remembered_but_unknown_ones_are_not_guessed(
    office: Desk, issuer: Issuer
) -> None:
    assert bearer(office, token(office, issuer)).status == 200
    issuer.down = True
    assert bearer(office, token(office, issuer)).status == 200
    refused(bearer(office, token(office, issuer, Key.make("new"))), "invalid_grant", "signature")


def test_an_issuer_nobody_could_ever_ask_is_told_as_such(hall: Desk, issuer: Issuer) -> None:
    issuer.down = True
    admit(hall, issuer)
    answer = bearer(hall, token(hall, issuer))
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")


# Keys of their own


def registered(desk: Desk, name: str = "w2", algorithm: str = "EdDSA") -> tuple[str, Key]:
    key = Key.make("own", algorithm)
    answer = desk.person("ada").post(f"/api/agents/{name}/keys", {"jwk": key.jwk})
    assert answer.status == 201, answer.body
    return str(answer.json["id"]), key


def own(desk: Desk, client: str, key: Key, **changed: Any) -> str:
    now = int(time.time())
    said = {"iss": client, "sub": client, "aud": desk.url, "iat": now, "exp": now + 60, "jti": new_id("jti")} | changed
    return key.sign({name: value for name, value in said.items() if value is not ...})


def signed(desk: Desk, assertion: str, **more: str) -> Answer:
    return ask(
        desk, grant_type="client_credentials", client_assertion_type=ASSERTION, client_assertion=assertion, **more
    )


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "ES384", "RS256"])
def test_an_agent_proves_itself_by_its_own_key(office: Desk, algorithm: str) -> None:
    client, key = registered(office, algorithm=algorithm)
    assert who(office, signed(office, own(office, client, key))) == ("w2",)
    assert who(office, signed(office, own(office, client, key), client_id=client)) == ("w2",)


OWN_WRONG: dict[str, dict[str, Any]] = {
    "another subject": {"sub": "cred_other"},
    "another audience": {"aud": "https://elsewhere.example"},
    "expired": {"exp": 1_700_000_000},
    "good for an hour": {"exp": 3_700 + 1_900_000_000},
    "no id": {"jti": ...},
    "no expiry": {"exp": ...},
    "an unknown client": {"iss": "cred_nobody", "sub": "cred_nobody"},
}


@pytest.mark.parametrize("case", OWN_WRONG)
def test_an_assertion_of_its_own_that_says_anything_else_is_refused(office: Desk, case: str) -> None:
    client, key = registered(office)
    refused(signed(office, own(office, client, key, **OWN_WRONG[case])), "invalid_client")


def test_an_assertion_of_its_own_counts_once(office: Desk) -> None:
    client, key = registered(office)
    assertion = own(office, client, key)
    assert signed(office, assertion).status == 200
    refused(signed(office, assertion), "invalid_client", "used before")


def test_another_key_another_name_and_a_revoked_key_prove_nothing(office: Desk) -> None:
    client, key = registered(office)
    refused(signed(office, own(office, client, Key.make("own", "EdDSA"))), "invalid_client", "signature")
    refused(signed(office, own(office, client, key), client_id="cred_other"), "invalid_client")
    secret = office.system.identity.issue_credential("w2", "client_secret", "system")
    refused(signed(office, own(office, secret.id, key)), "invalid_client", "no key here")
    office.system.identity.revoke(client, "person:ada")
    refused(signed(office, own(office, client, key)), "invalid_client", "revoked")


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        ({"kty": "oct", "k": "c2VjcmV0"}, "credential.private_key"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "d": "AAAA"}, "credential.private_key"),
        ({"kty": "OKP", "crv": "X25519", "x": "A" * 43}, "credential.key"),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "credential.key"),
        ({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, "credential.key"),
        ({}, "credential.key"),
    ],
)
def test_only_public_keys_that_hold_are_registered(office: Desk, jwk: dict[str, str], code: str) -> None:
    answer = office.person("ada").post("/api/agents/w2/keys", {"jwk": jwk})
    assert (answer.status, answer.code) == (400, code)
    assert "c2VjcmV0" not in answer.body.decode()


# Exchange


def delegated(desk: Desk, giver: str, taker: str) -> None:
    desk.system.identity.delegate(giver, taker, ["pay"], 60_000, "person:ada")


def plain(desk: Desk, name: str) -> str:
    """An access token of the agent for itself."""
    client = desk.system.identity.issue_credential(name, "client_secret", "system")
    answer = ask(desk, grant_type="client_credentials", client_id=client.id, client_secret=client.secret)
    return str(answer.json["access_token"])


def test_subject_and_actor_make_a_chain(office: Desk) -> None:
    delegated(office, "w1", "w2")
    answer = ask(
        office,
        grant_type=EXCHANGE,
        subject_token=plain(office, "w1"),
        subject_token_type=ACCESS,
        actor_token=plain(office, "w2"),
        actor_token_type=ACCESS,
    )
    assert who(office, answer) == ("w2", "w1")
    claims = jwt.decode(answer.json["access_token"], options={"verify_signature": False})
    identity = office.system.identity
    assert (claims["sub"], claims["act"]) == (identity.agent("w1").id, {"sub": identity.agent("w2").id})
    caller = identity.authenticate(answer.json["access_token"])
    assert caller.tools == {"pay"}


def test_tokens_of_others_may_be_subject_and_actor(office: Desk, issuer: Issuer) -> None:
    delegated(office, "w1", "w2")
    client, key = registered(office)
    answer = ask(
        office,
        grant_type=EXCHANGE,
        client_assertion_type=ASSERTION,
        client_assertion=own(office, client, key),
        subject_token=token(office, issuer),
        subject_token_type=JWT,
    )
    assert who(office, answer) == ("w2", "w1")


def test_an_actor_is_the_client_and_acts_for_nobody_else(office: Desk) -> None:
    delegated(office, "w1", "w2")
    subject = {"grant_type": EXCHANGE, "subject_token": plain(office, "w1"), "subject_token_type": ACCESS}
    client = office.system.identity.issue_credential("clerk", "client_secret", "system")
    as_clerk = {"client_id": client.id, "client_secret": client.secret}
    actor = {"actor_token": plain(office, "w2"), "actor_token_type": ACCESS}
    refused(ask(office, **subject, **as_clerk, **actor), "invalid_request", "actor")
    chained = ask(office, **subject, **actor).json["access_token"]
    refused(ask(office, **subject, actor_token=chained, actor_token_type=ACCESS), "invalid_client", "somebody else")
    refused(ask(office, **subject, actor_token="x", actor_token_type=ACCESS), "invalid_client")
    refused(ask(office, **subject), "invalid_client")


def test_without_a_delegation_there_is_nothing_to_exchange(office: Desk) -> None:
    for one in office.system.identity.delegations():
        office.system.identity.revoke_delegation(one.id, "person:ada")
    answer = ask(
        office,
        grant_type=EXCHANGE,
        subject_token=plain(office, "w1"),
        subject_token_type=ACCESS,
        actor_token=plain(office, "w2"),
        actor_token_type=ACCESS,
    )
    refused(answer, "invalid_grant", "nothing is delegated")


def test_the_metadata_says_what_the_token_endpoint_takes(office: Desk) -> None:
    found = office.stranger.get("/.well-known/oauth-authorization-server").json
    assert BEARER in found["grant_types_supported"] and EXCHANGE in found["grant_types_supported"]
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
    assert "none" not in found["token_endpoint_auth_signing_alg_values_supported"]
    assert not any(each.startswith("HS") for each in found["token_endpoint_auth_signing_alg_values_supported"])


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": BEARER},
        {"grant_type": BEARER, "assertion": "a.b.c", "client_id": "cred_1", "client_secret": "x"},
        {"grant_type": "client_credentials", "client_assertion": "a.b.c", "client_assertion_type": "saml"},
        {"grant_type": "client_credentials", "client_assertion": "a.b.c"},
    ],
)
def test_a_request_with_half_a_proof_or_two_is_refused(office: Desk, fields: dict[str, str]) -> None:
    refused(ask(office, **fields), "invalid_request")
