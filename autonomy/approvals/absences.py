"""Absences: while a person is away, a deputy may decide what they could. Each is one transaction with its own leaf."""

from __future__ import annotations

from collections.abc import Sequence

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import DAY, Clock, rfc3339
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from autonomy.kernel.ids import new_id

from . import store
from .model import Absence
from .ports import AnnounceAbsence, MayDecide, announce_no_absence

LONGEST = 366 * DAY  # who is away for longer has left the position
FURTHEST_AHEAD = 366 * DAY


class Absences:
    """Who is away, and who decides for them meanwhile."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        may_decide: MayDecide,
        clock: Clock = clock.now,
        announce: AnnounceAbsence = announce_no_absence,
    ) -> None:
        self._database = database
        self._queue = queue
        self._may_decide = may_decide
        self._clock = clock
        self._announce = announce

    def declare(self, person: str, deputy: str, since: int, until: int, by: str) -> Absence:
        """Let `deputy` decide what `person` could, from `since` until before `until` (milliseconds); `by` is on record.

        A deputy speaks in no roles but those the person holds at that moment, never for somebody who is behind the
        action, and not for the deputy of a deputy. Raises Invalid (`absence.time`, `absence.self`), Forbidden
        (`absence.person`, `absence.deputy`) where one of them may not decide approvals, and Conflict
        (`absence.overlap`, `absence.deputy_away`).
        """
        at = self._clock()
        _check_time(since, until, at)
        self._check_people(person, deputy)
        new = Absence(new_id("abs", at), person, deputy, max(since, at), until, by, at)

        def work(tx: Tx) -> Absence:
            _check_free(store.absences_of(tx, new.since, [person, deputy]), new)
            store.add_absence(tx, new)
            self._record(tx, new, "absence.declared", by, at)
            return new

        return self._queue.run(work)

    def end(self, absence: str, by: str) -> Absence:
        """The person is back; what the deputy has said stands. Raises NotFound, or Conflict where it is over."""

        def work(tx: Tx) -> Absence:
            at = self._clock()
            found = _known(store.find_absence(tx, absence), absence)
            if found.over_at <= at:
                raise Conflict("the absence is over already", code="absence.over")
            ended = _ended(found, at, by)
            store.end_absence(tx, ended)
            self._record(tx, ended, "absence.ended", by, at)
            return ended

        return self._queue.run(work)

    def get(self, absence: str) -> Absence:
        """One absence; raises NotFound."""
        with self._database.reading() as connection:
            return _known(store.find_absence(connection, absence), absence)

    def absences(self, person: str | None = None, ended: bool = False) -> list[Absence]:
        """Absences now and to come, the earliest first; with `ended` also those that are over.

        With `person`, those in which they are absent or the deputy: both ends see them.
        """
        people = None if person is None else [person]
        with self._database.reading() as connection:
            return store.absences_of(connection, -1 if ended else self._clock(), people)

    def _check_people(self, person: str, deputy: str) -> None:
        if person == deputy:
            raise Invalid("nobody is their own deputy", code="absence.self", hint="name another person")
        if not self._may_decide(person):
            raise Forbidden(f"`{person}` decides no approvals", code="absence.person")
        if not self._may_decide(deputy):
            hint = "a deputy is an active person with the access `approver`"
            raise Forbidden(f"`{deputy}` may not decide approvals", code="absence.deputy", hint=hint)

    def _record(self, tx: Tx, found: Absence, event: str, by: str, at: int) -> None:
        record(
            tx,
            "absence",
            at=at,
            actor=by,
            event=event,
            absence=found.id,
            person=found.person,
            deputy=found.deputy,
            since=found.since,
            until=found.over_at,
        )
        self._announce(tx, event, found, at)


def _known(found: Absence | None, absence: str) -> Absence:
    if found is None:
        raise NotFound(f"there is no absence `{absence[:40]}`", code="absence.unknown")
    return found


def _ended(found: Absence, at: int, by: str) -> Absence:
    return Absence(
        found.id,
        found.person,
        found.deputy,
        found.since,
        found.until,
        found.declared_by,
        found.declared_at,
        ended_at=at,
        ended_by=by,
    )


def _check_time(since: int, until: int, at: int) -> None:
    if until <= max(since, at):
        raise Invalid("an absence ends after it begins, and not in the past", code="absence.time")
    if until - max(since, at) > LONGEST or since - at > FURTHEST_AHEAD:
        hint = f"at most {LONGEST // DAY} days, beginning within {FURTHEST_AHEAD // DAY} days"
        raise Invalid("the absence is too long or too far ahead", code="absence.time", hint=hint)


def _check_free(known: Sequence[Absence], new: Absence) -> None:
    """A person has one deputy at a time, and a deputy is there."""
    for each in known:
        if each.since >= new.until or each.over_at <= new.since:
            continue
        if each.person == new.person:
            raise Conflict(
                f"`{new.person}` is away from {rfc3339(each.since)} already",
                code="absence.overlap",
                hint=f"end `{each.id}` first",
            )
        if each.person == new.deputy:
            raise Conflict(
                f"`{new.deputy}` is away until {rfc3339(each.over_at)}",
                code="absence.deputy_away",
                hint="name another deputy",
            )
