"""Tasks over HTTP: agents at their wire, people at their inbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autonomy.audit import read_leaf
from autonomy.audit.store import leaves
from autonomy.gate.cases import add_labels
from autonomy.kernel.errors import Conflict
from autonomy.sdk import AgentClient, Task
from tests.gate.works import PEOPLE
from tests.server.desk import Client, Desk, desk, files
from tests.server.test_runs import begun, ended, once
from tests.workflow.office import workflow

COUNTING = """
steps:
  look: { tool: look, arguments: { n: input.n } }
  count:
    needs: [look]
    task: { role: worker, goal: count the nails, input: { shelf: input.n } }
    output: { type: object, properties: { nails: { type: integer } }, required: [nails] }
result: { nails: steps.count.output.nails }
"""


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server whose organisation gives work out."""
    with desk(tmp_path, database_url, organisation=files(workflows=workflow("counting", COUNTING))) as found:
        yield found


def opened(who: Client, **said: Any) -> str:
    answer = who.post("/api/tasks", {"role": "worker", "goal": "count the nails", **said})
    assert answer.status == 201, answer.body
    return str(answer.json["task"])


def taken(agent: Client, wait: int = 20) -> dict[str, Any]:
    answer = agent.post("/v1/tasks/next", {"wait": wait})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json["task"]
    return found


def test_a_task_opened_twice_under_one_key_is_one_task(office: Desk) -> None:
    suzi, asked = office.person("suzi"), {"role": "worker", "goal": "count the nails", "input": {"shelf": 7}}
    first = suzi.post("/api/tasks", asked, idempotency_key="k1")
    assert suzi.post("/api/tasks", asked, idempotency_key='"k1"').json == first.json
    assert suzi.post("/api/tasks", asked | {"idempotency_key": "k1"}).json == first.json
    assert suzi.post("/api/tasks", asked | {"input": {"shelf": 8}}, idempotency_key="k1").code == "key.mismatch"
    assert suzi.post("/api/tasks", asked | {"idempotency_key": "k2"}, idempotency_key="k1").code == "request.field"
    assert opened(suzi) != first.json["task"]
    assert len(suzi.get("/api/tasks").json["items"]) == 2


def test_at_the_address_of_an_action_there_is_nothing_but_actions(office: Desk) -> None:
    """Who may read actions may not read tasks for that; and an explanation of what was never decided is none."""
    suzi, aldo, agent = office.person("suzi"), office.person("aldo"), office.agent()
    run, held = begun(suzi, "counting"), taken(agent)
    done = {"claim": held["claim"], "output": {"nails": 1}}
    assert agent.post(f"/v1/tasks/{held['task']}/complete", done).status == 200
    ended(suzi, run)
    for kind, subject in (("tasks", held["task"]), ("runs", run)):
        assert suzi.post(f"/api/{kind}/{subject}/label", {"verdict": "right"}).status == 200
        assert [one["verdict"] for one in aldo.get(f"/api/{kind}/{subject}/labels").json["labels"]] == ["right"]
    incident = suzi.post("/api/incidents", {"about": "run", "id": run}).json["incident"]["id"]
    for other in (held["task"], run, incident):
        for what in ("", "/explain", "/proofs", "/labels"):
            answer = aldo.get(f"/api/actions/{other}{what}")
            assert (answer.status, answer.code) == (404, "action.unknown"), (other, what)
        assert suzi.post(f"/api/actions/{other}/label", {"verdict": "right"}).code == "action.unknown"


def test_what_a_case_has_seen_is_shown_to_nobody_who_may_not_see_it(tmp_path: Path, database_url: str) -> None:
    """Whoever may not take a task for that reason does not read it instead."""
    strict = PEOPLE.replace("scope: { tools: [] }", "scope: { tools: [], data: [sales] }")
    assert strict != PEOPLE
    people = files()["people.yaml"].replace(PEOPLE, strict)
    with desk(tmp_path, database_url, organisation=files() | {"people.yaml": people}) as office:
        suzi, bob = office.person("suzi"), office.person("bob")
        task = opened(suzi, role="boss", goal="Ms Vale earns 91000", case="c1")
        assert bob.get(f"/api/tasks/{task}").json["goal"] == "Ms Vale earns 91000"
        office.system.queue.run(lambda tx: add_labels(tx, "c1", ["data:hr"], 1))
        assert bob.post(f"/api/tasks/{task}/take").code == "task.not_yours"
        found = bob.get(f"/api/tasks/{task}").json
        assert (found["yours"], found["goal"], found["notes"]) == (True, None, None)
        assert suzi.post(f"/api/tasks/{task}/take").json["goal"] == "Ms Vale earns 91000"


