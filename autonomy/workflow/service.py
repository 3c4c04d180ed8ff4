"""The use cases of runs: start, steer, look. Each is durable when it returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, insert, select, tuple_

from autonomy.audit import Leaf, record
from autonomy.catalog.workflow import HOOK_EVENTS
from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.newest import by_state, newest
from autonomy.gate import Watch
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Corrupt, Forbidden, Invalid, NotFound
from autonomy.kernel.ids import new_id
from autonomy.tasks import RunTasks, keys
from autonomy.tasks.model import PRIORITIES, PRIORITY_WORDS

from . import paths, triggers
from .codec import DAMAGED, Codec, Unreadable
from .definition import Definition, Priority
from .definitions import Definitions
from .desk import Desk, Origin, Tell
from .events import AnyEvent, Cancelled, Chosen, Paused, Reprioritised, Resumed, Started
from .model import ENDED, AskApproval, Command, Emit, RaiseException, RunStatus, State
from .offering import offer_anew
from .outcome import chosen, kind_of, steered
from .passing import Passing
from .ports import Engine, Offer
from .prepared import prepare
from .store import IS_EXCEPTION
from .store import command as commands
from .store import run as table
from .units import Fence, Joined, Wish

PAGE = 100  # runs a list returns unless told
MAX_PAGE = 1_000
MAX_DRAWN = 200  # live runs that are drawn on their workflow
PLACE = table.c.created_at, table.c.id
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

    command: Command | Unreadable
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


_EXCEPTIONS = select(commands, table.c.workflow).join(table, table.c.id == commands.c.run).where(IS_EXCEPTION)


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
        self._passing = Passing(desk, definitions, watch)
        self._engine = engine
        self._tasks = tasks
        self._watch = watch
        self._clock = clock

    async def start(
        self, workflow: str, input: Json, by: str, priority: Priority | None = None, once: str | None = None
    ) -> Begun:
        """Begin a run, or join the live one with the same key. `by` is `person:NAME` or the like; `once` is an
        idempotency key: what it led to before is the answer.

        Raises NotFound, Invalid (`workflow.input`, `expression.*`), Conflict (`key.mismatch`).
        """
        if len(canonical.encode(input)) > MAX_INPUT:
            raise Invalid(f"the input has more than {MAX_INPUT} bytes", code="workflow.input", hint="send a reference")
        asked = keys.key_of(self._codec.bind, once, by, {"workflow": workflow, "input": input, "priority": priority})
        if asked is not None and (begun := await self._database.read(lambda reader: _begun(reader, asked))):
            return begun
        await self._watch.refresh()
        organisation = (await self._watch.house()).organisation
        definition = await self._definitions.declared(organisation, workflow)
        if breach := prepare(definition).input_breach(input):
            raise Invalid(f"input: {breach}", code="workflow.input")
        id = await self._id_of(asked)
        started = Started(self._clock(), input, {"by": by}, priority=priority)
        unit = organisation.all("Workflow")[workflow].unit
        key = triggers.key_of(definition, input)
        answer = await self._desk.begin(definition, id, started, Origin(by, id, unit, key=key))
        if not isinstance(answer, Joined) or answer.run == id:
            return Begun(id, False)
        if asked is not None:
            await self._queue.perform(lambda tx: keys.joined(tx, asked, answer.run))
        return Begun(answer.run, True)

    async def _id_of(self, asked: keys.Key | None) -> str:
        """The id of the run to begin: of a request with a key always the same, be it that nobody came to begin it."""
        id, at = new_id("run"), self._clock()
        return id if asked is None else await self._queue.perform(lambda tx: keys.once(tx, asked, id, at))

    async def tell(self, event: str, key: str | None, data: Json, by: str, once: str | None = None) -> str:
        """An event from outside, for every run that waits for it and every workflow that it starts; returns its id.
        Under the same idempotency key (`once`) it is told once.

        Raises Invalid (`workflow.input`, `workflow.event`), Conflict (`key.mismatch`).
        """
        if event.startswith(HOOK_EVENTS):
            hint = f"post it at `/hooks/{event.removeprefix(HOOK_EVENTS)}`"
            raise Invalid(f"`{event[:80]}` is told by its hook alone", code="workflow.event", hint=hint)
        if len(canonical.encode(data)) > MAX_INPUT:
            raise Invalid(f"the event has more than {MAX_INPUT} bytes", code="workflow.input", hint="send a reference")
        id, at = new_id("evt"), self._clock()
        command = Emit(f"{id}::0", event, key, data, by)
        asked = keys.key_of(self._codec.bind, once, by, {"event": event, "key": key, "data": data})
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

        def work(tx: Tx) -> str:
            if (told := keys.once(tx, asked, id, at)) != id:
                return told
            tx.execute(insert(commands).values(**row))
            tx.hand_over([Offer(command.id, at, PRIORITIES["normal"])])
            record(tx, "run", at, event="told", command=command.id, actor=by)
            return id

        told = await self._queue.perform(work)
        self._engine.wake()
        return told

    async def pause(self, run: str, by: str, wish: Wish | None = None) -> State:
        """Let nothing more begin, if `wish` still stands; what is under way ends. Raises Conflict
        (`workflow.ignored`)."""
        return await self._steer(run, Paused(self._clock(), by), lambda state: self._told(state, "paused", by), wish)

    async def resume(self, run: str, by: str, wish: Wish | None = None) -> State:
        """Go on, if `wish` still stands. Raises Conflict (`workflow.ignored`)."""
        event = Resumed(self._clock(), by)
        return await self._steer(run, event, lambda state: self._told(state, "resumed", by), wish)

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

        Raises NotFound (`workflow.unknown_exception`), Forbidden (`workflow.not_asked`; `approval.own` at a checkpoint
        of a run that comes from them), Conflict (`workflow.ignored`).
        """
        asked = (await self.exception(run, event.exception)).command
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
        await self._passing.check(run, asked, event)
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
        parts = by_state(table.c.status, table.c.ended_at, ENDED, status)
        queries = [query.where(part) for part in parts] if status else [query]
        count = max(1, min(count, MAX_PAGE))
        return await self._database.read(lambda connection: _page(connection, queries, count, after))

    async def show(self, run: str) -> Shown:
        """One run. Raises NotFound."""
        try:
            return await self._database.read(lambda connection: self._show(connection, run))
        except Corrupt as error:
            if error.code != DAMAGED:
                raise
        await self._desk.look(run)  # which ends it
        return await self._database.read(lambda connection: self._show(connection, run))

    async def drawn(self, run: str) -> tuple[Definition, State]:
        """A run and the wording that it is pinned to. Raises NotFound."""
        state = (await self._desk.look(run)).state
        return await self._definitions.pinned(state.digest), state

    async def live(self, workflow: str) -> tuple[Definition, list[State]]:
        """A workflow as it is declared, and its live runs, the newest `MAX_DRAWN`. Raises NotFound."""
        await self._watch.refresh()
        definition = await self._definitions.wording((await self._watch.house()).organisation, workflow)
        query = live_of(workflow)
        ids = await self._database.read(lambda connection: list(connection.execute(query).scalars()))
        found = await self._desk.look_all(ids)
        return definition, [found[id].state for id in ids if id in found]

    async def doer(self, run: str, step: str) -> str | None:
        """The agent that had the task of this step last; None where none did."""
        return await self._tasks.doer(run, step)

    async def exceptions(
        self,
        count: int = PAGE,
        after: str | None = None,
        run: str | None = None,
        asked: tuple[Sequence[str], str] | None = None,
    ) -> list[OpenException]:
        """Exceptions that wait for people, the oldest first: of one run where it is named, and those about which
        somebody of these roles and this name is `asked`."""
        query = _EXCEPTIONS
        if run is not None:
            query = query.where(commands.c.run == run)
        if asked is not None:
            roles, person = asked
            query = query.where(commands.c.role.in_(roles) | (commands.c.person == person))
        if after is not None:
            place = select(commands.c.at, commands.c.id).where(commands.c.id == after)
            query = query.where(tuple_(commands.c.at, commands.c.id) > place.scalar_subquery())
        query = query.order_by(commands.c.at, commands.c.id).limit(max(1, min(count, MAX_PAGE)))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [self._exception_of(row) for row in rows]

    async def exception(self, run: str, id: str) -> OpenException:
        """One exception of a run, while it waits. Raises NotFound (`workflow.unknown_exception`)."""
        query = _EXCEPTIONS.where(commands.c.id == id, commands.c.run == run)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise NotFound(f"there is no open exception `{id[:120]}`", code="workflow.unknown_exception")
        return self._exception_of(row)

    def question(self, connection: Connection, action: str) -> AskApproval | None:
        """The checkpoint behind a hold, while its run waits for it."""
        row = connection.execute(select(commands).where(commands.c.action == action)).one_or_none()
        found = None if row is None else self._codec.look_into(row.id, row.kind, bytes(row.body))
        return found if isinstance(found, AskApproval) else None

    async def _steer(self, run: str, event: AnyEvent, tell: Tell, fence: Fence | Wish | None = None) -> State:
        taken = await self._desk.take_in(run, event, fence, tell=tell)
        if taken.ignored:
            raise Conflict(taken.ignored, code="workflow.ignored", hint="look at the run again")
        return taken.state

    def _told(self, state: State, event: str, by: str, **more: str) -> Leaf:
        return steered(state, event, by, self._clock(), **more)

    def _exception_of(self, row: Row[Any]) -> OpenException:
        return OpenException(self._raised(row), row.run, row.workflow, row.at)

    def _raised(self, row: Row[Any]) -> RaiseException:
        """The exception of a row; of one that cannot be read, that it is there: its run can be ended."""
        found = self._codec.look_into(row.id, row.kind, bytes(row.body))
        if isinstance(found, RaiseException):
            return found
        place = paths.place(row.run, row.id)
        return RaiseException(row.id, place.path if place else "", "unreadable", "what was asked cannot be read")

    def _show(self, connection: Connection, run: str) -> Shown:
        row = connection.execute(select(table).where(table.c.id == run)).one_or_none()
        if row is None:
            raise NotFound(f"there is no run `{run[:80]}`", code="workflow.unknown_run")
        waiting = connection.execute(select(commands).where(commands.c.run == run).order_by(commands.c.at)).all()
        found = [
            Open(
                self._codec.look_into(one.id, one.kind, bytes(one.body)),
                one.kind,
                one.at,
                one.due,
                one.owner,
                one.action,
            )
            for one in waiting
        ]
        return Shown(_listed(row), self._desk.state_of(row), found)


