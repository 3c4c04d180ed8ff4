"""Holds from the question to the use of the answer, on both databases, with their record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from autonomy.approvals import Behind, Claim, Hold
from autonomy.approvals.store import CONSUME, read_claims, used
from autonomy.audit import Log, read_leaf
from autonomy.audit.store import leaves
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import Conflict, Forbidden, NotFound
from tests.approvals.house import ASK, LEAD, NOON, House, new_hold

MINUTE_LEASE = 60_000


def record(database: Database) -> list[dict[str, Any]]:
    with database.reading() as connection:
        return [read_leaf(body) for _, body in leaves(connection)]


def events(database: Database) -> list[tuple[str, str, str]]:
    return [(leaf["actor"], leaf["event"], leaf["state"]) for leaf in record(database) if leaf["kind"] == "approval"]


def consume(house: House, claim: Claim, at: int) -> int:
    """What the gate's intent transaction does; returns how many approvals it used up."""

    def work(tx: Tx) -> int:
        sql = CONSUME.replace("?", "{}").format(":now", ":action", ":fence", ":now2")
        values = {"now": at, "action": claim.action, "fence": claim.fence, "now2": at}
        return tx.execute(text(sql), values).rowcount

    return house.queue.run(work)


def test_a_hold_waits_is_approved_claimed_and_used_once(house: House, database: Database) -> None:
    asked = house.ask(new_hold())
    assert asked.state == "waiting" and house.approvals.claim("p1", MINUTE_LEASE) == []
    ready = house.approve(asked, "felix")
    assert ready.state == "ready" and ready == house.approvals.get("act_1")
    (claim,) = house.approvals.claim("p1", MINUTE_LEASE)
    assert house.approvals.get("act_1").approvals == {"finance-manager"}
    assert consume(house, claim, house.time()) == 1
    assert consume(house, claim, house.time()) == 0
    done = house.approvals.get("act_1")
    assert (done.state, done.ended_at, done.claimed_by) == ("performed", house.time(), None)
    with database.reading() as connection:
        assert set(used(connection, ["act_1", "act_2"])) == {"act_1"}
    assert house.approvals.claim("p2", MINUTE_LEASE) == []
    assert events(database) == [("person:felix", "approve", "ready")]


def test_the_record_of_a_vote_says_who_in_which_role_saw_what_but_not_why(house: House, database: Database) -> None:
    hold = house.ask(new_hold())
    house.approvals.decide("act_1", "fiona", "reject", hold.shown, "Mr Smith of the supplier is my cousin")
    (leaf,) = record(database)
    assert leaf["actor"] == "person:fiona" and leaf["role"] == "finance-manager"
    assert leaf["shown"] == "bind of act_1" and leaf["action"] == "act_1" and leaf["state"] == "rejected"
    assert "Smith" not in str(leaf)
    assert house.approvals.get("act_1").votes[0].reason == "Mr Smith of the supplier is my cousin"


def test_a_replayed_vote_is_refused_and_leaves_no_trace(house: House, database: Database) -> None:
    hold = house.ask(new_hold())
    house.approve(hold, "felix")
    for person in ("felix", "fiona"):
        with pytest.raises(Conflict) as caught:
            house.approve(hold, person)
        assert caught.value.code == "approval.decided" and caught.value.detail == {"state": "ready"}
    assert len(events(database)) == 1


def test_an_approval_of_other_arguments_is_refused(house: House) -> None:
    house.ask(new_hold())
    edited = house.ask(new_hold("act_2", bind="bind of edited arguments"))
    with pytest.raises(Conflict) as caught:
        house.approvals.decide("act_1", "felix", "approve", edited.shown)
    assert caught.value.code == "approval.shown"
    assert house.approvals.get("act_1").state == "waiting"


@pytest.mark.parametrize("behind", [("felix", "otto"), ("ada", "felix")])
def test_a_person_never_approves_for_an_agent_they_sponsor_or_own_however_long_the_delegation(
    house: House, behind: tuple[str, str]
) -> None:
    chain = (Behind("payables-1", "ada", "otto"), Behind("helper", "ada", "ada"), Behind("planner", *behind))
    hold = house.ask(new_hold(behind=chain))
    with pytest.raises(Forbidden) as caught:
        house.approve(hold, "felix")
    assert caught.value.code == "approval.own"
    assert house.approve(hold, "fiona").state == "ready"


