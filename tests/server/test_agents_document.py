"""The OpenAPI document of actions over HTTP: what it says is what an agent meets, whatever it sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import requests
from schemathesis import Case

from autonomy.protocols.rules import REST_WORDS
from autonomy.tasks.agents import WORDS
from tests.server.contract import document
from tests.server.desk import Answer, Client, Desk, desk
from tests.server.fuzzing import AGENTS, Asker, Known, coverage, fuzz, operations

FEW, MANY = 25, 300  # cases of one operation
ASKED = [name for name in operations(AGENTS) if name != "next_task"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def connection() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


def known(desk: Desk) -> Known:
    """Tools and actions that are there."""
    return {
        "tool": ["look", "press", "pay", "nothing"],
        "arguments": [{"n": 1}, {"payee": "acme", "amount": "5.00"}, {}],
        "action": [desk.held(), str(desk.act("look", n=1)["action"])],
        "cursor": ["bG9vaw=="],
        "task": ["task_nobody"],
    }


def test_a_server_serves_it_to_everybody_under_its_own_address(site: Desk) -> None:
    answer = site.stranger.get("/v1/openapi.json")
    assert answer.status == 200
    assert answer.json == document(AGENTS) | {"servers": [{"url": site.system.settings.public_url}]}


def test_it_knows_every_word_of_a_request_and_every_path() -> None:
    found = document(AGENTS)
    assert set(found["components"]["schemas"]["Action"]["properties"]) == {"tool", "arguments", *REST_WORDS}
    of_actions = {path for path in found["paths"] if not path.startswith("/v1/tasks/")}
    assert of_actions == {"/v1/actions", "/v1/actions/{action}", "/v1/tools"}


def test_it_knows_every_word_about_a_task() -> None:
    paths = document(AGENTS)["paths"]
    for verb, fields in WORDS.items():
        body = paths[f"/v1/tasks/{{task}}/{verb}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(body["properties"]) == fields


def schema_of(method: str, path: str, answer: Answer) -> Any:
    """The schema that an answer is told to have."""
    found = document(AGENTS)
    shape = found["paths"][path][method]["responses"][str(answer.status)]["content"]["application/json"]["schema"]
    return {**shape, "components": found["components"]}


def check(method: str, path: str, answer: Answer) -> None:
    jsonschema_rs.validator_for(schema_of(method, path, answer)).validate(answer.json)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"tool": "look", "arguments": {"n": 1}}, 200),
        ({"tool": "look", "arguments": {"n": 1}, "dry_run": True, "case": None}, 200),
        ({"tool": "pay", "arguments": {"payee": "acme", "amount": "9999.00"}}, 202),
        ({"tool": "look", "arguments": {"n": "one"}}, 422),
        ({"tool": "nothing"}, 404),
        ({"tool": "look", "what": 1}, 400),
        ([], 400),
    ],
)
def test_each_ending_is_as_it_is_told(site: Desk, body: Any, status: int) -> None:
    answer = site.agent().post("/v1/actions", body)
    assert answer.status == status, answer.body
    check("post", "/v1/actions", answer)
    if status == 202:
        assert answer.headers["Location"] == f"/v1/actions/{answer.json['action']}"
        held = site.agent().get(answer.headers["Location"])
        assert held.json["status"] == "held"
        check("get", "/v1/actions/{action}", held)


def test_lists_of_tools_and_refusals_are_as_they_are_told(site: Desk) -> None:
    first = site.agent().get("/v1/tools?limit=1")
    assert len(first.json["tools"]) == 1
    second = site.agent().get(f"/v1/tools?limit=1&cursor={first.json['next']}")
    assert second.json["tools"][0]["name"] > first.json["tools"][0]["name"]
    for answer in (first, second, site.stranger.get("/v1/tools"), site.agent().get("/v1/tools?limit=0")):
        check("get", "/v1/tools", answer)
    assert Client(site.pool, "aos_wrong_wrong").get("/v1/tools").headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("said", [{}, {"lease": None}, {"wait": -1}, {"lease": 0}, {"w": 0}])
def test_asking_for_a_task_answers_as_it_is_told(site: Desk, said: dict[str, Any]) -> None:
    """By hand, for whoever says no `wait` waits: nothing is free here."""
    check("post", "/v1/tasks/next", site.agent().post("/v1/tasks/next", {"wait": 0, **said}))


def ask_all(site: Desk, connection: requests.Session, name: str, count: int) -> None:
    asker = Asker(site, connection, site.agent())

    def ask(case: Case) -> None:
        asker.ask(case)

    fuzz(name, known(site), count, ask)


@pytest.mark.parametrize("name", ASKED)
def test_no_operation_breaks_or_answers_otherwise_than_it_says(
    site: Desk, connection: requests.Session, name: str
) -> None:
    ask_all(site, connection, name, FEW)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ASKED)
def test_no_operation_breaks_however_long_one_asks(site: Desk, connection: requests.Session, name: str) -> None:
    ask_all(site, connection, name, MANY)
    for case in coverage(name):
        Asker(site, connection, site.agent()).ask(case)
