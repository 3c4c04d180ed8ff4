"""Approvals by several people: as many different ones as are asked, each once, with deputies for those who are away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.approvals import Hold
from autonomy.approvals.model import Ballot, StandIn
from autonomy.approvals.rules import could_decide, decide, next_reminder, open_hold, remind
from autonomy.kernel.clock import HOUR
from autonomy.kernel.errors import AutonomyError, Conflict, Forbidden
from autonomy.policy.model import Ask
from tests.approvals.house import ASK, NOON, new_hold, roles_of, targets

TWO = Ask("finance-manager", "pay-huge", people=2)
BOARD = Ask("board", "pay-huge")


def asking(*needed: Ask) -> Hold:
    return open_hold(new_hold("act_1", *needed), targets, NOON)


def ballot(person: str, hold: Hold, *roles: str, **changed: object) -> Ballot:
    plain = Ballot(person, frozenset(roles) or roles_of(person), "approve", hold.shown)
    return replace(plain, **changed)  # type: ignore[arg-type]


def away(person: str) -> tuple[StandIn, ...]:
    return (StandIn(person, roles_of(person)),)


def refusal(hold: Hold, cast: Ballot) -> str:
    assert not could_decide(hold, cast)
    with pytest.raises((Conflict, Forbidden)) as caught:
        decide(hold, cast, NOON + 1)
    return caught.value.code


def test_two_of_a_role_need_two_people() -> None:
    hold = asking(TWO)
    first = decide(hold, ballot("felix", hold), NOON + 1)
    assert (first.state, first.approvals, first.waits_for) == ("waiting", frozenset(), ("finance-manager",))
    assert refusal(first, ballot("felix", first)) == "approval.voted"
    second = decide(first, ballot("fiona", first), NOON + 2)
    assert second.state == "ready" and second.approvals == {"finance-manager"}
    assert second.approvers == {"finance-manager": 2}
    assert hold.waits_for == ("2 of finance-manager",)


def test_one_no_of_one_person_ends_what_others_have_approved() -> None:
    hold = asking(TWO)
    first = decide(hold, ballot("felix", hold), NOON + 1)
    assert decide(first, ballot("fiona", first, verdict="reject"), NOON + 2).state == "rejected"


def test_several_roles_of_one_rule_each_need_their_people() -> None:
    hold = asking(TWO, BOARD)
    assert [(seat.role, seat.people) for seat in hold.seats] == [("board", 1), ("finance-manager", 2)]
    for person in ("boris", "felix"):
        hold = decide(hold, ballot(person, hold), NOON + 1)
        assert hold.state == "waiting"
    assert decide(hold, ballot("fiona", hold), NOON + 2).state == "ready"


def test_of_two_rules_that_ask_the_same_role_the_larger_number_counts() -> None:
    (seat,) = asking(ASK, TWO).seats
    assert (seat.people, seat.policies, seat.every) == (2, ("pay-huge", "pay-large"), ASK.escalate_after)


def test_who_holds_two_roles_counts_for_one_of_them() -> None:
    hold = asking(TWO, BOARD)
    both = ballot("felix", hold, "finance-manager", "board")
    first = decide(hold, replace(both, role="board"), NOON + 1)
    assert refusal(first, replace(both, shown=first.shown, role="finance-manager")) == "approval.voted"


def test_a_full_seat_takes_nobody_more() -> None:
    hold = asking(TWO, BOARD)
    for person in ("felix", "fiona"):
        hold = decide(hold, ballot(person, hold), NOON + 1)
    assert refusal(hold, ballot("fred", hold, "finance-manager")) == "approval.role_decided"


def test_a_deputy_speaks_in_the_roles_of_the_absent_and_is_named_with_them() -> None:
    hold = asking(TWO)
    stranger = ballot("doris", hold)
    assert refusal(hold, stranger) == "approval.role"
    after = decide(hold, replace(stranger, for_absent=away("fiona")), NOON + 1)
    (vote,) = after.votes
    assert (vote.person, vote.instead_of, vote.role) == ("doris", "fiona", "finance-manager")
    assert after.heard == {"doris", "fiona"}


def test_a_deputy_and_the_absent_one_are_one_voice() -> None:
    hold = asking(TWO)
    first = decide(hold, ballot("doris", hold, for_absent=away("fiona")), NOON + 1)
    assert refusal(first, ballot("fiona", first)) == "approval.voted"
    assert refusal(first, ballot("doris", first, for_absent=away("felix"))) == "approval.voted"
    other = decide(hold, ballot("fiona", hold), NOON + 1)
    assert refusal(other, ballot("doris", other, for_absent=away("fiona"))) == "approval.voted"


def test_who_may_decide_by_themselves_does_not_speak_for_another_first() -> None:
    hold = asking(TWO)
    first = decide(hold, ballot("felix", hold, for_absent=away("fiona")), NOON + 1)
    assert first.votes[0].instead_of is None
    assert decide(first, ballot("fiona", first), NOON + 2).state == "ready"


def test_nobody_speaks_for_who_is_behind_the_action_nor_where_they_are_behind_it() -> None:
    hold = asking(TWO)
    sponsor = (StandIn("ada", frozenset({"finance-manager"})),)
    assert refusal(hold, ballot("doris", hold, for_absent=sponsor)) == "approval.own"
    assert refusal(hold, ballot("ada", hold, for_absent=away("fiona"))) == "approval.own"
    asked = replace(hold, requesters=("doris",))
    assert refusal(asked, ballot("doris", asked, for_absent=away("fiona"))) == "approval.own"


def test_reminders_come_before_the_end_each_once_and_a_missed_one_is_made_up_for_once() -> None:
    hold = asking(replace(TWO, expires=10 * HOUR, remind=(4 * HOUR, HOUR)), replace(BOARD, remind=(2 * HOUR,)))
    assert hold.reminders == (4 * HOUR, 2 * HOUR, HOUR)
    assert hold.next_reminder_at == NOON + 6 * HOUR
    assert remind(hold, NOON + 6 * HOUR - 1) is hold
    first = remind(hold, NOON + 6 * HOUR)
    assert first.next_reminder_at == NOON + 8 * HOUR and remind(first, NOON + 6 * HOUR) is first
    assert remind(first, NOON + 9 * HOUR).next_reminder_at is None


def test_what_has_been_decided_reminds_nobody() -> None:
    hold = asking(replace(BOARD, remind=(HOUR,)))
    decided = decide(hold, ballot("boris", hold), NOON + 1)
    assert decided.next_reminder_at is None and remind(decided, hold.expires_at - 1) is decided


@given(st.lists(st.integers(1, 100)), st.integers(0, 200))
def test_the_next_reminder_is_the_first_that_lies_ahead(before: list[int], at: int) -> None:
    found = next_reminder(before, 150, at)
    ahead = sorted(150 - each for each in before if 150 - each > at)
    assert found == (ahead[0] if ahead else None)


PEOPLE = ("ann", "ben", "cem", "dan", "eva", "fay")
votes = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.sets(st.sampled_from(["x", "y"])),
        st.lists(st.tuples(st.sampled_from(PEOPLE), st.sets(st.sampled_from(["x", "y"]))), max_size=2),
        st.sampled_from([None, "x", "y"]),
    ),
    max_size=25,
)


@given(st.integers(1, 4), st.integers(1, 3), votes)
def test_whatever_is_voted_it_is_ready_exactly_when_so_many_different_people_were_heard(
    of_x: int,
    of_y: int,
    cast: list[tuple[str, set[str], list[tuple[str, set[str]]], str | None]],
) -> None:
    hold = asking(Ask("x", "p", people=of_x), Ask("y", "p", people=of_y))
    for person, held, absent, role in cast:
        stand_in = tuple(StandIn(name, frozenset(roles)) for name, roles in absent if name != person)
        plain = Ballot(person, frozenset(held), "approve", hold.shown, role=role, for_absent=stand_in)
        could = could_decide(hold, plain)
        try:
            hold = decide(hold, plain, NOON + 1)
        except AutonomyError:
            assert not could
        else:
            assert could
        voices = [name for vote in hold.votes for name in (vote.person, vote.instead_of) if name]
        assert len(voices) == len(set(voices))
        counted = dict(hold.approvers)
        assert counted.get("x", 0) <= of_x and counted.get("y", 0) <= of_y
        assert (hold.state == "ready") == (counted == {"x": of_x, "y": of_y})
