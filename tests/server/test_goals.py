"""Goals over HTTP: a person hands one in, an agent plans, and people see as much as they may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.goals.firm import AGENTS, GOOD, PLANNERS, RULES
from tests.server.desk import Desk, desk, files
from tests.server.test_runs import once
from tests.server.test_tasks import taken


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server whose organisation plans."""
    declared = files(agents=AGENTS, planners=PLANNERS, policy=RULES)
    with desk(tmp_path, database_url, organisation=declared) as found:
        yield found


def test_a_goal_is_handed_in_planned_and_shown_to_who_may_see_it(office: Desk) -> None:
    suzi, planner = office.person("suzi"), office.agent("planner-1")
    answer = suzi.post("/api/goals", {"goal": "nails everywhere", "unit": "works", "input": {"n": 3}})
    assert answer.status == 201, answer.body
    goal = answer.json["goal"]
    held = taken(planner)
    assert held["input"]["goal"] == "nails everywhere"
    path = f"/v1/tasks/{held['task']}/complete"
    wrong = planner.post(path, {"claim": held["claim"], "output": {"plan": {"steps": {}}}}).json
    assert (wrong["state"], "spec.steps" in wrong["breach"]) == ("returned", True)
    again = taken(planner)
    assert planner.post(path, {"claim": again["claim"], "output": {"plan": GOOD}}).json["state"] == "done"

    def working() -> dict[str, Any] | None:
        found: dict[str, Any] = suzi.get(f"/api/goals/{goal}").json
        return found if found["state"] == "working" else None

    found = once(working)
    assert (found["planner"], found["plan"]) == ("planner-1", GOOD)
    assert found["graph"].startswith("flowchart TD")
    hidden = office.person("vera").get(f"/api/goals/{goal}").json
    assert (hidden["state"], hidden["goal"], hidden["plan"], hidden["graph"]) == ("working", None, None, None)
    assert [one["id"] for one in suzi.get("/api/goals").json["items"]] == [goal]
    ended = suzi.post(f"/api/goals/{goal}/cancel", {"reason": "enough nails"})
    assert ended.json["state"] == "cancelled", ended.body
    assert suzi.post(f"/api/goals/{goal}/cancel", {}).code == "goal.over"


def test_what_is_no_goal_is_refused(office: Desk) -> None:
    suzi = office.person("suzi")
    for said, code in (
        ({"goal": "x", "role": "pilot"}, "task.unknown_role"),
        ({"goal": "x", "unit": "moon"}, "task.unknown_unit"),
        ({"goal": "x", "role": "boss"}, "goal.nobody"),
        ({"goal": "x", "spend": "a lot"}, "money.invalid"),
    ):
        assert suzi.post("/api/goals", said).code == code
    assert suzi.get("/api/goals/run_0").code == "goal.unknown"
    assert suzi.post("/api/goals/run_0/cancel", {}).code == "goal.unknown"
    assert office.person("vera").post("/api/goals", {"goal": "x"}).code == "permission.missing"
