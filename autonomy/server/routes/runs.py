"""Runs of workflows: started, looked at, steered; exceptions that wait for people; events from outside."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Header, Query
from pydantic import Field, StringConstraints

from autonomy.identity import Permission, PersonCaller
from autonomy.protocols.rest import one_key
from autonomy.protocols.rules import MAX_LABEL
from autonomy.workflow.events import Chosen
from autonomy.workflow.migrating import Moved
from autonomy.workflow.model import RaiseException, RunStatus, State
from autonomy.workflow.service import Listed, Open, OpenException, Shown

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..paging import cut
from ..route import api
from .actions import may_read

router = api("runs")

Reader = Annotated[PersonCaller, allowed(Permission.WORKFLOW_RUN_READ)]
Starter = Annotated[PersonCaller, allowed(Permission.WORKFLOW_RUN_START)]
Steerer = Annotated[PersonCaller, allowed(Permission.WORKFLOW_RUN_STEER)]
Teller = Annotated[PersonCaller, allowed(Permission.WORKFLOW_EVENT_TELL)]

Key = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL)]
OnceKey = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=MAX_LABEL + 2, description="in place of `idempotency_key`")
]

PriorityWord = Literal["low", "normal", "high", "urgent"]


class RunAsked(Asked):
    """A run to begin. Without `priority` it has its workflow's."""

    workflow: Text = Field(examples=["restock"])
    input: dict[str, Any] = Field({}, examples=[{"sku": "sku-0012"}])
    priority: PriorityWord | None = None
    idempotency_key: Key | None = None


class CancelAsked(Asked):
    """With `compensate` what was done is undone first."""

    reason: str = Field("", max_length=1_000)
    compensate: bool = False


class PriorityAsked(Asked):
    priority: PriorityWord


class ChoiceAsked(Asked):
    """What to do about an exception: `retry` may change the step's `arguments`, `edit` gives its `output`."""

    exception: Text
    choice: Literal["retry", "edit", "skip", "compensate", "cancel"]
    arguments: dict[str, Any] | None = None
    output: Any = None
    reason: str = Field("", max_length=1_000)


class SignalAsked(Asked):
    """An event for every run that waits for it, and every workflow that it starts."""

    event: Text = Field(examples=["stock.low"])
    key: Text | None = None
    data: Any = None
    idempotency_key: Key | None = None


class MigrationAsked(Asked):
    """Live runs of a workflow to be moved to its newest wording; with `dry_run` they are only looked at."""

    workflow: Text = Field(examples=["restock"])
    dry_run: bool = False
    after: Text | None = Field(None, description="the `next` of the answer before")


class ObstacleAnswer(Answer):
    """Why a run cannot move; `step` is empty where it is about the run as a whole."""

    step: str
    reason: str


class MovedAnswer(Answer):
    """A run under an older wording; it was moved, or could be, where nothing stands in its way."""

    run: str
    was: str
    obstacles: list[ObstacleAnswer]


class MigrationAnswer(Answer):
    """The newest wording, and runs that were under older ones; `next` goes on where there are more."""

    definition: str
    runs: list[MovedAnswer]
    next: str | None


class BegunAnswer(Answer):
    """`joined`: a run with the same key was live already, and this is the one."""

    run: str = Field(examples=["run_01jd…"])
    joined: bool


class SignalAnswer(Answer):
    event: str = Field(examples=["evt_01jd…"])


class RunAnswer(Answer):
    """A run in a list. `parent` is the command of the run that it is a part of."""

    id: str
    workflow: str
    unit: str
    status: RunStatus
    priority: PriorityWord
    started_by: str
    case: str
    parent: str | None
    created_at: int
    ended_at: int | None


class StepAnswer(Answer):
    """Where one step of a run is; `output` is shown to who may read payloads and to who started the run."""

    path: str
    state: str
    attempt: int
    since: int
    trouble: str
    output: Any = None


class WaitAnswer(Answer):
    """What a run waits for: `kind` is the kind of command; `due` when it is done by itself; `action` the action or
    approval behind it."""

    command: str
    kind: str
    at: int
    due: int | None
    action: str | None


