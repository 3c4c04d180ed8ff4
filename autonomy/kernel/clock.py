"""Time. Wall time is integer milliseconds since the Unix epoch, UTC; durations for waiting are monotonic seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from .errors import Invalid

Clock = Callable[[], int]
"""Returns milliseconds since the Unix epoch. Tests hand in their own."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")


def now() -> int:
    """The wall clock, in milliseconds."""
    return time.time_ns() // 1_000_000


def rfc3339(at: int) -> str:
    """`at` (milliseconds) as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1_000)
def duration(text: str) -> int:
    """A duration such as `500ms`, `10s`, `5m`, `24h`, `7d` in milliseconds.

    Raises Invalid for anything else.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise Invalid(
            f"`{text}` is not a duration", code="duration.invalid", hint="write for example `10s`, `5m`, `24h`"
        )
    return int(match[1]) * _UNITS[match[2]]


def period_start(at: int, period: str) -> int:
    """The start (milliseconds, UTC) of the `hour`, `day` or `month` that holds `at`."""
    if period == "hour":
        return at - at % HOUR
    if period == "day":
        return at - at % DAY
    return _month_start(at - at % DAY)


def day(at: int) -> str:
    """The calendar day of `at`, UTC: `2026-11-21`."""
    return _day_name(at - at % DAY)


@lru_cache(maxsize=64)
def _day_name(at: int) -> str:
    return rfc3339(at)[:10]


@lru_cache(maxsize=64)
def _month_start(at: int) -> int:
    day = datetime.fromtimestamp(at / 1000, UTC)
    return int(day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
