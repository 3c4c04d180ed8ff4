"""Workflows and runs as they are drawn, over HTTP: the steps, where each is, and where the time went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autonomy.tools import Refused
from tests.gate.works import fail, say
from tests.server.desk import Desk, desk, files
from tests.server.test_runs import begun, ended, once
from tests.workflow.office import workflow

WORK = """
steps:
  way:
    choose:
      branches:
        small: { when: input.n < 5, steps: { press: { tool: press, arguments: { n: input.n } } } }
      otherwise: { steps: { hear: { wait: { events: { it: { event: go } } } } } }
  sign: { needs: [way], when: input.n > 1, approval: { roles: { boss: 1 }, question: "May it be?" } }
  check: { needs: [sign], task: { role: boss, goal: "Look at it", by: person } }
"""


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server whose organisation has one workflow of several kinds of steps."""
    with desk(tmp_path, database_url, organisation=files(workflows=workflow("work", WORK))) as found:
        yield found


def nodes(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in answer["nodes"]}


def test_a_workflow_is_told_as_nodes_and_edges_with_its_live_runs(shop: Desk) -> None:
    suzi = shop.person("suzi")
    answer = suzi.get("/api/workflows/work/graph").json
    drawn = nodes(answer)
    assert {name: (one["kind"], one["inside"], one["way"]) for name, one in drawn.items()} == {
        "way": ("choose", "", ""),
        "press": ("tool", "way", "small"),
        "hear": ("wait", "way", "otherwise"),
        "sign": ("approval", "", ""),
        "check": ("task", "", ""),
    }
    assert {(one["before"], one["after"], one["when"]) for one in answer["edges"]} == {
        ("way", "sign", "input.n > 1"),
        ("sign", "check", ""),
    }
    assert (answer["live"], answer["whole"]) == (0, True)
    begun(suzi, "work", 7), begun(suzi, "work", 8)
    answer = once(lambda: _with_two(suzi.get("/api/workflows/work/graph").json))
    assert (answer["live"], nodes(answer)["hear"]["counts"]) == (2, {"running": 2})
    assert suzi.get("/api/workflows/nothing/graph").code == "workflow.unknown"


def _with_two(answer: dict[str, Any]) -> dict[str, Any] | None:
    return answer if nodes(answer)["hear"]["counts"].get("running") == 2 else None


def test_a_run_says_where_its_time_went_and_who_had_it(shop: Desk) -> None:
    suzi, bea = shop.person("suzi"), shop.person("bea")
    run = begun(suzi, "work", 2)
    [asked] = once(lambda: bea.get("/api/approvals?mine=true").json["items"])
    vote = {"verdict": "approve", "shown": bea.get(f"/api/approvals/{asked['action']}").json["shown"]}
    assert bea.post(f"/api/approvals/{asked['action']}/decision", vote).status == 200
    [task] = once(lambda: bea.get(f"/api/tasks?run={run}&state=open").json["items"])
    claim = bea.post(f"/api/tasks/{task['task']}/take").json["claim"]
    assert bea.post(f"/api/tasks/{task['task']}/complete", {"claim": claim, "output": 1}).status == 200
    assert ended(suzi, run)["status"] == "done"
    told = suzi.get(f"/api/runs/{run}/timeline").json
    assert told["whole"] is True
    stays = {one["step"]: one for one in told["stays"]}
    assert set(stays) == {"press", "sign", "check"}, "a step that holds others has no time of its own"
    for one in stays.values():
        assert one["working"] + one["waiting"] == one["ended_at"] - one["at"]
    assert stays["press"]["tries"] == 1 and stays["sign"]["working"] == 0 and stays["check"]["working"] > 0
    spans = [(one["kind"], one["who"], one["what"]) for one in told["spans"] if one["step"] or one["kind"] == "handoff"]
    assert ("action", "w1", "press") in spans and ("handoff", "person:bea", "claimed") in spans
    assert nodes(suzi.get(f"/api/runs/{run}/graph").json)["check"]["state"] == "done"


def test_exceptions_and_choices_stand_in_the_timeline_and_a_retry_is_another_try(shop: Desk) -> None:
    shop.plant.behaves["press"] = fail(Refused("no"))
    suzi, bea = shop.person("suzi"), shop.person("bea")
    run = begun(suzi, "work", 3)
    [stuck] = once(lambda: bea.get("/api/runs/exceptions?mine=true").json["items"])
    waits = suzi.get(f"/api/runs/{run}/timeline").json["stays"]
    assert [(one["path"], one["ended_at"]) for one in waits] == [("way[small]/press", None)]
    shop.plant.behaves["press"] = say({"ok": 1})
    asked = {"exception": stuck["exception"], "choice": "retry"}
    assert bea.post(f"/api/runs/{run}/choose", asked).status == 200
    once(lambda: bea.get("/api/approvals?mine=true").json["items"])
    told = suzi.get(f"/api/runs/{run}/timeline").json
    instants = [(one["kind"], one["what"], one["step"]) for one in told["spans"]]
    assert ("exception", "failed", "way[small]/press") in instants and ("steering", "chosen retry", None) in instants
    assert next(one["tries"] for one in told["stays"] if one["step"] == "press") == 2
    assert suzi.get("/api/runs/run_0/timeline").code == "workflow.unknown_run"
