"""Who may decide, what a decision makes of a hold, and that every hold ends once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from autonomy.approvals import Behind, Hold
from autonomy.approvals import rules as approvals
from autonomy.approvals.model import Ballot, Seat, State
from autonomy.approvals.rules import (
    ALIVE,
    answers_repeat,
    ask_again,
    claim,
    decide,
    end,
    escalate,
    expire,
    finish,
    open_hold,
    seat_people,
    withdraw,
)
from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import AutonomyError, Conflict, Forbidden, Invalid
from autonomy.policy.model import Ask
from tests.approvals.house import ASK, LEAD, NOON, PEOPLE, new_hold, roles_of, targets
from tests.examples import tried

HOLD = open_hold(new_hold(), targets, NOON)
BOTH = open_hold(new_hold("act_2", ASK, LEAD), targets, NOON)


def ballot(person: str, hold: Hold = HOLD, verdict: str = "approve", **changed: object) -> Ballot:
    plain = Ballot(person, roles_of(person), verdict, hold.shown, reason="as agreed")  # type: ignore[arg-type]
    return replace(plain, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("verdict", "state"), [("approve", "ready"), ("reject", "rejected"), ("return", "returned")])
def test_the_holder_of_the_asked_role_decides(verdict: str, state: State) -> None:
    after = decide(HOLD, ballot("felix", verdict=verdict), NOON + 1)
    assert after.state == state
    assert (after.ended_at is None) == (verdict == "approve")
    assert after.votes[-1].person == "felix" and after.votes[-1].role == "finance-manager"


DELEGATED = (Behind("payables-1", "ada", "otto"), Behind("planner", "felix", "olga"))

REFUSED: list[tuple[str, Hold, Ballot, type[AutonomyError], str]] = [
    ("a stranger", HOLD, ballot("mallory"), Forbidden, "approval.role"),
    ("another role", HOLD, ballot("petra"), Forbidden, "approval.role"),
    ("too early an escalation", HOLD, ballot("carla"), Forbidden, "approval.role"),
    ("the sponsor", HOLD, ballot("ada", held=frozenset({"finance-manager"})), Forbidden, "approval.own"),
    ("the owner", HOLD, ballot("otto", held=frozenset({"finance-manager"})), Forbidden, "approval.own"),
    ("a sponsor down the chain", replace(HOLD, behind=DELEGATED), ballot("felix"), Forbidden, "approval.own"),
    (
        "the sponsor rejecting",
        HOLD,
        ballot("ada", verdict="reject", held=frozenset({"cfo"})),
        Forbidden,
        "approval.own",
    ),
    ("the requester", replace(HOLD, requesters=("felix",)), ballot("felix"), Forbidden, "approval.own"),
    ("edited arguments", HOLD, ballot("felix", shown="bind of other arguments"), Conflict, "approval.shown"),
    ("nothing shown", HOLD, ballot("felix", shown=""), Conflict, "approval.shown"),
    ("no change named", HOLD, ballot("felix", verdict="return", reason="  "), Invalid, "approval.reason"),
    ("an essay", HOLD, ballot("felix", reason="x" * 2_001), Invalid, "approval.reason"),
    ("no verdict", HOLD, ballot("felix", verdict="perhaps"), Invalid, "approval.verdict"),
    ("a role not asked", HOLD, ballot("felix", role="cfo"), Forbidden, "approval.role"),
    ("a role not held", BOTH, ballot("felix", BOTH, role="procurement-lead"), Forbidden, "approval.role"),
]


@pytest.mark.parametrize(("hold", "vote", "error", "code"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_vote_is_refused(hold: Hold, vote: Ballot, error: type[AutonomyError], code: str) -> None:
    with pytest.raises(error) as caught:
        decide(hold, vote, NOON + 1)
    assert caught.value.code == code


def test_time_decides_to_the_millisecond() -> None:
    last = HOLD.expires_at
    assert decide(HOLD, ballot("felix"), last - 1).state == "ready"
    with pytest.raises(Conflict) as caught:
        decide(HOLD, ballot("felix"), last)
    assert caught.value.code == "approval.expired"
    assert expire(HOLD, last - 1) is HOLD and expire(HOLD, last).state == "expired"


def test_two_roles_need_two_people() -> None:
    first = decide(BOTH, ballot("fiona", BOTH, role="finance-manager"), NOON + 1)
    assert first.state == "waiting" and first.approvals == {"finance-manager"}
    with pytest.raises(Conflict) as caught:
        decide(first, ballot("fiona", first), NOON + 2)
    assert caught.value.code == "approval.voted"
    with pytest.raises(Conflict) as caught:
        decide(first, ballot("felix", first), NOON + 2)
    assert caught.value.code == "approval.role_decided"
    second = decide(first, ballot("petra", first), NOON + 2)
    assert second.state == "ready" and second.approvals == {"finance-manager", "procurement-lead"}


def test_one_rejection_ends_what_another_has_approved() -> None:
    first = decide(BOTH, ballot("felix", BOTH), NOON + 1)
    assert decide(first, ballot("petra", first, "reject"), NOON + 2).state == "rejected"


def test_two_rules_that_ask_one_role_share_a_seat_with_the_sooner_escalation_and_expiry() -> None:
    other = Ask("finance-manager", "outlier", escalate_after=HOUR, escalate_to="board", expires=3 * HOUR)
    hold = open_hold(new_hold("act_3", ASK, other), targets, NOON)
    assert hold.seats == (Seat("finance-manager", ("outlier", "pay-large"), ("board",), HOUR),)
    assert hold.expires_at == NOON + 3 * HOUR


def test_a_rule_that_names_no_time_waits_a_day_and_does_not_escalate() -> None:
    hold = open_hold(new_hold("act_3", LEAD), targets, NOON)
    assert hold.expires_at == NOON + DAY and hold.next_escalation_at is None


def test_escalation_climbs_the_declared_chain_one_role_at_a_time() -> None:
    (seat,) = HOLD.seats
    assert seat.chain == ("cfo", "board")
    assert escalate(HOLD, NOON + 4 * HOUR - 1) is HOLD
    once = escalate(HOLD, NOON + 4 * HOUR)
    assert once.seats[0].roles == ("finance-manager", "cfo") and once.next_escalation_at == NOON + 8 * HOUR
    late = escalate(HOLD, NOON + 19 * HOUR)
    assert late.seats[0].roles == ("finance-manager", "cfo", "board") and late.next_escalation_at is None
    decided = decide(late, ballot("boris", late), NOON + 19 * HOUR)
    assert decided.state == "ready" and decided.approvals == {"finance-manager"}


def test_a_filled_seat_does_not_escalate() -> None:
    first = decide(BOTH, ballot("felix", BOTH), NOON + 1)
    assert first.next_escalation_at is None and escalate(first, NOON + 9 * HOUR) is first


def test_a_chain_that_runs_in_a_circle_names_each_role_once() -> None:
    circle = {"a": ("b",), "b": ("c", "a"), "c": ("a", "b")}
    (seat,) = seat_people([Ask("a", "p", escalate_after=HOUR)], lambda role: circle[role])
    assert seat.chain == ("b", "c")


def test_nobody_to_ask_or_nobody_behind_it_is_no_hold() -> None:
    for new in (replace(new_hold(), needed=()), new_hold(behind=())):
        with pytest.raises(Invalid):
            open_hold(new, targets, NOON)


STATES: dict[State, Hold] = {
    "waiting": HOLD,
    "ready": replace(HOLD, state="ready"),
    "claimed": claim(replace(HOLD, state="ready"), "p1", NOON, HOUR),
    **{
        state: end(HOLD, state, NOON)
        for state in ("performed", "denied", "rejected", "returned", "expired", "withdrawn")
    },
}

STEPS: dict[str, Callable[[Hold], Hold]] = {
    "approve": lambda hold: decide(hold, ballot("felix", hold), NOON + 1),
    "reject": lambda hold: decide(hold, ballot("felix", hold, "reject"), NOON + 1),
    "claim": lambda hold: claim(hold, "p2", NOON + 1, HOUR),
    "claim later": lambda hold: claim(hold, "p2", NOON + HOUR, HOUR),
    "perform": lambda hold: finish(hold, 1, "performed", NOON + 1),
    "deny": lambda hold: finish(hold, 1, "denied", NOON + 1),
    "ask again": lambda hold: ask_again(hold, 1, [ASK], "budget_left fell", targets, NOON + 1),
    "withdraw": lambda hold: withdraw(hold, NOON + 1),
    "withdraw later": lambda hold: withdraw(hold, NOON + HOUR),
    "expire": lambda hold: expire(hold, NOON + DAY),
}

ALLOWED: dict[State, dict[str, State]] = {
    "waiting": {
        "approve": "ready",
        "reject": "rejected",
        "withdraw": "withdrawn",
        "withdraw later": "withdrawn",
        "expire": "expired",
    },
    "ready": {
        "claim": "claimed",
        "claim later": "claimed",
        "withdraw": "withdrawn",
        "withdraw later": "withdrawn",
        "expire": "expired",
    },
    "claimed": {
        "claim later": "claimed",
        "perform": "performed",
        "deny": "denied",
        "ask again": "waiting",
        "withdraw later": "withdrawn",
        "expire": "expired",
    },
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_a_hold_moves_only_as_the_table_says(state: State, step: str) -> None:
    before = STATES[state]
    wanted = ALLOWED.get(state, {}).get(step)
    if wanted is None and step == "expire":
        assert expire(before, NOON + DAY) is before
    elif wanted is None:
        with pytest.raises(Conflict):
            STEPS[step](before)
    else:
        assert STEPS[step](before).state == wanted


def test_only_the_latest_claim_counts_and_only_in_time() -> None:
    again = claim(STATES["claimed"], "p2", NOON + HOUR, HOUR)
    assert again.fence == 2 and again.claimed_by == "p2"
    with pytest.raises(Conflict) as caught:
        finish(again, 1, "performed", NOON + HOUR)
    assert caught.value.code == "approval.fence"
    with pytest.raises(Conflict):
        finish(again, 2, "performed", again.expires_at)


def test_an_expired_approval_is_not_expired_under_the_hands_of_whoever_carries_it_out() -> None:
    claimed = replace(STATES["claimed"], claim_until=HOLD.expires_at + HOUR)
    assert expire(claimed, HOLD.expires_at) is claimed
    assert expire(claimed, HOLD.expires_at + HOUR).state == "expired"


def test_asking_again_voids_the_votes_and_wants_the_difference_seen() -> None:
    approved = claim(decide(HOLD, ballot("felix"), NOON + 1), "p1", NOON + 2, HOUR)
    again = ask_again(approved, approved.fence, [ASK], "budget_left fell from 9 to 1", targets, NOON + 3)
    assert again.state == "waiting" and not again.approvals and len(again.votes) == 1
    assert again.expires_at == NOON + 3 + 20 * HOUR
    with pytest.raises(Conflict) as caught:
        decide(again, ballot("felix", HOLD), NOON + 4)
    assert caught.value.code == "approval.shown"
    assert decide(again, ballot("felix", again), NOON + 4).state == "ready"


@pytest.mark.parametrize(
    ("state", "later", "answers"),
    [
        ("waiting", HOUR, True),
        ("waiting", 20 * HOUR, False),
        ("ready", HOUR, True),
        ("claimed", HOUR, True),
        ("performed", DAY - 1, True),
        ("performed", DAY, False),
        ("rejected", HOUR, True),
        ("returned", HOUR, True),
        ("denied", 1, False),
        ("expired", 1, False),
        ("withdrawn", 1, False),
    ],
)
def test_a_repeat_gets_the_answer_there_is(state: State, later: int, answers: bool) -> None:
    assert answers_repeat(STATES[state], NOON + later) == answers


def test_a_vote_of_an_earlier_round_fills_no_seat() -> None:
    assert approvals.barred(HOLD) == {"ada", "otto"}
    approved = claim(decide(HOLD, ballot("felix"), NOON + 1), "p1", NOON + 2, HOUR)
    again = ask_again(approved, approved.fence, [ASK], "changed", targets, NOON + 3)
    assert again.open_seats == again.seats


RARELY = st.integers(0, 15).map(lambda number: number == 7)
EVERYONE = sorted({person for holders in PEOPLE.values() for person in holders} | {"ada", "otto", "mallory"})


class Life(RuleBasedStateMachine):
    """One hold under everything that people, processes and time can do to it, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON
        self.hold = BOTH
        self.used = 0
        self.ends: list[State] = []

    def attempt(self, step: Callable[[], Hold]) -> bool:
        before = self.hold
        try:
            self.hold = step()
        except AutonomyError:
            return False
        if before.state in ALIVE and self.hold.state not in ALIVE:
            self.ends.append(self.hold.state)
        return self.hold is not before

    @rule(minutes=st.sampled_from([1, 30, 300, 700]))
    def wait(self, minutes: int) -> None:
        self.at += minutes * 60_000

    @rule(
        person=st.sampled_from(EVERYONE),
        verdict=st.sampled_from(["approve"] * 20 + ["reject", "return"]),
        shown=st.sampled_from(["current"] * 4 + ["stale", "other"]),
        role=st.sampled_from([None, None, "finance-manager", "procurement-lead"]),
    )
    def vote(self, person: str, verdict: str, shown: str, role: str | None) -> None:
        echoed = {"current": self.hold.shown, "stale": BOTH.shown, "other": "bind of other arguments"}[shown]
        cast = ballot(person, self.hold, verdict, shown=echoed, role=role)
        if self.attempt(lambda: decide(self.hold, cast, self.at)):
            assert echoed == self.hold.shown and person not in ("ada", "otto", "mallory")

    @rule(person=st.sampled_from(["felix", "petra"]))
    def agree(self, person: str) -> None:
        cast = ballot(person, self.hold)
        self.attempt(lambda: decide(self.hold, cast, self.at))

    @rule()
    def time_passes_over(self) -> None:
        self.attempt(lambda: expire(self.hold, self.at))
        self.attempt(lambda: escalate(self.hold, self.at))

    @rule(lease=st.sampled_from([1, HOUR, 9 * HOUR]))
    def take(self, lease: int) -> None:
        self.attempt(lambda: claim(self.hold, "process", self.at, lease))

    @rule(behind=st.sampled_from([0, 0, 0, 1]))
    def use(self, behind: int) -> None:
        fence = self.hold.fence - behind
        if self.attempt(lambda: finish(self.hold, fence, "performed", self.at)):
            self.used += 1
            assert behind == 0 and self.at < self.hold.expires_at
            assert self.hold.approvals == {"finance-manager", "procurement-lead"}

    @rule(really=RARELY)
    def refuse(self, really: bool) -> None:
        if really:
            self.attempt(lambda: finish(self.hold, self.hold.fence, "denied", self.at))

    @precondition(lambda self: self.hold.round < 3)
    @rule(really=st.booleans())
    def change_facts(self, really: bool) -> None:
        if really:
            self.attempt(lambda: ask_again(self.hold, self.hold.fence, [ASK, LEAD], "changed", targets, self.at))

    @rule(really=RARELY)
    def take_back(self, really: bool) -> None:
        if really:
            self.attempt(lambda: withdraw(self.hold, self.at))

    @invariant()
    def it_ends_once_and_is_used_once(self) -> None:
        assert len(self.ends) <= 1 and self.used <= 1
        assert (self.hold.state in ALIVE) == (not self.ends)
        assert (self.used == 1) == (self.hold.state == "performed")

    @invariant()
    def no_person_fills_two_seats(self) -> None:
        people = [vote.person for vote in self.hold.given]
        assert len(people) == len(set(people))

    @invariant()
    def only_what_everybody_asked_has_approved_can_be_carried_out(self) -> None:
        if self.hold.state in ("ready", "claimed", "performed"):
            assert self.hold.approvals == {"finance-manager", "procurement-lead"}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=tried(300), stateful_step_count=40, deadline=None)
