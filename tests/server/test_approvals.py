"""Deciding what waits: what is shown, who may, and that one decision wins."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.server.desk import Answer, Client, Desk, desk, eventually, files


def shown(person: Client, action: str) -> dict:
    answer = person.get(f"/api/approvals/{action}")
    assert answer.status == 200, answer.body
    return answer.json


def vote(person: Client, action: str, verdict: str = "approve", **more: str) -> Answer:
    body = {"verdict": verdict, "shown": more.pop("shown", "") or shown(person, action)["shown"], **more}
    return person.post(f"/api/approvals/{action}/decision", body)


def ended(office: Desk, action: str, state: str) -> dict:
    """The action once it has come to `state`; it gets there by work in the background."""
    ada = office.person("ada")

    def look() -> dict | None:
        found = ada.get(f"/api/actions/{action}").json
        return found if found["state"] == state else None

    return eventually(look, f"{action} as {state}")


def test_an_approved_action_is_carried_out(office: Desk) -> None:
    action = office.held()
    bea = office.person("bea")
    (listed,) = bea.get("/api/approvals?mine=true").json["items"]
    assert (listed["action"], listed["yours"], listed["roles"]) == (action, True, ["boss"])
    decided = vote(bea, action, reason="within the contract")
    assert decided.status == 200 and decided.json["state"] == "ready"
    ended(office, action, "done")
    assert office.plant.executions() == 1
    assert bea.get("/api/approvals").json["items"] == []


def test_the_consequence_comes_first_then_the_exact_arguments_the_rules_and_what_to_send_back(office: Desk) -> None:
    action = office.held("250.00", "acme gmbh")
    found = shown(office.person("bea"), action)
    assert next(iter(found)) == "consequence" and "never used `pay`" in found["consequence"]
    assert found["canonical"] == '{"amount":"250.00","payee":"acme gmbh"}'
    assert found["arguments"]["value"] == {"amount": "250.00", "payee": "acme gmbh"}
    assert found["reasons"] == ["payments from 100 EUR need the boss"]
    (rule,) = found["rules"]
    assert rule["id"] == "pay-boss" and rule["text"].startswith('@id("pay-boss")') and rule["policy"] == "policy"
    assert found["seats"] == [
        {"role": "boss", "people": 1, "roles": ["boss"], "policies": ["pay-boss"], "given_by": []}
    ]
    assert len(found["shown"]) == 64


def test_who_cannot_decide_it_does_not_see_what_it_carries(office: Desk) -> None:
    action = office.held()
    for name, state in (("carl", "hidden"), ("ada", "hidden"), ("suzi", "hidden"), ("aldo", "shown"), ("bea", "shown")):
        found = shown(office.person(name), action)
        assert found["arguments"]["state"] == state, name
        assert (found["canonical"] is None) == (state == "hidden"), name
        assert found["yours"] == (name == "bea"), name


def test_of_two_deciders_one_wins(office: Desk) -> None:
    action = office.held()
    people = [office.person("bea"), office.person("bob")]
    proof = shown(people[0], action)["shown"]
    start, answers = threading.Barrier(2), []

    def decide(person: Client, verdict: str) -> None:
        start.wait()
        answers.append(vote(person, action, verdict, shown=proof, reason="looked at it"))

    threads = [
        threading.Thread(target=decide, args=(person, verdict))
        for person, verdict in zip(people, ("approve", "reject"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 409]
    (winner,) = [answer for answer in answers if answer.status == 200]
    found = ended(office, action, "done" if winner.json["state"] == "ready" else "rejected")
    assert office.plant.executions() == (1 if found["state"] == "done" else 0)


def test_what_was_not_shown_cannot_be_approved(office: Desk) -> None:
    action = office.held()
    answer = vote(office.person("bea"), action, shown="0" * 64)
    assert (answer.status, answer.code) == (409, "approval.shown")


def test_who_stands_behind_the_agent_does_not_decide(office: Desk) -> None:
    action = office.held()
    for name in ("sam", "olga"):
        assert shown(office.person(name), action)["yours"] is False
        assert vote(office.person(name), action).code == "approval.own"
    assert vote(office.person("carl"), action).code == "approval.role"


def test_a_rejected_action_says_by_whom_and_why_to_those_who_may_read(office: Desk) -> None:
    action = office.held()
    assert vote(office.person("bea"), action, "reject", reason="paid already").json["state"] == "rejected"
    told = office.person("aldo").get(f"/api/approvals/{action}").json["history"][-1]
    assert (told["event"], told["actor"], told["reason"]) == ("reject", "person:bea", "paid already")
    hidden = office.person("ada").get(f"/api/approvals/{action}").json["history"][-1]
    assert (hidden["event"], hidden["reason"]) == ("reject", None)
    listed = office.person("ada").get("/api/actions?state=rejected").json["items"]
    assert [one["id"] for one in listed] == [action]


def test_lists_go_on_where_the_page_before_ended(office: Desk) -> None:
    actions = [office.held("250.00", f"payee {number}") for number in range(5)]
    bea, found, after = office.person("bea"), [], ""
    while True:
        page = bea.get(f"/api/approvals?limit=2{after}").json
        found += [one["action"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == actions[::-1]


def test_an_approval_nobody_asked_for_is_not_found(hall: Desk) -> None:
    answer = hall.person("bea").get("/api/approvals/act_nothing")
    assert (answer.status, answer.code) == (404, "approval.unknown")


def test_what_ends_first_comes_first_page_by_page(office: Desk) -> None:
    bea = office.person("bea")
    held = [office.held(f"{amount}.00") for amount in (300, 301, 302)]
    assert [one["action"] for one in bea.get("/api/approvals?mine=true").json["items"]] == held[::-1]
    found, after = list[str](), ""
    for _ in held:
        page = bea.get(f"/api/approvals?mine=true&order=ends&limit=1{after}").json
        found.append(page["items"][0]["action"])
        after = f"&after={page['next']}"
    assert found == held and page["next"] is None
    refused = bea.get("/api/approvals?order=ends&state=rejected")
    assert (refused.status, refused.code) == (400, "approval.order")
    needs = bea.get("/api/today?audience=supervisor").json["needs_me"]
    assert needs["count"] == 3 and needs["approvals"][0]["action"] == held[0]


def together(person: Client, *actions: str) -> Answer:
    items = [{"action": action, "shown": shown(person, action)["shown"]} for action in actions]
    return person.post("/api/approvals/decisions", {"verdict": "approve", "reason": "both checked", "items": items})


def test_equal_actions_of_low_risk_are_decided_together(office: Desk) -> None:
    bea, held = office.person("bea"), [office.held("300.00"), office.held("301.00"), office.held("302.00")]
    assert {one["risk"] for one in bea.get("/api/approvals").json["items"]} == {"low"}
    assert vote(office.person("bob"), held[1], "reject", reason="no").status == 200
    decided = together(bea, *held).json["items"]
    assert [(one["action"], one["state"], one["code"]) for one in decided] == [
        (held[0], "ready", None),
        (held[1], None, "approval.decided"),
        (held[2], "ready", None),
    ]
    ended(office, held[0], "done")


def test_what_is_of_more_than_low_risk_is_decided_one_by_one(tmp_path: Path) -> None:
    declared = {
        path: text.replace("  subject: payee\n", "  subject: payee\n  risk: critical\n")
        for path, text in files().items()
    }
    with desk(tmp_path, organisation=declared) as office:
        bea, held = office.person("bea"), [office.held("300.00"), office.held("301.00")]
        assert {one["risk"] for one in bea.get("/api/approvals").json["items"]} == {"critical"}
        assert together(bea, *held).code == "approval.not_together"
        assert [office.system.approvals.get(action).votes for action in held] == [(), ()]
