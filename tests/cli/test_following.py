"""A run is told as it goes: every change once, and nothing that did not change."""

from __future__ import annotations

from typing import Any

from autonomy.cli.following import changes


def run(status: str, waits: tuple[str, ...] = (), **steps: str) -> dict[str, Any]:
    """A run as the API shows it."""
    return {
        "id": "run_1",
        "status": status,
        "paused": False,
        "reason": "",
        "steps": [{"path": name, "state": state, "attempt": 1, "trouble": ""} for name, state in steps.items()],
        "waits": [{"kind": kind, "command": f"run_1:{kind}", "action": None} for kind in waits],
    }


def told(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(value for name, value in one.items() if name != "at" and value) for one in changes(before, now)]


def test_each_step_that_moved_is_told_and_the_run_itself() -> None:
    first, second = run("running", item="running"), run("running", item="done", order="running")
    assert told({}, first) == [("item", "running", 1), ("run_1", "running")]
    assert told(first, second) == [("item", "done", 1), ("order", "running", 1)]
    assert told(second, second) == []
    assert told(second, run("done", item="done", order="done")) == [("order", "done", 1), ("run_1", "done")]


def test_what_waits_for_somebody_is_told_once_and_what_comes_by_itself_is_not() -> None:
    before = run("running", item="done")
    asked = run("running", ("raise_exception", "perform_tool"), item="done")
    assert told(before, asked) == [("raise_exception", "run_1:raise_exception")]
    assert told(asked, asked) == []


def test_a_pause_is_told() -> None:
    before = run("running")
    assert told(before, before | {"paused": True}) == [("run_1", "paused")]
