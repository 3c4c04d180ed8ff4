"""What agents did: lists, single actions, explanations, and a person's word on what nobody could vouch for."""

from __future__ import annotations

import pytest

from autonomy.db import queue
from autonomy.tools import Unsure
from tests.gate.works import fail
from tests.server.desk import Desk


def test_actions_are_listed_newest_first_with_those_that_were_refused(office: Desk) -> None:
    done = office.act("look", n=1)["action"]
    held = office.held()
    refused = office.act("pay", payee="acme", amount="2000000.00")["action"]
    other = office.act("look", "w2", n=1)["action"]
    vera = office.person("vera")
    office.taken_in()

    def listed(query: str = "") -> list[str]:
        return [one["id"] for one in vera.get(f"/api/actions{query}").json["items"]]

    assert listed() == [other, refused, held, done]
    assert listed("?state=denied") == [refused]
    assert listed("?state=held") == [held]
    assert listed("?agent=w1&tool=pay") == [refused, held]
    assert listed("?agent=w2") == [other]
    assert listed("?case=elsewhere") == [] and listed("?since=99999999999999") == []
    first = vera.get("/api/actions?limit=3").json
    assert [one["id"] for one in first["items"]] == [other, refused, held] and first["next"]
    assert listed(f"?limit=3&after={first['next']}") == [done]


def test_an_action_shows_what_it_carried_to_those_who_may_read_it(office: Desk) -> None:
    action = office.act("pay", payee="zanzibar", amount="12.00")["action"]
    full = office.person("aldo").get(f"/api/actions/{action}").json
    assert [one["leaf"]["kind"] for one in full["leaves"]] == ["intent", "outcome"]
    assert full["payloads"]["arguments"]["value"] == {"amount": "12.00", "payee": "zanzibar"}
    assert full["explanation"]["endings"][-1]["result"]["state"] == "shown"
    hidden = office.person("vera").get(f"/api/actions/{action}")
    assert hidden.json["payloads"]["arguments"]["state"] == "hidden" and b"zanzibar" not in hidden.body
    assert office.person("vera").get("/api/actions/act_nothing").code == "action.unknown"


def test_an_explanation_names_the_rule_in_its_own_words_at_its_epoch(office: Desk) -> None:
    denied = office.act("pay", payee="acme", amount="2000000.00")["action"]
    found = office.person("aldo").get(f"/api/actions/{denied}/explain").json
    (decision,) = found["explanation"]["decisions"]
    assert decision["effect"] == "deny" and decision["catalog_epoch"] == 1
    assert [rule["id"] for rule in decision["rules"]] == ["pay-never"] and "1000" in decision["rules"][0]["text"]
    text = "\n".join(found["sentences"])
    assert "Agent `w1`" in text and "sponsor `sam`" in text and "no agent pays a million" in text


def test_a_person_says_how_an_action_of_unknown_ending_ended(office: Desk) -> None:
    office.plant.behaves["shout"] = fail(Unsure("the line went dead"))
    action = office.act("shout", n=1)["action"]
    suzi = office.person("suzi")
    office.taken_in()
    assert [one["id"] for one in suzi.get("/api/actions?state=unknown").json["items"]] == [action]
    done = suzi.post(f"/api/actions/{action}/resolve", {"state": "done", "reason": "it was heard"})
    assert done.status == 200
    assert done.json["explanation"]["state"] == "done"
    first, last = done.json["explanation"]["endings"]
    assert first["status"] == "unknown" and (last["via"], last["by"]) == ("person", "person:suzi")
    again = suzi.post(f"/api/actions/{action}/resolve", {"state": "failed", "reason": "or not"})
    assert (again.status, again.code) == (409, "action.not_unknown")


def test_only_what_is_unknown_can_be_resolved(office: Desk) -> None:
    suzi, body = office.person("suzi"), {"state": "done", "reason": "because"}
    denied = office.act("pay", payee="acme", amount="2000000.00")["action"]
    assert suzi.post(f"/api/actions/{denied}/resolve", body).code == "action.not_unknown"
    assert suzi.post("/api/actions/act_nothing/resolve", body).code == "action.unknown"
    assert suzi.post(f"/api/actions/{denied}/resolve", {"state": "maybe", "reason": "x"}).code == "request.invalid"


def test_what_an_agent_has_heard_is_found_by_whoever_looks_at_once(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    vera, suzi = office.person("vera"), office.person("suzi")
    vera.get("/api/actions")  # nothing is made ready any more by what follows
    monkeypatch.setattr(queue, "TRAIL_SECONDS", 0.1)
    shown = vera.get(f"/api/actions/{office.act('look', n=1)['action']}").json
    assert [one["leaf"]["kind"] for one in shown["leaves"]] == ["intent", "outcome"]
    judged = suzi.post(f"/api/actions/{office.act('look', n=2)['action']}/label", {"verdict": "right"})
    assert judged.status == 200, judged.json
