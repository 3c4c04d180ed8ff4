"""The arithmetic of budgets, over any interleaving of reserving, settling, releasing and crashing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.budget import Balance, Charge, Limit, Overrun, Usage, charges, judge
from autonomy.budget.rules import account_key, reserve, settle
from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import Corrupt, Invalid
from tests.examples import tried

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z

MONEY = Limit("procurement-day", "larkspur", "unit", "procurement", "money", "day", 1_000)
COMPANY = Limit("company-month", "larkspur", "unit", "larkspur", "money", "month", 1_500)
CALLS = Limit("buyer-hour", "larkspur", "agent", "buyer-1", "calls", "hour", 4)
TOKENS = Limit("model-day", "larkspur", "tool", "model.*", "tokens", "day", 900)
NOTHING = Usage(money=0, calls=0, tokens=0)


def charge(amount: int, limit: int = 100) -> Charge:
    return Charge("account", "budget", "money", limit, amount)


def test_an_account_is_one_budget_one_subject_and_one_period() -> None:
    assert account_key(MONEY, NOON) == account_key(MONEY, NOON + 11 * HOUR)
    assert account_key(MONEY, NOON) != account_key(MONEY, NOON + 12 * HOUR)
    assert account_key(CALLS, NOON) != account_key(CALLS, NOON + HOUR)
    assert account_key(COMPANY, NOON) == account_key(COMPANY, NOON + 30 * DAY)
    assert account_key(COMPANY, NOON) != account_key(COMPANY, NOON + 31 * DAY)


def test_an_action_is_charged_by_each_measure_it_asks_for_and_once_for_each_limit() -> None:
    found = charges((MONEY, CALLS, TOKENS, MONEY), NOON, money=250)
    assert [(each.budget, each.amount) for each in found] == [("procurement-day", 250), ("buyer-hour", 1)]


def test_a_negative_worst_case_is_refused() -> None:
    with pytest.raises(Invalid):
        charges((MONEY,), NOON, money=-1)


@pytest.mark.parametrize(("asked", "refused"), [(60, False), (61, True)])
def test_a_charge_is_refused_exactly_where_it_would_pass_the_limit(asked: int, refused: bool) -> None:
    found = judge([charge(asked)], {"account": Balance(settled=30, reserved=10)})
    assert (found is not None) == refused
    if found:
        assert (found.budget, found.limit, found.settled, found.reserved, found.asked) == ("budget", 100, 30, 10, 61)
        assert found.left == 60


def test_one_full_account_refuses_the_whole_action() -> None:
    full = {account_key(CALLS, NOON): Balance(settled=4)}
    refusal = judge(charges((MONEY, CALLS), NOON, money=1), full)
    assert refusal is not None and refusal.budget == "buyer-hour"


def test_what_was_not_needed_is_given_back() -> None:
    settled = settle({"account": Balance(10, 50)}, [charge(50)], Usage(money=20))
    assert settled.balances == {"account": Balance(30, 0)} and not settled.overruns


@pytest.mark.parametrize("unknown", [Usage(), Usage(calls=1), Usage(money=-5)])
def test_where_nobody_can_say_what_was_taken_the_reservation_counts(unknown: Usage) -> None:
    assert settle({"account": Balance(10, 50)}, [charge(50)], unknown).balances == {"account": Balance(60, 0)}


def test_taking_more_than_the_worst_case_is_booked_while_there_is_room_and_reported() -> None:
    settled = settle({"account": Balance(10, 50)}, [charge(30)], Usage(money=55))
    assert settled.balances == {"account": Balance(65, 20)}
    assert settled.overruns == (Overrun("budget", "account", "money", excess=25, unbooked=0),)


def test_an_overrun_fills_the_account_to_its_limit_and_not_beyond() -> None:
    settled = settle({"account": Balance(10, 50)}, [charge(30)], Usage(money=500))
    assert settled.balances == {"account": Balance(80, 20)}
    assert settled.overruns[0].unbooked == 430


def test_after_a_limit_was_lowered_what_was_reserved_can_still_be_settled() -> None:
    settled = settle({"account": Balance(90, 10)}, [charge(10, limit=50)], Usage(money=10))
    assert settled.balances == {"account": Balance(100, 0)} and not settled.overruns
    assert judge([charge(1, limit=50)], settled.balances) is not None


@pytest.mark.parametrize("usage", [NOTHING, Usage()])
def test_nothing_is_given_back_that_was_not_reserved(usage: Usage) -> None:
    with pytest.raises(Corrupt):
        settle({"account": Balance(0, 5)}, [charge(6)], usage)


LIMITS = (MONEY, COMPANY, CALLS, TOKENS)

starts = st.tuples(
    st.just("start"),
    st.sets(st.sampled_from(LIMITS), min_size=1),
    st.integers(NOON, NOON + 2 * DAY),
    st.integers(0, 700),
    st.integers(0, 500),
)
finishes = st.tuples(st.just("finish"), st.integers(0, 9), st.floats(0, 1))
failures = st.tuples(st.just("fail"), st.integers(0, 9))
overruns = st.tuples(st.just("finish"), st.integers(0, 9), st.floats(1.5, 9))
crashes = st.just(("crash",))
honest = st.lists(st.one_of(starts, starts, finishes, failures, crashes), max_size=40)
lying = st.lists(st.one_of(starts, starts, finishes, overruns, failures, crashes), max_size=40)


class House:
    """The rules at work, beside a bookkeeper who only adds up what happened."""

    def __init__(self) -> None:
        self.balances: dict[str, Balance] = {}
        self.under_way: list[tuple[Charge, ...]] = []
        self.spent: dict[str, int] = {}

    def start(self, limits: set[Limit], at: int, money: int, tokens: int) -> None:
        asked = charges(sorted(limits), at, money, 1, tokens)
        refusal = judge(asked, self.balances)
        assert (refusal is None) == all(self.used(each) + each.amount <= each.limit for each in asked)
        if refusal is None:
            self.balances.update(reserve(self.balances, asked))
            self.under_way.append(asked)

    def finish(self, pick: int, part: float) -> None:
        if self.under_way:
            asked = self.under_way.pop(pick % len(self.under_way))
            self._settle(asked, Usage(**{each.measure: int(each.amount * part) for each in asked}))

    def fail(self, pick: int) -> None:
        if self.under_way:
            self._settle(self.under_way.pop(pick % len(self.under_way)), NOTHING)

    def crash(self) -> None:
        """Every second action under way is found not to have happened; of the others nobody knows."""
        for number, asked in enumerate(self.under_way):
            if number % 2:
                self._settle(asked, NOTHING)
            else:
                self._settle(asked, Usage())
        self.under_way.clear()
        assert all(held.reserved == 0 for held in self.balances.values())

    def used(self, each: Charge) -> int:
        """What the bookkeeper has for one account: taken (as far as it could be booked) and promised."""
        promised = sum(held.amount for asked in self.under_way for held in asked if held.account == each.account)
        return self.spent.get(each.account, 0) + promised

    def _settle(self, asked: tuple[Charge, ...], actual: Usage) -> None:
        settled = settle(self.balances, asked, actual)
        unbooked = {overrun.account: overrun.unbooked for overrun in settled.overruns}
        for each in asked:
            taken = actual.of(each.measure)
            booked = (each.amount if taken is None else taken) - unbooked.get(each.account, 0)
            self.spent[each.account] = self.spent.get(each.account, 0) + booked
        self.balances.update(settled.balances)

    def check(self) -> None:
        for key, held in self.balances.items():
            limit = next(each.amount for each in LIMITS if key.startswith(f"{each.name}|"))
            assert held.settled >= 0 and held.reserved >= 0
            assert held.used <= limit
            assert held.settled == self.spent.get(key, 0)


@settings(max_examples=tried(300), deadline=None)
@given(honest)
def test_no_interleaving_passes_a_limit_or_refuses_what_would_fit(steps: list[tuple[Any, ...]]) -> None:
    run(steps)


@settings(max_examples=tried(300), deadline=None)
@given(lying)
def test_even_an_upstream_that_takes_more_than_declared_never_moves_an_account_past_its_limit(
    steps: list[tuple[Any, ...]],
) -> None:
    run(steps)


def run(steps: list[tuple[Any, ...]]) -> None:
    house = House()
    acts: dict[str, Callable[..., None]] = {
        "start": house.start,
        "finish": house.finish,
        "fail": house.fail,
        "crash": house.crash,
    }
    for name, *values in steps:
        acts[name](*values)
        house.check()
