"""Forecasts: when a limit is reached if things go on as they did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.budget.forecast import Forecast, forecast, outlook, period_end
from autonomy.kernel.clock import DAY, HOUR, MINUTE, period_start

MIDNIGHT = 1_772_323_200_000  # 2026-03-01T00:00:00Z


def say(amount: int) -> str:
    return f"{amount} calls"


@pytest.mark.parametrize(
    ("used", "at", "expected", "told"),
    [
        (0, 6 * HOUR, Forecast(MIDNIGHT + DAY, 0, 0, None), "lasts; about 0 calls by 2026-03-02 at 00:00 UTC"),
        (25, 6 * HOUR, Forecast(MIDNIGHT + DAY, 5, 100, None), "lasts; about 100 calls by 2026-03-02 at 00:00 UTC"),
        (50, 6 * HOUR, Forecast(MIDNIGHT + DAY, 9, 200, MIDNIGHT + 12 * HOUR), "used up on 2026-03-01 at 12:00 UTC"),
        (100, 6 * HOUR, Forecast(MIDNIGHT + DAY, 17, 400, MIDNIGHT + 6 * HOUR), "used up"),
        (120, 6 * HOUR, Forecast(MIDNIGHT + DAY, 20, 480, MIDNIGHT + 6 * HOUR), "used up"),
        (50, 20 * MINUTE, Forecast(MIDNIGHT + DAY), "too early to say"),
        (100, 0, Forecast(MIDNIGHT + DAY, None, None, MIDNIGHT), "used up"),
    ],
)
def test_a_limit_of_a_hundred_calls_a_day(used: int, at: int, expected: Forecast, told: str) -> None:
    found = forecast(used, 100, "day", MIDNIGHT + at)
    assert found == expected
    assert outlook(found, MIDNIGHT + at, say) == told


@pytest.mark.parametrize(
    ("period", "ends"), [("hour", MIDNIGHT + HOUR), ("day", MIDNIGHT + DAY), ("month", MIDNIGHT + 31 * DAY)]
)
def test_a_period_ends_where_the_next_one_begins(period: str, ends: int) -> None:
    assert period_end(MIDNIGHT, period) == ends == period_end(ends - 1, period)  # type: ignore[arg-type]
    assert period_start(ends, period) == ends


@given(
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.sampled_from(["hour", "day", "month"]),
    st.integers(MIDNIGHT, MIDNIGHT + 400 * DAY),
)
def test_a_forecast_is_never_too_hopeful_and_never_outside_its_period(
    used: int, limit: int, period: str, at: int
) -> None:
    found = forecast(used, limit, period, at)  # type: ignore[arg-type]
    since = period_start(at, period)
    assert at < found.ends
    if found.reached_at is not None:
        assert at <= found.reached_at < found.ends
        assert used < limit or found.reached_at == at
    if found.at_end is not None and used < limit:
        assert found.at_end * (at - since) >= used * (found.ends - since)
        assert (found.reached_at is None) == (limit * (at - since) // max(used, 1) + since >= found.ends or used == 0)
