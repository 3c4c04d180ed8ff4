"""Cron schedules: five fields (minute, hour, day of month, month, day of week), by the clock of a time zone. Pure.

The meaning is that of POSIX crontab(5): `*`, numbers, `a-b`, `a,b`, `*/n`; where both days are restricted, either one
suffices. Days of the week are 0 to 7, Sunday being both.

Where the clock is set forward, a time that does not exist is as long after midnight as ever; where it is set back, a
time that comes twice counts the first time. A schedule of every hour goes on through both, by the hours that pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autonomy.kernel.errors import Invalid

HOURS = 24
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

    def next(self, after: int, zone: tzinfo = UTC) -> int:
        """The first of its times after `after`, in milliseconds. Raises Invalid where there is none in eight years."""
        begin = datetime.fromtimestamp(after // 60_000 * 60, UTC) + timedelta(minutes=1)
        found = self._passing(begin, zone) if len(self.hours) == HOURS else self._by_the_clock(begin, zone)
        if found is None:
            told = "the schedule names no day that exists"
            raise Invalid(told, code="workflow.schedule", hint="look at day and month")
        return int(found.timestamp()) * 1_000

    def _by_the_clock(self, begin: datetime, zone: tzinfo) -> datetime | None:
        """The first time not before `begin` as a clock on the wall shows it."""
        wall = begin.astimezone(zone).replace(tzinfo=None)
        for _ in range(MAX_DAYS):
            if self._has_day(wall):
                for at in self._times(wall):
                    # What the wall shows a second time is over by then, so `begin` has to be asked.
                    if (found := at.replace(tzinfo=zone).astimezone(UTC)) >= begin:
                        return found
            wall = (wall + timedelta(days=1)).replace(hour=0, minute=0)
        return None

    def _times(self, wall: datetime) -> Iterator[datetime]:
        """Its times of a day from that of `wall` on."""
        for hour in sorted(hour for hour in self.hours if hour >= wall.hour):
            first = wall.minute if hour == wall.hour else 0
            for minute in sorted(minute for minute in self.minutes if minute >= first):
                yield wall.replace(hour=hour, minute=minute)

    def _passing(self, begin: datetime, zone: tzinfo) -> datetime | None:
        """The first time not before `begin` of a schedule of every hour."""
        at = begin
        for _ in range(MAX_DAYS * HOURS):
            wall = at.astimezone(zone)
            later = [minute for minute in self.minutes if minute >= wall.minute]
            if later and self._has_day(wall):
                return at + timedelta(minutes=min(later) - wall.minute)
            at += timedelta(minutes=60 - wall.minute)
        return None

    def _has_day(self, at: datetime) -> bool:
        by_month, by_week = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return at.month in self.months and (by_month or by_week if self.either_day else by_month and by_week)


def zone_of(name: str) -> tzinfo:
    """The time zone of this name in the IANA database. Raises Invalid (`workflow.zone`)."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        told = f"there is no time zone `{name[:60]}`"
        raise Invalid(
            told, code="workflow.zone", hint="its name in the IANA database, such as `Europe/Berlin`"
        ) from None


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
