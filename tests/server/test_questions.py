"""Questions of an auditor: samples that anybody can draw again, and who could have done this on that date."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autonomy.identity.account import WantedAccount
from autonomy.insight.sampling import numbers
from autonomy.kernel.clock import now
from tests.gate.works import POLICY, agent
from tests.house import declare
from tests.protocols.directory import PROVIDER
from tests.server.desk import Client, Desk, files


@given(st.text(min_size=1, max_size=8), st.integers(0, 300), st.integers(1, 60))
def test_a_sample_has_as_many_different_members_as_there_are(seed: str, population: int, count: int) -> None:
    drawn = numbers(seed, population, count)
    assert drawn == sorted(set(drawn)) and len(drawn) == min(count, population)
    assert all(0 <= one < population for one in drawn)
    assert drawn == numbers(seed, population, count)


def test_a_sample_is_drawn_the_way_it_says() -> None:
    def turn(number: int) -> int:
        return int(hashlib.sha256(f"audit-7:{number}".encode()).hexdigest(), 16) % 1_000_003

    assert numbers("audit-7", 1_000_003, 5) == sorted(turn(number) for number in range(5))


def test_every_member_is_drawn_as_often_as_any_other() -> None:
    drawn = [one for seed in range(2_000) for one in numbers(str(seed), 10, 3)]
    assert all(500 < drawn.count(member) < 700 for member in range(10))


def sample(person: Client, query: str) -> dict[str, Any]:
    answer = person.get(f"/api/audit/sample?{query}")
    assert answer.status == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_sample_tells_how_many_there_were_and_can_be_drawn_again(office: Desk) -> None:
    for number in range(12):
        office.act("look", "w1" if number % 3 else "w2", n=number)
    aldo = office.person("aldo")
    office.taken_in()
    first = sample(aldo, "kind=outcome&count=5")
    assert first["population"] == 12 and len(first["items"]) == 5 and len(first["seed"]) == 16
    assert all(one["leaf"]["kind"] == "outcome" for one in first["items"])
    office.act("look", n=99)
    office.taken_in()
    again = sample(aldo, f"kind=outcome&count=5&seed={first['seed']}&size={first['size']}")
    assert again["items"] == first["items"] and again["population"] == 12
    assert sample(aldo, "kind=outcome&count=500")["population"] == 13
    by_agent = sample(aldo, "by=agent&value=w2&count=100&seed=x")
    assert by_agent["population"] == 4 and {one["leaf"]["agent_name"] for one in by_agent["items"]} == {"w2"}
    everything = sample(aldo, "by=tool&value=look&count=3")
    assert everything["population"] == 13 and len(everything["items"]) == 3
    assert sample(aldo, f"kind=outcome&since={now() + 1_000_000}")["population"] == 0
    assert sample(aldo, "by=tool&value=nothing")["items"] == []
    assert aldo.get("/api/audit/sample?by=tool").code == "audit.sample"


def could(person: Client, **asked: Any) -> dict[str, Any]:
    answer = person.post("/api/audit/could", asked)
    assert answer.status == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_who_could_have_done_it_is_judged_by_the_rules_of_that_day(office: Desk) -> None:
    paid = office.act("pay", payee="acme", amount="12.00")["action"]
    then = now()
    stricter = files(policy=POLICY.replace("100000000", "100"))
    declare(office.system, stricter)
    aldo = office.person("aldo")
    office.taken_in()
    was, now_is = could(aldo, action=paid), could(aldo, action=paid, at=now())
    assert {one["agent"]: one["effect"] for one in was["items"]}["w1"] == "allow"
    assert was["epoch"] == 1 and now_is["epoch"] == 2
    assert "w1" not in {one["agent"] for one in now_is["items"]} and now_is["denied"] >= 1
    said = could(aldo, tool="pay", arguments={"payee": "acme", "amount": "250.00"}, at=then)
    (w1,) = [one for one in said["items"] if one["agent"] == "w1"]
    assert w1["effect"] == "hold" and w1["roles"] == ["boss"] and w1["stopped"] is None


def test_an_agent_that_was_stopped_that_day_could_not(office: Desk) -> None:
    aldo, suzi = office.person("aldo"), office.person("suzi")
    asked = {"tool": "look", "arguments": {"n": 1}}
    before = now()
    suzi.post("/api/contain", {"scope": "agent", "target": "w1", "reason": "odd"})
    during = now()
    suzi.post("/api/reinstate", {"what": "w1", "reason": "fine"})
    suzi.post("/api/agents/w2/suspend", {"reason": "rest"})
    after = now() + 1

    office.taken_in()

    def stopped(at: int) -> dict[str, str | None]:
        return {one["agent"]: one["stopped"] for one in could(aldo, **asked, at=at)["items"]}

    assert stopped(before - 1)["w1"] is None
    assert "contained" in str(stopped(during)["w1"]) and stopped(during)["w2"] is None
    assert stopped(after)["w1"] is None and stopped(after)["w2"] == "suspended"
    assert "contained" in str(stopped(during)["child"])  # what is below it stops with it
    assert could(aldo, **asked, at=during)["stopped"] == 2


def test_an_agent_could_not_while_its_sponsor_was_away(office: Desk) -> None:
    nora = "apiVersion: autonomy/v1\nkind: Person\nmetadata: { name: nora }\nspec: { userName: nora }\n"
    declared = {"staff": PROVIDER.format(name="staff"), "nora": nora + "---" + agent("hers", sponsor="nora")}
    declare(office.system, files(**declared))
    accounts, here = office.system.identity, WantedAccount("nora", True, "Nora", "nora@acme.example")
    accounts.create_account("staff", here, "system")
    seen = []
    for active in (None, False, True):
        if active is not None:
            wanted = replace(here, active=active)
            accounts.change_account("staff", "nora", lambda _, wanted=wanted: wanted, "system")  # type: ignore[misc]
        office.taken_in()
        items = could(office.person("aldo"), tool="look", arguments={"n": 1}, at=now())["items"]
        seen.append({one["agent"]: one["stopped"] for one in items}["hers"])
    assert seen == [None, "its sponsor nora was not there", None]


def test_questions_that_say_too_little_are_refused(hall: Desk) -> None:
    aldo, carl = hall.person("aldo"), hall.person("carl")
    assert aldo.post("/api/audit/could", {"tool": "look"}).code == "audit.could"
    assert aldo.post("/api/audit/could", {"at": now()}).code == "audit.could"
    assert aldo.post("/api/audit/could", {"tool": "look", "at": 5}).code == "catalog.none_then"
    assert aldo.post("/api/audit/could", {"tool": "nothing", "at": now()}).code == "tool.unknown"
    assert carl.post("/api/audit/could", {"action": "act_1"}).code == "permission.missing"
