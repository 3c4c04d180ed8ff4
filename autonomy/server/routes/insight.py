"""Figures of the digital workforce: what it does, how well, at what cost, and how each figure is computed."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.insight.figures import Bucket, By, Line
from autonomy.insight.kpis import KPIS, Good, Kpi, Unit
from autonomy.insight.recompute import State
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.errors import Forbidden

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Text, refusals
from ..here import Here
from ..parts import Parts
from ..route import api

router = api("insight")

Reader = Annotated[PersonCaller, allowed(Permission.INSIGHT_FIGURE_READ)]
Counter = Annotated[PersonCaller, allowed(Permission.INSIGHT_FIGURE_RECOMPUTE)]

Since = Annotated[
    int | None,
    Query(ge=0, le=MAX_SAFE_INTEGER, description="milliseconds since the epoch; none: 30 days before"),
]
Until = Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="milliseconds; none: until now")]
InBuckets = Annotated[Bucket | None, Query(description="none: hours up to three days, days beyond")]
Values = dict[str, int | None]


class FormulaAnswer(Answer):
    """How a figure is computed: `formula` in words, `source` the kinds of leaves of the log that it comes from.

    A `share` is in hundredths of a percent, `ms` are milliseconds, `money` is minor units of the base currency.
    """

    name: str = Field(examples=["accuracy"])
    title: str = Field(examples=["Accuracy"])
    unit: Unit
    good: Good = Field(description="which way is better")
    formula: str
    source: str


class FormulasAnswer(Answer):
    formulas: list[FormulaAnswer]


class LagAnswer(Answer):
    """How far the figures are behind the log: `counted` of `size` leaves; `ms` is the age of the oldest of the rest."""

    counted: int
    size: int
    behind: int
    ms: int


class LineAnswer(Answer):
    """The figures of one, and those of the time of the same length before; null where a figure has no value."""

    key: str = Field(examples=["buyer-1"])
    figures: Values
    before: Values


class FiguresAnswer(Answer):
    """Figures from `since` until before `until`, which lie at the borders of buckets in UTC; with every formula."""

    by: By
    since: int
    until: int
    bucket: Bucket
    currency: str
    lag: LagAnswer
    items: list[LineAnswer]
    next: str | None
    formulas: dict[str, FormulaAnswer]


class PointAnswer(Answer):
    start: int
    figures: Values


class SeriesAnswer(Answer):
    """Figures bucket by bucket, each beginning at its `start`."""

    by: By
    key: str
    since: int
    until: int
    bucket: Bucket
    currency: str
    points: list[PointAnswer]


class ComparisonAnswer(Answer):
    """The figures of several side by side; `best` names for each figure who has the best value, where one is better."""

    by: By
    since: int
    until: int
    bucket: Bucket
    currency: str
    items: list[LineAnswer]
    best: dict[str, list[str]]
    formulas: dict[str, FormulaAnswer]


class Again(Asked):
    """`mend`: figures that differ are thrown away and counted again from the first leaf on."""

    mend: bool = False


class FigureDifferenceAnswer(Answer):
    """`shown` is not what was `counted`; a whole row where no column is named."""

    table: str
    key: str
    column: str
    shown: str | None
    counted: str | None


class RecomputeAnswer(Answer):
    """How far counting anew has come in this process: `leaves` of `of`; what came of it, with the first differences."""

    state: State
    leaves: int
    of: int
    rows: int
    begun_at: int | None
    ended_at: int | None
    differing: int
    differences: list[FigureDifferenceAnswer]
    mended: bool
    code: str | None


Compared = Literal["agent", "revision", "role", "workflow", "unit"]


@router.get("/insight/formulas", summary="how every figure is computed")
def show_formulas(_person: Reader) -> FormulasAnswer:
    """The figures in the order in which they are shown."""
    return FormulasAnswer(formulas=[formula(kpi) for kpi in KPIS])


@router.get("/insight/lag", summary="how far the figures are behind the log")
def show_lag(_person: Reader, here: Here) -> LagAnswer:
    """At rest the figures are at most a second behind."""
    return lag_answer(here)


@router.get("/insight/kpis", summary="figures of the workforce")
def list_figures(
    _person: Reader,
    here: Here,
    by: By = "all",
    since: Since = None,
    until: Until = None,
    bucket: InBuckets = None,
    key: Annotated[list[Text] | None, Query(max_length=100, description="only of these, in their order")] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> FiguresAnswer:
    """Of everything, or of every agent, revision, role, workflow or unit that had any. A unit's hold those below it."""
    time = here.figures.time(since, until, bucket)
    lag = lag_answer(here)  # before the figures: they hold at least what was counted then
    if key is None:
        items, following = here.figures.page(by, time, after, limit)
    else:
        items, following = here.figures.lines(by, list(dict.fromkeys(key)), time), None
    return FiguresAnswer(
        by=by,
        since=time.since,
        until=time.until,
        bucket=time.bucket,
        currency=currency(here),
        lag=lag,
        items=[line_answer(one) for one in items],
        next=following,
        formulas=formulas(),
    )


