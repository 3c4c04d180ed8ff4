"""Finding what happened: by words and by facets, as far as one may read, page by page."""

from __future__ import annotations

import pytest

from autonomy.insight import Search, Wanted, telling
from tests.server.desk import Answer, Client, Desk
from tests.server.test_runs import once


def found(person: Client, query: str) -> list[str]:
    """The ids of everything that is found, over all pages, once nothing is behind."""
    once(lambda: person.get("/api/actions?limit=1").json["behind"] == 0)
    ids, after = [], ""
    while True:
        page = person.get(f"/api/actions?{query}{after}").json
        ids += [one["id"] for one in page["items"]]
        if page["next"] is None:
            return ids
        after = f"&after={page['next']}"


def decide(person: Client, action: str, verdict: str) -> Answer:
    """What comes of a vote about what is shown."""
    shown = person.get(f"/api/approvals/{action}").json["shown"]
    return person.post(f"/api/approvals/{action}/decision", {"verdict": verdict, "shown": shown, "reason": "so"})


def test_actions_are_found_by_their_facets(office: Desk) -> None:
    done = office.act("look", n=1)["action"]
    held = office.held()
    refused = office.act("pay", payee="acme", amount="2000000.00")["action"]
    vera = office.person("vera")
    assert found(vera, "tool=pay&decision=deny") == [refused]
    assert found(vera, "decision=hold") == [held]
    assert found(vera, "decision=allow") == [done]
    assert found(vera, "policy=pay-never") == [refused]
    assert found(vera, "unit=works") == [refused, held, done] and found(vera, "unit=elsewhere") == []
    case = vera.get("/api/actions?tool=look").json["items"][0]["case"]
    assert set(found(vera, f"case={case}")) >= {done}
    assert found(vera, "cost_from=200000000") == [] and held in found(vera, "cost_from=25000&cost_to=25000")
    assert found(vera, "until=1") == [] and found(vera, "since=1") == [refused, held, done]


def test_words_that_are_told_are_found_by_everybody(office: Desk) -> None:
    office.act("look", n=1)
    refused = office.act("pay", payee="acme", amount="2000000.00")["action"]
    vera = office.person("vera")
    assert found(vera, "text=million") == [refused]
    assert found(vera, "text=MILLION+w1") == [refused]
    assert found(vera, "text=million+nowhere") == []


def test_sealed_words_are_found_only_by_who_may_read_them(office: Desk) -> None:
    paid = office.act("pay", payee="zanzibar", amount="12.00")["action"]
    office.act("pay", payee="acme", amount="13.00")
    assert found(office.person("aldo"), "text=zanzibar") == [paid]
    assert found(office.person("aldo"), "text=zanzibar+pay") == [paid]
    assert found(office.person("vera"), "text=zanzibar") == []
    assert found(office.person("vera"), "text=pay+zanzibar") == []


def test_what_is_erased_is_found_no_more(office: Desk) -> None:
    office.act("pay", payee="zanzibar", amount="12.00")
    aldo, ada = office.person("aldo"), office.person("ada")
    assert len(found(aldo, "text=zanzibar")) == 1
    agent = aldo.get("/api/agents/w1").json["id"]
    for subject in ("zanzibar", f"agent:{agent}"):
        ada.post("/api/audit/erase", {"subject": subject, "reason": "asked to"})
    assert found(aldo, "text=zanzibar") == []
    assert len(found(aldo, "tool=pay")) == 1


def test_where_an_action_stands_is_found_anew(office: Desk) -> None:
    held, vera, bea = office.held(), office.person("vera"), office.person("bea")
    assert found(vera, "state=held") == [held]
    assert decide(bea, held, "reject").status == 200
    assert found(vera, "state=held") == [] and found(vera, "state=rejected") == [held]


def test_a_page_that_looked_long_enough_says_where_to_go_on(office: Desk) -> None:
    first = office.act("look", n=0)["action"]
    rest = [office.act("look", "w2", n=number)["action"] for number in range(1, 9)]
    vera = office.person("vera")
    office.taken_in()
    assert found(vera, "state=done&limit=2") == [*reversed(rest), first]
    assert vera.get("/api/actions?after=x").code == "page.after"
    short = Search(office.system.database, office.system.searching.marks, chunk=2, looks=2, leaves=4)
    for wanted in (Wanted(cost_from=1), Wanted(state="done")):
        ids, place, pages = [], None, 0
        while True:
            page = short.actions(wanted, place, 50, may_read=False)
            ids, pages, place = ids + [one.id for one in page.actions], pages + 1, page.next
            if place is None:
                break
        assert pages >= 5 and ids == ([] if wanted.cost_from else [*reversed(rest), first])


