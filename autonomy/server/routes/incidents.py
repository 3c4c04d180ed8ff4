"""Incidents: opened, stopped in one call, followed up, closed with a cause."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.identity.model import Scope
from autonomy.incidents.model import About, AboutKind, Cause, Incident, Severity, State, StopKind, StopState, Told
from autonomy.insight import Explanation, Wanted
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.kernel.clock import HOUR

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Reason, Text, refusals
from ..here import Here
from ..paging import cut
from ..parts import Parts
from ..route import api
from .actions import ActionAnswer, may_read

router = api("incidents")

Reader = Annotated[PersonCaller, allowed(Permission.INCIDENTS_INCIDENT_READ)]
Opener = Annotated[PersonCaller, allowed(Permission.INCIDENTS_INCIDENT_OPEN)]
Steerer = Annotated[PersonCaller, allowed(Permission.INCIDENTS_INCIDENT_STEER)]
Imposer = Annotated[PersonCaller, allowed(Permission.IDENTITY_CONTAINMENT_IMPOSE)]
Lifter = Annotated[PersonCaller, allowed(Permission.IDENTITY_CONTAINMENT_LIFT)]

Filter = Annotated[str | None, Query(max_length=400)]
LineNumber = Annotated[int | None, Query(ge=1, le=MAX_SAFE_INTEGER, description="the `next` of the page before")]
NEIGHBOURS = 50  # actions of the agent, and of the case, that a context shows


class Opening(Asked):
    """What an incident is about: an `action`, an `agent` (name or id), a `run` or a `case`. Without `title` it gets
    one."""

    about: AboutKind
    id: Text = Field(examples=["act_01j…"])
    severity: Severity = "high"
    title: str = Field("", max_length=200)
    text: str = Field("", max_length=4_000, description="what is known so far")


class Noting(Asked):
    text: str = Field(min_length=1, max_length=4_000, pattern=r"\S")


class Assigning(Asked):
    owner: Text = Field(examples=["suzi"])


class FollowingUp(Asked):
    """`due` is in milliseconds since the epoch."""

    text: str = Field(min_length=1, max_length=4_000, pattern=r"\S")
    owner: Text
    due: int | None = Field(None, ge=0, le=MAX_SAFE_INTEGER)


class Containing(Asked):
    """Without `scope` and `target` the agent that the incident is about is contained. With `keys` the credentials of
    whoever is contained end for good; without, only the tokens they had got by them."""

    reason: Reason
    scope: Scope | None = None
    target: Text | None = None
    keys: bool = False


class Reinstating(Asked):
    reason: Reason


class Closing(Asked):
    cause: Cause
    text: str = Field(min_length=1, max_length=4_000, pattern=r"\S", examples=["the prompt told it to pay twice"])
    leave_contained: bool = False


class AboutAnswer(Answer):
    kind: AboutKind
    id: str


class PlaceAnswer(Answer):
    """As far as it is known. `leaf` is the index of the decision that `rule` saw."""

    agent: str | None
    agent_name: str | None
    case: str | None
    run: str | None
    rule: str | None
    leaf: int | None


class IncidentAnswer(Answer):
    """`scope`, `target`, `containment` say what is contained because of it."""

    id: str
    title: str
    severity: Severity
    state: State
    about: AboutAnswer
    place: PlaceAnswer
    opened_by: str
    opened_at: int
    owner: str | None
    scope: Scope | None
    target: str | None
    containment: str | None
    cause: Cause | None
    closed_by: str | None
    closed_at: int | None


class TimelineEntryAnswer(Answer):
    number: int
    at: int
    by: str
    event: str
    text: str


class StopAnswer(Answer):
    """One thing that was stopped. `asked`: not known to be stopped yet; `detail` says by what it is known."""

    kind: StopKind
    target: str
    state: StopState
    at: int
    detail: str


class FollowUpAnswer(Answer):
    id: str
    text: str
    owner: str
    due: int | None
    at: int
    done_at: int | None
    done_by: str | None


class ToldAnswer(Answer):
    """An incident with the newest 200 lines of its timeline, the first 200 things that were stopped, those that are
    not confirmed before the others, and what is to be done. `timeline_count`, `stop_counts` and `is_stopped`, which
    says that nothing waits for a confirmation, are of all of them."""

    incident: IncidentAnswer
    timeline: list[TimelineEntryAnswer]
    timeline_count: int
    stops: list[StopAnswer]
    stop_counts: dict[StopState, int]
    is_stopped: bool
    follow_ups: list[FollowUpAnswer]


class TouchedAnswer(Answer):
    """`states` counts the actions by how they ended or stand."""

    tool: str
    actions: int
    states: dict[str, int]
    money: int
    first_at: int
    last_at: int


class BlastRadiusAnswer(Answer):
    """What the agent touched in the time. Where not `whole`, only its newest actions are counted. Of `cases` and `runs`
    the first fifty are named; `cases_count` and `runs_count` are of all of them."""

    agent: str
    since: int
    until: int
    whole: bool
    tools: list[TouchedAnswer]
    cases: list[str]
    cases_count: int
    runs: list[str]
    runs_count: int


class ContextAnswer(Answer):
    """What is known around an incident, put together from the record: why the action came out as it did, with the rule
    at its revision and the facts as far as you may read them; what happened beside it; what else the agent touched."""

    explanation: Explanation | None
    of_agent: list[ActionAnswer]
    of_case: list[ActionAnswer]
    blast_radius: BlastRadiusAnswer | None


@router.post("/incidents", summary="open an incident", status_code=201, responses=refusals(404))
async def open_incident(asked: Opening, person: Opener, here: Here) -> ToldAnswer:
    """About something that happened, or somebody who acts."""
    if asked.about == "case":
        await here.taken_in()
        await run_in_threadpool(here.telling.case, asked.id)
    about = About(asked.about, asked.id)
    incidents = here.system.trouble.incidents
    return _told(await run_in_threadpool(incidents.open, about, asked.severity, person.actor, asked.title, asked.text))


@router.get("/incidents", summary="incidents", responses=refusals(404))
async def list_incidents(
    _person: Reader,
    here: Here,
    state: State | None = None,
    severity: Severity | None = None,
    owner: Filter = None,
    agent: Filter = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[IncidentAnswer]:
    """Newest first. Those that rules open come with what has just happened."""
    await here.taken_in()
    incidents = here.system.trouble.incidents
    found = await run_in_threadpool(incidents.list, state, severity, owner, agent, after, limit + 1)
    items, following = cut(found, _id, limit)
    return Page(items=[IncidentAnswer.model_validate(one) for one in items], next=following)


@router.get("/incidents/{incident}", summary="one incident", responses=refusals(404))
def describe_incident(incident: str, _person: Reader, here: Here) -> ToldAnswer:
    """Its timeline, what was stopped, and what is to be done."""
    return _told(here.system.trouble.incidents.show(incident))


@router.get("/incidents/{incident}/timeline", summary="the timeline of an incident", responses=refusals(404))
def list_timeline(
    incident: str, _person: Reader, here: Here, after: LineNumber = None, limit: Limit = PAGE
) -> Page[TimelineEntryAnswer]:
    """All of it, the newest line first."""
    found = here.system.trouble.incidents.timeline(incident, after, limit + 1)
    items, following = cut(list(found), lambda one: str(one.number), limit)
    return Page(items=[TimelineEntryAnswer.model_validate(one) for one in items], next=following)


@router.get("/incidents/{incident}/stops", summary="what was stopped because of an incident", responses=refusals(404))
def list_stops(
    incident: str,
    _person: Reader,
    here: Here,
    state: StopState | None = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[StopAnswer]:
    """All of it, by kind and target."""
    kind, _, target = (after or "").partition(" ")
    place = None if after is None else (kind, target)
    found = here.system.trouble.incidents.stops(incident, state, place, limit + 1)
    items, following = cut(list(found), lambda one: f"{one.kind} {one.target}", limit)
    return Page(items=[StopAnswer.model_validate(one) for one in items], next=following)


@router.get("/incidents/{incident}/context", summary="what is known around an incident", responses=refusals(404))
async def show_context(
    incident: str,
    person: Reader,
    here: Here,
    hours: Annotated[int, Query(ge=1, le=720, description="how long before it was opened")] = 24,
) -> ContextAnswer:
    """Case, rule, revision, facts, neighbours, and what else the agent touched."""
    await here.taken_in()
    found = (await run_in_threadpool(here.system.trouble.incidents.show, incident)).incident
    return await run_in_threadpool(_context, here, found, may_read(person), hours * HOUR)


@router.post("/incidents/{incident}/notes", summary="write something down", responses=refusals(404, 409))
def note_incident(incident: str, asked: Noting, person: Steerer, here: Here) -> ToldAnswer:
    """It stands in the timeline, and nowhere else."""
    return _told(here.system.trouble.incidents.note(incident, asked.text, person.actor))


@router.put("/incidents/{incident}/owner", summary="say who sees to it", responses=refusals(404, 409))
def assign_incident(incident: str, asked: Assigning, person: Steerer, here: Here) -> ToldAnswer:
    """Somebody who is here."""
    return _told(here.system.trouble.incidents.assign(incident, asked.owner, person.actor))


@router.post("/incidents/{incident}/follow-ups", summary="note what is to be done", responses=refusals(404, 409))
def follow_up_incident(incident: str, asked: FollowingUp, person: Steerer, here: Here) -> ToldAnswer:
    """Because of it, and after it too."""
    incidents = here.system.trouble.incidents
    return _told(incidents.follow_up(incident, asked.text, asked.owner, asked.due, person.actor))


@router.post(
    "/incidents/{incident}/follow-ups/{follow_up}/done", summary="say that it is done", responses=refusals(404)
)
def finish_follow_up(incident: str, follow_up: str, person: Steerer, here: Here) -> ToldAnswer:
    """Once is enough."""
    return _told(here.system.trouble.incidents.done(incident, follow_up, person.actor))


@router.post("/incidents/{incident}/contain", summary="stop everything it is about", responses=refusals(404, 409))
async def contain_incident(incident: str, asked: Containing, person: Imposer, here: Here) -> ToldAnswer:
    """In one call: new actions, tokens, calls under way, runs, tasks, child agents. `stops` confirms each."""
    stopping = here.system.trouble.stopping
    return _told(
        await stopping.contain(incident, person.actor, asked.reason, asked.scope, asked.target, keys=asked.keys)
    )


@router.post("/incidents/{incident}/reinstate", summary="let it go on", responses=refusals(404, 409))
async def reinstate_incident(incident: str, asked: Reinstating, person: Lifter, here: Here) -> ToldAnswer:
    """Lifts the containment and lets the runs go on that were paused for it; also after it was closed and left
    contained. Ended credentials stay ended."""
    return _told(await here.system.trouble.stopping.reinstate(incident, person.actor, asked.reason))


@router.post("/incidents/{incident}/close", summary="close it with what caused it", responses=refusals(404, 409))
def close_incident(incident: str, asked: Closing, person: Steerer, here: Here) -> ToldAnswer:
    """Nothing more becomes of it but its follow-ups."""
    incidents = here.system.trouble.incidents
    return _told(incidents.close(incident, asked.cause, asked.text, person.actor, asked.leave_contained))


def _context(here: Parts, found: Incident, reads: bool, before: int) -> ContextAnswer:
    place, since, until = found.place, found.opened_at - before, (found.closed_at or here.clock()) + 1
    of_agent = Wanted(agent=place.agent, since=since, until=until)
    of_case = Wanted(case=place.case, since=since, until=until)
    radius = None if place.agent is None else here.telling.touched(place.agent, since, until)
    return ContextAnswer(
        explanation=_explained(here, found, reads),
        of_agent=[] if place.agent is None else _beside(here, of_agent, reads),
        of_case=[] if place.case is None else _beside(here, of_case, reads),
        blast_radius=None if radius is None else BlastRadiusAnswer.model_validate(radius),
    )


def _beside(here: Parts, wanted: Wanted, reads: bool) -> list[ActionAnswer]:
    found = here.system.searching.search.actions(wanted, None, NEIGHBOURS, reads)
    return [ActionAnswer.model_validate(one) for one in found.actions]


def _explained(here: Parts, found: Incident, reads: bool) -> Explanation | None:
    """Why the action came out as it did; None where the incident is about none."""
    if found.about.kind != "action":
        return None
    return here.insight.explain(here.insight.record(found.about.id, reads))


def _told(found: Told) -> ToldAnswer:
    return ToldAnswer.model_validate(found)


def _id(found: Incident) -> str:
    return found.id
