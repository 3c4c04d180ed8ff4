"""Runs over HTTP: begun, looked at, steered; checkpoints and exceptions decided by those who are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autonomy.tools import Refused
from tests.gate.works import fail
from tests.server.desk import Client, Desk, desk, eventually, files
from tests.workflow.office import workflow

ASKING = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?", show: { number: input.n } } }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
result: { pressed: steps.press.output }
"""
PRESSING = "steps: { press: { tool: press, arguments: { n: input.n } } }"
HEARING = "steps: { hear: { wait: { events: { it: { event: go, key: string(input.n) } } } } }"


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server whose organisation has workflows."""
    said = {"asking": ASKING, "pressing": PRESSING, "hearing": HEARING}
    said["chiefs"] = PRESSING + "\nescalation: chief"
    declared = files(workflows="---\n".join(workflow(name, text) for name, text in said.items()))
    with desk(tmp_path, database_url, organisation=declared) as found:
        yield found


def begun(who: Client, name: str, n: int = 1) -> str:
    answer = who.post("/api/runs", {"workflow": name, "input": {"n": n}})
    assert answer.status == 201, answer.body
    return str(answer.json["run"])


def once(look: Callable[[], Any]) -> Any:
    """What `look` finds, once it finds anything."""
    return eventually(look, "it")


def ended(who: Client, run: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = who.get(f"/api/runs/{run}").json
        return found if found["ended_at"] else None

    found: dict[str, Any] = once(look)
    return found


def test_what_is_sent_again_under_its_key_is_done_once_and_answered_alike(office: Desk) -> None:
    suzi = office.person("suzi")
    asked = {"workflow": "hearing", "input": {"n": 1}}
    first = suzi.post("/api/runs", asked, idempotency_key="k1")
    assert suzi.post("/api/runs", asked, idempotency_key='"k1"').json == first.json
    assert suzi.post("/api/runs", asked | {"idempotency_key": "k1"}).json == first.json
    assert suzi.post("/api/runs", asked | {"input": {"n": 2}}, idempotency_key="k1").code == "key.mismatch"
    assert suzi.post("/api/runs", asked | {"idempotency_key": "k2"}, idempotency_key="k1").code == "request.field"
    told = {"event": "go", "key": "1", "idempotency_key": "e1"}
    event = suzi.post("/api/runs/signal", told)
    assert suzi.post("/api/runs/signal", told).json == event.json
    assert suzi.post("/api/runs/signal", told | {"key": "2"}).code == "key.mismatch"
    assert len(suzi.get("/api/runs").json["items"]) == 1


def test_a_run_is_begun_looked_at_and_steered(office: Desk) -> None:
    suzi, vera = office.person("suzi"), office.person("vera")
    run = begun(suzi, "hearing", 7)
    assert [one["id"] for one in vera.get("/api/runs?status=running").json["items"]] == [run]
    shown = suzi.get(f"/api/runs/{run}").json
    assert (shown["input"], shown["steps"][0]["state"]) == ({"n": 7}, "running")
    assert "subscribe" in {one["kind"] for one in shown["waits"]}
    assert vera.get(f"/api/runs/{run}").json["input"] is None, "what goes through it is not for everybody"
    assert vera.get(f"/api/runs/{run}/graph").json["mermaid"].startswith("flowchart TD")
    assert suzi.post(f"/api/runs/{run}/pause").json["paused"] is True
    assert suzi.post(f"/api/runs/{run}/pause").code == "workflow.ignored"
    assert suzi.post(f"/api/runs/{run}/resume").json["paused"] is False
    assert suzi.post(f"/api/runs/{run}/priority", {"priority": "urgent"}).json["priority"] == "urgent"
    assert vera.post(f"/api/runs/{run}/cancel", {}).code == "permission.missing"
    assert suzi.post("/api/runs/signal", {"event": "go", "key": "7", "data": 1}).status == 202
    assert ended(suzi, run)["status"] == "done"
    assert suzi.post(f"/api/runs/{run}/cancel", {}).code == "workflow.ignored"
    cancelled = begun(suzi, "hearing", 8)
    assert suzi.post(f"/api/runs/{cancelled}/cancel", {"reason": "no need"}).json["status"] == "cancelled"


def test_live_runs_are_moved_by_who_may_steer(office: Desk) -> None:
    suzi, vera = office.person("suzi"), office.person("vera")
    begun(suzi, "hearing")
    asked = {"workflow": "hearing", "dry_run": True}
    assert vera.post("/api/runs/migrate", asked).code == "permission.missing"
    answer = suzi.post("/api/runs/migrate", asked).json
    assert (answer["runs"], answer["next"], len(answer["definition"])) == ([], None, 64)
    assert suzi.post("/api/runs/migrate", {"workflow": "nothing"}).code == "workflow.unknown"


def test_what_cannot_begin_is_refused_with_the_reason(office: Desk) -> None:
    suzi = office.person("suzi")
    assert suzi.post("/api/runs", {"workflow": "nothing", "input": {}}).code == "workflow.unknown"
    assert suzi.post("/api/runs", {"workflow": "pressing", "input": {"n": "one"}}).code == "workflow.input"
    assert suzi.get("/api/runs/run_0").code == "workflow.unknown_run"


def test_a_checkpoint_is_decided_like_any_approval(office: Desk) -> None:
    suzi, bea = office.person("suzi"), office.person("bea")
    run = begun(suzi, "asking")
    [listed] = once(lambda: bea.get("/api/approvals?mine=true").json["items"])
    assert (listed["consequence"], listed["tool"], listed["yours"]) == ("May it be?", "", True)
    found = bea.get(f"/api/approvals/{listed['action']}").json
    assert found["arguments"] == {"state": "shown", "value": {"number": 1}, "commitment": None}
    assert office.person("vera").get(f"/api/approvals/{listed['action']}").code == "permission.missing"
    assert office.person("carl").get(f"/api/approvals/{listed['action']}").json["arguments"]["state"] == "none"
    vote = {"verdict": "approve", "shown": found["shown"], "reason": "as agreed"}
    assert bea.post(f"/api/approvals/{listed['action']}/decision", vote).json["state"] == "performed"
    assert ended(suzi, run)["output"] == {"pressed": {"ok": {"n": 1}}}
    assert office.person("aldo").get(f"/api/actions/{listed['action']}").code == "action.unknown"  # nobody did it


def test_an_exception_is_for_those_who_are_asked(office: Desk) -> None:
    suzi, bea = office.person("suzi"), office.person("bea")
    office.plant.behaves["press"] = fail(Refused("broken"))
    run = begun(suzi, "pressing")
    [asked] = once(lambda: bea.get("/api/runs/exceptions?mine=true").json["items"])
    assert (asked["run"], asked["kind"], asked["step"], asked["reason"]) == (run, "failed", "press", "broken")
    choice = {"exception": asked["exception"], "choice": "skip"}
    assert office.person("carl").post(f"/api/runs/{run}/choose", choice).code == "workflow.not_asked"
    assert bea.post(f"/api/runs/{run}/choose", {**choice, "exception": "x"}).code == "workflow.unknown_exception"
    assert bea.post(f"/api/runs/{run}/choose", choice).status == 200
    assert ended(suzi, run)["steps"][0]["state"] == "skipped"


def test_exceptions_of_others_stand_before_nobodys_own(office: Desk) -> None:
    office.plant.behaves["press"] = fail(Refused("jammed"))
    suzi, bea, carl = office.person("suzi"), office.person("bea"), office.person("carl")
    of_chief = [begun(suzi, "chiefs", number) for number in (1, 2, 3)]
    once(lambda: len(suzi.get("/api/runs/exceptions").json["items"]) == len(of_chief))
    own = begun(suzi, "pressing", 9)
    once(lambda: len(suzi.get("/api/runs/exceptions").json["items"]) == len(of_chief) + 1)
    page = bea.get("/api/runs/exceptions?mine=true&limit=1").json
    assert [one["run"] for one in page["items"]] == [own] and page["next"] is None
    first = carl.get("/api/runs/exceptions?mine=true&limit=2").json
    rest = carl.get(f"/api/runs/exceptions?mine=true&limit=2&after={first['next']}").json
    assert {one["run"] for one in first["items"] + rest["items"]} == set(of_chief) and rest["next"] is None
    (one,) = bea.get(f"/api/runs/exceptions?run={own}").json["items"]
    assert bea.get(f"/api/runs/{own}/exceptions/{one['exception']}").json == one and one["yours"]
    assert bea.get(f"/api/runs/{of_chief[0]}/exceptions/{one['exception']}").code == "workflow.unknown_exception"
    assert bea.get("/api/today?audience=supervisor").json["needs_me"]["count"] == 1
