"""The commit queue: one writer thread runs what waits together in one transaction and answers when it is durable.

Hot units are values that a planner judges in one batch; cold use cases are functions that run under a savepoint each.
The head row is locked first, leaves are appended last. HOT_PATH.md of the design measured why.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from autonomy.kernel.errors import AutonomyError, Busy, Overdue, Unavailable
from autonomy.kernel.failpoint import failpoint
from autonomy.telemetry import UNITS, Histogram, Tally

from .engine import Database, slow, unavailable
from .ports import Ledger, Page, Plan, Planner, Post
from .tx import Tx
from .writer import Writer, open_writer, writer_of

T = TypeVar("T")

Told = Callable[[Any, bool], None]
"""Hears a hot unit's answer, or the error in its place, and whether who submitted it still waits for it."""
log = logging.getLogger("autonomy.db")

MAX_WAITING = 20_000  # ten thousand agents may wake at once; beyond twice that, waiting longer helps nobody
COLD_SECONDS = 10.0  # how long a cold use case waits for its answer; a hot unit's caller keeps its own time
MAX_GROUP = 256  # larger groups lengthen every member's wait without saving commits
TRAIL_SECONDS = 0.01  # a caller that asks one thing after another comes again sooner


class _Entry(Struct):
    work: Any
    hot: bool
    future: asyncio.Future[Any] | concurrent.futures.Future[Any] | None
    loop: asyncio.AbstractEventLoop | None
    told: Told | None = None
    begun: bool = False
    given_up: bool = False

    @property
    def is_dropped(self) -> bool:
        """Whether nobody wants it any more."""
        return self.given_up or (self.told is None and self.future is not None and self.future.cancelled())


@dataclass(slots=True)
class QueueFigures:
    """How large the groups were, how many seconds their transactions took (waiting for the turn included), and what
    the store refused, by code. Written by the writer's thread alone."""

    units: Histogram = field(default_factory=lambda: Histogram(UNITS))
    seconds: Histogram = field(default_factory=Histogram)
    failures: Tally = field(default_factory=Tally)


