"""Tasks of people: what they may take, what they have, and everything that goes with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.canonical import MAX_SAFE_INTEGER
from autonomy.protocols.rest import one_key
from autonomy.tasks import Held, Task, Tasks, Wanted, Word
from autonomy.tasks.shown import context, listed

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Reason, Text, refusals
from ..here import Here
from ..paging import cut
from ..route import api
from .actions import may_read
from .runs import Key, OnceKey

router = api("tasks")

Reader = Annotated[PersonCaller, allowed(Permission.TASKS_TASK_READ)]
Opener = Annotated[PersonCaller, allowed(Permission.TASKS_TASK_OPEN)]
Worker = Annotated[PersonCaller, allowed(Permission.TASKS_TASK_WORK)]
Steerer = Annotated[PersonCaller, allowed(Permission.TASKS_TASK_STEER)]

StateWord = Literal["open", "claimed", "done", "failed", "returned", "escalated", "withdrawn"]
ByWord = Literal["anybody", "agent", "person"]
PriorityWord = Literal["low", "normal", "high", "urgent"]
Long = Annotated[str, Field(max_length=4_000)]
Claim = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER, description="the `claim` that came with the task")]

NOT_THERE, NOT_NOW = refusals(404), refusals(404, 409)


class TaskAsked(Asked):
    """A task that belongs to no run. `contract` is the JSON Schema of its result; `due` in milliseconds."""

    role: Text = Field(examples=["buyer"])
    goal: Annotated[str, Field(min_length=1, max_length=4_000)] = Field(examples=["Find three suppliers of lenses"])
    unit: Text | None = None
    input: Any = None
    capability: Text | None = None
    by: ByWord = "anybody"
    prefer: list[Text] = Field([], max_length=10)
    contract: dict[str, Any] | None = None
    priority: PriorityWord = "normal"
    due: int | None = Field(None, ge=0, le=MAX_SAFE_INTEGER)
    case: Text | None = None
    questions: list[Long] = Field([], max_length=20)
    parent: Text | None = Field(None, description="the task that it comes from; it belongs to the case of that one")
    idempotency_key: Key | None = None


class ClaimAsked(Asked):
    claim: Claim


class NotedAsked(ClaimAsked):
    """What you have found out, for who goes on with it."""

    text: Long = ""
    data: Any = None


class ResultAsked(ClaimAsked):
    output: Any = None


class HandOffAsked(NotedAsked):
    """To another `role`, to one `agent`, or to one agent of another role."""

    role: Text | None = None
    agent: Text | None = None
    question: Long = ""


class EscalateAsked(ClaimAsked):
    reason: Reason
    data: Any = None
    question: Long = ""


class TaskAnswer(Answer):
    """A task in a list. `giver` handed it on, `limit` is the limit that was reached, at `until` a person is asked."""

    task: str = Field(examples=["task_01jd…"])
    state: StateWord
    role: str
    unit: str
    by: ByWord
    priority: PriorityWord
    capability: str | None
    case: str
    run: str | None
    step: str | None
    workflow: str | None
    holder: str | None
    claim: int
    lease_until: int | None
    giver: str | None
    parent: str | None = Field(description="the task that it came from")
    depth: int = Field(description="how many tasks it came from, one from another")
    limit: str | None
    opened_by: str
    opened_at: int
    until: int
    ended_at: int | None


class NoteAnswer(Answer):
    at: int
    by: str
    kind: str
    text: str
    data: Any = None


class TaskShown(TaskAnswer):
    """A task with everything that goes with it; all of that is null for who may neither take it nor read payloads, also
    because its case has seen data or memory that they may not."""

    yours: bool
    goal: str | None
    input: Any
    results: dict[str, Any] | None
    sources: list[dict[str, Any]] | None
    questions: list[str] | None
    constraints: dict[str, Any] | None
    contract: dict[str, Any] | None
    handed: Any
    notes: list[NoteAnswer] | None
    output: Any


class OpenedAnswer(Answer):
    task: str = Field(examples=["task_01jd…"])


class EndedAnswer(TaskAnswer):
    """`breach` says what of its contract the result does not keep, where it came back."""

    breach: str | None


@router.post("/tasks", summary="open a task", status_code=201, responses=NOT_NOW)
async def open_task(asked: TaskAsked, person: Opener, here: Here, once: OnceKey = None) -> OpenedAnswer:
    """For an agent or a person with the role; it belongs to no run. The same idempotency key opens it once."""
    tasks, key = here.system.workflows.workplace.tasks, one_key(once, asked.idempotency_key)
    said = asked.model_dump(exclude_none=True, exclude={"idempotency_key"})
    said |= {"prefer": tuple(asked.prefer), "questions": tuple(asked.questions)}
    return OpenedAnswer(task=await tasks.open(Wanted(**said), person.actor, key))


@router.get("/tasks", summary="tasks", responses=NOT_THERE)
async def list_tasks(
    person: Reader,
    here: Here,
    mine: Annotated[bool, Query(description="only those that you have or may take")] = False,
    run: Annotated[str | None, Query(max_length=200, description="only those of this run")] = None,
    role: Annotated[str | None, Query(max_length=200, description="only those for this role")] = None,
    state: Annotated[list[StateWord] | None, Query(description="only those that stand so")] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[TaskAnswer]:
    """Newest first."""
    inbox = here.system.workflows.workplace.inbox
    found = await inbox.tasks(person if mine else None, run, role, tuple(state or ()), limit + 1, after)
    items, following = cut(found, lambda one: one.id, limit)
    return Page(items=[_listed(one) for one in items], next=following)


@router.get("/tasks/{task}", summary="one task with everything that goes with it", responses=NOT_THERE)
async def describe_task(task: str, person: Reader, here: Here) -> TaskShown:
    """Its goal, inputs, what came before, what was noted, which questions are open."""
    tasks = here.system.workflows.workplace.tasks
    return _shown(await tasks.show(task), person, tasks)


@router.post("/tasks/{task}/take", summary="take a task, or take it over", responses=NOT_NOW)
async def take_task(task: str, person: Worker, here: Here) -> TaskShown:
    """One that is free and for your role; or, holding its role or the one above, one that somebody else has."""
    tasks, anyway = here.system.workflows.workplace.tasks, Permission.TASKS_TASK_STEER in person.permissions
    return _shown(await tasks.take(task, person, anyway), person, tasks)


@router.post("/tasks/{task}/note", summary="note what you have found out", responses=NOT_NOW)
async def note_task(task: str, asked: NotedAsked, person: Worker, here: Here) -> TaskAnswer:
    """It stays with the task, whoever has it next."""
    tasks = here.system.workflows.workplace.tasks
    return _listed(await tasks.beat(_word(task, asked, person), asked.text, asked.data))


@router.post("/tasks/{task}/give-back", summary="let others go on with a task", responses=NOT_NOW)
async def give_back_task(task: str, asked: NotedAsked, person: Worker, here: Here) -> TaskAnswer:
    """It is for whom it was opened, with all that was noted since."""
    tasks = here.system.workflows.workplace.tasks
    return _listed(await tasks.give_back(_word(task, asked, person), asked.text, asked.data))


@router.post("/tasks/{task}/complete", summary="bring the result of a task", responses=NOT_NOW)
async def complete_task(task: str, asked: ResultAsked, person: Worker, here: Here) -> EndedAnswer:
    """A result that does not fit the contract comes back once."""
    tasks = here.system.workflows.workplace.tasks
    moved, breach = await tasks.complete(_word(task, asked, person), asked.output)
    return EndedAnswer.model_validate(listed(moved) | {"breach": breach or None})


@router.post("/tasks/{task}/hand-off", summary="give a task to another role or agent", responses=NOT_NOW)
async def hand_off_task(task: str, asked: HandOffAsked, person: Worker, here: Here) -> TaskAnswer:
    """With everything there is. It gives them work and no authority: they act under their own rules."""
    tasks, word = here.system.workflows.workplace.tasks, _word(task, asked, person)
    return _listed(await tasks.hand_off(word, asked.role, asked.agent, asked.text, asked.data, asked.question))


@router.post("/tasks/{task}/escalate", summary="let a person of the role above decide", responses=NOT_NOW)
async def escalate_task(task: str, asked: EscalateAsked, person: Worker, here: Here) -> TaskAnswer:
    """The role above is the first escalation target of the task's role."""
    tasks = here.system.workflows.workplace.tasks
    return _listed(await tasks.escalate(_word(task, asked, person), asked.reason, asked.data, asked.question))


@router.post("/tasks/{task}/withdraw", summary="end a task that is not wanted any more", responses=NOT_NOW)
async def withdraw_task(task: str, person: Steerer, here: Here) -> TaskAnswer:
    """Only one that belongs to no run. Whoever has it hears of it when they say something next."""
    return _listed(await here.system.workflows.workplace.tasks.withdraw(task, person.actor))


def _word(task: str, asked: ClaimAsked, person: PersonCaller) -> Word:
    return Word(task, person.actor, asked.claim)


def _listed(task: Task) -> TaskAnswer:
    return TaskAnswer.model_validate(listed(task))


def _shown(held: Held, person: PersonCaller, tasks: Tasks) -> TaskShown:
    task = held.task
    yours = task.holder == person.actor or task.role in person.roles
    seen = may_read(person) or ((yours or task.opened_by == person.actor) and not tasks.is_hidden_from(task, person))
    about = context(held.body)
    return TaskShown.model_validate(listed(task) | {"yours": yours} | (about if seen else dict.fromkeys(about)))
