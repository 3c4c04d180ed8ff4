"""Cron schedules: five fields (minute, hour, day of month, month, day of week), in UTC. Pure.

The meaning is that of POSIX crontab(5): `*`, numbers, `a-b`, `a,b`, `*/n`; where both days are restricted, either one
suffices. Days of the week are 0 to 7, Sunday being both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autonomy.kernel.errors import Invalid

MAX_DAYS = 366 * 8  # a 29 February comes within eight years

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times that a cron text names."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def next(self, after: int) -> int:
        """The first of its times after `after`, in milliseconds. Raises Invalid where there is none in eight years."""
        found = datetime.fromtimestamp(after // 60_000 * 60, UTC) + timedelta(minutes=1)
        for _ in range(MAX_DAYS):
            if self._has_day(found):
                for hour in sorted(hour for hour in self.hours if hour >= found.hour):
                    first = found.minute if hour == found.hour else 0
                    if minutes := [minute for minute in self.minutes if minute >= first]:
                        at = found.replace(hour=hour, minute=min(minutes))
                        return int(at.timestamp()) * 1_000
            found = (found + timedelta(days=1)).replace(hour=0, minute=0)
        raise Invalid("the schedule names no day that exists", code="workflow.schedule", hint="look at day and month")

    def _has_day(self, at: datetime) -> bool:
        by_month, by_week = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return at.month in self.months and (by_month or by_week if self.either_day else by_month and by_week)


def parse(text: str) -> Schedule:
    """The schedule `text` says. Raises Invalid (`workflow.schedule`)."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise Invalid(
            f"`{text[:60]}` has {len(parts)} fields, a schedule has five",
            code="workflow.schedule",
            hint="minute, hour, day of month, month, day of week, such as `0 6 * * 1-5`",
        )
    found = [_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
    weekdays = frozenset(day % 7 for day in found[4])
    schedule = Schedule(found[0], found[1], found[2], found[3], weekdays, parts[2][0] != "*" and parts[4][0] != "*")
    schedule.next(0)
    return schedule


def _field(text: str, name: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("*", "", "") if span == "*" else span.partition("-")
        numbers = (str(least), str(most)) if first == "*" else (first, last or (str(most) if step else first))
        if not all(one.isascii() and one.isdigit() and len(one) <= 2 for one in (*numbers, step or "1")):
            raise _wrong(part, name, least, most)
        begin, end, by = int(numbers[0]), int(numbers[1]), int(step or 1)
        if not least <= begin <= end <= most or by < 1:
            raise _wrong(part, name, least, most)
        found.update(range(begin, end + 1, by))
    return frozenset(found)


def _wrong(part: str, name: str, least: int, most: int) -> Invalid:
    return Invalid(
        f"`{part[:20]}` is not a {name}",
        code="workflow.schedule",
        hint=f"{least} to {most}, such as `{least}`, `{least}-{most}`, `*/5`",
    )