class CommitQueue:
    """All writing of one process. `submit`, `perform` and `run` return when the write is durable, or raise."""

    def __init__(self, database: Database, ledger: Ledger, planner: Planner | None = None) -> None:
        self._database = database
        self._kind = writer_of(database)
        self._ledger = ledger
        self._planner = planner
        self._post: Post | None = None
        self.figures = QueueFigures()
        self._entries: queue.SimpleQueue[list[_Entry] | None] = queue.SimpleQueue()
        self._ticks: dict[asyncio.AbstractEventLoop, list[_Entry]] = {}
        self._trailing: dict[asyncio.AbstractEventLoop, list[_Entry]] = {}
        self._waiting = 0
        self._count = threading.Lock()
        self._closed = False
        self._writer: Writer | None = None
        self._thread = threading.Thread(target=self._serve, name="commit-queue", daemon=True)
        self._thread.start()

    def plan_with(self, planner: Planner) -> None:
        """Hand in who judges hot units; the gate does, and it is built after the queue."""
        self._planner = planner

    def post_with(self, post: Post) -> None:
        """Hand in who takes what is handed over in transactions; nobody does before."""
        self._post = post

    @property
    def waiting(self) -> int:
        """How many writes wait for their answer."""
        return self._waiting

    def submit(self, unit: Any, told: Told | None = None) -> asyncio.Future[Any]:
        """A hot unit's answer, from the event loop. Units of one tick travel together.

        A unit whose future is cancelled before its group begins is not served; one with `told` is, whoever waits.
        """
        return self._collect(unit, True, told).future  # type: ignore[return-value]

    def trail(self, unit: Any, told: Told) -> None:
        """A hot unit that nobody waits for, from the event loop: it goes before what is written next there, in the
        same group, or alone after `TRAIL_SECONDS`. A commit of its own would take time from the next caller."""
        self._admit()
        loop = asyncio.get_running_loop()
        entry = _Entry(unit, True, None, loop, told)
        trailing = self._trailing.get(loop)
        if trailing is None:
            self._flush_ended()
            self._trailing[loop] = [entry]
            loop.call_later(TRAIL_SECONDS, self._flush, loop)
        else:
            trailing.append(entry)

    async def perform(self, work: Callable[[Tx], T], within: float = COLD_SECONDS) -> T:
        """A cold use case, from the event loop. Where there is no answer `within` so many seconds: Unavailable if it
        was not begun, and then it never is; else Overdue."""
        entry = self._collect(work, False)
        try:
            async with asyncio.timeout(within) as limit:
                answer: T = await entry.future  # type: ignore[misc]
                return answer
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._give_up(entry) from None

    def run(self, work: Callable[[Tx], T], within: float = COLD_SECONDS) -> T:
        """A cold use case, from any thread that may block; `perform` says what is raised when."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        entry = _Entry(work, False, future, None)
        self._admit()
        self._flush_ended()
        self._entries.put([entry])
        if not concurrent.futures.wait([future], within).done:
            raise self._give_up(entry)
        return future.result()

    def close(self) -> None:
        """Answer what waits, then stop."""
        with self._count:
            if self._closed:
                return
            self._closed = True
        for loop in [*self._trailing, *self._ticks]:
            self._flush(loop)
        self._entries.put(None)
        self._thread.join()

    def _give_up(self, entry: _Entry) -> AutonomyError:
        """Nobody waits for `entry` any more; what its caller is told."""
        with self._count:
            entry.given_up = True
            begun = entry.begun
        if not begun:
            return slow()
        return Overdue("the store is still at it", code="store.overdue", hint="look before trying again")

    def _collect(self, work: Any, hot: bool, told: Told | None = None) -> _Entry:
        self._admit()
        loop = asyncio.get_running_loop()
        entry = _Entry(work, hot, loop.create_future(), loop, told)
        tick = self._ticks.get(loop)
        if tick is None:
            self._ticks[loop] = [entry]
            loop.call_soon(self._flush, loop)
        else:
            tick.append(entry)
        return entry

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        entries = self._trailing.pop(loop, []) + self._ticks.pop(loop, [])
        if entries:
            self._entries.put(entries)

    def _flush_ended(self) -> None:
        """Write what trails in loops that have ended: nobody else will."""
        for loop in list(self._trailing):
            if loop.is_closed():
                self._flush(loop)

    def _admit(self) -> None:
        with self._count:
            if self._closed:
                raise Unavailable("the process is stopping", code="store.closing")
            if self._waiting >= MAX_WAITING:
                raise Busy("too many writes are waiting", code="store.busy", retry_after=1.0)
            self._waiting += 1

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            batch = self._entries.get()
            entries: list[_Entry] = []
            while batch is not None:
                entries += batch
                if len(entries) >= MAX_GROUP or self._entries.empty():
                    break
                batch = self._entries.get()
            stopping = batch is None
            for start in range(0, len(entries), MAX_GROUP):
                self._serve_group(entries[start : start + MAX_GROUP])
        if self._writer is not None:
            self._writer.close()

    def _serve_group(self, entries: list[_Entry]) -> None:
        live = self._begin(entries)
        began = perf_counter()
        try:
            answers = self._group(live) if live else []
        except Exception as error:
            log.exception("the commit queue failed; its units are refused")
            answers = [unavailable(error)] * len(live)
        self._count_group(len(live), perf_counter() - began, answers)
        with self._count:
            self._waiting -= len(entries)
        _deliver(live, answers)

    def _count_group(self, units: int, seconds: float, answers: list[Any]) -> None:
        if units:
            self.figures.units.observe(units)
            self.figures.seconds.observe(seconds)
        for answer in answers:
            if isinstance(answer, Unavailable):
                self.figures.failures.add(answer.code)

    def _begin(self, entries: list[_Entry]) -> list[_Entry]:
        """Who is served. Who stopped waiting before is not: nothing of theirs has happened yet."""
        with self._count:
            live = [entry for entry in entries if not entry.is_dropped]
            for entry in live:
                entry.begun = True
        return live

    def _group(self, entries: list[_Entry]) -> list[Any]:
        """The answers of a group. A unit that breaks the whole group makes its members go one by one."""
        try:
            return self._transaction(entries)
        except self._kind.unit_errors as error:
            if len(entries) == 1:
                return [unavailable(error)]
            return [answer for entry in entries for answer in self._group([entry])]
        except Unavailable as error:
            return [error] * len(entries)
        except self._kind.store_errors as error:
            self._drop_writer()
            return [unavailable(error)] * len(entries)

    def _transaction(self, entries: list[_Entry]) -> list[Any]:
        writer = self._writer or open_writer(self._database)
        self._writer = writer
        hot = [entry.work for entry in entries if entry.hot]
        with writer.turn():
            try:
                page, plan = self._judge(writer, hot)
                failpoint("group.begun")
                cold = [entry.work for entry in entries if not entry.hot]
                posts = plan.posts if self._post is not None else []
                writes = plan.writes
                if cold or posts:
                    writer.write(writes)
                    writes = []
                if self._post is not None and posts:
                    self._post(writer.core, posts)
                cold_answers = [self._savepoint(writer, page, work) for work in cold]
                failpoint("group.written")
                writer.commit(writes + page.writes())
                failpoint("group.committed")
            except BaseException:
                self._abandon(writer)
                raise
        answers = {True: iter(plan.answers), False: iter(cold_answers)}
        return [next(answers[entry.hot]) for entry in entries]

    def _judge(self, writer: Writer, hot: Sequence[Any]) -> tuple[Page, Plan]:
        group = self._planner(hot) if self._planner and hot else None
        head, *rows = writer.begin([(self._ledger.head, ()), *(group.reads() if group else ())])
        page = self._ledger.open(head[0], writer.core)
        if group is None:
            return page, Plan([], [])
        return page, group.judge(rows, page)

    def _savepoint(self, writer: Writer, page: Page, work: Callable[[Tx], Any]) -> Any:
        mark = page.mark()
        writer.run("SAVEPOINT unit")
        try:
            answer = work(Tx(writer.core, page, self._database.dialect, self._post))
            writer.run("RELEASE SAVEPOINT unit")
        except Exception as error:  # noqa: BLE001 - it is the unit's answer, raised where the unit was submitted
            writer.run("ROLLBACK TO SAVEPOINT unit")
            writer.run("RELEASE SAVEPOINT unit")
            page.rewind(mark)
            return _told(error)
        return answer

    def _abandon(self, writer: Writer) -> None:
        try:
            writer.rollback()
        except self._kind.store_errors:
            self._drop_writer()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                writer.close()
            except self._kind.store_errors as error:
                log.warning("closing the failed connection failed too: %s", type(error).__name__)


def _told(error: Exception) -> Exception:
    """What the caller of a use case hears: its own error; of the driver's only that there was one, for that may hold
    values."""
    if not isinstance(error, DBAPIError):
        return error
    return unavailable(error.orig)


def _deliver(entries: Sequence[_Entry], answers: Sequence[Any]) -> None:
    """Wake each event loop once, however many of its units were in the group."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Entry, Any]]] = defaultdict(list)
    for entry, answer in zip(entries, answers, strict=True):
        if entry.loop is None:
            _settle(entry, answer)
        else:
            by_loop[entry.loop].append((entry, answer))
    for loop, pairs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, pairs)


def _settle_all(pairs: list[tuple[_Entry, Any]]) -> None:
    for entry, answer in pairs:
        _settle(entry, answer)


def _settle(entry: _Entry, answer: Any) -> None:
    future = entry.future
    heard = False
    if future is not None and not future.done():
        heard = True
        _answer(future, answer)
    if entry.told is not None:
        _tell(entry.told, answer, heard)


def _answer(future: asyncio.Future[Any] | concurrent.futures.Future[Any], answer: Any) -> None:
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _tell(told: Told, answer: Any, heard: bool) -> None:
    try:
        told(answer, heard)
    except Exception:
        log.exception("an answer was not understood; the others of its group are told theirs")