def test_an_agent_does_a_task_and_a_person_sees_it(office: Desk) -> None:
    suzi, agent = office.person("suzi"), office.agent()
    task = opened(suzi, input={"shelf": 7})
    held = taken(agent)
    assert (held["task"], held["holder"], held["input"]) == (task, "agent:w1", {"shelf": 7})
    assert taken(office.agent("w2"), 0) is None
    said = {"claim": held["claim"], "text": "two shelves left", "data": {"nails": 5}}
    assert agent.post(f"/v1/tasks/{task}/heartbeat", said).status == 200
    assert agent.get(f"/v1/tasks/{task}").json["notes"][0]["data"] == {"nails": 5}
    assert office.agent("w2").get(f"/v1/tasks/{task}").status == 404
    [listed] = suzi.get("/api/tasks?state=claimed").json["items"]
    assert (listed["task"], listed["holder"]) == (task, "agent:w1")
    assert agent.post(f"/v1/tasks/{task}/complete", {"claim": held["claim"], "output": 12}).json["state"] == "done"
    assert suzi.get(f"/api/tasks/{task}").json["output"] == 12
    hidden = office.person("vera").get(f"/api/tasks/{task}").json
    assert (hidden["state"], hidden["goal"], hidden["notes"], hidden["output"]) == ("done", None, None, None)


def test_a_person_takes_over_from_an_agent_and_gives_back(office: Desk) -> None:
    suzi, carl, agent = office.person("suzi"), office.person("carl"), office.agent()
    task = opened(suzi)
    held = taken(agent)
    assert office.person("bea").post(f"/api/tasks/{task}/take").code == "task.not_yours"
    assert office.person("vera").post(f"/api/tasks/{task}/take").code == "permission.missing"
    mine = carl.post(f"/api/tasks/{task}/take").json
    assert (mine["holder"], mine["goal"]) == ("person:carl", "count the nails")
    assert agent.post(f"/v1/tasks/{task}/complete", {"claim": held["claim"], "output": 1}).code == "task.lost"
    assert [one["task"] for one in carl.get("/api/tasks?mine=true").json["items"]] == [task]
    noted = carl.post(f"/api/tasks/{task}/note", {"claim": mine["claim"], "text": "mind the cellar"})
    assert noted.status == 200
    back = carl.post(f"/api/tasks/{task}/give-back", {"claim": mine["claim"], "text": "your turn"})
    assert (back.status, back.json["state"]) == (200, "open")
    again = taken(agent)
    assert [note["text"] for note in again["notes"]] == ["mind the cellar", "your turn"]
    up = agent.post(f"/v1/tasks/{task}/escalate", {"claim": again["claim"], "reason": "too dear", "question": "may I?"})
    assert (up.json["state"], up.json["role"]) == ("escalated", "chief")
    mine = carl.post(f"/api/tasks/{task}/take").json
    assert mine["questions"] == ["may I?"]
    done = carl.post(f"/api/tasks/{task}/complete", {"claim": mine["claim"], "output": {"nails": 3}})
    assert (done.json["state"], done.json["breach"]) == ("done", None)
    assert carl.post(f"/api/tasks/{task}/take").code == "task.over"


