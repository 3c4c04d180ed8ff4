"""The use cases of runs: start, steer, look. Each is durable when it returns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, insert, select, tuple_

from autonomy.audit import Leaf, record
from autonomy.catalog.workflow import HOOK_EVENTS
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Watch
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from autonomy.kernel.ids import new_id
from autonomy.tasks import RunTasks

from . import triggers
from .codec import Codec
from .definition import Definition, Priority
from .definitions import Definitions
from .desk import Desk, Origin, Tell
from .model import (
    ENDED,
    AnyEvent,
    AskApproval,
    Cancelled,
    Chosen,
    Command,
    Emit,
    Paused,
    RaiseException,
    Reprioritised,
    Resumed,
    RunStatus,
    Started,
    State,
)
from .offering import offer_anew
from .outcome import PRIORITIES, chosen, kind_of, steered
from .ports import Engine, Offer
from .prepared import prepare
from .store import IS_EXCEPTION
from .store import command as commands
from .store import run as table
from .units import Fence, Joined

PAGE = 100  # runs a list returns unless told
MAX_PAGE = 1_000
MAX_DRAWN = 200  # live runs that are drawn on their workflow
MAX_INPUT = 262_144  # bytes as JSON; every event of the run carries it


class Begun(NamedTuple):
    """The run that a start has led to; `joined` where it was live already, under the same key."""

    run: str
    joined: bool


class Listed(NamedTuple):
    """A run in a list. Times are milliseconds."""

    id: str
    workflow: str
    unit: str
    status: str
    priority: str
    started_by: str
    case: str
    parent: str | None
    created_at: int
    ended_at: int | None


class Open(NamedTuple):
    """A command that a run waits for. `due` is when it is done by itself; `action` what the gate or people call it."""

    command: Command
    kind: str
    at: int
    due: int | None
    owner: str | None
    action: str | None


class Shown(NamedTuple):
    """A run with everything that is known of it."""

    listed: Listed
    state: State
    open: list[Open]


class OpenException(NamedTuple):
    """An exception that waits for a person."""

    command: RaiseException
    run: str
    workflow: str
    at: int


class Runs:
    """Runs of one house, for whoever may ask: who that is, the faces say."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        codec: Codec,
        desk: Desk,
        definitions: Definitions,
        engine: Engine,
        tasks: RunTasks,
        watch: Watch,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._desk = desk
        self._definitions = definitions
        self._engine = engine
        self._tasks = tasks
        self._watch = watch
        self._clock = clock

    async def start(self, workflow: str, input: Json, by: str, priority: Priority | None = None) -> Begun:
        """Begin a run, or join the live one with the same key. `by` is `person:NAME` or the like.

        Raises NotFound, Invalid (`workflow.input`, `expression.*`).
        """
        if len(canonical.encode(input)) > MAX_INPUT:
            raise Invalid(f"the input has more than {MAX_INPUT} bytes", code="workflow.input", hint="send a reference")
        await self._watch.refresh()
        organisation = (await self._watch.house()).organisation
        definition = await self._definitions.declared(organisation, workflow)
        if breach := prepare(definition).input_breach(input):
            raise Invalid(f"input: {breach}", code="workflow.input")
        id = new_id("run")
        started = Started(self._clock(), input, {"by": by}, priority=priority)
        unit = organisation.all("Workflow")[workflow].unit
        key = triggers.key_of(definition, input)
        answer = await self._desk.begin(definition, id, started, Origin(by, id, unit, key=key))
        return Begun(answer.run, True) if isinstance(answer, Joined) else Begun(id, False)

    async def tell(self, event: str, key: str | None, data: Json, by: str) -> str:
        """An event from outside, for every run that waits for it and every workflow that it starts; returns its id.

        Raises Invalid (`workflow.input`, `workflow.event`).
        """
        if event.startswith(HOOK_EVENTS):
            hint = f"post it at `/hooks/{event.removeprefix(HOOK_EVENTS)}`"
            raise Invalid(f"`{event[:80]}` is told by its hook alone", code="workflow.event", hint=hint)
        if len(canonical.encode(data)) > MAX_INPUT:
            raise Invalid(f"the event has more than {MAX_INPUT} bytes", code="workflow.input", hint="send a reference")
        command = Emit(f"{new_id('evt')}::0", event, key, data)
        at = self._clock()
        row = {
            "id": command.id,
            "run": "",
            "kind": kind_of(command),
            "priority": PRIORITIES["normal"],
            "due": at,
            "attempts": 0,
            "body": self._codec.command(command),
            "at": at,
        }

        def work(tx: Tx) -> None:
            tx.execute(insert(commands).values(**row))
            tx.hand_over([Offer(command.id, at, PRIORITIES["normal"])])
            record(tx, "run", at, event="told", command=command.id, actor=by)

        await self._queue.perform(work)
        self._engine.wake()
        return command.id.partition(":")[0]

    async def pause(self, run: str, by: str) -> State:
        """Let nothing more begin; what is under way ends. Raises Conflict (`workflow.ignored`)."""
        return await self._steer(run, Paused(self._clock(), by), lambda state: self._told(state, "paused", by))

    async def resume(self, run: str, by: str) -> State:
        """Go on. Raises Conflict (`workflow.ignored`)."""
        return await self._steer(run, Resumed(self._clock(), by), lambda state: self._told(state, "resumed", by))

    async def cancel(self, run: str, by: str, reason: str = "", compensate: bool = False) -> State:
        """End the run; with `compensate` what was done is undone first. Raises Conflict (`workflow.ignored`)."""
        event = Cancelled(self._clock(), by, reason, compensate)
        return await self._steer(run, event, lambda state: self._told(state, "cancelled", by))

    async def prioritise(self, run: str, priority: Priority, by: str) -> State:
        """Let the run go before others, or after. Raises Conflict (`workflow.ignored`)."""
        event = Reprioritised(self._clock(), priority, by)
        state = await self._steer(run, event, lambda state: self._told(state, "prioritised", by, priority=priority))
        await self._queue.perform(lambda tx: offer_anew(tx, run, PRIORITIES[priority], self._clock()))
        return state

    async def choose(self, run: str, event: Chosen, roles: Sequence[str], anyway: bool) -> State:
        """A person's choice about an exception: one who holds the role it was raised for, or who may do so `anyway`.

        Raises NotFound (`workflow.unknown_exception`), Forbidden (`workflow.not_asked`), Conflict (`workflow.ignored`).
        """
        asked = await self._exception(run, event.exception)
        person = event.by.removeprefix("person:")
        if not (anyway or asked.role in roles or asked.person == person):
            raise Forbidden(
                f"this is for {asked.person or asked.role} to decide",
                code="workflow.not_asked",
                hint="it is decided by those who were asked, or by who may steer every run",
            )
        if event.choice not in asked.choices:
            told = ", ".join(asked.choices)
            raise Invalid(f"`{event.choice}` is not possible here", code="workflow.choice", hint=f"choose among {told}")
        return await self._steer(run, event, lambda state: chosen(state, event), Fence(event.exception, None))

    async def runs(
        self,
        workflow: str | None = None,
        status: Sequence[RunStatus] = (),
        count: int = PAGE,
        after: str | None = None,
    ) -> list[Listed]:
        """Runs, newest first; `after` is the id of the last one of the page before."""
        query = select(table)
        if workflow is not None:
            query = query.where(table.c.workflow == workflow)
        queries = [query.where(part) for part in _parts(status)] if status else [query]
        count = max(1, min(count, MAX_PAGE))
        return await self._database.read(lambda connection: _page(connection, queries, count, after))

    async def show(self, run: str) -> Shown:
        """One run. Raises NotFound."""
        return await self._database.read(lambda connection: self._show(connection, run))

    async def drawn(self, run: str) -> tuple[Definition, State]:
        """A run and the wording that it is pinned to. Raises NotFound."""
        state = (await self._desk.look(run)).state
        return await self._definitions.pinned(state.digest), state

    async def live(self, workflow: str) -> tuple[Definition, list[State]]:
        """A workflow as it is declared, and its live runs, the newest `MAX_DRAWN`. Raises NotFound."""
        await self._watch.refresh()
        definition = await self._definitions.wording((await self._watch.house()).organisation, workflow)
        query = select(table.c.id, table.c.state).where(table.c.workflow == workflow, table.c.ended_at.is_(None))
        query = query.order_by(table.c.created_at.desc()).limit(MAX_DRAWN)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return definition, [self._codec.read_state(row.id, bytes(row.state)) for row in rows]

    async def doer(self, run: str, step: str) -> str | None:
        """The agent that had the task of this step last; None where none did."""
        return await self._tasks.doer(run, step)

    async def exceptions(self, count: int = PAGE, after: str | None = None) -> list[OpenException]:
        """Exceptions that wait for people, the oldest first."""
        query = select(commands, table.c.workflow).join(table, table.c.id == commands.c.run)
        query = query.where(IS_EXCEPTION)
        if after is not None:
            place = select(commands.c.at, commands.c.id).where(commands.c.id == after)
            query = query.where(tuple_(commands.c.at, commands.c.id) > place.scalar_subquery())
        query = query.order_by(commands.c.at, commands.c.id).limit(max(1, min(count, MAX_PAGE)))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        read = ((self._codec.read_command(row.id, bytes(row.body)), row) for row in rows)
        asked = ((one, row) for one, row in read if isinstance(one, RaiseException))
        return [OpenException(one, row.run, row.workflow, row.at) for one, row in asked]

    def question(self, connection: Connection, action: str) -> AskApproval | None:
        """The checkpoint behind a hold, while its run waits for it."""
        row = connection.execute(select(commands).where(commands.c.action == action)).one_or_none()
        found = None if row is None else self._codec.read_command(row.id, bytes(row.body))
        return found if isinstance(found, AskApproval) else None

    async def _steer(self, run: str, event: AnyEvent, tell: Tell, fence: Fence | None = None) -> State:
        taken = await self._desk.take_in(run, event, fence, tell=tell)
        if taken.ignored:
            raise Conflict(taken.ignored, code="workflow.ignored", hint="look at the run again")
        return taken.state

    def _told(self, state: State, event: str, by: str, **more: str) -> Leaf:
        return steered(state, event, by, self._clock(), **more)

    async def _exception(self, run: str, id: str) -> RaiseException:
        query = select(commands.c.body).where(commands.c.id == id, commands.c.run == run)
        body = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        found = None if body is None else self._codec.read_command(id, bytes(body))
        if not isinstance(found, RaiseException):
            raise NotFound(f"there is no open exception `{id[:120]}`", code="workflow.unknown_exception")
        return found

    def _show(self, connection: Connection, run: str) -> Shown:
        row = connection.execute(select(table).where(table.c.id == run)).one_or_none()
        if row is None:
            raise NotFound(f"there is no run `{run[:80]}`", code="workflow.unknown_run")
        waiting = connection.execute(select(commands).where(commands.c.run == run).order_by(commands.c.at)).all()
        found = [
            Open(self._codec.read_command(one.id, bytes(one.body)), one.kind, one.at, one.due, one.owner, one.action)
            for one in waiting
        ]
        return Shown(_listed(row), self._codec.read_state(run, bytes(row.state)), found)


