"""Incidents at the front door: opened, understood, stopped in one call, let go on, followed up, closed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from autonomy.audit import read_leaf
from autonomy.audit.store import leaves
from tests.gate.works import POLICY, never
from tests.server.desk import Client, Desk, desk, files
from tests.server.test_runs import begun, once
from tests.server.test_tasks import opened, taken
from tests.workflow.office import workflow

PRESSING = """
steps:
  hear: { wait: { events: { it: { event: go, key: string(input.n) } } } }
  press: { needs: [hear], tool: press, arguments: { n: input.n } }
"""
LOOKING = PRESSING.replace("press", "look") + "agent: w2\n"
WATCHED = (
    POLICY
    + """
@id("odd-hearing")
@reason("nobody here has listened to this before")
@incident("critical")
forbid (principal, action == Action::"hear", resource)
when { context.arguments.n > 100 };
"""
)
TRIED = """// mode: shadow
@id("odd-look")
@reason("looks where nobody looks")
@incident("low")
forbid (principal, action == Action::"look", resource)
when { context.arguments.n > 900 };
"""


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server whose rules open incidents, with workflows of two agents."""
    flows = "---\n".join((workflow("pressing", PRESSING), workflow("looking", LOOKING)))
    declared = files(workflows=flows, policy=WATCHED) | {"trial.cedar": TRIED}
    with desk(tmp_path, database_url, organisation=declared) as found:
        yield found


def open_about(person: Client, about: str, id: str, **said: Any) -> str:
    answer = person.post("/api/incidents", {"about": about, "id": id, **said})
    assert answer.status == 201, answer.json
    return str(answer.json["incident"]["id"])


def stops(told: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(one["kind"], one["target"]): one["state"] for one in told["stops"]}