def live_of(workflow: str) -> Select[Any]:
    """The live runs of a workflow, the newest `MAX_DRAWN`."""
    columns = table.c
    query = select(columns.id).where(columns.workflow == workflow, columns.ended_at.is_(None))
    return query.order_by(columns.created_at.desc(), columns.id.desc()).limit(MAX_DRAWN)


def _begun(connection: Connection, asked: keys.Key) -> Begun | None:
    """The run that was begun or joined under the key before; None where there is none (yet)."""
    found = keys.earlier(connection, asked)
    if found is None or connection.execute(select(table.c.id).where(table.c.id == found.id)).first() is None:
        return None
    return Begun(found.id, found.joined)


def _listed(row: Row[Any]) -> Listed:
    return Listed(
        row.id,
        row.workflow,
        row.unit,
        row.status,
        PRIORITY_WORDS[row.priority],
        row.started_by,
        row.case_id,
        row.parent,
        row.created_at,
        row.ended_at,
    )


def _page(connection: Connection, queries: Sequence[Select[Any]], count: int, after: str | None) -> list[Listed]:
    last = None if after is None else connection.execute(select(*PLACE).where(table.c.id == after)).one_or_none()
    if after is not None and last is None:
        raise NotFound(f"there is no run `{after[:80]}`", code="workflow.unknown_run")
    return [_listed(row) for row in newest(connection, queries, PLACE, count, last)]