_WORDS = {number: word for word, number in PRIORITIES.items()}


def _listed(row: Row[Any]) -> Listed:
    return Listed(
        row.id,
        row.workflow,
        row.unit,
        row.status,
        _WORDS[row.priority],
        row.started_by,
        row.case_id,
        row.parent,
        row.created_at,
        row.ended_at,
    )


def _parts(status: Collection[RunStatus]) -> Iterator[ColumnElement[bool]]:
    """Conditions of which a run in one of these states fulfils one: each has an index in which its runs lie in
    order."""
    live = sorted(set(status) - ENDED)
    if live:
        yield and_(table.c.ended_at.is_(None), table.c.status.in_(live))
    for one in sorted(ENDED.intersection(status)):
        yield and_(table.c.ended_at.is_not(None), table.c.status == one)


def _page(connection: Connection, queries: Sequence[Select[Any]], count: int, after: str | None) -> list[Listed]:
    if after is not None:
        last = connection.execute(select(table.c.created_at, table.c.id).where(table.c.id == after)).one_or_none()
        if last is None:
            raise NotFound(f"there is no run `{after[:80]}`", code="workflow.unknown_run")
        queries = [each.where(tuple_(table.c.created_at, table.c.id) < (last.created_at, last.id)) for each in queries]
    newest = (each.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(count) for each in queries)
    found = [_listed(row) for each in newest for row in connection.execute(each)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:count]