def settled(person: Client, incident: str) -> dict[str, Any]:
    """The incident once everything is confirmed."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = person.get(f"/api/incidents/{incident}").json
        return found if found["is_stopped"] else None

    found: dict[str, Any] = once(look)
    return found


def test_one_call_stops_everything_and_confirms_each(office: Desk) -> None:
    suzi = office.person("suzi")
    running, other = begun(suzi, "pressing"), begun(suzi, "looking")
    task = opened(suzi)
    assert taken(office.agent("w1"))["task"] == task
    office.plant.behaves["press"] = never
    with office.agent("w1").under_way("/v1/actions", {"tool": "press", "arguments": {"n": 7}}):
        once(lambda: [call for call in office.plant.calls if call[0] == "press"])
        action = office.plant.calls[-1][1]
        incident = open_about(suzi, "action", action, severity="critical")
        told = suzi.post(f"/api/incidents/{incident}/contain", {"reason": "it presses on and on"})
        assert told.status == 200, told.json
    found = settled(suzi, incident)
    known = stops(found)
    w1 = found["incident"]["place"]["agent"]
    assert known["containment", found["incident"]["containment"]] == "confirmed"
    assert known["agent", w1] == known["tokens", "*"] == known["call", action] == "confirmed"
    assert known["run", running] == known["task", task] == "confirmed"
    assert ("run", other) not in known
    assert sorted(one["detail"] for one in found["stops"] if one["kind"] == "agent") == ["child", "w1"]
    assert suzi.get(f"/api/runs/{running}").json["paused"] and not suzi.get(f"/api/runs/{other}").json["paused"]
    assert suzi.get(f"/api/tasks/{task}").json["holder"] is None
    assert office.agent("w1").post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 401


def test_what_was_stopped_goes_on_when_it_is_reinstated(office: Desk) -> None:
    suzi = office.person("suzi")
    running, resting = begun(suzi, "pressing", 1), begun(suzi, "pressing", 2)
    assert suzi.post(f"/api/runs/{resting}/pause").status == 200
    incident = open_about(suzi, "agent", "w1", title="it may be wrong", text="seen twice")
    suzi.post(f"/api/incidents/{incident}/contain", {"reason": "to be sure"})
    known = stops(settled(suzi, incident))
    assert known["run", running] == "confirmed" and known["run", resting] == "before"
    again = suzi.post(f"/api/incidents/{incident}/contain", {"reason": "again"})
    assert (again.status, again.code) == (409, "incident.contained")
    back = suzi.post(f"/api/incidents/{incident}/reinstate", {"reason": "it was right"})
    assert back.status == 200 and back.json["incident"]["state"] == "open"
    assert stops(back.json)["run", running] == "resumed"
    assert not suzi.get(f"/api/runs/{running}").json["paused"] and suzi.get(f"/api/runs/{resting}").json["paused"]
    assert office.act("look", "w1", n=1)["status"] == "done"
    assert suzi.post(f"/api/incidents/{incident}/reinstate", {"reason": "x"}).code == "incident.not_contained"
    suzi.post(f"/api/incidents/{incident}/contain", {"reason": "after all"})
    assert stops(settled(suzi, incident))["run", running] == "confirmed"


def test_of_two_who_contain_at_once_one_does(office: Desk) -> None:
    people = [office.person("suzi"), office.person("ada")]
    incident = open_about(people[0], "agent", "w1")
    with ThreadPoolExecutor(2) as pool:
        path = f"/api/incidents/{incident}/contain"
        answers = list(pool.map(lambda one: one.post(path, {"reason": "odd"}).status, people))
    assert sorted(answers) == [200, 409]
    assert len(people[0].get("/api/containments").json["items"]) == 1


def test_keys_end_for_good_where_that_is_asked_for(office: Desk) -> None:
    suzi = office.person("suzi")
    office.act("look", "w1", n=1)
    incident = open_about(suzi, "agent", "w1")
    told = suzi.post(f"/api/incidents/{incident}/contain", {"reason": "its key is out", "keys": True})
    assert stops(told.json)["keys", "*"] == "confirmed"
    suzi.post(f"/api/incidents/{incident}/reinstate", {"reason": "with a new key"})
    assert office.agent("w1").post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 401


def test_an_incident_has_a_life_that_the_log_knows(office: Desk) -> None:
    suzi, vera = office.person("suzi"), office.person("vera")
    done = office.act("look", n=1)["action"]
    incident = open_about(suzi, "action", done, severity="low", title="odd look")
    suzi.post(f"/api/incidents/{incident}/notes", {"text": "a secret thought"})
    suzi.send("PUT", f"/api/incidents/{incident}/owner", {"owner": "suzi"})
    told = suzi.post(f"/api/incidents/{incident}/follow-ups", {"text": "tell the vendor", "owner": "carl"}).json
    (follow,) = told["follow_ups"]
    closed = suzi.post(f"/api/incidents/{incident}/close", {"cause": "false_alarm", "text": "it was meant"})
    assert closed.json["incident"]["state"] == "closed" and closed.json["incident"]["cause"] == "false_alarm"
    finished = suzi.post(f"/api/incidents/{incident}/follow-ups/{follow['id']}/done").json
    assert finished["follow_ups"][0]["done_by"] == "person:suzi"
    seen = vera.get(f"/api/incidents/{incident}").json
    assert [one["event"] for one in seen["timeline"]] == ["opened", "noted", "assigned", "follow_up", "closed", "done"]
    assert suzi.post(f"/api/incidents/{incident}/notes", {"text": "late"}).code == "incident.closed"
    assert vera.get("/api/incidents?state=closed").json["items"][0]["owner"] == "suzi"
    assert vera.get("/api/incidents?state=open").json["items"] == []
    with office.system.database.reading() as connection:
        told_of = [read_leaf(body) for _, body in leaves(connection)]
    of_it = [leaf for leaf in told_of if leaf["kind"] == "incident"]
    assert [leaf["event"] for leaf in of_it] == ["opened", "noted", "assigned", "follow_up", "closed", "done"]
    assert "secret thought" not in str(of_it) and {leaf["actor"] for leaf in of_it} == {"person:suzi"}


def test_a_closed_incident_lets_nobody_out_unasked(office: Desk) -> None:
    suzi = office.person("suzi")
    incident = open_about(suzi, "agent", "w1")
    suzi.post(f"/api/incidents/{incident}/contain", {"reason": "odd"})
    body = {"cause": "agent", "text": "its prompt was changed"}
    assert suzi.post(f"/api/incidents/{incident}/close", body).code == "incident.contained"
    assert suzi.post(f"/api/incidents/{incident}/close", body | {"leave_contained": True}).status == 200
    assert office.agent("w1").post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).status == 401


def test_a_rule_opens_an_incident_once_and_notes_what_follows(office: Desk) -> None:
    vera = office.person("vera")
    first = office.act("hear", n=101)["action"]
    second = office.act("hear", n=102)["action"]
    office.act("hear", n=1)
    office.act("look", "w2", n=901)  # a rule on trial: it happens, and is seen
    office.taken_in()
    found = {one["place"]["rule"]: one for one in vera.get("/api/incidents").json["items"]}
    assert set(found) == {"odd-hearing", "odd-look"}
    heard = found["odd-hearing"]
    assert (heard["about"]["id"], heard["severity"], heard["opened_by"]) == (first, "critical", "rule:odd-hearing")
    timeline = vera.get(f"/api/incidents/{heard['id']}").json["timeline"]
    assert [(one["event"], one["text"]) for one in timeline] == [("opened", ""), ("seen", second)]
    assert found["odd-look"]["place"]["agent_name"] == "w2"


def test_the_context_of_an_incident_is_put_together_from_the_record(office: Desk) -> None:
    for number in range(3):
        office.act("look", n=number)
    office.act("pay", payee="zanzibar", amount="12.00")
    heard = office.act("hear", n=101)["action"]
    vera, aldo = office.person("vera"), office.person("aldo")
    office.taken_in()
    (incident,) = [one["id"] for one in vera.get("/api/incidents").json["items"]]
    seen = vera.get(f"/api/incidents/{incident}/context").json
    tools = {one["tool"]: (one["actions"], one["states"]) for one in seen["blast_radius"]["tools"]}
    assert tools == {"look": (3, {"done": 3}), "pay": (1, {"done": 1}), "hear": (1, {"denied": 1})}
    assert seen["blast_radius"]["whole"] and len(seen["of_agent"]) == 5 and seen["of_agent"][0]["id"] == heard
    (decision,) = seen["explanation"]["decisions"]
    assert "odd-hearing" in [rule["id"] for rule in decision["rules"]]
    assert (hidden := seen["explanation"]["what"]["arguments"])["value"] is None and hidden["state"] == "hidden"
    assert aldo.get(f"/api/incidents/{incident}/context").json["explanation"]["what"]["arguments"]["value"] == {
        "n": 101
    }


def test_incidents_are_about_what_there_is(office: Desk) -> None:
    suzi = office.person("suzi")
    for about, id, code in (
        ("action", "act_none", "action.unknown"),
        ("agent", "nobody", "agent.unknown"),
        ("run", "run_none", "workflow.unknown_run"),
        ("case", "nowhere", "case.unknown"),
    ):
        assert suzi.post("/api/incidents", {"about": about, "id": id}).code == code
    assert suzi.get("/api/incidents/inc_none").code == "incident.unknown"
    run = begun(suzi, "pressing")
    incident = open_about(suzi, "run", run)
    assert suzi.post(f"/api/incidents/{incident}/contain", {"reason": "x"}).code == "incident.reach"
    no_tool = {"reason": "x", "scope": "tool", "target": "pres"}
    assert suzi.post(f"/api/incidents/{incident}/contain", no_tool).code == "tool.unknown"
    told = suzi.post(f"/api/incidents/{incident}/contain", {"reason": "x", "scope": "tool", "target": "press"}).json
    assert stops(told)["run", run] == "confirmed" and "agent" not in {kind for kind, _ in stops(told)}
    assert office.person("bea").post(f"/api/incidents/{incident}/contain", {"reason": "x"}).status == 403
