"""Counts the whole log anew, from nothing but its leaves, and compares what comes out with the figures that are shown.

One at a time in a process. What is compared is of one moment; the log may be as long as it likes, memory holds the sums
and what has to be remembered of cases.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, delete

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Conflict

from . import cells
from .cells import PLACE, TABLES, Row, figure, figure_place
from .counting import COUNTERS, Cell, Counting, Memory, Needs, needs_of
from .reckoning import behind_of

log = logging.getLogger("autonomy.insight")

BATCH = 2_000  # leaves read at once
MAX_TOLD = 100  # differences that are told
EMPTYING_SECONDS = 10.0

State = Literal["never", "running", "equal", "different", "failed"]
Key = tuple[Any, ...]
Tables = Mapping[str, Mapping[Key, Row]]


class Difference(NamedTuple):
    """Where what is shown is not what the log says; `shown` and `counted` are None where there is no such row."""

    table: str
    key: str
    column: str
    shown: str | None
    counted: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """How far counting anew has come, and what came of it. `leaves` of `of` are counted; times in milliseconds."""

    state: State = "never"
    leaves: int = 0
    of: int = 0
    rows: int = 0
    begun_at: int | None = None
    ended_at: int | None = None
    differences: tuple[Difference, ...] = ()
    differing: int = 0
    mended: bool = False
    code: str | None = field(default=None)


class Recompute:
    """Counts anew when it is told to, and remembers what came of it."""

    def __init__(self, database: Database, queue: CommitQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._result = Result()
        self._task: asyncio.Task[None] | None = None

    @property
    def result(self) -> Result:
        """What came of the last time, or how far it is."""
        return self._result

    def begin(self, mend: bool) -> Result:
        """Begin to count; with `mend` figures that differ are thrown away, to be counted again from the first leaf on.

        From the event loop. Raises Conflict (`insight.running`) where that is under way.
        """
        if self._task is not None and not self._task.done():
            raise Conflict("the log is being counted already", code="insight.running", hint="wait for its result")
        self._result = Result("running", begun_at=self._clock())
        self._task = asyncio.create_task(self._run(mend))
        return self._result

    async def close(self) -> None:
        """Stop counting."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, mend: bool) -> None:
        try:
            found = await asyncio.to_thread(self._compare)
            if mend and found.state == "different":
                await self._queue.perform(_empty, EMPTYING_SECONDS)
                found = replace(found, mended=True)
        except AutonomyError as error:
            log.warning("the log could not be counted anew: %s", error.code)
            found = replace(self._result, state="failed", code=error.code)
        self._result = replace(found, ended_at=self._clock())

    def _compare(self) -> Result:
        with self._database.snapshot() as connection:
            counted, shown = behind_of(connection).counted, _shown(connection)
        again = _Again()
        for start in range(0, counted, BATCH):
            stop = min(counted, start + BATCH)
            with self._database.reading() as connection:
                again.count(connection, start, stop)
            self._result = replace(self._result, leaves=stop, of=counted)
        found = again.tables()
        differences = list(differences_of(shown, found))
        return replace(
            self._result,
            state="different" if differences else "equal",
            leaves=counted,
            of=counted,
            rows=sum(map(len, found.values())),
            differences=tuple(differences[:MAX_TOLD]),
            differing=len(differences),
        )


class _Again:
    """Sums and memory of the log so far, in this process alone."""

    def __init__(self) -> None:
        self._memory = Memory({}, {}, {}, {})
        self._sums: defaultdict[Cell, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))

    def count(self, connection: Connection, start: int, stop: int) -> None:
        """Count the leaves from `start` up to, not including, `stop`."""
        leaves = cells.said_between(connection, start, stop)
        needs = needs_of(leaves)
        counting = Counting(self._recalled(connection, needs, start))
        for said in leaves:
            counting.take(said)
        self._keep(counting)

    def tables(self) -> Tables:
        """What it all comes to, as rows."""
        rows = filter(_counts, cells.figure_rows(self._sums))
        return {figure.name: {_key(row): row for row in rows}} | {
            name: {(key,): row for key, row in found.items()} for name, found in cells.memory_rows(self._memory).items()
        }

    def _recalled(self, connection: Connection, needs: Needs, start: int) -> Memory:
        memory = self._memory
        return Memory(
            begun=cells.begun_in_log(connection, needs.actions, start),
            cases={id: memory.cases[id] for id in needs.cases if id in memory.cases},
            open={id: memory.open[id] for id in needs.open if id in memory.open},
            people={name: memory.people[name] for name in needs.people if name in memory.people},
        )

    def _keep(self, counting: Counting) -> None:
        after = counting.memory
        self._memory.cases.update(after.cases)
        self._memory.people.update(after.people)
        for id, one in after.open.items():
            if one is None:
                self._memory.open.pop(id, None)
            else:
                self._memory.open[id] = one
        for cell, sums in counting.sums().items():
            for name, value in sums.items():
                self._sums[cell][name] += value


def differences_of(shown: Tables, counted: Tables) -> Iterator[Difference]:
    """Where two are not the same."""
    for table in TABLES:
        left, right = shown.get(table.name, {}), counted.get(table.name, {})
        for key in sorted({*left, *right}):
            one, other = left.get(key), right.get(key)
            if one != other:
                yield from _different(table.name, key, one, other)


def _different(table: str, key: Key, shown: Row | None, counted: Row | None) -> Iterator[Difference]:
    named = " ".join(map(str, key))
    if shown is None or counted is None:
        yield Difference(table, named, "", None if shown is None else "a row", None if counted is None else "a row")
        return
    for column, value in shown.items():
        if value != counted[column]:
            yield Difference(table, named, column, str(value), str(counted[column]))


def _shown(connection: Connection) -> Tables:
    found: dict[str, dict[Key, Row]] = {figure.name: {}}
    for row in filter(_counts, cells.rows_of(connection, figure)):
        found[figure.name][_key(row)] = row
    for table in TABLES[1:]:
        found[table.name] = {(next(iter(row.values())),): row for row in cells.rows_of(connection, table)}
    return found


def _counts(row: Row) -> bool:
    """Whether a row holds anything: one of noughts is as good as none, which labels that were changed may leave."""
    return any(row[name] for name in COUNTERS)


def _key(row: Row) -> Key:
    return row["dimension"], row["span"], row["start"], row["key"]


def _empty(tx: Tx) -> None:
    """No figures; the log is counted from its first leaf on, once more."""
    for table in TABLES:
        tx.execute(delete(table))
    tx.execute(delete(figure_place).where(figure_place.c.name == PLACE))