@router.get("/insight/series", summary="figures over time")
def show_series(
    _person: Reader,
    here: Here,
    by: By = "all",
    key: Annotated[str, Query(max_length=400, description="none where `by` is `all`")] = "all",
    since: Since = None,
    until: Until = None,
    bucket: InBuckets = None,
) -> SeriesAnswer:
    """Every figure of one, hour by hour or day by day."""
    time = here.figures.time(since, until, bucket)
    points = [PointAnswer(start=one.start, figures=dict(one.values)) for one in here.figures.points(by, key, time)]
    return SeriesAnswer(
        by=by, key=key, since=time.since, until=time.until, bucket=time.bucket, currency=currency(here), points=points
    )


@router.get("/insight/compare", summary="figures side by side")
def compare_figures(
    _person: Reader,
    here: Here,
    key: Annotated[list[Text], Query(min_length=2, max_length=20, description="whom to compare, two or more")],
    by: Compared = "agent",
    since: Since = None,
    until: Until = None,
    bucket: InBuckets = None,
) -> ComparisonAnswer:
    """Agents, revisions, roles, workflows or units over the same time."""
    time = here.figures.time(since, until, bucket)
    found = here.figures.lines(by, list(dict.fromkeys(key)), time)
    return ComparisonAnswer(
        by=by,
        since=time.since,
        until=time.until,
        bucket=time.bucket,
        currency=currency(here),
        items=[line_answer(one) for one in found],
        best={kpi.name: best_of(kpi, found) for kpi in KPIS if kpi.good != "neither"},
        formulas=formulas(),
    )


@router.post("/insight/recompute", summary="count the whole log anew", status_code=202, responses=refusals(409))
async def recompute_figures(asked: Again, person: Counter, here: Here) -> RecomputeAnswer:
    """From its leaves alone, beside the figures that are shown, and compares the two to the last digit."""
    if asked.mend and Permission.INSIGHT_FIGURE_MEND not in person.permissions:
        raise Forbidden(
            "you may compare figures, and not mend them",
            code="permission.missing",
            hint=f"leave `mend` out; it needs the permission `{Permission.INSIGHT_FIGURE_MEND.value}`",
        )
    return RecomputeAnswer.model_validate(here.system.insights.recompute.begin(asked.mend))


@router.get("/insight/recompute", summary="what came of counting the log anew")
def show_recompute(_person: Counter, here: Here) -> RecomputeAnswer:
    """The last time in the process that answers."""
    return RecomputeAnswer.model_validate(here.system.insights.recompute.result)


def best_of(kpi: Kpi, found: list[Line]) -> list[str]:
    """Who has the best value of a figure; nobody where nobody has any, or all the same."""
    values = {one.key: value for one in found if (value := one.values[kpi.name]) is not None}
    if len(set(values.values())) < 2:
        return []
    best = max(values.values()) if kpi.good == "more" else min(values.values())
    return [key for key, value in values.items() if value == best]


def line_answer(found: Line) -> LineAnswer:
    return LineAnswer(key=found.key, figures=dict(found.values), before=dict(found.before))


def lag_answer(here: Parts) -> LagAnswer:
    return LagAnswer.model_validate(here.figures.lag())


def formula(kpi: Kpi) -> FormulaAnswer:
    return FormulaAnswer.model_validate(kpi)


def formulas() -> dict[str, FormulaAnswer]:
    """Every formula by the name of its figure."""
    return {kpi.name: formula(kpi) for kpi in KPIS}


def currency(here: Parts) -> str:
    """The base currency."""
    return here.system.catalog.organisation().currency.base
