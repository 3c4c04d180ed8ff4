"""What the page of an agent is made of: what it may do, what differs between its wordings, and the units."""

from __future__ import annotations

from tests.server.desk import Desk, files

RULES = """// description: who may press
@id("presses") permit(principal in Role::"worker", action == Action::"press", resource);
@id("bosses") permit(principal in Role::"boss", action, resource);
@id("asked") @reason("a large number needs the boss") @outcome("require_approval") @escalate("boss")
forbid(principal, action == Action::"press", resource) when { context.arguments.n > 100 }
unless { context.approvals.contains("boss") };
@id("never") @reason("nobody presses a thousand times") @needs("another machine")
forbid(principal, action == Action::"press", resource) when { context.arguments.n > 999 };
"""
TRIAL = """// description: what a rule would do
// mode: shadow
@id("trial") @reason("a trial") forbid(principal, action == Action::"press", resource);
"""


def allowances(desk: Desk, agent: str) -> dict[str, dict[str, list[str]]]:
    answer = desk.person("vera").get(f"/api/agents/{agent}/allowances")
    assert answer.status == 200, answer.body
    return {
        one["tool"]: {kind: [say["rule"] for say in one[kind]] for kind in ("permits", "asks", "forbids")}
        for one in answer.json["items"]
    }


def test_what_an_agent_may_do_is_told_by_the_rules_that_can_speak_of_it(office: Desk) -> None:
    before = allowances(office, "w1")
    assert "press" in before and before["pay"]["asks"], "its tools, and where people are asked"
    declared = files(policy=RULES) | {"trial.cedar": TRIAL}
    changed = office.person("ada").post("/api/apply", {"files": declared, "message": "other rules"})
    assert changed.status == 200, changed.body
    assert allowances(office, "w1")["press"] == {"permits": ["presses"], "asks": ["asked"], "forbids": ["never"]}
    [press] = [
        one for one in office.person("vera").get("/api/agents/w1/allowances").json["items"] if one["tool"] == "press"
    ]
    assert (press["asks"][0]["reason"], press["asks"][0]["roles"]) == ("a large number needs the boss", ["boss"])
    assert press["forbids"][0]["needs"] == "another machine" and "@id" in press["forbids"][0]["text"]
    assert office.person("vera").get("/api/agents/nobody/allowances").status == 404


def test_two_wordings_are_compared_field_by_field(office: Desk) -> None:
    ada, vera = office.person("ada"), office.person("vera")
    where = "/api/objects/Agent/w1"
    was = vera.get(where).json["digest"]
    declared = files()
    place = next(name for name, text in declared.items() if "name: w1" in text)
    declared[place] = declared[place].replace("ratePerMinute: 100000", "ratePerMinute: 7", 1)
    assert ada.post("/api/apply", {"files": declared, "message": "slower"}).status == 200
    found = vera.get(where).json
    assert [one["message"] for one in found["revisions"]] == ["slower", found["revisions"][1]["message"]]
    answer = vera.get(f"{where}/compare?before={was}&after={found['digest']}").json
    [difference] = answer["differences"]
    assert (difference["path"], difference["before"], difference["after"]) == ("spec.ratePerMinute", 100_000, 7)
    assert vera.get(f"{where}/compare?before={was}&after={was}").json["differences"] == []
    assert vera.get(f"{where}/compare?before={was}&after={'0' * 64}").code == "catalog.no_wording"


def test_units_are_listed_with_what_they_belong_to_and_how_many_work_there(office: Desk) -> None:
    found = office.person("vera").get("/api/units").json["items"]
    told = {one["name"]: (one["parent"], one["depth"]) for one in found}
    assert told == {"acme": (None, 0), "works": ("acme", 1), "office": ("acme", 1)}
    works = next(one for one in found if one["name"] == "works")
    agents = office.person("vera").get("/api/agents?unit=works").json["items"]
    assert works["agents"] == len(agents) > 0
