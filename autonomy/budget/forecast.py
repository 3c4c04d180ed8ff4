"""How long a limit will last at the rate at which it is used. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autonomy.catalog.budget import Period
from autonomy.kernel.clock import DAY, HOUR, period_start, rfc3339

SHORTEST = 50  # of the parts of a period: before one has passed, a rate says more about chance than about spending
_LONGER_THAN_A_MONTH = 32 * DAY


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a limit if its users go on as they did in this period. Times are milliseconds.

    `per_hour` is the rate of use, `at_end` what will have been used when the period ends at `ends`; both are None
    while it is too early to say. `reached_at` is when the limit is reached; None where it lasts.
    """

    ends: int
    per_hour: int | None = None
    at_end: int | None = None
    reached_at: int | None = None


def forecast(used: int, limit: int, period: Period, at: int) -> Forecast:
    """The forecast at `at` for a limit of which `used` is settled or reserved since its period began.

    The rate is what was used divided by the time passed: it has no memory of earlier periods, and a pause in the
    evening counts as much as a rush in the morning. Amounts are rounded up, `reached_at` down: never too hopeful.
    """
    since, ends = period_start(at, period), period_end(at, period)
    passed, whole = at - since, ends - since
    if used >= limit:
        return Forecast(ends, *_rates(used, passed, whole), reached_at=at)
    if passed * SHORTEST < whole:
        return Forecast(ends)
    per_hour, at_end = _rates(used, passed, whole)
    reached_at = since + limit * passed // used if used else ends
    return Forecast(ends, per_hour, at_end, reached_at if reached_at < ends else None)


def outlook(found: Forecast, at: int, say: Callable[[int], str]) -> str:
    """The forecast in words; `say` puts an amount into words."""
    if found.reached_at is not None:
        return "used up" if found.reached_at <= at else f"used up on {_minute(found.reached_at)}"
    if found.at_end is None:
        return "too early to say"
    return f"lasts; about {say(found.at_end)} by {_minute(found.ends)}"


def _minute(at: int) -> str:
    return f"{rfc3339(at)[:10]} at {rfc3339(at)[11:16]} UTC"


def period_end(at: int, period: Period) -> int:
    """When the `period` ends that holds `at`, which is when the next one begins."""
    if period == "hour":
        return period_start(at, period) + HOUR
    if period == "day":
        return period_start(at, period) + DAY
    return period_start(period_start(at, period) + _LONGER_THAN_A_MONTH, period)


def _rates(used: int, passed: int, whole: int) -> tuple[int | None, int | None]:
    """What is used in an hour and in the whole period, rounded up; unknown in the period's first instants."""
    if passed * SHORTEST < whole:
        return None, None
    return -(-used * HOUR // passed), -(-used * whole // passed)
