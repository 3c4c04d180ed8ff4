"""Labels of results: right, wrong, corrected. Supervisors give them; accuracy comes from them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field, JsonValue

from autonomy.identity import Permission, PersonCaller
from autonomy.insight.label_rules import Given, Subject, Verdict
from autonomy.insight.model import Judged
from autonomy.insight.sampling import MOST
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.clock import DAY

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, refusals
from ..here import Here
from ..paging import cut
from ..parts import Parts
from ..route import api
from .actions import ActionAnswer, may_read

router = api("labels")

REVIEWS = 100  # results that are drawn unless told: a morning's work
REVIEWED = 7 * DAY  # results older than that are judged on their own pages

Reader = Annotated[PersonCaller, allowed(Permission.INSIGHT_FIGURE_READ)]
Judge = Annotated[PersonCaller, allowed(Permission.INSIGHT_LABEL_GIVE)]


class Label(Asked):
    """`corrected` comes with its `correction`: what the result should have been, any JSON."""

    verdict: Verdict
    reason: str = Field("", max_length=1_000, examples=["the invoice was for two pallets"])
    correction: JsonValue = None


class LabelAnswer(Answer):
    """The label that counts for a subject, of `given` in all; `of` is when the work was done."""

    subject: str = Field(examples=["act_01j…"])
    kind: Subject
    verdict: Verdict
    by: str = Field(examples=["person:suzi"])
    at: int
    of: int
    given: int
    agent: str = Field(description="whose work it was; empty for runs and for people")
    unit: str
    workflow: str


class ReviewsAnswer(Answer):
    """Results that nobody has judged yet, out of `drawn`, drawn at random from `population` results since `since`: all
    that were performed, or, of one agent, all it asked for. Asked again with the same `seed`, `since` and `size` it is
    the same draw, without what was judged meanwhile; the way is that of `/api/audit/sample` of the kind `outcome`.
    """

    items: list[ActionAnswer]
    seed: str
    population: int
    drawn: int
    since: int
    size: int = Field(description="how many leaves of the log it was drawn from")


class HistoryAnswer(Answer):
    """Everything that was said of a result, in order."""

    subject: str
    labels: list[Judged]


@router.get("/labels", summary="labelled results")
def list_labels(
    _person: Reader,
    here: Here,
    verdict: Verdict | None = None,
    agent: Annotated[str | None, Query(max_length=200)] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[LabelAnswer]:
    """The label that counts for each, those given last first."""
    found, following = cut(here.insight.labels(verdict, agent, after, limit + 1), lambda one: one.last, limit)
    return Page(items=[LabelAnswer.model_validate(one) for one in found], next=following)


@router.get("/reviews", summary="results to be judged, drawn at random")
async def draw_reviews(
    _person: Judge,
    here: Here,
    agent: Annotated[str | None, Query(max_length=400)] = None,
    count: Annotated[int, Query(ge=1, le=MOST)] = REVIEWS,
    seed: Annotated[str | None, Query(min_length=1, max_length=80, description="none: the day, in UTC")] = None,
    since: Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="none: seven days ago")] = None,
    size: Annotated[int | None, Query(ge=0, le=MAX_SAFE_INTEGER, description="of the log; none: as it is now")] = None,
) -> ReviewsAnswer:
    """A sample, and not the newest: so that the accuracy that comes of it is that of all results. Those of it that
    nobody has judged yet, what moved the most money first, then the oldest."""
    await here.taken_in()
    asked = seed or datetime.fromtimestamp(here.clock() / 1000, UTC).date().isoformat()
    began = max(0, here.clock() - REVIEWED) if since is None else since
    return await run_in_threadpool(_drawn, here, agent, asked, count, began, size)


def _drawn(here: Parts, agent: str | None, seed: str, count: int, since: int, size: int | None) -> ReviewsAnswer:
    sampling = here.sampling
    if agent is None:
        sample = sampling.of_kind("outcome", seed, count, since, None, size)
    else:
        sample = sampling.of_actions("agent", agent, seed, count, since, None, size)
    rows = here.system.searching.search.named([leaf["action"] for _, leaf in sample.leaves])
    left = here.insight.unjudged([one for one in rows if one.state == "done"])
    left.sort(key=lambda one: (-one.money, one.ended_at or one.at, one.id))
    return ReviewsAnswer(
        items=[ActionAnswer.model_validate(one) for one in left],
        seed=seed,
        population=sample.population,
        drawn=len(sample.leaves),
        since=since,
        size=sample.size,
    )


@router.get("/actions/{action}/labels", summary="what was said of an action's result", responses=refusals(404))
def show_action_labels(action: str, person: Reader, here: Here) -> HistoryAnswer:
    """Empty where nothing was said."""
    return _history("action", action, person, here)


@router.get("/tasks/{task}/labels", summary="what was said of a task's result")
def show_task_labels(task: str, person: Reader, here: Here) -> HistoryAnswer:
    """Empty where nothing was said."""
    return _history("task", task, person, here)


@router.get("/runs/{run}/labels", summary="what was said of a run's result")
def show_run_labels(run: str, person: Reader, here: Here) -> HistoryAnswer:
    """Empty where nothing was said."""
    return _history("run", run, person, here)


@router.post(
    "/actions/{action}/label", summary="say whether an action's result was right", responses=refusals(404, 409)
)
async def label_action(action: str, asked: Label, person: Judge, here: Here) -> LabelAnswer:
    """The latest word counts; all are kept."""
    return await _give("action", action, asked, person, here)


@router.post("/tasks/{task}/label", summary="say whether a task's result was right", responses=refusals(404, 409))
async def label_task(task: str, asked: Label, person: Judge, here: Here) -> LabelAnswer:
    """The latest word counts; all are kept. Nobody judges what they did themselves."""
    return await _give("task", task, asked, person, here)


@router.post("/runs/{run}/label", summary="say whether a run's result was right", responses=refusals(404, 409))
async def label_run(run: str, asked: Label, person: Judge, here: Here) -> LabelAnswer:
    """The latest word counts; all are kept."""
    return await _give("run", run, asked, person, here)


async def _give(kind: Subject, subject: str, asked: Label, person: PersonCaller, here: Parts) -> LabelAnswer:
    given = Given(asked.verdict, person.actor, asked.reason, asked.correction)
    found = await here.system.insights.labels.give(kind, subject, given, await _epoch(here))
    return LabelAnswer.model_validate(found)


async def _epoch(here: Parts) -> int:
    """The identity epoch: keys of subjects that were erased before it are not used again."""
    await here.system.watch.refresh()
    return here.system.watch.identity


def _history(kind: Subject, subject: str, person: PersonCaller, here: Parts) -> HistoryAnswer:
    return HistoryAnswer(subject=subject, labels=list(here.insight.judged(kind, subject, may_read(person))))