class RunShown(RunAnswer):
    """A run with all of its steps. `input` and `output` are shown to who may read payloads and to who started it."""

    definition: str
    reason: str
    paused: bool
    spent: int
    input: Any
    output: Any
    steps: list[StepAnswer]
    waits: list[WaitAnswer]


class StatusAnswer(Answer):
    run: str
    status: RunStatus
    paused: bool
    priority: PriorityWord


class ExceptionAnswer(Answer):
    """An exception that waits for a person; `reason` and `detail` are shown to those who are asked, and to who may read
    payloads."""

    exception: str
    run: str
    workflow: str
    step: str
    kind: str
    role: str | None
    person: str | None
    choices: list[str]
    at: int
    yours: bool
    reason: str | None
    detail: Any = None


@router.post("/runs", summary="begin a run of a workflow", status_code=201, responses=refusals(404, 409, 413))
async def start_run(asked: RunAsked, person: Starter, here: Here, once: OnceKey = None) -> BegunAnswer:
    """Durable when it answers. While a run with the same key is live, the answer is that one. The same idempotency key
    begins once, and answers alike."""
    runs, key = here.system.workflows.runs, one_key(once, asked.idempotency_key)
    begun = await runs.start(asked.workflow, asked.input, person.actor, asked.priority, key)
    return BegunAnswer(run=begun.run, joined=begun.joined)


