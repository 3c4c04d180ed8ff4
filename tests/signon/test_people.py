"""People sign on at an identity provider: what is asked, what is believed, and everything that is not."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from autonomy.identity.people import SESSION_TTL
from autonomy.kernel.clock import MINUTE, now
from tests.server.desk import Desk, desk

from .issuer import CLIENT, SECRET, Issuer, Key, b64
from .lobby import Browser, form, take_word, text_of


@pytest.fixture
def browser(hall: Desk, issuer: Issuer) -> Browser:
    take_word(hall, issuer.url)
    return Browser(hall)


def answering(issuer: Issuer, asked: dict[str, str], **changed: Any) -> None:
    """The provider gives an ID token for the next code; `changed` are its claims."""
    said = {"sub": "nora", "nonce": asked["nonce"]} | changed
    issuer.token_answer = lambda _: (200, {"id_token": issuer.keys[0].sign(issuer.claims(**said))})


def came_back(browser: Browser, issuer: Issuer, asked: dict[str, str], **query: str) -> Any:
    return browser.come_back(**{"code": "c0de", "state": asked["state"], "iss": issuer.url} | query)


def test_the_provider_is_asked_with_pkce_state_and_nonce(browser: Browser, hall: Desk, issuer: Issuer) -> None:
    asked = browser.begin()
    assert browser.last is not None and browser.last.headers["Location"].startswith(f"{issuer.url}/authorize?")
    assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
    assert asked["redirect_uri"] == f"{hall.url}/sign-on/callback"
    assert asked["scope"] == "openid profile email"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    cookie = browser.last.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/sign-on/callback" in cookie
    assert asked["nonce"] not in cookie and asked["state"] not in cookie


def test_whom_the_provider_vouches_for_is_signed_in(browser: Browser, issuer: Issuer) -> None:
    asked = browser.begin("/sign-on/with/corporate?next=/console/agents")
    seen: list[dict[str, str]] = []
    token = issuer.keys[0].sign(issuer.claims(sub="nora", nonce=asked["nonce"], groups=["auditors", "staff"]))
    issuer.token_answer = lambda form: (seen.append(form), (200, {"id_token": token}))[1]
    answer = came_back(browser, issuer, asked)
    assert (answer.status, answer.headers["Location"]) == (303, "/console/agents")
    assert seen[0]["code"] == "c0de" and seen[0]["grant_type"] == "authorization_code"
    assert len(seen[0]["code_verifier"]) >= 43 and "client_secret" not in seen[0]
    assert issuer.authorizations[-2].startswith("Basic ") or issuer.authorizations[-1].startswith("Basic ")
    assert set(browser.cookies) == {"autonomy_session"}
    me = browser.get("/api/me").json
    assert (me["name"], me["access"]) == ("nora", ["auditor"])


def test_groups_are_asked_of_userinfo_where_the_token_does_not_tell_them(browser: Browser, issuer: Issuer) -> None:
    asked = browser.begin()
    token = issuer.keys[0].sign(issuer.claims(sub="nora", nonce=asked["nonce"]))
    issuer.token_answer = lambda _: (200, {"id_token": token, "access_token": "at-canary"})
    issuer.userinfo = {"sub": "nora", "groups": ["bosses"]}
    assert came_back(browser, issuer, asked).status == 303
    assert issuer.authorizations[-1] == "Bearer at-canary"
    assert browser.get("/api/me").json["roles"] == ["boss"]


def test_what_userinfo_says_of_somebody_else_is_not_believed(browser: Browser, issuer: Issuer) -> None:
    asked = browser.begin()
    token = issuer.keys[0].sign(issuer.claims(sub="nora", nonce=asked["nonce"]))
    issuer.token_answer = lambda _: (200, {"id_token": token, "access_token": "at-canary"})
    issuer.userinfo = {"sub": "mallory", "groups": ["auditors"]}
    assert came_back(browser, issuer, asked).status == 401


def test_who_is_not_declared_does_not_get_in(browser: Browser, issuer: Issuer) -> None:
    asked = browser.begin()
    answering(issuer, asked, sub="mallory")
    answer = came_back(browser, issuer, asked)
    assert answer.status == 401 and "sign_in.failed" in text_of(answer)
    assert "autonomy_session" not in browser.cookies


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "another"},
    "two audiences and another party": {"aud": [CLIENT, "another"], "azp": "another"},
    "two audiences and no party": {"aud": [CLIENT, "another"]},
    "another party": {"azp": "another"},
    "no audience": {"aud": ...},
    "another nonce": {"nonce": "n" * 43},
    "no nonce": {"nonce": ...},
    "a nonce that is a number": {"nonce": 7},
    "expired": {"exp": 1_700_000_000},
    "no expiry": {"exp": ...},
    "expiry as text": {"exp": "tomorrow"},
    "expiry as a truth": {"exp": True},
    "good for a month": {"exp": 4_000_000_000},
    "issued tomorrow": {"iat": 3_900_000_000},
    "not yet": {"nbf": 3_900_000_000},
    "no subject": {"sub": ...},
    "an empty subject": {"sub": ""},
    "a subject that is a list": {"sub": ["nora"]},
}


@pytest.mark.parametrize("case", WRONG_CLAIMS)
def test_a_token_that_says_anything_else_lets_nobody_in(browser: Browser, issuer: Issuer, case: str) -> None:
    asked = browser.begin()
    answering(issuer, asked, **WRONG_CLAIMS[case])
    assert came_back(browser, issuer, asked).status == 401
    assert "autonomy_session" not in browser.cookies


Claims = dict[str, Any]


def by_secret(claims: Claims, secret: bytes) -> str:
    """Signed as if a public key, or another secret, were shared."""
    text = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'first'}).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"


def unsigned(claims: Claims, signature: str = "") -> str:
    header = b64(json.dumps({"alg": "none", "kid": "first"}).encode())
    return f"{header}.{b64(json.dumps(claims).encode())}.{signature}"


FORGERIES: dict[str, Callable[[Issuer, Key, Claims], str]] = {
    "none": lambda _, key, claims: unsigned(claims),
    "none with a signature": lambda _, key, claims: unsigned(claims, key.sign(claims).split(".")[2]),
    "a shared secret that is the public key": lambda _, key, claims: by_secret(claims, json.dumps(key.jwk).encode()),
    "a shared secret that is the key as PEM": lambda _, key, claims: by_secret(claims, pem(key)),
    "a shared secret that is ours": lambda _, key, claims: by_secret(claims, SECRET.encode()),
    "another key under the same name": lambda _, key, claims: Key.make("first").sign(claims),
    "a key it brings itself": lambda _, key, claims: Key.make("first").sign(claims, jwk=Key.make("x").jwk),
    "a key at an address it names": lambda one, key, claims: Key.make("m").sign(claims, jku=f"{one.url}/keys"),
    "an unknown key": lambda _, key, claims: Key.make("unknown").sign(claims),
    "another curve": lambda _, key, claims: Key.make("first", "ES384").sign(claims),
    "an algorithm that is not declared": lambda _, key, claims: key.sign(claims, alg="ES512"),
    "a critical extension": lambda _, key, claims: key.sign(claims, crit=["b64"]),
    "a claim twice": lambda _, key, claims: key.sign(json.dumps(claims).encode()[:-1] + b',"sub":"nora"}'),
    "not JSON": lambda _, key, claims: key.sign(b"{"),
    "a list": lambda _, key, claims: key.sign(b"[]"),
    "too large": lambda _, key, claims: key.sign({**claims, "more": "x" * 20_000}),
    "deep": lambda _, key, claims: key.sign(b'{"a":' * 100 + b"1" + b"}" * 100),
    "two parts": lambda _, key, claims: key.sign(claims).rpartition(".")[0],
    "padding": lambda _, key, claims: key.sign(claims) + "=",
    "a changed signature": lambda _, key, claims: key.sign(claims)[:-6] + "AAAAAA",
    "empty": lambda *_: "",
}


def pem(key: Key) -> bytes:
    """The public key as it stands in a file."""
    found: bytes = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_token_lets_nobody_in(browser: Browser, issuer: Issuer, how: str) -> None:
    asked = browser.begin()
    claims = issuer.claims(sub="nora", nonce=asked["nonce"])
    token = FORGERIES[how](issuer, issuer.keys[0], claims)
    issuer.token_answer = lambda _: (200, {"id_token": token})
    answer = came_back(browser, issuer, asked)
    assert answer.status == 401, answer.body
    assert "assertion.invalid" in text_of(answer)
    assert "autonomy_session" not in browser.cookies


def test_a_weak_key_of_the_provider_proves_nothing(browser: Browser, issuer: Issuer) -> None:
    issuer.keys = [Key.make("weak", "RS256/1024")]
    asked = browser.begin()
    answering(issuer, asked)
    assert came_back(browser, issuer, asked).status == 401


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_each_declared_algorithm_is_understood(browser: Browser, issuer: Issuer, algorithm: str) -> None:
    issuer.keys = [Key.make("only", algorithm)]
    asked = browser.begin()
    answering(issuer, asked)
    assert came_back(browser, issuer, asked).status == 303


WRONG_ANSWERS: dict[str, dict[str, str]] = {
    "another state": {"state": "s" * 43},
    "no state": {"state": ""},
    "another provider answers": {"iss": "https://elsewhere.example"},
    "the provider does not name itself": {"iss": ""},
    "no code": {"code": ""},
    "the provider refuses": {"error": "access_denied", "code": ""},
}


@pytest.mark.parametrize("case", WRONG_ANSWERS)
def test_an_answer_to_another_question_is_refused(browser: Browser, issuer: Issuer, case: str) -> None:
    asked = browser.begin()
    answering(issuer, asked)
    answer = came_back(browser, issuer, asked, **WRONG_ANSWERS[case])
    assert answer.status in (400, 401)
    assert "/token" not in issuer.asked and "autonomy_session" not in browser.cookies


def test_another_browser_cannot_finish_what_one_began(browser: Browser, hall: Desk, issuer: Issuer) -> None:
    asked = browser.begin()
    answering(issuer, asked)
    stranger = Browser(hall)
    assert came_back(stranger, issuer, asked).status == 400
    stranger.begin()
    assert came_back(stranger, issuer, asked).status == 400
    assert "/token" not in issuer.asked


@pytest.mark.parametrize("cookie", ["", "x", "A" * 5_000, "AAAA" * 20])
def test_a_cookie_that_is_not_ours_is_nothing(browser: Browser, issuer: Issuer, cookie: str) -> None:
    asked = browser.begin()
    browser.cookies["autonomy_sign_on"] = cookie
    assert came_back(browser, issuer, asked).status == 400


def test_a_parameter_that_stands_twice_is_refused(browser: Browser, issuer: Issuer) -> None:
    asked = browser.begin()
    path = f"/sign-on/callback?code=a&code=b&state={asked['state']}&iss={issuer.url}"
    assert browser.get(path).status == 400


@pytest.mark.parametrize(
    "path",
    ["//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example", "", "x", "/a\nb", "/" + "x" * 600],
)
def test_nobody_is_sent_elsewhere_afterwards(browser: Browser, issuer: Issuer, path: str) -> None:
    asked = browser.begin(f"/sign-on/with/corporate?next={quote(path, safe='')}")
    answering(issuer, asked)
    assert came_back(browser, issuer, asked).headers["Location"] == "/"


def test_a_key_the_provider_begins_to_use_is_found_and_an_old_one_goes(browser: Browser, issuer: Issuer) -> None:
    asked = browser.begin()
    answering(issuer, asked)
    assert came_back(browser, issuer, asked).status == 303
    times = issuer.asked.count("/keys")
    asked = browser.begin()
    answering(issuer, asked)
    assert came_back(browser, issuer, asked).status == 303
    assert issuer.asked.count("/keys") == times  # remembered


BROKEN: dict[str, Callable[[Issuer], Any]] = {
    "another issuer in its discovery": lambda one: one.discovery.update(issuer="https://elsewhere.example"),
    "a key set over plain http elsewhere": lambda one: one.discovery.update(jwks_uri="http://elsewhere.example/keys"),
    "a token endpoint that is a file": lambda one: one.discovery.update(token_endpoint="file:///etc/passwd"),
    "no authorization endpoint": lambda one: one.discovery.update(authorization_endpoint=None),
    "no token endpoint": lambda one: one.discovery.update(token_endpoint=None),
    "huge": lambda one: one.discovery.update(more="x" * 400_000),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_provider_that_is_not_understood_lets_nobody_in(hall: Desk, issuer: Issuer, how: str) -> None:
    BROKEN[how](issuer)
    take_word(hall, issuer.url)
    answer = Browser(hall).get("/sign-on/with/corporate")
    assert answer.status == 503 and "sign_on.provider" in text_of(answer)


def test_an_address_inside_our_network_is_not_asked_for_the_provider(hall: Desk, issuer: Issuer) -> None:
    issuer.discovery["token_endpoint"] = "https://169.254.169.254/token"
    take_word(hall, issuer.url)
    browser = Browser(hall)
    asked = browser.begin()
    answer = came_back(browser, issuer, asked)
    assert answer.status == 503 and "sign_on.provider_down" in text_of(answer)


def test_a_provider_that_is_down_keeps_nobody_out_who_is_in(browser: Browser, hall: Desk, issuer: Issuer) -> None:
    asked = browser.begin()
    answering(issuer, asked)
    assert came_back(browser, issuer, asked).status == 303
    late = Browser(hall)
    waiting = late.begin()
    issuer.down = True
    assert browser.get("/api/me").json["name"] == "nora"
    answer = came_back(late, issuer, waiting)
    assert answer.status == 503 and "who is signed in goes on working" in text_of(answer)
    assert "autonomy_session" not in late.cookies


def test_who_is_in_works_until_the_session_ends_and_gets_in_no_more_while_the_provider_is_down(
    tmp_path: Path, issuer: Issuer
) -> None:
    ahead = [0]
    with desk(tmp_path, clock=lambda: now() + ahead[0]) as hall:
        take_word(hall, issuer.url)
        browser = Browser(hall)
        answering(issuer, asked := browser.begin())
        assert came_back(browser, issuer, asked).status == 303
        issuer.down = True
        ahead[0] = SESSION_TTL - MINUTE
        assert browser.get("/api/me").json["name"] == "nora"
        ahead[0] = SESSION_TTL + MINUTE
        assert browser.get("/api/me").status == 401
        answer = came_back(browser, issuer, browser.begin())
        assert answer.status == 503 and "sign_on.provider_down" in text_of(answer)
        assert browser.get("/api/me").status == 401


def test_a_provider_that_was_never_up_is_told_clearly(hall: Desk, issuer: Issuer) -> None:
    issuer.down = True
    take_word(hall, issuer.url)
    answer = Browser(hall).get("/sign-on/with/corporate")
    assert answer.status == 503 and "sign_on.provider_down" in text_of(answer)


def test_the_token_endpoint_that_refuses_or_breaks_lets_nobody_in(browser: Browser, issuer: Issuer) -> None:
    for said, status in (((400, {"error": "invalid_grant"}), 401), ((500, {}), 503), ((200, b"<html>"), 503)):
        asked = browser.begin()
        issuer.token_answer = lambda _, said=said: said  # type: ignore[misc]
        assert came_back(browser, issuer, asked).status == status


def test_nobody_signs_in_at_a_provider_that_is_not_declared_for_it(hall: Desk, issuer: Issuer) -> None:
    assert Browser(hall).get("/sign-on/with/nowhere").status == 404


def test_the_login_page_leads_to_every_provider_and_takes_passwords(browser: Browser, hall: Desk) -> None:
    shown = text_of(browser.get("/login?next=/console"))
    assert "Sign in with Corporate" in shown and "/sign-on/with/corporate?next=%2Fconsole" in shown
    assert hall.stranger.get("/api/sign-on").json == {"providers": [{"name": "corporate", "label": "Corporate"}]}
    hall.invited("vera", "a password of vera")
    said = {"name": "vera", "password": "a password of vera", "next": "/console"}
    answer = form(hall.pool, "/login", said, Origin=hall.url)
    assert (answer.status, answer.headers["Location"]) == (303, "/console")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("autonomy_session=") and "SameSite=strict" in cookie and "HttpOnly" in cookie
    wrong = form(hall.pool, "/login", said | {"password": "wrong"}, Origin=hall.url)
    assert wrong.status == 401 and "name or password is wrong" in text_of(wrong)


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}])
def test_no_foreign_page_signs_somebody_in(browser: Browser, hall: Desk, headers: dict[str, str]) -> None:
    hall.invited("vera", "a password of vera")
    answer = form(hall.pool, "/login", {"name": "vera", "password": "a password of vera"}, **headers)
    assert answer.status == 403 and "Set-Cookie" not in answer.headers
    assert f"sign in at {hall.url}/login" in text_of(answer)


def test_no_secret_is_shown_or_logged(browser: Browser, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    for sub in ("nora", "mallory"):
        asked = browser.begin()
        claims = issuer.claims(sub=sub, nonce=asked["nonce"], groups=["auditors"])
        token = issuer.keys[0].sign(claims)
        issuer.token_answer = lambda _, token=token: (200, {"id_token": token, "access_token": "at-canary"})  # type: ignore[misc]
        answer = came_back(browser, issuer, asked, code="code-canary")
        shown += [text_of(answer), str(answer.headers.get("Location")), token.split(".")[2], asked["nonce"]]
    # The test's own client logs what it sends; the server's access log is off (see `server/serving.py`), which pytest
    # does not know.
    logged = [record.getMessage() for record in caplog.records if record.name.split(".")[0] != "urllib3"]
    own = [line for line in logged if "GET /sign-on/" not in line]
    said = "\n".join([*shown[:2], *shown[4:6], *own])
    for secret in (SECRET, "at-canary", "code-canary", shown[2], shown[3], shown[6], shown[7]):
        assert secret not in said
