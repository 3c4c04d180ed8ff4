"""MCP 2026-07-28: every request stands for itself."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from autonomy.kernel.errors import Busy, Conflict, Corrupt, Invalid, Unavailable

from .spec import check_error, check_result, examples
from .wires import ACTION, DENIED, DONE, KEY, META, TASK_TOOLS, VERSION, Wires, base_headers, encoded, make_tool


def test_the_server_says_what_it_speaks(wires: Wires) -> None:
    answer = wires.modern("server/discover")
    found = check_result("server/discover", VERSION, answer.json())
    assert answer.status == 200
    assert found["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert found["capabilities"] == {"tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}
    assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "autonomy-os"


def test_tools_are_listed_by_name_for_their_caller_alone(wires: Wires) -> None:
    found = check_result("tools/list", VERSION, wires.modern("tools/list").json())
    assert [tool["name"] for tool in found["tools"]] == [
        *("actions.result", "mail.read", "order.create", "stock.get"),
        *TASK_TOOLS,
    ]
    assert found["cacheScope"] == "private"
    assert 0 < found["ttlMs"] <= 10_000
    assert wires.modern("tools/list").body == wires.modern("tools/list").body


def test_a_tool_says_what_it_does_to_the_world(wires: Wires) -> None:
    shown = {tool["name"]: tool["annotations"] for tool in wires.modern("tools/list").json()["result"]["tools"]}
    hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
    assert {name: tuple(said[hint] for hint in hints) for name, said in shown.items()} == {
        "actions.result": (True, False, True, False),
        "mail.read": (False, False, True, True),
        "order.create": (False, True, False, False),
        "stock.get": (True, False, True, False),
        **dict.fromkeys(TASK_TOOLS, (False, False, False, False)),
    }


def test_arguments_are_never_asked_for_in_headers(wires: Wires) -> None:
    mirrored = {"type": "string", "x-mcp-header": "Region"}
    declared = {
        "type": "object",
        "properties": {"region": mirrored, "x-mcp-header": {"type": "string", "default": {"x-mcp-header": "kept"}}},
    }
    wires.door.shown = [make_tool("a.tool", input=declared)]
    shown = wires.modern("tools/list").json()["result"]["tools"][0]["inputSchema"]["properties"]
    assert shown == {
        "region": {"type": "string"},
        "x-mcp-header": {"type": "string", "default": {"x-mcp-header": "kept"}},
    }


def test_a_long_list_comes_in_pages_without_gap_or_repetition(wires: Wires) -> None:
    wires.door.shown = [make_tool(f"tool.n{at:04}") for at in range(1_200)]
    names: list[str] = []
    cursor: dict[str, Any] = {}
    for size in (500, 500, 207):
        found = check_result("tools/list", VERSION, wires.modern("tools/list", cursor).json())
        assert len(found["tools"]) == size
        names += [tool["name"] for tool in found["tools"]]
        cursor = {"cursor": found.get("nextCursor")}
    assert cursor == {"cursor": None}
    assert names == ["actions.result", *TASK_TOOLS, *(f"tool.n{at:04}" for at in range(1_200))]


@pytest.mark.parametrize("cursor", ["", "%%%", "bm90IGEgY3Vyc29y\n", 7, [], "A" * 10_000, "/w=="])
def test_a_cursor_not_given_here_is_refused(wires: Wires, cursor: Any) -> None:
    answer = wires.modern("tools/list", {"cursor": cursor})
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32602)


def test_a_call_is_handed_to_the_gate_and_its_result_back(wires: Wires) -> None:
    wires.door.says["order.create"] = DONE
    found = check_result("tools/call", VERSION, wires.call("order.create", {"sku": "a", "n": [1, 2.5]}).json())
    assert found["isError"] is False
    assert found["resultType"] == "complete"
    assert found["structuredContent"] == {"order": "po_1"}
    assert found["content"] == [{"type": "text", "text": '{"order":"po_1"}'}]
    assert found["_meta"]["autonomy/action"] == ACTION
    [asked] = wires.door.asked
    assert (asked.tool, asked.arguments, asked.key, asked.dry_run) == (
        "order.create",
        {"sku": "a", "n": [1, 2.5]},
        None,
        False,
    )


def test_what_the_agent_says_about_its_call_reaches_the_gate(wires: Wires) -> None:
    wires.door.says["order.create"] = DONE
    said = {
        "case": "c-1",
        "idempotencyKey": "k",
        "rationale": "stock is low\nsee A-7",
        "dryRun": True,
        "parent": "act_1",
        "run": "r",
        "task": "t",
        "step": "s",
    }
    assert wires.call("order.create", **said).status == 200
    [asked] = wires.door.asked
    assert (asked.case, asked.key, asked.rationale, asked.dry_run) == ("c-1", "k", "stock is low\nsee A-7", True)
    assert asked.lineage() == {"parent": "act_1", "run": "r", "task": "t", "step": "s"}


@pytest.mark.parametrize(
    "said",
    [
        {"dryrun": True},
        {"dryRun": "yes"},
        {"dryRun": 1},
        {"case": ""},
        {"case": 7},
        {"case": "a\nb"},
        {"idempotencyKey": "k" * 201},
        {"rationale": "r" * 8_001},
        {"parent": []},
    ],
)
def test_a_word_that_is_not_understood_stops_the_call(wires: Wires, said: dict[str, Any]) -> None:
    wires.door.says["order.create"] = DONE
    answer = wires.call("order.create", **said)
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32602)
    assert wires.door.asked == []


def test_other_meta_keys_are_nobodys_business(wires: Wires) -> None:
    wires.door.says["order.create"] = DONE
    meta = META | {"traceparent": "00-1-2-01", "com.example/dryRun": True, "progressToken": 1}
    assert wires.modern("tools/call", {"name": "order.create", "_meta": meta}).status == 200
    assert wires.door.asked[0].arguments == {}


@pytest.mark.parametrize("id", [0, 1, -5, "1", "", "call-ü", 2**53 - 1])
def test_ids_come_back_as_they_were_sent(wires: Wires, id: Any) -> None:
    answered = [
        wires.modern("tools/list", id=id).json()["id"],
        wires.modern("no/method", id=id).json()["id"],
        wires.modern("tools/list", {"cursor": "?"}, id=id).json()["id"],
    ]
    assert [(type(found), found) for found in answered] == [(type(id), id)] * 3


@pytest.mark.parametrize("method", ["ping", "initialize", "resources/list", "subscriptions/listen", "tools/Call", ""])
def test_an_unknown_method_is_said_to_be_one(wires: Wires, method: str) -> None:
    answer = wires.modern(method)
    assert answer.status == 404
    check_error(VERSION, answer.json(), -32601)


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-method": "tools/list"},
        {"mcp-method": "TOOLS/CALL"},
        {"mcp-name": "stock.get"},
        {"mcp-name": ""},
        {"mcp-name": "=?base64?b3JkZXIuY3JlYXRl"},
        {"mcp-name": "=?base64?b3JkZXIuY3JlYXRf?="},
        {"mcp-name": "=?base64?###?="},
        {"mcp-name": "=?base64?/w==?="},
        {"mcp-name": "=?BASE64?b3JkZXIuY3JlYXRl?="},
        {"mcp-protocol-version": "2025-11-25"},
    ],
)
def test_headers_that_say_something_else_than_the_body_are_refused(wires: Wires, headers: dict[str, str]) -> None:
    answer = wires.modern("tools/call", {"name": "order.create"}, **headers)
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32020)
    assert wires.door.asked == []


@pytest.mark.parametrize("header", ["mcp-method", "mcp-name", "mcp-protocol-version"])
@pytest.mark.parametrize("twice", [True, False])
def test_routing_headers_stand_there_exactly_once(wires: Wires, header: str, twice: bool) -> None:
    said = {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "order.create"}
    pairs = [*base_headers().items(), *said.items()]
    pairs = [*pairs, (header, said[header])] if twice else [pair for pair in pairs if pair[0] != header]
    body = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "order.create", "_meta": META}}
    answer = wires.send("POST", "/mcp", encoded(body), pairs)
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32020)
    assert wires.door.asked == []


@pytest.mark.parametrize("name", ["ünïcode", " padded ", "=?base64?x?=", "order.create"])
def test_a_name_may_come_encoded(wires: Wires, name: str) -> None:
    wires.door.says[name] = DONE
    header = f"=?base64?{base64.b64encode(name.encode()).decode()}?="
    assert wires.modern("tools/call", {"name": name}, **{"mcp-name": header}).status == 200


@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_the_version_and_the_capabilities_are_needed_in_the_body(wires: Wires, missing: str) -> None:
    meta = {key: value for key, value in META.items() if not key.endswith(missing)}
    answer = wires.modern("tools/list", {"_meta": meta})
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32602)


@pytest.mark.parametrize("meta", [{}, [], "x", None, META | {"io.modelcontextprotocol/clientCapabilities": []}])
def test_a_meta_of_another_shape_is_refused(wires: Wires, meta: Any) -> None:
    answer = wires.modern("tools/list", {"_meta": meta})
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32602)


@pytest.mark.parametrize("version", ["1900-01-01", "2024-11-05", "2027-01-01", "latest"])
def test_a_version_that_is_not_spoken_is_answered_with_those_that_are(wires: Wires, version: str) -> None:
    meta = META | {"io.modelcontextprotocol/protocolVersion": version}
    answer = wires.modern("tools/list", {"_meta": meta}, **{"mcp-protocol-version": version})
    assert answer.status == 400
    error = check_error(VERSION, answer.json(), -32022)
    assert error["data"] == {"supported": ["2026-07-28", "2025-11-25", "2025-06-18"], "requested": version}


def test_a_notification_is_taken_without_an_answer(wires: Wires) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/whatever"}
    answer = wires.mcp(body, {"mcp-protocol-version": VERSION})
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Busy("too fast", retry_after=1.2, code="rate.exceeded"), 429, 429),
        (Unavailable("no decision in time", code="gate.timeout"), 503, 503),
        (Conflict("the key was used", code="key.mismatch"), 409, 409),
        (Invalid("half a character", code="arguments.odd"), 400, -32602),
        (Corrupt("not what was written"), 500, -32603),
    ],
)
def test_errors_of_the_house_keep_their_code_and_status(wires: Wires, error: Any, status: int, code: int) -> None:
    wires.door.says["order.create"] = error
    answer = wires.call("order.create")
    assert answer.status == status
    assert check_error(VERSION, answer.json(), code)["data"]["code"] == error.code
    assert answer.headers.get("retry-after") == ("2" if status == 429 else None)


def test_a_defect_is_not_told_to_the_caller(wires: Wires) -> None:
    async def broken(_: Any) -> Any:
        raise ZeroDivisionError("the secret is 42")

    wires.door.says["order.create"] = broken
    answer = wires.call("order.create")
    assert answer.status == 500
    check_error(VERSION, answer.json(), -32603)
    assert b"secret" not in answer.body


@pytest.mark.parametrize("request_type", ["CallToolRequest", "ListToolsRequest", "DiscoverRequest"])
def test_published_requests_are_understood(wires: Wires, request_type: str) -> None:
    wires.door.says["get_weather"] = DONE
    own = {
        "CallToolRequest": {"method": "tools/call", "params": {"name": "get_weather", "arguments": {}}},
        "ListToolsRequest": {"method": "tools/list", "params": {}},
        "DiscoverRequest": {"method": "server/discover", "params": {}},
    }[request_type]
    written = {"jsonrpc": "2.0", "id": "a", **own, "params": {**own["params"], "_meta": META}}
    for body in [written, *examples(request_type)]:
        headers = {"mcp-protocol-version": VERSION, "mcp-method": body["method"]}
        if "name" in body["params"]:
            headers["mcp-name"] = body["params"]["name"]
        answer = wires.mcp(body, headers)
        assert answer.status == 200
        check_result(body["method"], VERSION, answer.json())


def test_a_refused_token_is_answered_with_the_way_to_a_new_one(wires: Wires) -> None:
    metadata = 'Bearer resource_metadata="https://autonomy.example/.well-known/oauth-protected-resource/mcp"'
    for method in ("tools/list", "tools/call", "server/discover", "no/method"):
        answer = wires.modern(method, {"name": "order.create"}, authorization="Bearer other")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith(f'{metadata}, error="invalid_token"')
        check_error(VERSION, answer.json(), 401)
    bare = wires.send("POST", "/mcp", b"not even read", {"content-type": "application/json"})
    assert (bare.status, bare.headers["www-authenticate"]) == (401, metadata)


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer ", f"Basic {KEY}", f"Bearer {KEY} x", KEY, "bearer=x"])
def test_what_is_no_bearer_token_is_refused(wires: Wires, said: str) -> None:
    assert wires.modern("tools/list", authorization=said).status == 401


def test_the_scheme_may_be_written_in_any_case(wires: Wires) -> None:
    assert wires.modern("tools/list", authorization=f"bEARER  {KEY}").status == 200


def test_the_denied_hear_the_rule_and_the_way_on(wires: Wires) -> None:
    wires.door.says["order.create"] = DENIED
    found = check_result("tools/call", VERSION, wires.call("order.create").json())
    assert found["isError"] is True
    assert found["structuredContent"] == DENIED.as_dict()
    text = found["content"][0]["text"]
    for said in (
        "the supplier is not approved",
        "policy.denied",
        "order-approved-supplier",
        "needed: an approved supplier",
        f"autonomy policy why --action {ACTION}",
    ):
        assert said in text