@router.get("/runs", summary="runs of workflows", responses=refusals(404))
async def list_runs(
    _person: Reader,
    here: Here,
    workflow: Annotated[str | None, Query(max_length=200, description="only runs of this workflow")] = None,
    status: Annotated[list[RunStatus] | None, Query(description="only runs that stand so")] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[RunAnswer]:
    """Newest first."""
    found = await here.system.workflows.runs.runs(workflow, tuple(status or ()), limit + 1, after)
    items, following = cut(found, lambda one: one.id, limit)
    return Page(items=[RunAnswer.model_validate(one) for one in items], next=following)


@router.get("/runs/exceptions", summary="exceptions that wait for people", responses=refusals(404))
async def list_exceptions(
    person: Reader,
    here: Here,
    mine: Annotated[bool, Query(description="only those that you are asked about")] = False,
    run: Annotated[str | None, Query(max_length=200, description="only those of this run")] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[ExceptionAnswer]:
    """The oldest first."""
    asked = (person.roles, person.name) if mine else None
    found = await here.system.workflows.runs.exceptions(limit + 1, after, run, asked)
    items, following = cut(found, lambda one: one.command.id, limit)
    return Page(items=[_exception(one, person) for one in items], next=following)


@router.post("/runs/signal", summary="tell runs of an event", status_code=202, responses=refusals(409))
async def signal_runs(asked: SignalAsked, person: Teller, here: Here, once: OnceKey = None) -> SignalAnswer:
    """Durable when it answers; who waits for it hears of it a moment later. The same idempotency key tells it once."""
    runs, key = here.system.workflows.runs, one_key(once, asked.idempotency_key)
    return SignalAnswer(event=await runs.tell(asked.event, asked.key, asked.data, person.actor, key))


@router.post("/runs/migrate", summary="move live runs to the newest wording", responses=refusals(404, 409))
async def migrate_runs(asked: MigrationAsked, person: Steerer, here: Here) -> MigrationAnswer:
    """Each is looked at first; what cannot move stays as it is, and the answer says why."""
    migrating = here.system.workflows.migrating
    found = await migrating.migrate(asked.workflow, person.actor, asked.dry_run, after=asked.after)
    return MigrationAnswer(definition=found.definition, runs=list(map(_moved, found.runs)), next=found.after)


@router.get("/runs/{run}", summary="one run with its steps", responses=refusals(404))
async def describe_run(run: str, person: Reader, here: Here) -> RunShown:
    """Where each step is, and what the run waits for."""
    return _shown(await here.system.workflows.runs.show(run), person)


@router.get("/runs/{run}/exceptions/{exception:path}", summary="one exception", responses=refusals(404))
async def describe_exception(run: str, exception: str, person: Reader, here: Here) -> ExceptionAnswer:
    """While it waits for somebody."""
    return _exception(await here.system.workflows.runs.exception(run, exception), person)


@router.post("/runs/{run}/pause", summary="let a run begin nothing more", responses=refusals(404, 409))
async def pause_run(run: str, person: Steerer, here: Here) -> StatusAnswer:
    """What is under way ends; nothing new begins until it is resumed."""
    return _status(await here.system.workflows.runs.pause(run, person.actor))


@router.post("/runs/{run}/resume", summary="let a paused run go on", responses=refusals(404, 409))
async def resume_run(run: str, person: Steerer, here: Here) -> StatusAnswer:
    """What was held back begins."""
    return _status(await here.system.workflows.runs.resume(run, person.actor))


@router.post("/runs/{run}/cancel", summary="end a run", responses=refusals(404, 409))
async def cancel_run(run: str, asked: CancelAsked, person: Steerer, here: Here) -> StatusAnswer:
    """What waits is withdrawn; what is under way ends by itself, and is undone where that is asked for."""
    runs = here.system.workflows.runs
    return _status(await runs.cancel(run, person.actor, asked.reason, asked.compensate))


@router.post("/runs/{run}/priority", summary="let a run go before others, or after", responses=refusals(404, 409))
async def prioritise_run(run: str, asked: PriorityAsked, person: Steerer, here: Here) -> StatusAnswer:
    """Also of the runs inside it."""
    return _status(await here.system.workflows.runs.prioritise(run, asked.priority, person.actor))


@router.post("/runs/{run}/choose", summary="decide about an exception", responses=refusals(404, 409))
async def choose_about_run(run: str, asked: ChoiceAsked, person: Reader, here: Here) -> StatusAnswer:
    """For the person or the role that is asked; for others with `workflow:run:steer`. The run goes on as was chosen."""
    event = Chosen(
        here.clock(), asked.exception, asked.choice, asked.output, asked.arguments, person.actor, asked.reason
    )
    anyway = Permission.WORKFLOW_RUN_STEER in person.permissions
    return _status(await here.system.workflows.runs.choose(run, event, person.roles, anyway))


def _moved(found: Moved) -> MovedAnswer:
    told = [ObstacleAnswer(step=one.path, reason=one.reason) for one in found.obstacles]
    return MovedAnswer(run=found.run, was=found.was, obstacles=told)


def _status(state: State) -> StatusAnswer:
    return StatusAnswer(run=state.run, status=state.status, paused=state.rests, priority=state.priority)


def _shown(found: Shown, person: PersonCaller) -> RunShown:
    state, seen = found.state, _may_see(found.listed, person)
    steps = [
        StepAnswer(
            path=path,
            state=step.state,
            attempt=step.attempt,
            since=step.since,
            trouble=step.trouble,
            output=step.output if seen else None,
        )
        for path, step in state.steps.items()
    ]
    return RunShown(
        **found.listed._asdict(),
        definition=state.digest,
        reason=state.reason if seen or state.reason.startswith("cap.") else "",
        paused=state.rests,
        spent=state.spent,
        input=state.input if seen else None,
        output=state.output if seen else None,
        steps=steps,
        waits=[_wait(one) for one in found.open],
    )


def _may_see(run: Listed, person: PersonCaller) -> bool:
    """Whether the person sees what goes through the run."""
    return may_read(person) or run.started_by == person.actor


def _wait(found: Open) -> WaitAnswer:
    return WaitAnswer(command=found.command.id, kind=found.kind, at=found.at, due=found.due, action=found.action)


def _exception(found: OpenException, person: PersonCaller) -> ExceptionAnswer:
    asked: RaiseException = found.command
    yours = asked.role in person.roles or asked.person == person.name
    seen = yours or may_read(person)
    return ExceptionAnswer(
        exception=asked.id,
        run=found.run,
        workflow=found.workflow,
        step=asked.path,
        kind=asked.kind,
        role=asked.role,
        person=asked.person,
        choices=list(asked.choices),
        at=found.at,
        yours=yours,
        reason=asked.reason if seen else None,
        detail=asked.detail if seen else None,
    )
