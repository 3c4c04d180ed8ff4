"""Finding items: by the words of a question, by its meaning where spaces declare an endpoint, or by both."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from autonomy.catalog.memory_space import Embedding
from autonomy.catalog.organisation import Organisation
from autonomy.db import Database
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Invalid, Unavailable

from . import index, ranking, rules, vectors
from .items import Reader
from .meaning import Meaning
from .model import By, Found, Member, Question, Shelf
from .shelves import Shelves
from .words import MAX_ASKED, Marks

MAX_FOUND = 50
CONSIDERED = 3  # times as many items as are wanted are compared in full
MAX_SPACES = 8  # whose endpoints are asked about one question


class Asked(NamedTuple):
    """What the endpoint of a space makes of a question."""

    space: str
    said: Embedding
    vector: Sequence[float]


class Finding:
    """Answers questions, from what those who ask may read."""

    def __init__(
        self,
        database: Database,
        shelves: Shelves,
        reader: Reader,
        marks: Marks,
        meaning: Meaning,
        organisation: Callable[[], Organisation],
        clock: Clock,
    ) -> None:
        self._database = database
        self._shelves = shelves
        self._reader = reader
        self._marks = marks
        self._meaning = meaning
        self._organisation = organisation
        self._clock = clock

    async def find(self, members: Sequence[Member], question: Question, labels: Iterable[str] = ()) -> Found:
        """What all of the members may read and answers best. `labels` are what their case has seen: as much may be in
        the question, which is sent only where that may be sent.

        Raises Invalid: `memory.query` where there is no word in the question, `memory.no_meaning` where meaning alone
        is asked for and no space that they may read declares an endpoint.
        """
        marks = self._marks.of([question.text], MAX_ASKED)
        if not marks:
            raise Invalid("there is no word in the question", code="memory.query", hint="ask with a word or a number")
        organisation = self._organisation()
        by_words = question.by != "meaning"
        asked, missing = await self._asked(organisation, members, question, frozenset(labels))
        if not asked:
            by_words = True  # rather than nothing: the answer says so

        def read(connection: Connection) -> Found:
            return self._read(connection, organisation, members, question, marks if by_words else [], asked, missing)

        return await self._database.read(read)

    async def _asked(
        self, organisation: Organisation, members: Sequence[Member], question: Question, labels: frozenset[str]
    ) -> tuple[list[Asked], str | None]:
        """The question as vectors, and why there are fewer than there could be."""
        spaces = _spaces(organisation, members, question.space)
        if question.by == "text" or not spaces:
            if question.by == "meaning":
                raise Invalid(
                    "nothing that you may read there is found by meaning",
                    code="memory.no_meaning",
                    hint="ask by words, or have the space declare an `embedding`",
                )
            return [], None
        admitted = {
            space: said
            for space in spaces[:MAX_SPACES]
            if (said := rules.sent_to(organisation, space, *rules.restriction(space, (), labels))) is not None
        }
        missing = None if len(admitted) == len(spaces[:MAX_SPACES]) else "memory.not_sent"
        missing = missing if len(spaces) <= MAX_SPACES else "memory.many_spaces"
        once = {vectors.asking(said): said for said in admitted.values()}
        found = dict(
            zip(once, await asyncio.gather(*(self._vector(each, question.text) for each in once.values())), strict=True)
        )
        asked = [
            Asked(space, said, vector)
            for space, said in admitted.items()
            if not isinstance(vector := found[vectors.asking(said)], AutonomyError)
        ]
        failed = next((each.code for each in found.values() if isinstance(each, AutonomyError)), None)
        return asked, failed or missing

    async def _vector(self, said: Embedding, question: str) -> list[float] | AutonomyError:
        try:
            return await self._meaning.of_question(said, question)
        except (Invalid, Unavailable) as error:
            return error

    def _read(
        self,
        connection: Connection,
        organisation: Organisation,
        members: Sequence[Member],
        question: Question,
        marks: Sequence[str],
        asked: Sequence[Asked],
        missing: str | None,
    ) -> Found:
        at, most = self._clock(), min(question.limit, MAX_FOUND)
        shelves = self._shelves.readable(connection, organisation, members, question.space)
        if not shelves:
            return Found((), _by(asked, marks), missing)
        found = index.find(connection, list(shelves), marks) if marks else []
        worded, weights = ranking.shortlist(found, marks, CONSIDERED * most)
        rankings = self._like(connection, shelves, asked, CONSIDERED * most)
        wanted = {*worded, *(seq for each in rankings for seq in each)}
        rows = {row.seq: row for row in self._reader.valid(connection, shelves, list(wanted), at)}
        rankings.append(_best([rows[seq] for seq in worded if seq in rows], weights))
        best = ranking.fused([seq for seq in each if seq in rows] for each in rankings)
        items = self._reader.items(connection, shelves, [rows[seq] for seq in best[:most]], organisation, at)
        return Found(tuple(items), _by(asked, marks), missing, {one.space: one.said.newest for one in asked})

    def _like(
        self, connection: Connection, shelves: Mapping[int, Shelf], asked: Sequence[Asked], most: int
    ) -> list[list[int]]:
        """What means most nearly the same: one ranking for each maker, whose vectors alone can be compared."""
        found: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        for one in asked:
            places = [shelf.id for shelf in shelves.values() if shelf.space == one.space]
            found[vectors.maker(one.said)] += self._meaning.like(connection, places, one.said, one.vector, most)
        return [[seq for _, seq in sorted(each, reverse=True)[:most]] for each in found.values()]


def _best(rows: Sequence[Any], weights: Mapping[str, float]) -> list[int]:
    """The items by how well their words answer."""
    best = sorted(rows, key=lambda row: (ranking.score(row.marks.split(), weights), row.seq), reverse=True)
    return [row.seq for row in best]


def _by(asked: Sequence[Asked], marks: Sequence[str]) -> By:
    if not asked:
        return "text"
    return "both" if marks else "meaning"


def _spaces(organisation: Organisation, members: Sequence[Member], only: str | None) -> list[str]:
    """The spaces that all of the members may read and that declare an endpoint."""
    found = ((name, rules.space_of(organisation, name)) for name in sorted(organisation.all("MemorySpace")))
    return [
        name
        for name, said in found
        if only in (None, name)
        and said is not None
        and said.embedding is not None
        and rules.may_read_space(organisation, name, members)
    ]
