"""Every error has one shape, says nothing it should not, and every answer carries the security headers."""

from __future__ import annotations

import http.client
import logging

import pytest

from autonomy.server.limits import MAX_BODY, STRANGERS_BODY
from tests.server.desk import Answer, Client, Desk, eventually

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/api/me", 401), ("/nothing", 404), ("/mcp", 405), ("/v1/nothing", 404), ("/invite/x", 200)],
)
def test_every_answer_carries_the_security_headers(hall: Desk, path: str, status: int) -> None:
    answer = hall.stranger.get(path)
    assert answer.status == status
    # A page with a form says its origin, and never its address, which may hold a token: browsers send the form with
    # the origin `null` otherwise (Fetch, 3.2).
    said = "strict-origin" if path.startswith("/invite") else HEADERS["Referrer-Policy"]
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS | {"Referrer-Policy": said}
    assert "Content-Security-Policy" in answer.headers and "server" not in answer.headers


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "json.syntax"),
        (b'{"reason": "a", "reason": "b"}', "json.duplicate_key"),
        (b"[" * 100 + b"]" * 100, "json.too_deep"),
        (b'{"reason": NaN}', "json.number"),
        (b'{"reason": 12345678901234567890}', "json.number"),
        (b'{"reason": "\xff"}', "json.encoding"),
        (b"[]", "request.invalid"),
        (b"{}", "request.invalid"),
        (b'{"reason": "x", "also": 1}', "request.invalid"),
        (b'{"reason": 1}', "request.invalid"),
        (b'{"reason": " "}', "request.invalid"),
    ],
)
def test_a_bad_body_is_refused_in_our_words(hall: Desk, body: bytes, code: str) -> None:
    answer = hall.person("ada").send("POST", "/api/agents/w1/suspend", body)
    assert (answer.status, answer.code) == (400, code)
    assert answer.json["error"]["message"][0] in "`abcdefghijklmnopqrstuvwxyz0123456789"


def test_a_fault_names_its_field_and_never_repeats_a_secret(hall: Desk) -> None:
    answer = hall.person("ada").send("PUT", "/api/secrets/erp", {"valu": "canary-4711"})
    assert [problem["field"] for problem in answer.json["error"]["detail"]["problems"]] == ["value", "valu"]
    assert b"canary-4711" not in answer.body
    listed = hall.person("ada").send("PUT", "/api/secrets/erp", {"value": ["canary-4711"]})
    assert listed.status == 400 and b"canary-4711" not in listed.body


def test_a_query_out_of_bounds_is_refused(hall: Desk) -> None:
    for query in ("limit=0", "limit=501", "limit=x", "state=nothing"):
        answer = hall.person("ada").get(f"/api/agents?{query}")
        assert (answer.status, answer.code) == (400, "request.invalid"), query


def test_a_large_body_is_refused_before_it_is_read(hall: Desk) -> None:
    answer = hall.person("ada").send("POST", "/api/agents/w1/suspend", b" " * (MAX_BODY + 1))
    assert (answer.status, answer.code) == (413, "request.too_large")
    stranger = hall.stranger.send("POST", "/api/session", b" " * (STRANGERS_BODY + 1))
    assert (stranger.status, stranger.code) == (413, "request.too_large")
    unknown = hall.stranger.send("POST", "/api/apply", b" " * (STRANGERS_BODY + 1))
    assert (unknown.status, unknown.code) == (401, "session.missing")


def test_a_body_that_only_grows_is_refused_as_well(hall: Desk) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", int(hall.url.rsplit(":", 1)[1]), timeout=60)
    chunks = (b" " * 65_536 for _ in range(64))
    try:
        connection.request("POST", "/api/session", chunks, {"Content-Type": "application/json"}, encode_chunked=True)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # the server hung up while we were still sending
    assert status == 413


def test_a_method_that_an_address_does_not_know_is_said_so(hall: Desk) -> None:
    answer = hall.stranger.send("PATCH", "/api/agents")
    assert (answer.status, answer.code) == (405, "route.method")
    assert answer.headers["Allow"] == "GET"


def test_allow_names_every_method_of_an_address(hall: Desk) -> None:
    for path, methods in (
        ("/api/absences", "GET, POST"),
        ("/api/session", "DELETE, POST"),
        ("/api/agents/w1/credentials", "GET, POST"),
        ("/api/secrets/erp", "PUT"),
        ("/api/runs/signal", "POST"),
        ("/api/openapi.json", "GET, HEAD"),
    ):
        answer = hall.stranger.send("PATCH", path)
        assert (answer.status, set(answer.headers["Allow"].split(", "))) == (405, set(methods.split(", "))), path