def test_a_person_does_not_approve_what_was_asked_on_their_word(house: House) -> None:
    hold = house.ask(new_hold(requesters=("felix",)))
    with pytest.raises(Forbidden):
        house.approve(hold, "felix")


def test_who_lost_the_role_meanwhile_cannot_decide(house: House) -> None:
    hold = house.ask(new_hold())
    house.people["finance-manager"].remove("felix")
    with pytest.raises(Forbidden) as caught:
        house.approve(hold, "felix")
    assert caught.value.code == "approval.role" and "finance-manager" in caught.value.hint


def test_two_rules_collect_two_people_and_only_then_it_is_ready(house: House) -> None:
    hold = house.ask(new_hold("act_1", ASK, LEAD))
    half = house.approve(hold, "fiona", role="procurement-lead")
    assert half.state == "waiting" and house.approvals.claim("p1", MINUTE_LEASE) == []
    assert house.approve(half, "felix").state == "ready"


def test_a_repeat_while_held_or_within_a_day_gets_the_same_hold(house: House) -> None:
    first = house.ask(new_hold("act_1"))
    again = new_hold("act_2", bind=first.bind)
    assert house.ask(again).action == "act_1"
    house.approve(first, "felix")
    assert house.ask(again).state == "ready"
    (claim,) = house.approvals.claim("p1", MINUTE_LEASE)
    assert house.ask(again).state == "claimed"
    consume(house, claim, house.time())
    house.time.forward(DAY - 1)
    assert house.ask(again).state == "performed"
    house.time.forward(1)
    fresh = house.ask(again)
    assert (fresh.action, fresh.state) == ("act_2", "waiting")
    assert house.announced == [("approval.asked", "act_1"), ("approval.asked", "act_2")]


@pytest.mark.parametrize("other", [{"agent": "spiffe://larkspur/agent/2"}, {"case_id": "case-2"}, {"bind": "other"}])
def test_another_agent_case_or_argument_is_asked_about_anew(house: House, other: dict[str, str]) -> None:
    first = house.ask(new_hold("act_1"))
    assert house.ask(new_hold("act_2", **{"bind": first.bind, **other})).action == "act_2"


def test_a_no_stands_for_a_day_and_a_withdrawal_does_not(house: House) -> None:
    hold = house.ask(new_hold("act_1"))
    house.approvals.decide("act_1", "felix", "reject", hold.shown)
    assert house.ask(new_hold("act_2", bind=hold.bind)).action == "act_1"
    other = house.ask(new_hold("act_3"))
    house.approvals.withdraw("act_3", "agent:spiffe://larkspur/agent/1")
    assert house.ask(new_hold("act_4", bind=other.bind)).action == "act_4"


def test_a_repeat_after_the_time_is_over_is_asked_anew_even_before_the_sweep(house: House, database: Database) -> None:
    first = house.ask(new_hold("act_1"))
    house.time.forward(20 * HOUR)
    assert house.ask(new_hold("act_2", bind=first.bind)).action == "act_2"
    assert house.approvals.get("act_1").state == "expired"
    assert events(database) == [("system", "expire", "expired")]


def test_escalation_climbs_by_the_clock_and_is_recorded(house: House, database: Database) -> None:
    hold = house.ask(new_hold())
    with pytest.raises(Forbidden):
        house.approve(hold, "carla")
    house.time.forward(4 * HOUR)
    swept = house.approvals.sweep()
    assert (swept.expired, swept.escalated) == (0, 1)
    assert house.approvals.sweep().escalated == 0
    assert house.announced[-1] == ("approval.escalated", "act_1")
    house.time.forward(4 * HOUR)
    house.approvals.sweep()
    assert [leaf["to"] for leaf in record(database)] == [["cfo"], ["board"]]
    decided = house.approve(hold, "boris")
    assert decided.state == "ready" and decided.approvals == {"finance-manager"}
    assert record(database)[-1]["held"] == ["board"]


