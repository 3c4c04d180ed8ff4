"""People ask for access as agents do: the same rules, the same people, the same change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autonomy.audit import read_leaf
from autonomy.audit.store import leaves
from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import spec
from tests.gate.access_driver import AGENTS, PEOPLE, RULES
from tests.server.desk import Desk, desk, files

ASKED = {"agent": "novice", "role": "presser", "reason": "the press stands still"}


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Desk]:
    """The organisation of the gate's tests of access, with the staff of the desk."""
    roles = PEOPLE[PEOPLE.index("kind: Role\nmetadata: { name: reader") - len("\napiVersion: autonomy/v1\n") :]
    organisation = files(agents="---".join((roles, AGENTS)), policy=RULES)
    with desk(tmp_path_factory.mktemp("office"), database_url, organisation=organisation) as it:
        yield it


def roles(it: Desk, agent: str = "novice") -> list[str]:
    return spec(it.system.catalog.get("Agent", agent), AgentSpec).roles


def approve(it: Desk, person: str, action: str) -> int:
    who = it.person(person)
    shown = who.get(f"/api/approvals/{action}").json["shown"]
    return who.post(f"/api/approvals/{action}/decision", {"verdict": "approve", "shown": shown}).status


def test_what_a_person_asks_for_people_give_and_it_is_a_change(office: Desk) -> None:
    asked = office.person("suzi").post("/api/access", ASKED)
    assert (asked.status, asked.json["status"], asked.json["through"]) == (202, "held", "desk")
    action = asked.json["action"]
    assert roles(office) == ["reader"]
    assert approve(office, "bea", action) == 200
    office.finished(action, "desk")
    assert roles(office) == ["reader", "presser"]
    change = office.system.catalog.changes()[0]
    assert change.by == "person:bea"
    assert change.message.endswith("`novice`, on the word of suzi, approved by bea")
    with office.system.database.reading() as connection:
        told = [read_leaf(body) for _, body in leaves(connection)]
    (said,) = [one for one in told if one.get("event") == "access_requested"]
    assert (said["actor"], said["name"]) == ("person:suzi", "desk")
    assert {one["kind"] for one in told if one.get("case") == said["case"]} >= {"identity", "hold", "intent"}
    assert "the press stands still" not in str(told), "a reason is the action's own, and sealed"


def test_who_asks_does_not_approve_nor_does_who_stands_behind_the_agent(office: Desk) -> None:
    action = office.person("bea").post("/api/access", ASKED).json["action"]
    for person in ("bea", "sam", "olga"):
        assert approve(office, person, action) == 403
    assert approve(office, "bob", action) == 200
    office.finished(action, "desk")
    assert roles(office) == ["reader", "presser"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"role": "preser"}, 404, "access.unknown_role"),
        ({"role": "clerk"}, 404, "access.unknown_role"),
        ({"agent": "nobody"}, 404, "access.nobody_asks"),
        ({"agent": "clerk-1"}, 404, "access.nobody_asks"),
        ({"agent": "clerk-1", "through": "desk"}, 404, "access.unknown_agent"),
        ({"through": "nobody"}, 404, "access.unknown_agent"),
        ({"reason": " "}, 400, "request.invalid"),
    ],
)
def test_what_cannot_be_is_refused_and_nobody_is_asked(
    office: Desk, change: dict[str, str], status: int, code: str
) -> None:
    refused = office.person("suzi").post("/api/access", ASKED | change)
    assert (refused.status, refused.code) == (status, code)
    assert office.person("bea").get("/api/approvals").json["items"] == []


def test_through_an_agent_without_the_tool_nothing_is_asked(office: Desk) -> None:
    refused = office.person("suzi").post("/api/access", ASKED | {"through": "novice"})
    assert (refused.status, refused.json["status"], refused.json["code"]) == (202, "denied", "tool.unknown")
    assert roles(office) == ["reader"]


def test_through_an_agent_that_is_contained_nothing_is_asked(office: Desk) -> None:
    office.person("suzi").post("/api/contain", {"scope": "agent", "target": "desk", "reason": "x"})
    refused = office.person("suzi").post("/api/access", ASKED)
    assert (refused.status, refused.code) == (409, "agent.contained")


@pytest.mark.parametrize("person", ["aldo", "vera"])
def test_who_only_looks_asks_for_nothing(office: Desk, person: str) -> None:
    assert office.person(person).post("/api/access", ASKED).code == "permission.missing"
