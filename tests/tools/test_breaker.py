"""The circuit breaker, as rules and as a state machine against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.tools import Refused, Unreachable, Unsure
from autonomy.tools.breaker import Breaker
from autonomy.tools.rules import MAX_FAILURES, REST

EVENTS = st.lists(st.tuples(st.sampled_from(["ok", "refused", "down", "unsure", "lost"]), st.integers(0, 2 * REST)))
OUTCOMES = {"ok": None, "refused": Refused(), "down": Unreachable(), "unsure": Unsure()}


@given(EVENTS)
def test_a_circuit_opens_after_its_failures_rests_and_lets_one_probe_out(events: list[tuple[str, int]]) -> None:
    now = failures = rests_until = 0
    breaker = Breaker("erp", lambda: now)
    for event, wait in events:
        now += wait
        expected = failures < MAX_FAILURES or now >= rests_until
        try:
            breaker.enter()
            admitted = True
        except Unreachable as error:
            assert error.code == "upstream.resting"
            admitted = False
        assert admitted == expected
        if not admitted:
            continue
        if failures >= MAX_FAILURES:
            rests_until = now + REST
        if event == "lost":
            continue
        breaker.note(OUTCOMES[event])
        failures = failures + 1 if event in ("down", "unsure") else 0
        if failures >= MAX_FAILURES:
            rests_until = now + REST


def test_at_most_ten_consecutive_failures_are_waited_for() -> None:
    breaker, tries = Breaker("erp", lambda: 0), 0
    with pytest.raises(Unreachable):
        for _ in range(100):
            breaker.enter()
            breaker.note(Unreachable())
            tries += 1
    assert tries == MAX_FAILURES <= 10


def test_of_many_callers_after_a_rest_one_goes_out() -> None:
    now = 0
    breaker = Breaker("erp", lambda: now)
    for _ in range(MAX_FAILURES):
        breaker.enter()
        breaker.note(Unsure())
    now = REST
    breaker.enter()
    with pytest.raises(Unreachable):
        breaker.enter()
    breaker.note(None)
    breaker.enter()