def test_an_escalation_that_is_due_counts_even_where_no_sweep_has_come_by(house: House, database: Database) -> None:
    hold = house.ask(new_hold())
    house.time.forward(4 * HOUR)
    assert house.approve(hold, "carla").state == "ready"
    assert [event for _, event, _ in events(database)] == ["escalate", "approve"]


def test_a_refused_vote_takes_back_the_escalation_it_came_with(house: House, database: Database) -> None:
    house.ask(new_hold())
    house.time.forward(4 * HOUR)
    with pytest.raises(Conflict):
        house.approvals.decide("act_1", "carla", "approve", "something else")
    assert events(database) == [] and house.approvals.get("act_1").seats[0].stage == 0


def test_what_nobody_decides_expires_and_so_does_an_approval_nobody_uses(house: House, database: Database) -> None:
    waiting = house.ask(new_hold("act_1"))
    house.ready(new_hold("act_2"))
    house.time.forward(20 * HOUR)
    with pytest.raises(Conflict) as caught:
        house.approve(waiting, "felix")
    assert caught.value.code == "approval.expired"
    assert house.approvals.claim("p1", MINUTE_LEASE) == []
    assert house.approvals.sweep().expired == 2
    assert [house.approvals.get(action).state for action in ("act_1", "act_2")] == ["expired", "expired"]
    assert events(database)[1:] == [("system", "expire", "expired")] * 2


def test_a_sweep_takes_more_than_one_batch(house: House) -> None:
    house.queue.run(lambda tx: [house.approvals.ask(tx, new_hold(f"act_{n}")) for n in range(120)])
    house.time.forward(20 * HOUR)
    assert house.approvals.sweep().expired == 120


def test_a_lost_claim_is_taken_over_and_the_first_owner_can_do_nothing_more(house: House) -> None:
    house.ready(new_hold())
    (first,) = house.approvals.claim("p1", MINUTE_LEASE)
    assert house.approvals.claim("p2", MINUTE_LEASE) == []
    house.time.forward(MINUTE_LEASE)
    (second,) = house.approvals.claim("p2", MINUTE_LEASE)
    assert second.fence == first.fence + 1
    assert consume(house, first, house.time()) == 0
    with pytest.raises(Conflict):
        house.queue.run(lambda tx: house.approvals.finish(tx, "act_1", first.fence, "denied"))
    assert consume(house, second, house.time()) == 1


def test_an_expired_approval_is_not_used_although_it_was_claimed_in_time(house: House) -> None:
    hold = house.ready(new_hold())
    (claim,) = house.approvals.claim("p1", DAY)
    house.time.forward(hold.expires_at - house.time())
    assert consume(house, claim, house.time()) == 0
    with pytest.raises(Conflict) as caught:
        house.queue.run(lambda tx: house.approvals.finish(tx, "act_1", claim.fence, "performed"))
    assert caught.value.code == "approval.expired"


def test_the_gates_text_reads_what_a_claim_must_prove(house: House, database: Database) -> None:
    house.ready(new_hold())
    (claim,) = house.approvals.claim("p1", MINUTE_LEASE)
    with database.reading() as connection:
        rows = connection.execute(text(read_claims(1).replace("?", ":action")), {"action": "act_1"}).all()
    assert [tuple(row) for row in rows] == [("act_1", "claimed", claim.fence, house.approvals.get("act_1").expires_at)]


def test_what_the_gate_refuses_after_all_is_denied_and_may_be_asked_again(house: House, database: Database) -> None:
    hold = house.ready(new_hold())
    (claim,) = house.approvals.claim("p1", MINUTE_LEASE)
    house.queue.run(lambda tx: house.approvals.finish(tx, "act_1", claim.fence, "denied"))
    assert events(database)[-1] == ("system", "finish", "denied")
    assert house.ask(new_hold("act_2", bind=hold.bind)).action == "act_2"