@pytest.mark.parametrize(
    "path",
    [
        "/api/audit/proof/{}",
        "/api/audit/leaves?after={}",
        "/api/actions?since={}",
        "/api/changes?after={}",
        "/api/events?after={}",
    ],
)
def test_a_number_no_database_holds_is_refused(office: Desk, path: str) -> None:
    for number in (2**53, 2**63, 10**30):
        answer = office.person("aldo").get(path.format(number))
        assert (answer.status, answer.code) == (400, "request.invalid"), number


def test_a_character_postgresql_cannot_keep_is_refused_wherever_it_stands(office: Desk) -> None:
    root = office.person("ada")
    for path in (
        "/api/actions?case=a%00",
        "/api/audit/leaves?kind=%00",
        "/api/approvals/%00",
        "/api/absences?person=%00",
    ):
        answer = root.get(path)
        assert (answer.status, answer.code) == (400, "request.nul"), path
    for path, body in (
        ("/api/absences", {"deputy": "a\0", "since": 0, "until": 1}),
        ("/api/apply", {"files": {}, "message": "a\0"}),
        ("/api/apply", {"files": {"a\0.yaml": ""}}),
        ("/api/delegations", {"from_agent": "w1", "to_agent": "w2", "tools": ["look", "\0"], "ttl": 5000}),
    ):
        answer = root.post(path, body)
        assert (answer.status, answer.code) == (400, "request.nul"), path


def test_a_backslash_before_it_is_no_such_character(hall: Desk) -> None:
    answer = hall.person("ada").post("/api/people/nobody/offboard", {"reason": "said \\u0000"})
    assert (answer.status, answer.code) == (404, "person.unknown")


def test_agents_and_other_systems_hear_no_more_of_the_store(office: Desk) -> None:
    looked = office.agent().get("/v1/actions/a%00b")
    assert (looked.status, looked.code) == (404, "action.unknown")
    issued = office.person("ada").post("/api/service-keys", {"name": "shop", "purpose": "authzen"}).json
    question = {"subject": {"type": "agent", "id": "w1"}, "action": {"name": "look", "properties": {"n": 1}}}
    question |= {"resource": {"type": "tool", "id": "look"}, "context": {"case": "a\0"}}
    asked = Client(office.pool, issued["secret"]).post("/access/v1/evaluation", question)
    assert (asked.status, asked.code) == (400, "authzen.request")
    key = office.person("ada").post("/api/site-keys", {"site": "hall"}).json["secret"]
    beat = Client(office.pool, key).post("/sites/beat", {"worker": "w", "held": ["a\0"]})
    assert (beat.status, beat.code) == (400, "site.said")


def test_a_bad_body_is_said_so_only_to_whoever_may_send_one(hall: Desk) -> None:
    for body in (b"{", b'{"reason": 12345678901234567890}'):
        stranger = hall.stranger.send("POST", "/api/agents/w1/suspend", body)
        assert (stranger.status, stranger.code) == (401, "session.missing")
        viewer = hall.person("vera").send("POST", "/api/agents/w1/suspend", body)
        assert (viewer.status, viewer.code) == (403, "permission.missing")
    assert hall.stranger.send("POST", "/api/session", b"{").code == "json.syntax"


def test_a_large_body_costs_nothing_of_whoever_may_not_send_one(hall: Desk) -> None:
    viewer = hall.person("vera").send("POST", "/api/apply", b" " * (STRANGERS_BODY + 1))
    assert (viewer.status, viewer.code) == (403, "permission.missing")


def test_a_defect_shows_a_number_and_nothing_else(
    office: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = f"canary-{4_711}"

    def broken(*_: object) -> None:
        raise RuntimeError(canary)

    monkeypatch.setattr(type(office.system.secrets), "list", broken)
    with caplog.at_level(logging.ERROR):
        answer = office.person("ada").get("/api/secrets")
    number = answer.json["error"]["detail"]["id"]
    assert (answer.status, answer.code) == (500, "server.unexpected")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert canary.encode() not in answer.body and b"RuntimeError" not in answer.body
    assert number in caplog.text and "RuntimeError" in caplog.text and canary not in caplog.text


def test_the_process_lives_and_is_ready(office: Desk) -> None:
    assert office.stranger.get("/healthz").json == {"status": "alive"}
    checks = dict.fromkeys(("process", "store", "log", "organisation", "runs"), "ok")
    assert office.stranger.get("/readyz").json == {"status": "ready", "epoch": 1, "checks": checks}


def test_a_process_whose_store_is_gone_is_not_ready(office: Desk) -> None:
    office.system.queue.close()

    def look() -> Answer | None:
        found = office.stranger.get("/readyz")
        return None if found.status == 200 else found  # as long as its last beat is young

    answer = eventually(look, "the end of being ready")
    assert (answer.status, answer.code) == (503, "server.not_ready")
    assert office.stranger.get("/healthz").status == 200
