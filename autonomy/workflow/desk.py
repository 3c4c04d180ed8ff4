"""Where runs move: an event is taken in, and the new state, its commands and its leaves become durable as one unit.

Any process may take in any event of any run. `run.ver` decides between two: the later one looks again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, select

from autonomy.audit import Leaf
from autonomy.db import CommitQueue, Database
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Busy, Corrupt, NotFound
from autonomy.kernel.failpoint import failpoint
from autonomy.tasks.model import PRIORITIES
from autonomy.tasks.origin import kept

from .codec import DAMAGED, Codec
from .damage import FOR_EVER, because, forgotten, lost, written_off
from .definition import Definition
from .definitions import Definitions
from .events import AnyEvent, Chosen, PutBack, Started
from .migration import migrate
from .model import Command, State
from .outcome import change_of, started
from .ports import Engine, Work
from .rules import Advanced, advance, advance_ended, halt, new_state
from .store import command as commands
from .store import run as table
from .units import Answer, Begin, Change, Fence, Lost, Move, Settle, Stale, Stay, Wish, Written

log = logging.getLogger("autonomy.workflow")

MAX_KNOWN = 1_000  # runs whose state stays in memory; a run that waits costs rows
ROUNDS = 50  # in which others may have been faster
ELSEWHERE, OVERRULED = "another process carries it out", "it is not to be so any more"

_COLUMNS = (
    *(table.c.ver, table.c.state, table.c.parent),
    *(table.c.case_id, table.c.started_by, table.c.unit, table.c.origin),
    *(table.c.id, table.c.workflow, table.c.digest, table.c.ended_at),
)

Tell = Callable[[State], Leaf]
"""A leaf about what somebody did to a run."""


class Known(NamedTuple):
    """A run as last seen. `parent` is the command whose answer its end is."""

    ver: int
    state: State
    parent: str | None
    case: str
    by: str
    """Who started it; of a run inside another, who started that one."""
    unit: str
    before: tuple[str, ...]
    """Where it comes from: who or what began it, and the workflows on the way."""

    @property
    def origin(self) -> tuple[str, ...]:
        """Where what it does now comes from: those who have a say in it since, too."""
        return kept((*self.state.steered, *self.before))


class Taken(NamedTuple):
    """What became of an event: the state after it; or why it changed nothing, which is so too where another process
    carries its command out."""

    state: State
    ignored: str


class Origin(Struct, frozen=True):
    """Where a run comes from: who started it, in which case, under which unit; the command of its parent and its live
    key, where there are."""

    by: str
    case: str
    unit: str
    parent: str | None = None
    key: str | None = None
    before: tuple[str, ...] = ()
    """Where the run or event came from that began it; empty where nothing did."""

    def of(self, workflow: str) -> tuple[str, ...]:
        """Where the run comes from, the first first: who or what began it, and the workflows on the way."""
        return kept((*self.before, self.by, f"workflow:{workflow}"))


class _Line(Struct):
    lock: asyncio.Lock
    waiting: int = 0


class Desk:
    """Takes in events. `deliver_to` names the engine that delivers commands; it is built after the desk."""

    def __init__(
        self, database: Database, queue: CommitQueue, codec: Codec, definitions: Definitions, clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._definitions = definitions
        self._clock = clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lines: dict[str, _Line] = {}
        self._engine: Engine | None = None

    def deliver_to(self, engine: Engine) -> None:
        """Hand in who delivers what is to be carried out."""
        self._engine = engine

    async def begin(self, definition: Definition, id: str, event: Started, origin: Origin) -> Answer:
        """Begin the run `id`; Joined where it has begun already, or another with the same key is live."""
        advanced = advance(definition, new_state(definition, id), event)
        state, owner = advanced.state, self._room()
        change, out = change_of(self._codec, state, advanced.commands, event.at, owner, origin.parent)
        change.leaves.insert(0, started(state, origin.by, origin.unit, event.at))
        key = None if origin.key is None else f"{definition.workflow}|{origin.key}"
        came = origin.of(definition.workflow)
        row = (
            *(id, state.workflow, origin.unit, state.digest, None if state.ended else key),
            *(origin.by, origin.case, origin.parent, *self._values(state, 1), event.at),
            event.at if state.ended else None,
            json.dumps(came),
        )
        answer: Answer = await self._queue.submit(Begin(id, key, row, change))
        if isinstance(answer, Written):
            failpoint("run.durable")
            self._keep(id, Known(1, state, origin.parent, origin.case, origin.by, origin.unit, came))
            self._deliver(id, out, owner)
        return answer

    async def take_in(
        self,
        run: str,
        event: AnyEvent,
        fence: Fence | Wish | None = None,
        stay: Stay | None = None,
        tell: Tell | None = None,
    ) -> Taken:
        """Take in an event. `fence` is the command that it answers, which is gone then, or stays as `stay` says; or
        what must still stand when it is written, in the same transaction.

        Raises NotFound, Busy where too many others were faster.
        """
        async with self._alone(run):
            for _ in range(ROUNDS):
                taken = await self._try(run, event, fence, stay, tell)
                if taken is not None:
                    return taken
                self._known.pop(run, None)
        raise _busy(run)

    async def stop(self, run: str, reason: str, fence: Fence) -> None:
        """End a run that cannot be moved on, whatever the reason: a person finds it stopped, and why."""
        async with self._alone(run):
            for _ in range(ROUNDS):
                known, at = await self.look(run), self._clock()
                if known.state.ended:
                    await self.settle(fence)
                    return
                if await self._write(run, known, halt(known.state, at, reason), at, (fence, None, None)) is not None:
                    return
        raise _busy(run)

    async def migrate(self, run: str, new: Definition, tell: Tell) -> State:
        """Move a live run to another definition. Raises NotFound, Conflict (`workflow.migration`), Busy."""
        async with self._alone(run):
            for _ in range(ROUNDS):
                known, at = await self.look(run), self._clock()
                old = await self._definitions.pinned(known.state.digest)
                moved = migrate(known.state, old, new, at)
                taken = await self._write(run, known, moved, at, (None, None, tell))
                if taken is not None:
                    return taken.state
        raise _busy(run)

    async def look(self, run: str) -> Known:
        """The run as it is in the store. One whose state is damaged ends here: it is found stopped. Raises NotFound."""
        for _ in range(ROUNDS):
            try:
                found = await self._database.read(lambda connection: self._read(connection, run))
            except Corrupt as error:
                if error.code != DAMAGED:
                    raise
                await self._write_off(run, error)
            else:
                self._keep(run, found)
                return found
        raise _busy(run)

    async def look_all(self, runs: Sequence[str]) -> dict[str, Known]:
        """These runs as they are in the store, of those that are there."""
        query = select(*_COLUMNS).where(table.c.id.in_(runs))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: await self._of_or_ended(row) for row in rows}

    def state_of(self, row: Any) -> State:
        """The state in a row of a run; of one that has ended, and is damaged since, that nobody knows it any more.
        Raises Corrupt."""
        try:
            return self._codec.read_state(row.id, bytes(row.state))
        except Corrupt as error:
            if error.code != DAMAGED or row.ended_at is None:
                raise
            return forgotten(row, error)

    async def is_there(self, run: str) -> bool:
        """Whether there is such a run, whatever has become of it."""
        query = select(table.c.id).where(table.c.id == run)
        return await self._database.read(lambda connection: connection.execute(query).first() is not None)

    async def known(self, run: str) -> Known:
        """The run as last seen; what never changes of it can be relied upon. Raises NotFound."""
        return self._known.get(run) or await self.look(run)

    async def newest(self, work: Work) -> Known:
        """The run of a command as it is now. What has just been asked for here is asked by what is remembered."""
        return await (self.known(work.run) if work.first else self.look(work.run))

    async def settle(self, fence: Fence, stay: Stay | None = None) -> bool:
        """Drop a command, or let it stay; False where somebody else has it."""
        return isinstance(await self._queue.submit(Settle(fence, stay)), Written)

    async def _try(
        self, run: str, event: AnyEvent, fence: Fence | Wish | None, stay: Stay | None, tell: Tell | None
    ) -> Taken | None:
        """One round; None where the run has moved meanwhile."""
        fresh = run not in self._known
        known = await self.known(run)
        try:
            advanced = await self._advance(known.state, event)
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            log.error("%s is ended: %s", run, because(error))
            ended = written_off(known.state, event.at, error)
            counted = ended._replace(state=advance_ended(ended.state, event, None).state)
            await self._write(run, known, counted, event.at, (None, None, None))
            return None  # the event comes to a run that has ended
        if advanced.ignored:
            if not fresh:
                return None  # what was remembered may be old: look before saying no
            # A choice that does not fit leaves its question, and what is not held back after all is to be begun.
            if isinstance(fence, Fence) and not isinstance(event, Chosen | PutBack):
                await self.settle(fence, stay if _is_heard(known.state, fence) else None)
            return Taken(known.state, advanced.ignored)
        return await self._write(run, known, advanced, event.at, (fence, stay, tell))

    async def _advance(self, state: State, event: AnyEvent) -> Advanced:
        """What comes of the event. Raises Corrupt where the definition of a run that goes on is damaged."""
        try:
            return advance(await self._definitions.pinned(state.digest), state, event)
        except Corrupt as error:
            if not state.ended or error.code not in FOR_EVER:
                raise
            return advance_ended(state, event, None)

    async def _write_off(self, run: str, error: Corrupt) -> None:
        """End a run whose state is damaged, unless it has moved meanwhile."""
        query = select(table).where(table.c.id == run)
        mine = select(commands).where(commands.c.run == run)

        def read(connection: Connection) -> tuple[Any, list[Any]]:
            return connection.execute(query).one_or_none(), list(connection.execute(mine).all())

        row, rows = await self._database.read(read)
        if row is None:
            return
        asked = [(one.kind, self._codec.look_into(one.id, one.kind, bytes(one.body))) for one in rows]
        at = self._clock()
        state = State(run, row.workflow, row.digest)
        known = Known(row.ver, state, row.parent, row.case_id, row.started_by, row.unit, ())
        log.error("%s is ended: %s", run, because(error))
        await self._write(run, known, lost(row, asked, at, error), at, (None, None, None))

    async def _write(
        self,
        run: str,
        known: Known,
        advanced: Advanced,
        at: int,
        more: tuple[Fence | Wish | None, Stay | None, Tell | None],
    ) -> Taken | None:
        fence, stay, tell = more
        state, owner = advanced.state, self._room()
        change, out = change_of(self._codec, state, advanced.commands, at, owner, known.parent)
        if isinstance(fence, Fence):
            _answered(change, fence, stay if _is_heard(state, fence) else None)
        if state.digest != known.state.digest:
            change.digest = state.digest
        if tell is not None:
            change.leaves.insert(0, tell(state))
        ended_at = at if state.ended and not known.state.ended else None
        unit = Move(run, known.ver, self._values(state, known.ver + 1), ended_at, fence, change)
        answer: Answer = await self._queue.submit(unit)
        match answer:
            case Stale():
                return None
            case Lost():
                self._known.pop(run, None)
                return Taken(known.state, OVERRULED if isinstance(fence, Wish) else ELSEWHERE)
        failpoint("run.durable")
        self._keep(run, known._replace(ver=known.ver + 1, state=state))
        self._deliver(run, out, owner)
        if change.due and self._engine is not None:
            self._engine.wake()
        return Taken(state, "")

    def _values(self, state: State, ver: int) -> tuple[bytes, int, str, int]:
        return self._codec.state(state), ver, state.status, PRIORITIES[state.priority]

    def _room(self) -> str | None:
        return None if self._engine is None else self._engine.room()

    def _deliver(self, run: str, commands: Sequence[Command], owner: str | None) -> None:
        if self._engine is None or not commands:
            return
        if owner is None:
            self._engine.wake()
        else:
            self._engine.start([Work(run, command, 1, first=True) for command in commands])

    def _keep(self, run: str, known: Known) -> None:
        if run in self._known and self._known[run].ver > known.ver:
            return  # it was read before the run moved here
        self._known[run] = known
        self._known.move_to_end(run)
        if known.state.ended:
            del self._known[run]
        elif len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _read(self, connection: Connection, run: str) -> Known:
        query = select(*_COLUMNS).where(table.c.id == run)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no run `{run[:80]}`", code="workflow.unknown_run")
        return self._of(row)

    async def _of_or_ended(self, row: Any) -> Known:
        try:
            return self._of(row)
        except Corrupt as error:
            if error.code != DAMAGED:
                raise
            return await self.look(row.id)

    def _of(self, row: Any) -> Known:
        origin = tuple(json.loads(row.origin))
        return Known(row.ver, self.state_of(row), row.parent, row.case_id, row.started_by, row.unit, origin)

    @asynccontextmanager
    async def _alone(self, run: str) -> AsyncIterator[None]:
        """One event of a run after another in this process: between processes its version decides."""
        line = self._lines.setdefault(run, _Line(asyncio.Lock()))
        line.waiting += 1
        try:
            async with line.lock:
                yield
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[run]


def _busy(run: str) -> Busy:
    return Busy(f"`{run[:80]}` moves too fast", code="workflow.busy", retry_after=0.2)


def _is_heard(state: State, fence: Fence) -> bool:
    """Whether a further answer to the command changes anything: after its end a run only counts what it has cost."""
    return not state.ended or fence.command in state.unsure


def _answered(change: Change, fence: Fence, stay: Stay | None) -> None:
    if stay is not None and fence.command not in change.gone:
        change.stay.append(stay)
    elif fence.command not in change.gone:
        change.gone.append(fence.command)
