"""What strangers send: each gets one clear refusal, nothing reaches the gate, nothing breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import tried

from .spec import check_error
from .wires import DONE, KEY, META, URL, VERSION, Wires, base_headers, encoded, unseen

DEEP = b"[" * 40 + b"]" * 40
BOTTOMLESS = b"[" * 200_000
TWICE = b'{"a":1,"a":2}'
HALF = b'"\\ud800"'

VALUES = [DEEP, BOTTOMLESS, TWICE, HALF, b"NaN", b"Infinity", b"1e999", b"9007199254740993", b"'", b'{"a":}', b"\xff"]

CALL_HEADERS = {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "order.create"}


@pytest.fixture
def wires() -> Wires:
    made = Wires()
    made.door.says["order.create"] = DONE
    return made


def mcp_body(value: bytes) -> bytes:
    meta = json.dumps(META).encode()
    params = b'{"name":"order.create","arguments":{"x":%b},"_meta":%b}' % (value, meta)
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % params


def rest_body(value: bytes) -> bytes:
    return b'{"tool":"order.create","arguments":{"x":%b}}' % value


@pytest.mark.parametrize("value", VALUES)
def test_arguments_that_two_readers_could_read_differently_are_refused(wires: Wires, value: bytes) -> None:
    answer = wires.mcp(mcp_body(value), CALL_HEADERS)
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32700)
    over_rest = wires.act(rest_body(value))
    assert over_rest.status == 400
    assert over_rest.json()["error"]["code"].startswith("json.")
    assert wires.door.asked == []


def test_the_same_arguments_well_formed_are_taken(wires: Wires) -> None:
    assert wires.mcp(mcp_body(b"[1]"), CALL_HEADERS).status == 200
    assert wires.act(rest_body(b"[1]")).status == 200
    assert [asked.arguments for asked in wires.door.asked] == [{"x": [1]}, {"x": [1]}]


@pytest.mark.parametrize("path", ["/mcp", "/v1/actions"])
def test_what_is_too_large_is_not_read_to_its_end(wires: Wires, path: str) -> None:
    body = b'{"x":"' + b"a" * 1_048_576 + b'"}'
    answer = wires.send("POST", path, body, base_headers())
    assert answer.status == 413
    claimed = wires.send("POST", path, b"{}", base_headers() | {"content-length": "99999999999"})
    assert claimed.status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"{}",
        b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"method":7}',
        b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}',
        b'{"jsonrpc":"2.0","id":"' + b"x" * 201 + b'","method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    ],
)
def test_what_is_no_message_is_refused_in_both_eras(wires: Wires, body: bytes) -> None:
    for headers in ({}, {"mcp-protocol-version": VERSION, "mcp-method": "ping"}):
        answer = wires.mcp(body, headers)
        assert answer.status == 400
        assert answer.json()["error"]["code"] in (-32700, -32600, -32602)


@pytest.mark.parametrize(
    "params",
    [
        {"arguments": {}},
        {"name": "", "arguments": {}},
        {"name": 7, "arguments": {}},
        {"name": None},
        {"name": ["order.create"]},
        {"name": "x" * 129},
        {"name": "order.create", "arguments": []},
        {"name": "order.create", "arguments": "{}"},
        {"name": "order.create", "arguments": None},
    ],
)
def test_a_call_of_another_shape_is_refused(wires: Wires, params: dict[str, Any]) -> None:
    name = {"mcp-name": str(params.get("name"))}
    answer = wires.modern("tools/call", params, **name)
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32602)
    old = wires.legacy("tools/call", params)
    check_error("2025-11-25", old.json(), -32602)
    assert wires.door.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"7",
        b"{}",
        b'{"tool":7}',
        b'{"tool":""}',
        b'{"tool":"order.create","arguments":[]}',
        b'{"tool":"order.create","arguments":null}',
        b'{"tool":"order.create","dryrun":true}',
        b'{"tool":"order.create","dry_run":"true"}',
        b'{"tool":"order.create","approvals":["cfo"]}',
        b'{"tool":"order.create","case":{}}',
        b'{"tool":"order.create","idempotency_key":""}',
    ],
)
def test_an_action_of_another_shape_is_refused(wires: Wires, body: bytes) -> None:
    answer = wires.act(body)
    assert answer.status == 400
    assert set(answer.json()) == {"error"}
    assert wires.door.asked == []


@pytest.mark.parametrize("path", ["/mcp", "/v1/actions"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_of_a_web_page_could_send_is_refused(wires: Wires, path: str, kind: str) -> None:
    answer = wires.send("POST", path, rest_body(b"1"), base_headers() | {"content-type": kind})
    assert answer.status == 400
    assert wires.door.asked == []


@pytest.mark.parametrize("path", ["/mcp", "/v1/actions", "/v1/tools", "/oauth/token"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "https://autonomy.example.evil.example", "http://autonomy.example"]
)
def test_a_page_of_another_origin_may_not_call(wires: Wires, path: str, origin: str) -> None:
    answer = wires.send("POST", path, rest_body(b"1"), base_headers() | {"origin": origin})
    assert answer.status == 403
    assert wires.door.asked == []


def test_allowed_origins_and_our_own_may_call() -> None:
    wires = Wires(origins=["https://console.example"])
    wires.door.says["order.create"] = DONE
    for origin in (URL, "https://console.example"):
        assert wires.act(rest_body(b"1"), {"origin": origin}).status == 200


def test_the_host_header_decides_nothing(wires: Wires) -> None:
    answer = wires.send("POST", "/mcp", b"", {"host": "evil.example", "x-forwarded-host": "evil.example"})
    assert answer.status == 401
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("header", ["authorization", "content-type", "accept", "content-length", "origin"])
def test_headers_that_stand_twice_are_refused(wires: Wires, header: str) -> None:
    said = base_headers() | {"content-length": "2", "origin": URL}
    answer = wires.send("POST", "/mcp", b"{}", [*said.items(), (header, said[header])])
    assert answer.status == 400


def test_who_accepts_no_json_is_told_so(wires: Wires) -> None:
    assert wires.modern("tools/list", accept="text/html").status == 406
    for accept in ("application/json", "*/*", "application/*;q=0.5, text/html"):
        assert wires.modern("tools/list", accept=accept).status == 200


def test_a_token_in_the_address_is_no_token(wires: Wires) -> None:
    answer = wires.send("GET", f"/v1/tools?access_token={KEY}")
    assert answer.status == 401


@pytest.mark.parametrize(
    "path", ["/", "/mcp/", "/MCP", "//mcp", "/v1", "/v1/actions/../tools", "/oauth", "/.well-known/x", "/v2/actions"]
)
def test_there_is_nothing_beside_the_exact_paths(wires: Wires, path: str) -> None:
    answer = wires.send("POST", path, rest_body(b"1"), base_headers())
    assert answer.status in (404, 405)
    assert wires.door.asked == []


def test_a_tool_one_may_not_see_is_answered_like_one_that_does_not_exist(wires: Wires) -> None:
    """The gate says the same of both; not a byte may differ here but the name, nor may the two action ids show."""
    for name in ("secret.tool", "absent.tool"):
        wires.door.says[name] = unseen(name)

    def answers(name: str) -> list[bytes]:
        over = [
            wires.call(name, {"a": 1}),
            wires.modern("tools/call", {"name": name, "_meta": META}, id="x"),
            wires.legacy("tools/call", {"name": name}),
            wires.act({"tool": name}),
            wires.act({"tool": name, "dry_run": True}),
        ]
        shown = [repr((answer.status, sorted(answer.headers.items()), answer.body)) for answer in over]
        return [text.replace(name, "NAME").encode() for text in shown]

    assert answers("secret.tool") == answers("absent.tool")


def test_an_unknown_tool_is_an_error_of_the_protocol(wires: Wires) -> None:
    answer = wires.call("no.such")
    assert check_error(VERSION, answer.json(), -32602) == {"code": -32602, "message": "unknown tool: `no.such`"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from(["jsonrpc", "id", "method", "params", "_meta", "name", "arguments", "tool", "case"])


@given(st.dictionaries(words, json_values | st.sampled_from(["2.0", "tools/call", "ping", "tools/list"])))
@settings(max_examples=tried(150), deadline=None)
def test_no_body_breaks_anything(body: dict[str, Any]) -> None:
    wires = Wires()
    for answer in (wires.mcp(body), wires.mcp(body, CALL_HEADERS), wires.act(body)):
        assert answer.status in (200, 202, 400, 404)


@given(st.binary(max_size=200))
@settings(max_examples=tried(100), deadline=None)
def test_no_bytes_break_anything(body: bytes) -> None:
    wires = Wires()
    for answer in (wires.mcp(body), wires.act(body), wires.send("POST", "/oauth/token", body, base_headers())):
        assert answer.status == 400


def test_encoded_names_are_compared_after_decoding(wires: Wires) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "order.create", "_meta": META}}
    headers = CALL_HEADERS | {"mcp-name": "=?base64?c3RvY2suZ2V0?="}
    check_error(VERSION, wires.mcp(encoded(body), headers).json(), -32020)
