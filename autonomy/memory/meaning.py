"""What items mean, as vectors: made after the write, by an endpoint that the space declares, and compared in a search.

A write leaves a row that is due, in its own transaction. Any process takes due rows for a while, sends the texts, and
seals what comes back as the items are sealed. What is lost on the way is due again; an endpoint that does not answer
rests, as does an item that it refuses. Nobody who writes or reads ever waits for any of this.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

import msgspec
from sqlalchemy import Connection

from autonomy.audit import SubjectKey, Vault
from autonomy.audit.vault import Sealed
from autonomy.catalog.memory_space import Embedding
from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import MINUTE, Clock
from autonomy.kernel.errors import AutonomyError, Invalid, Unavailable

from . import nearest, rules, store, vectors, waiting
from .items import PART
from .model import Shelf
from .shelves import Shelves
from .vectors import Due

log = logging.getLogger("autonomy.memory")

Ask = Callable[[Embedding, Sequence[str], float], Awaitable[Json]]
"""What an endpoint answers to texts, within so many seconds. Raises Invalid where it has something against these texts,
Unavailable where it does not answer."""

VECTOR = "meaning"  # the part of an item that is sealed, beside the item itself
ANSWER_SECONDS = 30.0  # for items; the connector may allow less
LEASE = 2 * MINUTE  # how long who has taken due rows keeps others from them: longer than an answer takes
LOOK_SECONDS = 1.0
TEND_SECONDS = 60.0


class Meaning:
    """The vectors of one organisation's memory. `organisation` is the one in force."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        vault: Vault,
        shelves: Shelves,
        organisation: Callable[[], Organisation],
        ask: Ask,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._vault = vault
        self._shelves = shelves
        self._organisation = organisation
        self._ask = ask
        self._clock = clock
        self._failures: Counter[str] = Counter()
        self._rests: dict[str, int] = {}
        self._tended: tuple[dict[str, str], float] = ({}, float("-inf"))
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Make vectors until cancelled."""
        while True:
            try:
                self._news.clear()
                worked = await self.look()
            except AutonomyError as error:
                log.warning("what items mean is not found out: %s", error.code)
                worked = False
            if not worked:
                await self._rest()

    def expect(self, tx: Tx, item: str, seq: int, shelf: Shelf) -> None:
        """Let a new item wait for its vector, where it may have one."""
        said = rules.sent_to(self._organisation(), shelf.space, shelf.tags, shelf.origins)
        if said is not None:
            waiting.expect(tx, [Due(item, seq, shelf.space, shelf.id, vectors.maker(said), 0)], self._clock())

    def wake(self) -> None:
        """Something new was written."""
        self._news.set()

    async def look(self) -> bool:
        """Do a piece of what is to be done; whether there was anything."""
        declared = self._declared()
        tended = await self._tend(declared)
        at = self._clock()
        awake = {maker: said for maker, said in _by_maker(declared).items() if self._rests.get(maker, 0) <= at}
        due = await self._database.read(lambda reader: waiting.due(reader, awake, at)) if awake else []
        if not due:
            return tended
        wanted = vectors.together(due, awake)
        mine = await self._queue.perform(lambda tx: waiting.claim(tx, wanted, at, at + LEASE))
        if mine:
            await self._make(mine, awake[mine[0].maker])
        return True

    async def of_question(self, said: Embedding, question: str) -> list[float]:
        """The vector of a question. Raises Unavailable (`memory.endpoint`, `memory.extra`), Invalid (`memory.vectors`)
        where there is none in time."""
        nearest.require()
        text, seconds = said.queryPrefix + question, clock.duration(said.timeout) / clock.SECOND
        (found,) = vectors.read(await self._ask(said, [text], seconds), 1, said.dimensions)
        return found

    def like(
        self, connection: Connection, shelves: Collection[int], said: Embedding, vector: Sequence[float], most: int
    ) -> list[tuple[float, int]]:
        """Cosine and number of the items on these shelves that mean most nearly the same."""
        rows = waiting.scanned(connection, vectors.maker(said), shelves, said.newest)
        least = 0.0 if said.leastSimilarity is None else int(said.leastSimilarity.removesuffix("%")) / 100
        return nearest.nearest(self._opened(connection, rows), vector, most, least)

    def _opened(self, connection: Connection, rows: Sequence[Any]) -> Iterator[list[tuple[int, bytes]]]:
        for start in range(0, len(rows), nearest.AT_ONCE):
            part = rows[start : start + nearest.AT_ONCE]
            boxes = [Sealed(row.item, VECTOR, row.subject, row.generation, row.box) for row in part]
            opened = self._vault.unseal(connection, boxes)
            yield [(row.seq, opened[row.item]) for row in part if row.item in opened]

    def _declared(self) -> dict[str, Embedding]:
        """Space → its endpoint, of those that have one."""
        organisation = self._organisation()
        found = ((name, rules.space_of(organisation, name)) for name in sorted(organisation.all("MemorySpace")))
        return {name: said.embedding for name, said in found if said is not None and said.embedding is not None}

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._news.wait()
        except TimeoutError:
            pass  # another process may have written, or a rest be over

    async def _make(self, due: Sequence[Due], said: Embedding) -> None:
        """Find out what these items mean, or let them wait."""
        texts = await self._database.read(lambda reader: self._texts(reader, due))
        gone = [each.item for each in due if each.item not in texts]
        if gone:
            await self._queue.perform(lambda tx: waiting.drop(tx, gone))
        asked = [each for each in due if each.item in texts]
        if not asked:
            return
        try:
            answer = await self._ask(said, [texts[each.item][0] for each in asked], ANSWER_SECONDS)
            found = vectors.read(answer, len(asked), said.dimensions)
        except Invalid as error:
            await self._refused(asked, error.code)
        except Unavailable as error:
            await self._silent(asked, error.code)
        else:
            self._failures.pop(asked[0].maker, None)
            await self._keep([(each, texts[each.item][1], vector) for each, vector in zip(asked, found, strict=True)])

    def _texts(self, connection: Connection, due: Sequence[Due]) -> dict[str, tuple[str, SubjectKey]]:
        """What is to be sent of each item, and the key its vector is sealed with; nothing of what may not be sent."""
        organisation, shelves = self._organisation(), self._shelves.of(connection)
        columns = store.item.c
        query = store.item.select().where(columns.id.in_([each.item for each in due]))
        rows = [row for row in connection.execute(query) if row.shelf in shelves]
        boxes = [Sealed(row.id, PART, row.subject, row.generation, row.box) for row in rows]
        opened = self._vault.unseal(connection, boxes)
        keys = self._vault.live_keys(connection, {(row.subject, row.generation) for row in rows})
        found = {}
        for row in rows:
            shelf = shelves[row.shelf]
            said = rules.sent_to(organisation, shelf.space, shelf.tags, shelf.origins)
            if said is not None and vectors.maker(said) == due[0].maker and row.id in opened:
                text = vectors.text_of(msgspec.json.decode(opened[row.id]), said)
                found[row.id] = text, keys[row.subject, row.generation]
        return found

    async def _keep(self, found: Sequence[tuple[Due, SubjectKey, Sequence[float]]]) -> None:
        rows = []
        for one, key, vector in found:
            sealed, _ = key.seal(one.item, VECTOR, vectors.quantised(vector), self._clock())
            rows.append((one, {"subject": key.subject, "generation": key.generation, "box": sealed[4]}))

        def work(tx: Tx) -> None:
            for one, values in rows:
                waiting.keep(tx, one, values)

        await self._queue.perform(work)

    async def _refused(self, due: Sequence[Due], code: str) -> None:
        """The endpoint has something against one of these texts, or answers with what is none: each rests for itself,
        after it was tried alone."""
        tries = due[0].tries + 1
        until = self._clock() + vectors.item_rest(tries)
        log.warning("an endpoint made no vectors of %d items of `%s`: %s", len(due), due[0].space, code)
        await self._queue.perform(lambda tx: waiting.put_off(tx, due, until, tries))

    async def _silent(self, due: Sequence[Due], code: str) -> None:
        """The endpoint did not answer: it rests, and nobody has tried."""
        maker, at = due[0].maker, self._clock()
        self._failures[maker] += 1
        self._rests[maker] = at + vectors.endpoint_rest(self._failures[maker])
        log.warning("an endpoint of vectors does not answer: %s", code)
        await self._queue.perform(lambda tx: waiting.put_off(tx, due, at))

    async def _tend(self, declared: Mapping[str, Embedding]) -> bool:
        """Let what is to have a vector wait for one, and what is to have none have none; whether there is more to do.

        That is looked after as often as what is declared changes, and now and then: another process may have written
        what it did not know was to have one.
        """
        makers, (known, at) = {space: vectors.maker(said) for space, said in declared.items()}, self._tended
        if makers == known and monotonic() - at < TEND_SECONDS:
            return False
        wanted, surplus = await self._database.read(lambda reader: self._untended(reader, declared))
        if not wanted and not surplus:
            self._tended = makers, monotonic()
            return False

        def work(tx: Tx) -> None:
            waiting.drop(tx, surplus)
            waiting.expect(tx, wanted, self._clock())

        await self._queue.perform(work)
        return True

    def _untended(self, connection: Connection, declared: Mapping[str, Embedding]) -> tuple[list[Due], list[str]]:
        """A batch of items that are to wait for a vector, and one of those that are to have none."""
        organisation, every = self._organisation(), self._shelves.of(connection).values()
        for space in waiting.spaces(connection):
            if space not in declared and (gone := waiting.surplus(connection, space, [], 1)):
                return [], gone
        for space, said in declared.items():
            shelves = [
                each.id
                for each in every
                if each.space == space and rules.sent_to(organisation, space, each.tags, each.origins)
            ]
            wanted = waiting.unmet(connection, space, vectors.maker(said), shelves, said.newest)
            surplus = waiting.surplus(connection, space, shelves, said.newest)
            if wanted or surplus:
                return wanted, surplus
        return [], []


def _by_maker(declared: Mapping[str, Embedding]) -> dict[str, Embedding]:
    return {vectors.maker(said): said for said in declared.values()}
