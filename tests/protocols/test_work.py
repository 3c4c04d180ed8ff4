"""Tasks over both wires: what agents say, and what they hear."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .spec import check_result
from .wires import KEY, TASK_TOOLS, VERSION, Response, Wires

TASK = {"task": "task_1", "claim": 1, "goal": "count"}


@pytest.fixture
def wires() -> Wires:
    return Wires()


def post(wires: Wires, path: str, body: Any) -> Response:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    return wires.send("POST", path, json.dumps(body).encode(), headers)


def test_an_agent_asks_for_a_task_and_brings_it_back(wires: Wires) -> None:
    wires.work.free = [TASK]
    assert post(wires, "/v1/tasks/next", {"wait": 0}).json() == {"task": TASK}
    assert post(wires, "/v1/tasks/next", {"wait": 0}).json() == {"task": None}
    answer = post(wires, "/v1/tasks/task_1/complete", {"claim": 1, "output": {"nails": 3}})
    assert (answer.status, answer.json()["state"]) == (200, "done")
    assert wires.work.said[-1] == ("complete", "task_1", {"claim": 1, "output": {"nails": 3}})


def test_the_word_of_who_has_lost_a_task_is_a_conflict(wires: Wires) -> None:
    answer = post(wires, "/v1/tasks/task_1/heartbeat", {"claim": 2})
    assert (answer.status, answer.json()["error"]["code"]) == (409, "task.lost")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/tasks/next", b"[]", 400),
        ("POST", "/v1/tasks/next", b"{", 400),
        ("GET", "/v1/tasks/task_9", b"", 404),
        ("GET", "/v1/tasks/next", b"", 405),
        ("DELETE", "/v1/tasks/task_1", b"", 405),
    ],
)
def test_what_makes_no_sense_is_refused(wires: Wires, method: str, path: str, body: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    assert wires.send(method, path, body, headers).status == status


def test_nobody_unknown_is_given_a_task(wires: Wires) -> None:
    wires.work.free = [TASK]
    headers = {"authorization": "Bearer stolen", "content-type": "application/json"}
    assert wires.send("POST", "/v1/tasks/next", b"{}", headers).status == 401
    assert wires.work.free == [TASK]


def test_the_same_by_tools_of_mcp(wires: Wires) -> None:
    wires.work.free = [TASK]
    found = check_result("tools/call", VERSION, wires.call("tasks.next", {"wait": 0}).json())
    assert (found["isError"], found["structuredContent"]) == (False, {"task": TASK})
    said = {"task": "task_1", "claim": 1, "reason": "not mine"}
    found = check_result("tools/call", VERSION, wires.call("tasks.refuse", said).json())
    assert wires.work.said[-1] == ("refuse", "task_1", {"claim": 1, "reason": "not mine"})
    found = check_result("tools/call", VERSION, wires.call("tasks.complete", said | {"claim": 7}).json())
    assert (found["isError"], found["structuredContent"]["code"]) == (True, "task.lost")
    found = check_result("tools/call", VERSION, wires.call("tasks.complete", {"claim": 1}).json())
    assert (found["isError"], found["structuredContent"]["code"]) == (True, "task.field")


def test_every_tool_of_tasks_says_what_it_takes(wires: Wires) -> None:
    shown = {tool["name"]: tool for tool in wires.modern("tools/list").json()["result"]["tools"]}
    for name in TASK_TOOLS:
        assert shown[name]["inputSchema"]["additionalProperties"] is False
        assert name == "tasks.next" or {"task", "claim"} <= set(shown[name]["inputSchema"]["required"])
