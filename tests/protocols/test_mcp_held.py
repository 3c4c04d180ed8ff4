"""Calls that wait for people: a handle, a task where the client can take one, and the way to the result."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from autonomy.kernel.clock import rfc3339
from autonomy.kernel.errors import Conflict
from autonomy.kernel.ids import new_id

from .spec import check_error, check_result
from .wires import ACTION, BORN, DENIED, DONE, HELD, META, NOW, VERSION, WITH_TASKS, Reply, Wires

FAILED = Reply(ACTION, "failed", "case-1", code="upstream.refused", message="no such order")
UNKNOWN = Reply(ACTION, "unknown", "case-1", code="upstream.unsure", message="no answer came")
REJECTED = Reply(ACTION, "rejected", "case-1", code="approval.rejected", message="hanna said no")
RUNNING = Reply(ACTION, "running", "case-1")


def task_call(wires: Wires, method: str, task: Any = ACTION, **more: Any) -> Any:
    return wires.modern(method, {"taskId": task, "_meta": WITH_TASKS, **more})


def check_task(found: dict[str, Any], status: str, updated: int) -> None:
    assert found["taskId"] == ACTION
    assert found["status"] == status
    assert found["createdAt"] == rfc3339(BORN)
    assert found["lastUpdatedAt"] == rfc3339(updated)
    assert found["ttlMs"] is None
    assert found["pollIntervalMs"] > 0


def test_a_held_call_is_no_error_and_says_to_stop_retrying(wires: Wires) -> None:
    wires.door.says["order.create"] = HELD
    found = check_result("tools/call", VERSION, wires.call("order.create").json())
    assert found["isError"] is False
    assert found["structuredContent"] == HELD.as_dict()
    text = found["content"][0]["text"]
    for said in ("held", "finance-manager", "stop retrying", "actions.result", ACTION):
        assert said in text


def test_a_client_that_knows_tasks_gets_one(wires: Wires) -> None:
    wires.door.says["order.create"] = HELD
    answer = wires.modern("tools/call", {"name": "order.create", "_meta": WITH_TASKS})
    found = answer.json()["result"]
    assert found["resultType"] == "task"
    assert found["statusMessage"] == HELD.message
    check_task(found, "working", BORN)


@pytest.mark.parametrize("reply", [DONE, DENIED, FAILED, UNKNOWN])
def test_what_is_decided_at_once_is_no_task(wires: Wires, reply: Reply) -> None:
    wires.door.says["order.create"] = reply
    answer = wires.modern("tools/call", {"name": "order.create", "_meta": WITH_TASKS})
    found = check_result("tools/call", VERSION, answer.json())
    assert found["resultType"] == "complete"
    assert found["isError"] is (reply is not DONE)


@pytest.mark.parametrize("capabilities", [{}, {"extensions": {}}, {"extensions": []}, {"tasks": {}}])
def test_a_client_that_does_not_know_tasks_never_gets_one(wires: Wires, capabilities: Any) -> None:
    wires.door.says["order.create"] = HELD
    meta = META | {"io.modelcontextprotocol/clientCapabilities": capabilities}
    found = wires.modern("tools/call", {"name": "order.create", "_meta": meta}).json()["result"]
    assert found["resultType"] == "complete"
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        answer = wires.modern(method, {"taskId": ACTION, "inputResponses": {}, "_meta": meta})
        assert answer.status == 400
        needed = check_error(VERSION, answer.json(), -32021)["data"]["requiredCapabilities"]
        assert needed == {"extensions": {"io.modelcontextprotocol/tasks": {}}}


@pytest.mark.parametrize("reply", [HELD, RUNNING, UNKNOWN])
def test_a_task_works_while_anything_may_still_change(wires: Wires, reply: Reply) -> None:
    wires.door.results[ACTION] = reply
    found = task_call(wires, "tasks/get").json()["result"]
    assert found["resultType"] == "complete"
    check_task(found, "working", BORN)
    assert found.get("statusMessage") == reply.message


@pytest.mark.parametrize(("reply", "is_error"), [(DONE, False), (DENIED, True), (FAILED, True), (REJECTED, True)])
def test_an_ended_task_holds_the_result_of_the_call(wires: Wires, reply: Reply, is_error: bool) -> None:
    wires.door.results[ACTION] = reply
    found = task_call(wires, "tasks/get").json()["result"]
    check_task(found, "completed", NOW)
    inner = check_result("tools/call", VERSION, {"jsonrpc": "2.0", "id": 1, "result": found["result"]})
    assert inner["isError"] is is_error


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_a_task_that_is_not_yours_looks_like_none(wires: Wires, method: str) -> None:
    answer = task_call(wires, method, new_id("act"), inputResponses={})
    assert answer.status == 400
    check_error(VERSION, answer.json(), -32602)


@pytest.mark.parametrize("task", [None, 7, [], {}])
def test_a_task_is_named_by_a_text(wires: Wires, task: Any) -> None:
    assert task_call(wires, "tasks/get", task).json()["error"]["code"] == -32602


def test_the_header_names_the_task(wires: Wires) -> None:
    wires.door.results[ACTION] = HELD
    answer = wires.modern("tasks/get", {"taskId": ACTION, "_meta": WITH_TASKS}, **{"mcp-name": "act_other"})
    check_error(VERSION, answer.json(), -32020)


def test_answers_to_questions_nobody_asked_are_heard_and_ignored(wires: Wires) -> None:
    wires.door.results[ACTION] = HELD
    found = task_call(wires, "tasks/update", inputResponses={"name": {"action": "accept"}}).json()["result"]
    assert found["resultType"] == "complete"
    assert set(found) == {"resultType", "_meta"}
    assert task_call(wires, "tasks/update").json()["error"]["code"] == -32602


def test_cancelling_a_task_withdraws_the_question(wires: Wires) -> None:
    wires.door.results[ACTION] = HELD
    found = task_call(wires, "tasks/cancel").json()["result"]
    assert set(found) == {"resultType", "_meta"}
    assert wires.withdrawn == [(ACTION, "agent:spiffe://example/agent/1")]


@pytest.mark.parametrize("reply", [DONE, RUNNING, UNKNOWN])
def test_what_is_over_or_under_way_stays_as_it_is(wires: Wires, reply: Reply) -> None:
    wires.door.results[ACTION] = reply
    assert "result" in task_call(wires, "tasks/cancel").json()
    assert wires.withdrawn == []


def test_a_cancellation_that_comes_late_is_acknowledged() -> None:
    def late(action: str, actor: str) -> None:
        raise Conflict("it is being carried out")

    wires = Wires(withdraw=late)
    wires.door.results[ACTION] = HELD
    assert "result" in task_call(wires, "tasks/cancel").json()


@pytest.mark.parametrize("reply", [HELD, DONE, DENIED, FAILED, UNKNOWN, REJECTED, RUNNING])
def test_looking_at_an_action_succeeds_whatever_it_finds(wires: Wires, reply: Reply) -> None:
    wires.door.results[ACTION] = reply
    found = check_result("tools/call", VERSION, wires.call("actions.result", {"action": ACTION}).json())
    assert found["isError"] is False
    assert found["structuredContent"] == reply.as_dict()
    assert found["_meta"]["autonomy/status"] == reply.status
    assert wires.door.asked == []


def test_what_an_unknown_outcome_says_is_not_to_repeat_it(wires: Wires) -> None:
    wires.door.says["order.create"] = UNKNOWN
    text = wires.call("order.create").json()["result"]["content"][0]["text"]
    assert "do not send it again" in text
    assert "A person has to look" in text


@pytest.mark.parametrize("arguments", [{}, {"action": 7}, {"action": ACTION, "more": 1}, {"action": new_id("act")}])
def test_looking_at_what_is_not_yours_finds_nothing(wires: Wires, arguments: Any) -> None:
    wires.door.results[ACTION] = HELD
    found = check_result("tools/call", VERSION, wires.call("actions.result", arguments).json())
    assert found["isError"] is True


@pytest.mark.parametrize("status", ["allowed", "held"])
def test_a_dry_run_is_never_a_task(wires: Wires, status: Any) -> None:
    planned = replace(HELD, action="", status=status, code=None)
    wires.door.says["order.create"] = planned
    answer = wires.modern("tools/call", {"name": "order.create", "_meta": WITH_TASKS | {"autonomy/dryRun": True}})
    found = check_result("tools/call", VERSION, answer.json())
    assert found["isError"] is False
    assert found["structuredContent"] == planned.as_dict()
    assert "nothing was done" in found["content"][0]["text"]


def test_rules_that_only_warn_are_told_beside_the_result(wires: Wires) -> None:
    wires.door.says["order.create"] = replace(DONE, notices=("would be denied by order-weekend",))
    found = check_result("tools/call", VERSION, wires.call("order.create").json())
    assert [part["text"] for part in found["content"]] == [
        '{"order":"po_1"}',
        "notices: would be denied by order-weekend",
    ]