def test_changed_facts_bring_it_back_to_its_people_with_the_difference(house: House, database: Database) -> None:
    hold = house.ready(new_hold())
    (claim,) = house.approvals.claim("p1", MINUTE_LEASE)
    changed = "budget_left fell from 9,000.00 to 100.00"
    again = house.queue.run(lambda tx: house.approvals.reask(tx, "act_1", claim.fence, [ASK, LEAD], changed))
    assert (again.state, again.round, again.difference) == ("waiting", 1, changed)
    assert house.announced[-1] == ("approval.asked_again", "act_1")
    with pytest.raises(Conflict) as caught:
        house.approve(hold, "felix")
    assert caught.value.code == "approval.shown"
    house.approve(again, "felix")
    assert house.approve(again, "petra").state == "ready"
    (second,) = house.approvals.claim("p1", MINUTE_LEASE)
    assert second.fence == 2
    assert house.approvals.get("act_1").approvals == {"finance-manager", "procurement-lead"}
    assert consume(house, claim, house.time()) == 0
    assert consume(house, second, house.time()) == 1
    assert len(house.approvals.get("act_1").votes) == 3


def test_a_withdrawal_stops_what_nobody_carries_out_yet(house: House, database: Database) -> None:
    house.ready(new_hold())
    house.approvals.claim("p1", MINUTE_LEASE)
    with pytest.raises(Conflict) as caught:
        house.approvals.withdraw("act_1", "person:ada")
    assert caught.value.code == "approval.claimed"
    house.time.forward(MINUTE_LEASE)
    assert house.approvals.withdraw("act_1", "person:ada").state == "withdrawn"
    assert events(database)[-1] == ("person:ada", "withdraw", "withdrawn")


def test_waiting_survives_a_restart(database: Database) -> None:
    def open_house(at: int) -> House:
        house = House(database, CommitQueue(database, Log()))
        house.time.at = at
        return house

    first = open_house(NOON)
    asked = first.ask(new_hold())
    first.queue.close()
    second = open_house(NOON + 4 * HOUR)
    assert second.approvals.get("act_1") == asked
    assert second.approvals.sweep().escalated == 1
    second.approve(asked, "carla")
    second.queue.close()
    third = open_house(NOON + 5 * HOUR)
    (claim,) = third.approvals.claim("p3", MINUTE_LEASE)
    assert consume(third, claim, third.time()) == 1
    third.queue.close()


def test_what_is_not_there_is_said_so(house: House) -> None:
    for call in (
        lambda: house.approvals.get("act_9"),
        lambda: house.approvals.decide("act_9", "felix", "approve", "x"),
        lambda: house.approvals.withdraw("act_9", "system"),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.code == "approval.unknown"


def test_people_list_what_they_may_decide_newest_first_and_page_by_page(house: House) -> None:
    def actions(holds: list[Hold]) -> list[str]:
        return [hold.action for hold in holds]

    for number in range(4):
        house.time.forward(1)
        house.ask(new_hold(f"act_{number}", ASK if number % 2 else LEAD))
    house.approve(house.approvals.get("act_1"), "felix")
    listed = house.approvals.holds
    assert actions(listed()) == ["act_3", "act_2", "act_0"]
    assert actions(listed(states=())) == ["act_3", "act_2", "act_1", "act_0"]
    assert actions(listed(states=("ready",))) == ["act_1"]
    assert actions(listed(roles={"procurement-lead"})) == ["act_2", "act_0"]
    assert actions(listed(roles={"cfo"})) == []
    assert actions(listed(count=2)) == ["act_3", "act_2"]
    assert actions(listed(count=2, after="act_2")) == ["act_0"]
    house.time.forward(4 * HOUR)
    house.approvals.sweep()
    assert actions(listed(roles={"cfo"})) == ["act_3"]


def test_agents_are_looked_at_once_for_a_whole_page(house: House) -> None:
    holds = [house.ask(new_hold(f"act_{n}", behind=(Behind(f"payables-{n}", "ada", "otto"),))) for n in range(5)]
    before = house.looks
    assert house.approvals.could_decide(holds, "felix") == {hold.action for hold in holds}
    assert {hold.action for hold in house.approvals.holds(decider="felix")} == {hold.action for hold in holds}
    assert house.looks == before + 2, "once for each of the two questions"
