"""MCP 2025-11-25 and 2025-06-18: the handshake of old on the same URL, without any session."""

from __future__ import annotations

from typing import Any

import pytest

from autonomy.kernel.errors import Busy

from .spec import check_error, check_result
from .wires import DENIED, DONE, HELD, META, TASK_TOOLS, Reply, Wires, base_headers, encoded

VERSIONS = ["2025-11-25", "2025-06-18"]


def hello(version: Any) -> dict[str, Any]:
    return {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_handshake_begins_no_session(wires: Wires, version: str) -> None:
    body = {"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": hello(version)}
    answer = wires.mcp(body)
    found = check_result("initialize", version, answer.json())
    assert found["protocolVersion"] == version
    assert found["capabilities"] == {"tools": {}}
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("wanted", ["2024-11-05", "2025-03-26", "2026-07-28", "1900-01-01"])
def test_a_version_of_no_handshake_is_answered_with_the_newest_that_is(wires: Wires, wanted: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello(wanted)}
    assert wires.mcp(body).json()["result"]["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("version", VERSIONS)
def test_listing_pinging_and_calling_work(wires: Wires, version: str) -> None:
    wires.door.says["order.create"] = DONE
    assert check_result("ping", version, wires.legacy("ping", version=version).json()) == {}
    listed = check_result("tools/list", version, wires.legacy("tools/list", version=version).json())
    assert [tool["name"] for tool in listed["tools"]] == [
        "actions.result",
        "mail.read",
        "order.create",
        "stock.get",
        *TASK_TOOLS,
    ]
    called = wires.legacy("tools/call", {"name": "order.create", "arguments": {"a": 1}}, version)
    found = check_result("tools/call", version, called.json())
    assert found["structuredContent"] == {"order": "po_1"}
    assert "resultType" not in found


@pytest.mark.parametrize("result", [[1, 2], "text", None, 7, {"a": 1}])
def test_structured_content_is_an_object_as_it_had_to_be(wires: Wires, result: Any) -> None:
    wires.door.says["order.create"] = Reply("act_1", "done", "c", result)
    found = check_result("tools/call", "2025-11-25", wires.legacy("tools/call", {"name": "order.create"}).json())
    assert found["structuredContent"] == (result if isinstance(result, dict) else {"result": result})
    modern = wires.call("order.create").json()["result"]
    assert modern["structuredContent"] == result


def test_a_client_that_names_no_version_is_served(wires: Wires) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert check_result("tools/list", "2025-06-18", wires.mcp(body).json())["tools"]


@pytest.mark.parametrize("version", ["2024-11-05", "1900-01-01", "2025-11-25,2025-06-18", ""])
def test_another_version_is_refused(wires: Wires, version: str) -> None:
    answer = wires.legacy("tools/list", version=version)
    assert answer.status == 400
    check_error("2025-11-25", answer.json(), -32022)


def test_the_two_eras_are_not_mixed_in_one_request(wires: Wires) -> None:
    assert wires.legacy("tools/list", {"_meta": META}).json()["error"]["code"] == -32020
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    assert wires.mcp(body).json()["error"]["code"] == -32020


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "notifications/odd"])
@pytest.mark.parametrize("version", VERSIONS)
def test_notifications_are_taken_without_an_answer(wires: Wires, method: str, version: str) -> None:
    answer = wires.mcp({"jsonrpc": "2.0", "method": method}, {"mcp-protocol-version": version})
    assert (answer.status, answer.body) == (202, b"")


def test_a_notification_of_a_stranger_is_refused(wires: Wires) -> None:
    body = encoded({"jsonrpc": "2.0", "method": "notifications/initialized"})
    answer = wires.send("POST", "/mcp", body, base_headers() | {"authorization": "Bearer other"})
    assert answer.status == 401


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "PATCH"])
def test_there_is_no_stream_and_no_session_to_end(wires: Wires, method: str) -> None:
    answer = wires.send(method, "/mcp", b"", base_headers() | {"accept": "text/event-stream"})
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_no_version_spoken_here_has_batches(wires: Wires) -> None:
    body = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "id": 2, "method": "ping"}]
    for version in (*VERSIONS, "2026-07-28"):
        answer = wires.mcp(body, {"mcp-protocol-version": version})
        assert answer.status == 400
        check_error("2025-11-25", answer.json(), -32600)


@pytest.mark.parametrize("method", ["server/discover", "tasks/get", "tasks/cancel", "resources/list"])
def test_methods_of_the_other_era_are_unknown(wires: Wires, method: str) -> None:
    answer = wires.legacy(method, {"taskId": "act_1"})
    assert answer.status == 200
    check_error("2025-11-25", answer.json(), -32601)


def test_an_answer_to_a_request_is_never_an_http_error(wires: Wires) -> None:
    """Clients of that time took one for a broken connection and never told their caller."""
    wires.door.says["order.create"] = Busy("too fast", retry_after=3, code="rate.exceeded")
    answer = wires.legacy("tools/call", {"name": "order.create"})
    assert answer.status == 200
    assert check_error("2025-11-25", answer.json(), 429)["data"]["retry_after"] == 3
    assert wires.legacy("tools/list", {"cursor": 1}).status == 200
    assert wires.legacy("tools/call", {"name": "no.such"}).status == 200


@pytest.mark.parametrize(("reply", "is_error"), [(HELD, False), (DENIED, True)])
def test_what_was_not_done_is_told_as_a_result(wires: Wires, reply: Reply, is_error: bool) -> None:
    wires.door.says["order.create"] = reply
    answer = wires.legacy("tools/call", {"name": "order.create"})
    found = check_result("tools/call", "2025-11-25", answer.json())
    assert found["isError"] is is_error
    assert found["structuredContent"] == reply.as_dict()


def test_the_wish_for_a_task_of_old_is_ignored(wires: Wires) -> None:
    wires.door.says["order.create"] = HELD
    answer = wires.legacy("tools/call", {"name": "order.create", "task": {"ttl": 60_000}})
    assert check_result("tools/call", "2025-11-25", answer.json())["structuredContent"]["status"] == "held"
