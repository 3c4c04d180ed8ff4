"""Signing in and out, the one-time link, the cookie and its header, and waiting after failures."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from autonomy.server.session import csrf_of
from tests.server.desk import Client, Desk

PASSWORD = "correct horse battery"


def signed_in(office: Desk, name: str = "ada") -> str:
    office.invited(name, PASSWORD)
    answer = office.stranger.post("/api/session", {"name": name, "password": PASSWORD})
    assert answer.status == 201
    return str(answer.json["token"])


def test_a_person_signs_in_acts_and_signs_out(office: Desk) -> None:
    token = signed_in(office)
    me = Client(office.pool, token).get("/api/me")
    assert me.json["name"] == "ada" and me.json["access"] == ["admin"]
    assert (me.json["currency"], me.json["digits"]) == ("EUR", 2)
    assert "catalog:change:apply" in me.json["permissions"] and "approvals:hold:decide" not in me.json["permissions"]
    assert Client(office.pool, token).send("DELETE", "/api/session").status == 204
    assert Client(office.pool, token).get("/api/me").code == "session.invalid"


def test_a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words(hall: Desk) -> None:
    wrong = hall.stranger.post("/api/session", {"name": "vera", "password": "not it, surely"})
    unknown = hall.stranger.post("/api/session", {"name": "nobody", "password": "not it, surely"})
    assert wrong.status == unknown.status == 401
    assert wrong.json == unknown.json


def test_after_five_failures_even_the_right_password_must_wait(office: Desk) -> None:
    office.invited("ada", PASSWORD)
    for _ in range(5):
        assert office.stranger.post("/api/session", {"name": "ada", "password": "wrong wrong"}).status == 401
    answer = office.stranger.post("/api/session", {"name": "ada", "password": PASSWORD})
    assert (answer.status, answer.code) == (429, "sign_in.waiting")
    assert 1 <= int(answer.headers["Retry-After"]) <= 30


def test_the_one_time_link_works_once_in_a_browser(office: Desk) -> None:
    made = office.person("ada").post("/api/people/vera/invite")
    assert made.status == 201 and made.json["link"].startswith(f"{office.url}/invite/aosi_")
    path = made.json["link"].removeprefix(office.url)
    form = office.stranger.get(path)
    assert form.status == 200 and form.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in form.headers["Content-Security-Policy"]
    assert "unsafe" not in form.headers["Content-Security-Policy"]
    assert form.headers["Referrer-Policy"] == "strict-origin" and form.headers["Cache-Control"] == "no-store"
    found = re.search(rb'name="token" value="([^"]+)"', form.body)
    assert found is not None
    sent = urlencode({"token": found[1].decode(), "password": PASSWORD, "again": PASSWORD}).encode()
    done = post_form(office, sent)
    assert done.status == 200 and b"Welcome, vera" in done.body
    assert office.stranger.post("/api/session", {"name": "vera", "password": PASSWORD}).status == 201
    again = post_form(office, sent)
    assert again.status == 401 and b"each works once" in again.body


def test_the_forms_own_mistakes_do_not_use_the_link_up(office: Desk) -> None:
    token = office.system.identity.invite("vera")
    differs = post_form(office, urlencode({"token": token, "password": PASSWORD, "again": "other"}).encode())
    short = post_form(office, urlencode({"token": token, "password": "short", "again": "short"}).encode())
    assert differs.status == short.status == 400
    assert b"the passwords differ" in differs.body and PASSWORD.encode() not in differs.body
    assert office.stranger.post("/api/invitations/accept", {"token": token, "password": PASSWORD}).json == {
        "name": "vera"
    }


def test_what_is_written_into_the_link_is_shown_as_text(hall: Desk) -> None:
    form = hall.stranger.get("/invite/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert b"<script" not in form.body
    assert hall.stranger.send("POST", "/invite", b"a=1&b=2&c=3&d=4&e=5").status == 401


def test_the_one_time_link_ends_in_the_console(office: Desk) -> None:
    token = office.system.identity.invite("vera")
    body = urlencode({"token": token, "password": PASSWORD, "again": PASSWORD}).encode()
    answer = post_form(office, body, Origin=office.url)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    session = answer.headers["Set-Cookie"].partition(";")[0]
    assert Client(office.pool, headers={"Cookie": session}).get("/api/me").json["name"] == "vera"


def post_form(office: Desk, body: bytes, **headers: str):
    return office.stranger.send("POST", "/invite", body, Content_Type="application/x-www-form-urlencoded", **headers)


def test_the_cookie_is_for_this_site_alone_and_no_script_sees_it(office: Desk) -> None:
    office.invited("ada", PASSWORD)
    cookie = office.stranger.post("/api/session", {"name": "ada", "password": PASSWORD}).headers["Set-Cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/api"} <= parts
    assert "secure" not in parts  # this server is reached by plain http on the loopback


def test_with_the_cookie_an_unsafe_request_needs_the_header(office: Desk) -> None:
    token = office.person("ada").token
    browser = Client(office.pool, headers={"Cookie": f"autonomy_session={token}"})
    me = browser.get("/api/me")
    assert me.status == 200 and me.json["csrf"] == csrf_of(token)
    body = {"reason": "too eager"}
    assert browser.post("/api/agents/w1/suspend", body).code == "csrf.missing"
    assert browser.post("/api/agents/w1/suspend", body, X_CSRF_Token="0" * 64).code == "csrf.missing"
    assert browser.post("/api/agents/w1/suspend", body, X_CSRF_Token="ü").code == "csrf.missing"
    assert browser.post("/api/agents/w1/suspend", body, X_CSRF_Token=me.json["csrf"]).json["state"] == "suspended"


def test_a_header_that_is_no_bearer_token_does_not_fall_back_to_the_cookie(hall: Desk) -> None:
    cookie = {"Cookie": f"autonomy_session={hall.person('ada').token}"}
    assert Client(hall.pool, headers=cookie).get("/api/me", Authorization="Basic YTpi").code == "session.invalid"
    assert Client(hall.pool, headers=cookie).get("/api/me", Authorization="Bearer ").code == "session.invalid"


def test_who_leaves_is_out_at_once(office: Desk) -> None:
    vera = office.person("vera")
    assert vera.get("/api/agents").status == 200
    done = office.person("ada").post("/api/people/vera/offboard", {"reason": "left"})
    assert done.json == {"suspended": [], "credentials_revoked": 0, "known_to_them": []}
    assert vera.get("/api/agents").status == 401


def test_a_link_is_never_built_from_what_the_client_says_the_host_is(hall: Desk) -> None:
    made = hall.person("ada").post("/api/people/bob/invite", Host="evil.example", X_Forwarded_Host="evil.example")
    assert made.json["link"].startswith(hall.url)