def test_a_task_is_handed_on_refused_and_withdrawn(office: Desk) -> None:
    suzi, one, two = office.person("suzi"), office.agent(), office.agent("w2")
    task = opened(suzi)
    held = taken(one)
    path = f"/v1/tasks/{task}"
    assert one.post(f"{path}/hand_off", {"claim": held["claim"]}).code == "task.hand_off"
    assert one.post(f"{path}/hand_off", {"claim": held["claim"], "agent": "nobody"}).code == "task.hand_off"
    assert one.post(f"{path}/hand_off", {"claim": held["claim"], "agent": "w2", "text": "please"}).status == 200
    theirs = taken(two)
    assert two.post(f"{path}/refuse", {"claim": theirs["claim"], "reason": "no time"}).json["state"] == "open"
    assert two.post(f"{path}/refuse", {"claim": theirs["claim"], "reason": "no time"}).code == "task.lost"
    assert suzi.post(f"/api/tasks/{task}/withdraw").json["state"] == "withdrawn"
    assert suzi.post(f"/api/tasks/{task}/withdraw").code == "task.over"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"role": "pope"}, "task.unknown_role"),
        ({"unit": "moon"}, "task.unknown_unit"),
        ({"prefer": ["nobody"]}, "agent.unknown"),
        ({"contract": {"type": 7}}, "schema.invalid"),
    ],
)
def test_a_task_that_nobody_could_do_is_not_opened(office: Desk, said: dict[str, Any], code: str) -> None:
    answer = office.person("suzi").post("/api/tasks", {"role": "worker", "goal": "count", **said})
    assert answer.code == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "task.field"),
        ({"claim": "1"}, "task.field"),
        ({"claim": -1}, "task.field"),
        ({"claim": 1, "colour": "red"}, "task.field"),
        ({"claim": 1, "text": 7}, "task.field"),
        ({"claim": 1, "text": "x" * 4_001}, "task.field"),
        ({"claim": 1, "lease": 0}, "task.lease"),
    ],
)
def test_what_an_agent_says_is_read_strictly(office: Desk, said: dict[str, Any], code: str) -> None:
    task = opened(office.person("suzi"))
    taken(office.agent())
    assert office.agent().post(f"/v1/tasks/{task}/heartbeat", said).code == code
    assert office.agent().post("/v1/tasks/next", {"wait": 21}).code == "task.wait"
    assert office.agent().post(f"/v1/tasks/{task}/sing", {"claim": 1}).status == 404
    assert office.agent().post("/v1/tasks/task_nobody/refuse", {"claim": 1, "reason": "no"}).code == "task.unknown"


def test_the_loop_of_the_sdk_does_the_tasks_of_runs_under_their_case(office: Desk) -> None:
    suzi = office.person("suzi")
    office.agent()
    client = AgentClient(office.url, key=office.keys["w1"])
    seen: list[Task] = []

    def do(task: Task) -> Any:
        seen.append(task)
        assert task.act("press", {"n": task.input["shelf"]}).case == task.said["run"]
        return {"nails": "many" if not task.notes else 12}

    worker = threading.Thread(target=lambda: _until_closed(client, do), daemon=True)
    worker.start()
    run = begun(suzi, "counting", 7)
    assert ended(office.person("aldo"), run)["output"] == {"nails": 12}
    assert [len(task.notes) for task in seen] == [0, 1]
    [task] = suzi.get(f"/api/tasks?run={run}").json["items"]
    assert (task["task"], task["state"], task["step"]) == (seen[0].id, "done", "count")
    with office.system.database.reading() as connection:
        told = [read_leaf(body) for _, body in leaves(connection)]
    pressed = [leaf for leaf in told if leaf.get("tool") == "press" and leaf["kind"] == "intent"]
    assert {(one["run"], one["task"], one["case"]) for one in pressed} == {(run, seen[0].id, run)}


def test_an_error_of_an_agent_gives_its_task_back_with_the_reason(office: Desk) -> None:
    task = opened(office.person("suzi"))
    office.agent()
    client = AgentClient(office.url, key=office.keys["w1"])

    def do(_task: Task) -> Any:
        raise ValueError("no nails here")

    with pytest.raises(ValueError, match="no nails"):
        client.work(do)
    found = taken(office.agent("w2"))
    assert (found["task"], found["notes"][-1]["text"]) == (task, "its agent met ValueError")
    client.close()


def test_a_task_taken_over_is_told_to_the_agent_that_had_it(office: Desk) -> None:
    opened(office.person("suzi"))
    office.agent()
    client = AgentClient(office.url, key=office.keys["w1"])
    task = once(lambda: client.next_task(wait=1))
    office.person("carl").post(f"/api/tasks/{task.id}/take")
    with pytest.raises(Conflict, match="yours no more"):
        task.note("still at it")
    client.close()


def _until_closed(client: AgentClient, do: Any) -> None:
    """The loop, until the server is gone with the test."""
    try:
        client.work(do)
    except Exception:
        client.close()
