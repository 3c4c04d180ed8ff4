"""Actions over plain HTTP: what the statuses say, and what a repeated call hears."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from autonomy.kernel.errors import Busy, Conflict, Unavailable

from .wires import ACTION, DENIED, DONE, HELD, KEY, Reply, Wires, make_tool, unseen


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (DONE, 200),
        (HELD, 202),
        (Reply(ACTION, "running", "c"), 202),
        (DENIED, 403),
        (replace(DENIED, code="budget.exceeded"), 403),
        (replace(DENIED, code="arguments.invalid"), 422),
        (replace(DENIED, code="money.no_rate"), 422),
        (replace(DENIED, code="record.missing"), 422),
        (replace(DENIED, code="record.busy"), 403),
        (Reply(ACTION, "rejected", "c", code="approval.rejected", message="no"), 403),
        (Reply(ACTION, "unknown", "c", code="upstream.unsure", message="no answer"), 409),
        (Reply(ACTION, "failed", "c", code="upstream.refused", message="no such order"), 424),
        (Reply("", "allowed", "c"), 200),
        (replace(HELD, action=""), 200),
    ],
)
def test_the_status_sums_up_the_reply(wires: Wires, reply: Reply, status: int) -> None:
    wires.door.says["order.create"] = reply
    answer = wires.act({"tool": "order.create", "arguments": {"a": 1}})
    assert (answer.status, answer.json()) == (status, reply.as_dict())
    assert answer.headers.get("location") == (f"/v1/actions/{ACTION}" if status == 202 else None)
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_tool_is_not_found(wires: Wires) -> None:
    wires.door.says["no.such"] = unseen("no.such")
    answer = wires.act({"tool": "no.such"})
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "tool.unknown"


def test_everything_an_agent_can_say_reaches_the_gate(wires: Wires) -> None:
    wires.door.says["order.create"] = DONE
    said = {
        "case": "c-1",
        "idempotency_key": "k",
        "rationale": "why",
        "dry_run": True,
        "parent": "p",
        "run": "r",
        "task": "t",
        "step": "s",
    }
    assert wires.act({"tool": "order.create", "arguments": {"n": 1}, **said}).status == 200
    [asked] = wires.door.asked
    assert (asked.tool, asked.arguments, asked.case, asked.key) == ("order.create", {"n": 1}, "c-1", "k")
    assert (asked.rationale, asked.dry_run) == ("why", True)
    assert asked.lineage() == {"parent": "p", "run": "r", "task": "t", "step": "s"}


def test_null_says_nothing(wires: Wires) -> None:
    wires.door.says["order.create"] = DONE
    assert wires.act({"tool": "order.create", "case": None, "idempotency_key": None, "dry_run": None}).status == 200
    [asked] = wires.door.asked
    assert (asked.case, asked.key, asked.dry_run) == ("", None, False)


@pytest.mark.parametrize("header", ["k-1", '"k-1"'])
def test_the_key_may_come_in_the_header(wires: Wires, header: str) -> None:
    wires.door.says["order.create"] = DONE
    for body in ({"tool": "order.create"}, {"tool": "order.create", "idempotency_key": "k-1"}):
        assert wires.act(body, {"idempotency-key": header}).status == 200
    assert [asked.key for asked in wires.door.asked] == ["k-1", "k-1"]


@pytest.mark.parametrize("header", ["k-2", "", '""', "k" * 201])
def test_two_keys_or_an_odd_one_are_refused(wires: Wires, header: str) -> None:
    wires.door.says["order.create"] = DONE
    answer = wires.act({"tool": "order.create", "idempotency_key": "k-1"}, {"idempotency-key": header})
    assert answer.status == 400
    assert wires.door.asked == []


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (Conflict("the key was used for another call", code="key.mismatch"), 409, None),
        (Busy("too fast", code="rate.exceeded", retry_after=0.05), 429, "1"),
        (Busy("too fast", code="rate.exceeded", retry_after=7.2), 429, "8"),
        (Unavailable("no decision in time", code="gate.timeout"), 503, None),
    ],
)
def test_errors_come_in_one_shape(wires: Wires, error: Any, status: int, retry: str | None) -> None:
    wires.door.says["order.create"] = error
    answer = wires.act({"tool": "order.create"})
    assert (answer.status, answer.json()) == (status, {"error": error.as_dict()})
    assert answer.headers.get("retry-after") == retry


def test_what_became_of_an_action_can_be_asked(wires: Wires) -> None:
    wires.door.results[ACTION] = HELD
    answer = wires.get(f"/v1/actions/{ACTION}")
    assert (answer.status, answer.json()) == (200, HELD.as_dict())
    for other in ("act_0", "", f"{ACTION}/", "%2e%2e"):
        absent = wires.get(f"/v1/actions/{other}")
        assert (absent.status, absent.json()["error"]["code"]) == (404, "action.unknown")


def test_tools_are_listed_in_pages(wires: Wires) -> None:
    wires.door.shown = [make_tool(f"tool.n{at}", effect="write-keyed", risk="high") for at in range(5)]
    first = wires.get("/v1/tools?limit=3").json()
    assert first["tools"][0] == {
        "name": "tool.n0",
        "description": "About tool.n0",
        "input": {"type": "object", "properties": {"id": {"type": "string"}}},
        "effect": "write-keyed",
        "egress": False,
        "risk": "high",
    }
    second = wires.get(f"/v1/tools?limit=3&cursor={first['next']}").json()
    assert [tool["name"] for tool in first["tools"] + second["tools"]] == [f"tool.n{at}" for at in range(5)]
    assert "next" not in second


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=²", "limit=1&limit=2", "a=b", "cursor=%ff", "limit", "%"]
)
def test_an_odd_query_is_refused(wires: Wires, query: str) -> None:
    assert wires.get(f"/v1/tools?{query}").status == 400


@pytest.mark.parametrize("path", ["/v1/tools", f"/v1/actions/{ACTION}"])
@pytest.mark.parametrize("token", ["Bearer other", f"Basic {KEY}", ""])
def test_without_a_good_token_nothing_is_told(wires: Wires, path: str, token: str) -> None:
    answer = wires.get(path, authorization=token)
    assert answer.status == 401
    assert (
        'resource_metadata="https://autonomy.example/.well-known/oauth-protected-resource"'
        in (answer.headers["www-authenticate"])
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/actions", "POST"), ("POST", "/v1/tools", "GET"), ("DELETE", f"/v1/actions/{ACTION}", "GET")],
)
def test_other_methods_are_refused_with_the_one_there_is(wires: Wires, method: str, path: str, allowed: str) -> None:
    answer = wires.send(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_a_defect_is_not_told_to_the_caller(wires: Wires) -> None:
    async def broken(_: Any) -> Any:
        raise ZeroDivisionError("the secret is 42")

    wires.door.says["order.create"] = broken
    answer = wires.act({"tool": "order.create"})
    assert (answer.status, answer.json()["error"]["code"]) == (500, "error")
    assert b"secret" not in answer.body