def test_people_keep_their_own_searches(office: Desk) -> None:
    vera, aldo = office.person("vera"), office.person("aldo")
    kept = vera.send("PUT", "/api/views/actions/orders%2Ffailed%20ones", {"query": {"state": "failed", "tool": "pay"}})
    assert kept.status == 200
    vera.send("PUT", "/api/views/actions/orders%2Ffailed%20ones", {"query": {"state": "failed"}})
    (mine,) = vera.get("/api/views").json["items"]
    assert (mine["name"], mine["query"]) == ("orders/failed ones", {"state": "failed"})
    assert aldo.get("/api/views").json["items"] == []
    assert aldo.send("DELETE", "/api/views/actions/orders%2Ffailed%20ones").code == "view.unknown"
    assert vera.send("DELETE", "/api/views/actions/orders%2Ffailed%20ones").status == 204
    assert vera.get("/api/views").json["items"] == []


def test_a_person_keeps_a_bounded_number_of_searches(hall: Desk) -> None:
    carl = hall.person("carl")
    for number in range(100):
        assert carl.send("PUT", f"/api/views/actions/v{number}", {"query": {}}).status == 200
    assert carl.send("PUT", "/api/views/actions/one-more", {"query": {}}).code == "view.too_many"
    assert carl.send("PUT", "/api/views/actions/v7", {"query": {"tool": "pay"}}).status == 200


def test_a_case_is_told_in_the_order_it_happened(office: Desk) -> None:
    held = office.held()
    bea = office.person("bea")
    assert decide(bea, held, "approve").status == 200
    office.finished(held)
    vera = office.person("vera")
    office.taken_in()
    (action,) = [one for one in vera.get("/api/actions").json["items"] if one["id"] == held]
    case = vera.get(f"/api/cases/{action['case']}").json
    spans = [one for one in case["spans"] if one["parent"] == held]
    assert case["whole"] and case["agents"] == ["w1"] and case["money"] == 25000
    kinds = sorted(one["kind"] for one in spans)
    assert kinds == ["approval", "perform", "policy", "policy", "wait"]
    by_kind = {one["kind"]: one for one in spans}
    assert by_kind["approval"]["who"] == "boss" and by_kind["approval"]["state"] == "approve"
    assert by_kind["perform"]["state"] == "done" and by_kind["perform"]["ended_at"] >= by_kind["wait"]["ended_at"]
    assert vera.get("/api/cases/nowhere").code == "case.unknown"


def test_an_action_is_in_its_own_waterfall_however_long_its_case_is(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST", 6)
    acted = [acting(hall, "w1", "daily", number) for number in range(9)]
    hall.taken_in()
    vera = hall.person("vera")

    def told(query: str) -> tuple[list[str], bool]:
        case = vera.get(f"/api/cases/daily{query}").json
        return [span["id"] for span in case["spans"] if span["kind"] == "action"], case["whole"]

    assert told("") == (acted[3:], False)
    assert told(f"?around={acted[0]}") == (acted[:4], False)
    assert told(f"?around={acted[5]}") == (acted[3:], False)
    elsewhere = acting(hall, "w1", "weekly", 1)
    hall.taken_in()
    assert vera.get(f"/api/cases/weekly?around={elsewhere}").json["whole"]
    for unknown in (elsewhere, "act_none"):
        assert vera.get(f"/api/cases/daily?around={unknown}").code == "action.unknown"


def test_every_case_that_an_agent_touched_is_counted_and_the_first_are_named(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "RELATED", 2)
    for number in range(3):
        acting(hall, "w2", f"customer-{number}", number)
    suzi = hall.person("suzi")
    incident = suzi.post("/api/incidents", {"about": "agent", "id": "w2"}).json["incident"]["id"]
    found = suzi.get(f"/api/incidents/{incident}/context").json["blast_radius"]
    assert (found["cases_count"], found["cases"], found["whole"]) == (3, ["customer-0", "customer-1"], True)
    assert (found["runs_count"], found["runs"]) == (0, [])


def acting(office: Desk, agent: str, case: str, number: int) -> str:
    """The id of an action in a case."""
    action = {"tool": "look", "arguments": {"n": number}, "case": case}
    return str(office.agent(agent).post("/v1/actions", action).json["action"])
