"""Who is away, and who decides for them meanwhile."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from autonomy.approvals import Absence
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import Forbidden

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("approvals")

Reader = Annotated[PersonCaller, allowed(Permission.APPROVALS_HOLD_READ)]
Declarer = Annotated[PersonCaller, allowed(Permission.APPROVALS_ABSENCE_DECLARE)]


class AbsenceAsked(Asked):
    """From `since` until before `until`, in milliseconds since the epoch. `person` is who asks, unless said."""

    deputy: Text = Field(examples=["felix"])
    since: int = Field(ge=0)
    until: int = Field(ge=0)
    person: Text | None = None


class AbsenceAnswer(Answer):
    """A time in which `deputy` may decide what `person` could; `ended_at` is when it was ended early."""

    id: str = Field(examples=["abs_01jd…"])
    person: str
    deputy: str
    since: int
    until: int
    declared_by: str
    declared_at: int
    ended_at: int | None
    ended_by: str | None


@router.get("/absences", summary="who is away")
def list_absences(
    _person: Reader,
    here: Here,
    person: Annotated[str | None, Query(max_length=200, description="only those of or for this person")] = None,
    ended: Annotated[bool, Query(description="also those that are over")] = False,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[AbsenceAnswer]:
    """Absences now and to come; both the absent person and the deputy find theirs."""
    found = here.system.absences.absences(person, ended)
    items, following = page(found, lambda one: one.id, after, limit)
    return Page(items=[_absence(one) for one in items], next=following)


@router.post(
    "/absences", summary="let a deputy decide while somebody is away", status_code=201, responses=refusals(409)
)
def declare_absence(asked: AbsenceAsked, person: Declarer, here: Here) -> AbsenceAnswer:
    """For oneself; for another person only with `approvals:absence:assign`."""
    absent = asked.person or person.name
    _check_own(person, absent)
    declared = here.system.absences.declare(absent, asked.deputy, asked.since, asked.until, person.actor)
    return _absence(declared)


@router.post("/absences/{absence}/end", summary="end an absence early", responses=refusals(404, 409))
def end_absence(absence: str, person: Declarer, here: Here) -> AbsenceAnswer:
    """The person is back; what the deputy has decided stands."""
    _check_own(person, here.system.absences.get(absence).person)
    return _absence(here.system.absences.end(absence, person.actor))


def _check_own(person: PersonCaller, absent: str) -> None:
    if absent != person.name and Permission.APPROVALS_ABSENCE_ASSIGN not in person.permissions:
        raise Forbidden(
            f"this is for `{absent[:80]}` to say",
            code="permission.missing",
            hint=f"for another person it needs the permission `{Permission.APPROVALS_ABSENCE_ASSIGN.value}`",
        )


def _absence(found: Absence) -> AbsenceAnswer:
    return AbsenceAnswer.model_validate(found)
