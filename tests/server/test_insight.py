"""Figures over the API: they follow the log within a second, say how they are computed, and are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autonomy.insight.kpis import KPIS
from tests.gate.works import NUMBER, TRUSTED, tool
from tests.server.desk import Client, Desk, desk, eventually, files


def caught_up(person: Client) -> dict[str, Any]:
    """The lag, once nothing is left to be counted."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = person.get("/api/insight/lag").json
        return None if found["behind"] else found

    return eventually(look, "the last figure")


def figures(person: Client, query: str = "") -> dict[str, dict[str, Any]]:
    """The figures by key."""
    caught_up(person)
    answer = person.get(f"/api/insight/kpis{query}")
    assert answer.status == 200, answer.json
    return {one["key"]: one["figures"] for one in answer.json["items"]}


def test_what_agents_do_is_in_the_figures_of_everybody_it_belongs_to(office: Desk) -> None:
    vera = office.person("vera")
    assert figures(vera) == {}
    for number in range(3):
        assert office.act("look", n=number)["status"] == "done"
    assert office.act("buy", "w2", amount="12.50")["status"] == "done"
    office.act("pay", payee="acme", amount="1000000.00")
    all_of_it = figures(vera)["all"]
    assert (all_of_it["throughput"], all_of_it["denials"], all_of_it["moved"]) == (4, 1, 1250)
    assert all_of_it["cost"] == 0, "what was bought is not the price of buying"
    assert all_of_it["accuracy"] is None
    by_agent = figures(vera, "?by=agent")
    assert {name: found["throughput"] for name, found in by_agent.items()} == {"w1": 3, "w2": 1}
    assert figures(vera, "?by=unit")["works"] == figures(vera, "?by=unit")["acme"] == all_of_it
    assert figures(vera, "?by=role")["worker"]["throughput"] == 4
    assert sum(found["throughput"] for found in figures(vera, "?by=revision").values()) == 4
    assert figures(vera, "?by=workflow") == {}


def test_what_waits_for_people_and_what_they_take_for_it_is_counted(office: Desk) -> None:
    action, vera, bea = office.held(), office.person("vera"), office.person("bea")
    shown = bea.get(f"/api/approvals/{action}").json["shown"]
    assert bea.post(f"/api/approvals/{action}/decision", {"verdict": "approve", "shown": shown}).status == 200
    assert office.finished(action)["status"] == "done"
    found = figures(vera)["all"]
    assert (found["holds"], found["throughput"], found["autonomy"], found["moved"]) == (1, 1, 0, 25_000)
    assert 0 <= found["human_time"] <= 60_000


def test_every_figure_comes_with_its_formula(hall: Desk) -> None:
    person = hall.person("vera")
    told = person.get("/api/insight/formulas").json["formulas"]
    assert [one["name"] for one in told] == [kpi.name for kpi in KPIS]
    assert all(one["formula"] and one["source"] for one in told)
    shown = person.get("/api/insight/kpis").json
    assert shown["formulas"] == {one["name"]: one for one in told}
    assert shown["currency"] == "EUR"


def test_figures_come_bucket_by_bucket_and_side_by_side(office: Desk) -> None:
    vera = office.person("vera")
    office.act("look", n=1)
    office.act("look", n=2)
    office.act("look", "w2", n=3)
    caught_up(vera)
    points = vera.get("/api/insight/series?by=agent&key=w1&bucket=hour").json["points"]
    assert len(points) == 721
    assert [one["figures"]["throughput"] for one in points if one["figures"]["throughput"]] == [2]
    root = office.system.catalog.organisation().root.name
    whole = [("all", "all"), ("unit", root)]
    of_all, of_root = (
        vera.get(f"/api/insight/series?by={by}&key={key}&bucket=hour").json["points"] for by, key in whole
    )
    assert of_root == of_all and sum(one["figures"]["throughput"] for one in of_root) == 3
    nothing = vera.get("/api/insight/series?by=unit&key=nowhere&bucket=hour").json["points"]
    assert {one["figures"]["throughput"] for one in nothing} == {0}
    some = vera.get("/api/insight/kpis?by=agent&key=w2&key=nobody&key=w1").json["items"]
    assert [(one["key"], one["figures"]["throughput"]) for one in some] == [("w2", 1), ("nobody", 0), ("w1", 2)]
    compared = vera.get("/api/insight/compare?key=w1&key=w2&key=nobody").json
    assert [one["key"] for one in compared["items"]] == ["w1", "w2", "nobody"]
    assert compared["best"]["throughput"] == ["w1"]
    assert compared["best"]["error_rate"] == []


