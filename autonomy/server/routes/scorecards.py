"""The scorecard of an agent: what its roles expect of it, beside what is measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autonomy.identity import Permission, PersonCaller, State
from autonomy.insight.figures import Bucket
from autonomy.insight.scorecard import Direction, expectations
from autonomy.kernel.errors import NotFound

from ..access import allowed
from ..answers import Answer, refusals
from ..here import Here
from ..parts import Parts
from ..route import api
from .insight import FormulaAnswer, InBuckets, Since, Until, Values, currency, formulas
from .labels import LabelAnswer

router = api("agents")

Reader = Annotated[PersonCaller, allowed(Permission.INSIGHT_FIGURE_READ)]

FEW = 10  # revisions and labels that a scorecard shows


class ExpectationAnswer(Answer):
    """What a role expects. `met` is null where it is in words alone, or where there is nothing to measure yet.

    `bound` and `value` are in the unit of the figure: hundredths of a percent, milliseconds, minor units, a count.
    """

    role: str
    measure: str
    target: str
    figure: str | None
    direction: Direction | None
    bound: int | None
    value: int | None
    met: bool | None


class RevisionAnswer(Answer):
    """The agent in one wording, in force since `since_epoch`; its figures over the same time."""

    revision: str
    since_epoch: int
    figures: Values


class ScorecardAnswer(Answer):
    """An agent over a time: figures, expectations, its revisions beside each other, and what was said of its work."""

    agent: str = Field(examples=["buyer-1"])
    state: State
    unit: str
    roles: list[str]
    sponsor: str
    since: int
    until: int
    bucket: Bucket
    currency: str
    figures: Values
    before: Values
    expectations: list[ExpectationAnswer]
    revisions: list[RevisionAnswer]
    labels: list[LabelAnswer]
    formulas: dict[str, FormulaAnswer]


@router.get("/agents/{name}/scorecard", summary="an agent beside what is expected of it", responses=refusals(404))
def show_scorecard(
    name: str, _person: Reader, here: Here, since: Since = None, until: Until = None, bucket: InBuckets = None
) -> ScorecardAnswer:
    """Over a time, beside the time of the same length before."""
    agent, time = here.system.identity.agent(name), here.figures.time(since, until, bucket)
    line, organisation = here.figures.line("agent", name, time), here.system.catalog.organisation()
    return ScorecardAnswer(
        agent=agent.name,
        state=agent.state,
        unit=agent.unit,
        roles=list(agent.roles),
        sponsor=agent.sponsor,
        since=time.since,
        until=time.until,
        bucket=time.bucket,
        currency=currency(here),
        figures=dict(line.values),
        before=dict(line.before),
        expectations=[
            ExpectationAnswer.model_validate(one) for one in expectations(organisation, agent.roles, line.values)
        ],
        revisions=[
            RevisionAnswer(
                revision=digest, since_epoch=epoch, figures=dict(here.figures.line("revision", digest, time).values)
            )
            for digest, epoch in _revisions(here, name)
        ],
        labels=[LabelAnswer.model_validate(one) for one in here.insight.labels(None, name, None, FEW)],
        formulas=formulas(),
    )


def _revisions(here: Parts, name: str) -> list[tuple[str, int]]:
    """The newest wordings of an agent, each once."""
    try:
        periods = here.system.catalog.history("Agent", name)
    except NotFound:
        return []
    found = {period.digest: period.since_epoch for period in reversed(periods)}
    return list(reversed(found.items()))[:FEW]
