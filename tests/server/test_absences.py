"""Being away: a deputy sees and decides what the absent one could, and both see who decides for whom."""

from __future__ import annotations

import time

from autonomy.kernel.clock import DAY
from tests.server.desk import Answer, Client, Desk
from tests.server.test_approvals import ended, shown, vote


def absent(who: Client, deputy: str, **more: object) -> Answer:
    at = time.time_ns() // 1_000_000
    return who.post("/api/absences", {"deputy": deputy, "since": at, "until": at + DAY, **more})


def test_a_deputy_sees_and_decides_what_the_absent_one_could(office: Desk) -> None:
    action = office.held()
    carl = office.person("carl")
    assert shown(carl, action)["yours"] is False and shown(carl, action)["arguments"]["state"] == "hidden"
    made = absent(office.person("bea"), "carl")
    assert made.status == 201 and (made.json["person"], made.json["deputy"]) == ("bea", "carl")
    (listed,) = carl.get("/api/approvals?mine=true").json["items"]
    assert listed["yours"] is True
    found = shown(carl, action)
    assert found["yours"] is True and found["arguments"]["state"] == "shown"
    assert vote(carl, action).json["state"] == "ready"
    ended(office, action, "done")
    (seat,) = shown(carl, action)["seats"]
    assert seat["given_by"] == [{"person": "carl", "instead_of": "bea"}]
    told = office.person("aldo").get(f"/api/actions/{action}/explain").json["sentences"]
    assert any("person:carl as `boss` in place of bea approved it" in line for line in told)


def test_both_ends_see_the_absence_and_the_absent_one_ends_it(office: Desk) -> None:
    bea, carl = office.person("bea"), office.person("carl")
    made = absent(bea, "carl").json
    for person in (bea, carl):
        (found,) = person.get("/api/absences").json["items"]
        assert found["id"] == made["id"]
    assert carl.post(f"/api/absences/{made['id']}/end").code == "permission.missing"
    over = bea.post(f"/api/absences/{made['id']}/end").json
    assert over["ended_by"] == "person:bea" and over["ended_at"] < over["until"]
    assert bea.post(f"/api/absences/{made['id']}/end").code == "absence.over"
    assert bea.get("/api/absences").json["items"] == []
    assert [one["id"] for one in bea.get("/api/absences?ended=true&person=carl").json["items"]] == [made["id"]]
    assert bea.post("/api/absences/abs_0/end").code == "absence.unknown"


def test_only_an_administrator_says_that_somebody_else_is_away(office: Desk) -> None:
    refused = absent(office.person("carl"), "bob", person="bea")
    assert (refused.status, refused.code) == (403, "permission.missing")
    made = absent(office.person("ada"), "bob", person="bea")
    assert made.status == 201 and made.json["declared_by"] == "person:ada"
    assert office.person("ada").post(f"/api/absences/{made.json['id']}/end").status == 200


def test_who_may_not_decide_is_no_deputy_whoever_says_so(office: Desk) -> None:
    for deputy in ("vera", "ada", "nobody"):
        refused = absent(office.person("bea"), deputy)
        assert (refused.status, refused.code) == (403, "absence.deputy"), deputy
    assert absent(office.person("bea"), "bea").code == "absence.self"
    assert absent(office.person("bea"), "carl", until=5).code == "absence.time"
    assert absent(office.person("bea"), "carl", until="soon").status == 400