def test_a_time_that_makes_no_sense_is_refused(hall: Desk) -> None:
    person = hall.person("vera")
    for query in ("since=2&until=1", "since=0&bucket=hour"):
        answer = person.get(f"/api/insight/kpis?{query}")
        assert (answer.status, answer.code) == (400, "insight.time")


def test_the_log_is_counted_anew_and_equals_what_is_shown(office: Desk) -> None:
    aldo = office.person("aldo")
    office.act("buy", amount="3.00")
    office.act("look", n=1)
    caught_up(aldo)
    assert aldo.get("/api/insight/recompute").json["state"] == "never"
    assert aldo.post("/api/insight/recompute").status == 202

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = aldo.get("/api/insight/recompute").json
        return None if found["state"] == "running" else found

    found = eventually(look, "the end of the recount")
    assert (found["state"], found["differing"], found["differences"]) == ("equal", 0, [])
    assert found["leaves"] == found["of"] > 0


EXPECTING = """
apiVersion: autonomy/v1
kind: Role
metadata: { name: worker }
spec:
  scope: { tools: ["*"] }
  responsibilities: [does what it is for]
  decisionBoundaries: [nothing else]
  escalationTargets: [chief]
  baseline: { per: action, minutes: 6, cost: 4.00 EUR }
  expectations:
    - { measure: errors, target: none, figure: error_rate, atMost: "1%" }
    - { measure: pieces, target: many, figure: throughput, atLeast: 100 }
    - { measure: accuracy, target: nearly all, figure: accuracy, atLeast: "98.5%" }
    - { measure: cost of an outcome, target: little, figure: cost_per_outcome, atMost: 2.00 EUR }
    - { measure: manner, target: friendly }
"""


def test_a_scorecard_puts_what_is_measured_beside_what_is_expected(tmp_path: Path, database_url: str) -> None:
    declared = files()
    kept = [part for part in declared["people.yaml"].split("---") if "name: worker" not in part]
    declared["people.yaml"] = "---".join([*kept, EXPECTING])
    priced = TRUSTED + "  cost: { amount: 3.00 EUR }\n"
    declared["priced.yaml"] = tool("ring", "write-keyed", NUMBER, priced, function="press")
    with desk(tmp_path, database_url, organisation=declared) as office:
        vera = office.person("vera")
        office.act("ring", n=1)
        office.act("look", n=1)
        caught_up(vera)
        found = vera.get("/api/agents/w1/scorecard").json
        assert [(one["measure"], one["value"], one["bound"], one["met"]) for one in found["expectations"]] == [
            ("errors", 0, 100, True),
            ("pieces", 2, 100, False),
            ("accuracy", None, 9_850, None),
            ("cost of an outcome", 150, 200, True),
            ("manner", None, None, None),
        ]
        assert (found["figures"]["value"], found["figures"]["time_saved"]) == (2 * 400 - 300, 12 * 60_000)
        assert found["figures"]["roi"] == 16_667
        assert [one["figures"]["throughput"] for one in found["revisions"]] == [2]
        assert vera.get("/api/agents/nobody/scorecard").status == 404
        everything = figures(vera)["all"]
        assert (everything["value"], everything["roi"]) == (500, 16_667)
        assert figures(vera, "?by=unit")["works"]["value"] == 500


def test_today_shows_each_audience_its_own_cards(office: Desk) -> None:
    held = office.held()
    office.act("look", n=1)
    office.act("pay", payee="acme", amount="1000000.00")
    caught_up(office.person("vera"))
    bea = office.person("bea").get("/api/today").json
    assert bea["audience"] == "supervisor"
    assert [one["action"] for one in bea["needs_me"]["approvals"]] == [held]
    assert (bea["went_wrong"]["denied"], bea["went_wrong"]["failed"], bea["running"]["held"]) == (1, 0, 1)
    assert bea["health"] is None
    assert [one["name"] for one in bea["spend"]] and len(bea["kpis"]) == 6
    assert all(len(one["trend"]) == 14 for one in bea["kpis"])
    assert office.person("aldo").get("/api/today").json["record"]["recomputed"] == "never"
    assert office.person("ada").get("/api/today").json["health"]["connectors_open"] == []
    vera = office.person("vera").get("/api/today?audience=auditor").json
    assert (vera["audience"], vera["record"], vera["needs_me"]) == ("auditor", None, None)
    assert office.person("vera").get("/api/today").json["needs_me"]["count"] == 0
    assert office.person("vera").get("/api/today?audience=nobody").status == 400
