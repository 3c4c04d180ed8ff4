"""Today: what needs me, what runs, what went wrong, what was spent, and the figures, as each audience needs them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.insight.kpis import BY_NAME
from autonomy.insight.recompute import State as RecomputeState
from autonomy.insight.today import CARDS, STRIPS, Audience, Card, audience_of, running, unknown
from autonomy.kernel.clock import DAY, HOUR
from autonomy.wiring.instruments import read_stored

from ..access import allowed
from ..answers import Answer
from ..here import Here
from ..parts import Parts
from ..route import api
from .approvals import HoldAnswer, decided_by
from .budgets import BudgetAnswer, most_used
from .containment import ListedContainmentAnswer, list_containments
from .insight import FormulaAnswer, LagAnswer, currency, formula, lag_answer
from .organisation import ListedChangeAnswer
from .runs import ExceptionAnswer, list_exceptions
from .tasks import TaskAnswer, list_tasks

router = api("today")

Reader = Annotated[PersonCaller, allowed(Permission.INSIGHT_FIGURE_READ)]

FEW = 5  # entries of a card; the page behind it has all of them
MANY = 100  # entries that are counted; beyond, it says `more`
TREND_DAYS = 14


class NeedsMeAnswer(Answer):
    """What waits for you, the first few of each kind; `count` of all kinds together, at most 100 of each."""

    count: int
    approvals: list[HoldAnswer]
    tasks: list[TaskAnswer]
    exceptions: list[ExceptionAnswer]


class RunningAnswer(Answer):
    """What is under way: actions at their systems, actions that wait for people, runs, tasks somebody has."""

    actions: int
    held: int
    runs: int
    tasks: int


class WentWrongAnswer(Answer):
    """Of the hour that is under way and the 23 before it, and of the 24 before those; `unknown_actions` and
    `exceptions` are those that wait for a person."""

    failed: int
    failed_before: int
    denied: int
    denied_before: int
    runs_failed: int
    escalated: int
    unknown_actions: list[str]
    exceptions: list[ExceptionAnswer]


class StripAnswer(Answer):
    """A figure of the last 14 days, of the 14 before, and day by day, the oldest first."""

    formula: FormulaAnswer
    value: int | None
    before: int | None
    trend: list[int | None]


class HealthAnswer(Answer):
    """How the system itself is: connectors that are kept from a system that fails, writes that wait, processes."""

    figures_lag: LagAnswer
    processes: int
    writes_waiting: int
    connectors_open: list[str]


class LogAnswer(Answer):
    """The log: its leaves, those under no signed checkpoint yet, and whether the figures equal it."""

    leaves: int
    unsigned: int
    signed_at: int | None
    recomputed: RecomputeState
    recomputed_at: int | None


class TodayAnswer(Answer):
    """`cards` in their order; what is null you may not see, or is on none of the cards of this audience."""

    at: int
    audience: Audience
    audiences: list[Audience]
    cards: list[Card]
    currency: str
    needs_me: NeedsMeAnswer | None = None
    running: RunningAnswer | None = None
    went_wrong: WentWrongAnswer | None = None
    spend: list[BudgetAnswer] | None = Field(None, description="the limits that are used most")
    kpis: list[StripAnswer] | None = None
    contained: list[ListedContainmentAnswer] | None = None
    health: HealthAnswer | None = None
    record: LogAnswer | None = None
    changes: list[ListedChangeAnswer] | None = None


@router.get("/today", summary="what matters today")
async def show_today(
    person: Reader,
    here: Here,
    audience: Annotated[Audience | None, Query(description="whose cards; none: those that fit your access")] = None,
) -> TodayAnswer:
    """What waits for you, what runs, what went wrong, spend, and figures with their trend."""
    seen = audience or audience_of(person.access)
    cards = CARDS[seen]
    found = TodayAnswer(
        at=here.clock(), audience=seen, audiences=list(CARDS), cards=list(cards), currency=currency(here)
    )
    if "needs_me" in cards:
        found.needs_me = await _needs_me(person, here)
    if "went_wrong" in cards:
        found.went_wrong = await _went_wrong(person, here)
    await run_in_threadpool(_fill, found, person, here)
    return found


def _fill(found: TodayAnswer, person: PersonCaller, here: Parts) -> None:
    """The cards that only read."""
    if "running" in found.cards:
        with here.system.database.reading() as connection:
            found.running = RunningAnswer.model_validate(running(connection))
    if "kpis" in found.cards:
        found.kpis = _strip(found.audience, here)
    if "spend" in found.cards and _may(person, Permission.BUDGET_ACCOUNT_READ):
        found.spend = most_used(here, FEW)
    if "contained" in found.cards and _may(person, Permission.IDENTITY_CONTAINMENT_READ):
        found.contained = list_containments(person, here, False, None, FEW).items
    if "changes" in found.cards and _may(person, Permission.CATALOG_OBJECT_READ):
        found.changes = [ListedChangeAnswer.model_validate(one) for one in here.system.catalog.changes(FEW)]
    if "health" in found.cards and _may(person, Permission.TELEMETRY_METRICS_READ):
        found.health = _health(here)
    if "record" in found.cards and _may(person, Permission.AUDIT_LOG_READ):
        found.record = _record(here)


async def _needs_me(person: PersonCaller, here: Parts) -> NeedsMeAnswer:
    approvals = await decided_by(person, here, MANY)
    tasks = (await list_tasks(person, here, True, None, None, None, None, MANY)).items
    exceptions = (await list_exceptions(person, here, True, None, None, MANY)).items
    return NeedsMeAnswer(
        count=len(approvals) + len(tasks) + len(exceptions),
        approvals=approvals[:FEW],
        tasks=tasks[:FEW],
        exceptions=exceptions[:FEW],
    )


async def _went_wrong(person: PersonCaller, here: Parts) -> WentWrongAnswer:
    exceptions = (await list_exceptions(person, here, False, None, None, FEW)).items
    return await run_in_threadpool(_wrong, here, exceptions)


def _wrong(here: Parts, exceptions: list[ExceptionAnswer]) -> WentWrongAnswer:
    now = here.clock()
    hours = here.figures.time(max(0, now - 23 * HOUR), now + 1, "hour")
    day, before = here.figures.sums(hours), here.figures.sums(hours.before)
    with here.system.database.reading() as connection:
        open_ended = unknown(connection, FEW)
    return WentWrongAnswer(
        failed=day["failed"],
        failed_before=before["failed"],
        denied=day["denied"],
        denied_before=before["denied"],
        runs_failed=day["runs_failed"],
        escalated=day["escalated"],
        unknown_actions=open_ended,
        exceptions=exceptions,
    )


def _strip(audience: Audience, here: Parts) -> list[StripAnswer]:
    now = here.clock()
    time = here.figures.time(max(0, now - (TREND_DAYS - 1) * DAY), now + 1, "day")
    line, points = here.figures.line("all", "all", time), here.figures.points("all", "all", time)
    return [
        StripAnswer(
            formula=formula(BY_NAME[name]),
            value=line.values[name],
            before=line.before[name],
            trend=[point.values[name] for point in points],
        )
        for name in STRIPS[audience]
    ]


def _health(here: Parts) -> HealthAnswer:
    system = here.system
    with system.database.reading() as connection:
        stored = read_stored(connection)
    return HealthAnswer(
        figures_lag=lag_answer(here),
        processes=stored.processes,
        writes_waiting=system.queue.waiting,
        connectors_open=sorted(name for name, one in system.connectors.breakers().items() if one.is_open),
    )


def _record(here: Parts) -> LogAnswer:
    with here.system.database.reading() as connection:
        stored = read_stored(connection)
    again = here.system.insights.recompute.result
    return LogAnswer(
        leaves=stored.size,
        unsigned=stored.size - stored.signed,
        signed_at=stored.signed_at,
        recomputed=again.state,
        recomputed_at=again.ended_at,
    )


def _may(person: PersonCaller, permission: Permission) -> bool:
    return permission in person.permissions
