"""Every error has one shape, says nothing it should not, and every answer carries the security headers."""

from __future__ import annotations

import http.client
import logging
import time

import pytest

from autonomy.server.limits import MAX_BODY, STRANGERS_BODY
from tests.server.desk import Desk

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
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
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
    connection = http.client.HTTPConnection("127.0.0.1", int(hall.url.rsplit(":", 1)[1]), timeout=10)
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
    late = time.monotonic() + 10
    while (answer := office.stranger.get("/readyz")).status == 200:  # as long as its last beat is young
        assert time.monotonic() < late
    assert (answer.status, answer.code) == (503, "server.not_ready")
    assert office.stranger.get("/healthz").status == 200
