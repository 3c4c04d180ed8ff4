"""A house with a long past: a database of millions of leaves that is as the house itself would have left it.

A few hundred episodes are played through the front door (`bench.episodes`); their rows are then written again and again
about other agents, at other times, with new names, sealed and hashed anew. The log is appended by the code that appends
in service, so that every proof holds. Some sixty agents work in an hour, each for an hour in three days.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import uvloop
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from autonomy.audit import Leaf, Log, Vault, read_leaf
from autonomy.audit.log import SIGN_AFTER
from autonomy.audit.merkle import leaf_hash
from autonomy.audit.store import READ_HEAD, leaf
from autonomy.db import Database
from autonomy.identity.store import agent
from autonomy.insight import Marks, found
from autonomy.insight.cells import figure, figure_rows
from autonomy.insight.counting import COUNTERS, Cell, Memory, Sums
from autonomy.insight.postings import Postings, unpack
from autonomy.insight.reckoning import count
from autonomy.insight.taking_in import take_in
from autonomy.kernel import canonical
from autonomy.kernel.clock import DAY, HOUR, now
from autonomy.kernel.sealing import Seal
from autonomy.tools.key import load_key
from autonomy.wiring import System

from .bulk import Bulk, bulk_of
from .episodes import ACTING, EPISODES, FIRST, TABLES, UNITS, Episode, played, stage
from .patterns import NAMED, Actor, Filler, RowPattern, Slots, sealing

DAYS = 180
TOGETHER = 3  # agents of each unit that work in the same hour
GROUP = 20_000  # leaves whose rows are written at once; the log is signed as often as it is in service
RECENT = 0.003  # part of the log at whose end the open episodes lie
OPEN = {"held": 400, "unknown": 40, "asking": 200, "stuck": 100, "to_look_at": 300}
ODD = 500  # leaves, among which one action opens an incident
SHARED = ("figure_case", "case_label")
"""Tables whose rows several episodes share: the first of them writes."""
PLACES = {"search_action": ("seq",), "incident": ("leaf",)}
FAR = {"hold": ("expires_at", "next_escalation_at", "next_reminder_at")}
"""Columns that hold the index of a leaf, and those of open episodes that lie far ahead."""


@dataclass(frozen=True, slots=True)
class LeafPattern:
    kind: str
    action: str | Filler | None
    at: int
    body: Filler


@dataclass(frozen=True, slots=True)
class Pattern:
    """An episode, ready to be said of somebody else."""

    name: str
    unit: int
    start: int
    slots: Slots
    leaves: Sequence[LeafPattern]
    rows: Sequence[tuple[str, RowPattern]]
    marks: Sequence[tuple[int, int]]
    made: Sequence[tuple[Callable[[str], int], Filler, int]]
    """Marks that every copy makes anew: how, of what, and at which leaf."""
    sums: Mapping[Cell, Sums]


class Heard(Marks):
    """Marks that remember what each stands for."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.said: dict[int, tuple[Callable[[str], int], str, bool]] = {}

    def facet(self, name: str, value: str) -> int:
        return self._note(super().facet(name, value), lambda other: Marks.facet(self, name, other), value, False)

    def about(self, name: str, value: str) -> int:
        return self._note(super().about(name, value), lambda other: Marks.about(self, name, other), value, False)

    def word(self, word: str) -> int:
        return self._note(super().word(word), lambda other: Marks.word(self, other), word, True)

    def _note(self, mark: int, make: Callable[[str], int], value: str, is_word: bool) -> int:
        self.said[mark] = make, value, is_word
        return mark


class Tell(Protocol):
    """Hears how far the log has come."""

    def __call__(self, size: int, of: int) -> None: ...


def build(folder: Path, database: str, leaves: int, tell: Tell) -> None:
    """Make the data folder of a house whose log has about so many leaves; `database` is empty for SQLite in it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_built(folder, database, leaves, tell))


def kept(cache: Path, leaves: int) -> Path:
    """The data folder of a house on SQLite with so many leaves, made where it is not in the cache yet."""
    folder = cache / f"house-{leaves}"
    if not folder.exists():
        draft = cache / f"house-{leaves}.part"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        build(draft, "", leaves, progress())
        draft.rename(folder)
    return folder


def progress() -> Tell:
    """A line on the standard error that says how far it is."""
    begun = time.monotonic()

    def tell(size: int, of: int) -> None:
        rate = size / max(0.001, time.monotonic() - begun)
        print(f"\r{size:>12,} of {of:,} leaves, {rate:,.0f} a second ", end="", file=sys.stderr, flush=True)

    return tell


async def _built(folder: Path, database: str, leaves: int, tell: Tell) -> None:
    async with stage(folder, database, DAYS * DAY) as it:
        episodes = await played(it)
        patterns, actors = await asyncio.to_thread(_read, it.system, folder, episodes)
        log, start = Log(it.system.checkpoints.row), it.clock()
        url = it.system.database.url.render_as_string(hide_password=False)
    with closing(Database.open(url)) as store, closing(bulk_of(store)) as bulk:
        Writing(store, bulk, log, patterns, actors, start).run(leaves, tell)


class Writing:
    """Writes copies of episodes until the log is as long as it should be."""

    def __init__(
        self,
        store: Database,
        bulk: Bulk,
        log: Log,
        patterns: Sequence[Pattern],
        actors: Sequence[Actor],
        start: int,
    ) -> None:
        self._store = store
        self._bulk = bulk
        self._log = log
        self._actors = actors
        self._start = start
        self._end = now()
        self._patterns = defaultdict(list)
        for pattern in patterns:
            self._patterns[pattern.name].append(pattern)
        self._chance = random.Random(11)
        self._rows: dict[str, list[list[Any]]] = defaultdict(list)
        self._marks: set[tuple[int, int]] = set()
        self._census: Counter[tuple[int, str]] = Counter()
        self._counted: Counter[tuple[int, str, int]] = Counter()
        self._known: set[tuple[str, Any]] = set()

    def run(self, leaves: int, tell: Tell) -> None:
        """All of it. Figures and places come last."""
        first = size = self._head()[0]
        names = self._names(leaves - first)
        while size < leaves:
            until = min(size + GROUP, leaves)
            while size < until:
                with self._store.reading() as core:
                    page = self._log.open(self._head(), core)
                    while page.size - size < SIGN_AFTER and page.size < until:
                        self._copy(page, next(names), (page.size - first) / (leaves - first))
                    writes = page.writes()
                self._bulk.write(writes)
                size = page.size
            self._flush()
            tell(size, leaves)
        self._finish(size)

    def _head(self) -> Any:
        [[head]] = self._bulk.read(READ_HEAD)
        return head

    def _names(self, leaves: int) -> Iterator[str]:
        """What happens one after another: usual things, and near the end those that are still open."""
        usual = {name: outlined.share for name, outlined in EPISODES.items() if outlined.share}
        mean = sum(share * len(self._patterns[name][0].leaves) for name, share in usual.items()) / sum(usual.values())
        count = int(leaves / mean)
        waiting = [name for name, many in OPEN.items() for _ in range(many)]
        self._chance.shuffle(waiting)
        late = count - max(int(count * RECENT), 2 * len(waiting))
        every = max(1, (count - late) // (2 * len(waiting)))
        number = 0
        while True:
            number += 1
            if number % ODD == 0:
                yield "odd"
            if number > late and number % every == 0 and waiting:
                yield waiting.pop()
            yield self._chance.choices(list(usual), list(usual.values()))[0]

    def _copy(self, page: Any, name: str, part: float) -> None:
        pattern = self._chance.choice(self._patterns[name])
        at = int(self._start + (self._end - self._start) * part)
        hour = at // HOUR
        turn = (hour * TOGETHER + self._chance.randrange(TOGETHER)) % (ACTING // UNITS)
        actor = self._actors[pattern.unit + UNITS * turn] if pattern.name in _OF_AGENTS else pattern.slots.actor
        values = pattern.slots.filling(at, actor, _day(at))
        later, further = at - pattern.slots.begun, page.size - pattern.start
        for table, row in pattern.rows:
            copied = row(values, later, further)
            if table not in SHARED or self._is_new(table, copied[0]):
                self._rows[table].append(copied)
        for mark, seq in pattern.marks:
            self._marks.add((mark, seq + further))
        for make, of, seq in pattern.made:
            self._marks.add((make(of(values)), seq + further))
        for one in pattern.leaves:
            body = one.body(values)
            action = one.action(values) if callable(one.action) else one.action
            self._census[page.size // found.BLOCK, one.kind] += 1
            page.append(Leaf(one.kind, action, one.at + later, body, leaf_hash(body)))
        self._counted[pattern.start, actor.name, at // HOUR] += 1

    def _is_new(self, table: str, key: Any) -> bool:
        if (table, key) in self._known:
            return False
        self._known.add((table, key))
        return True

    def _flush(self) -> None:
        for table, rows in self._rows.items():
            self._bulk.put(table, rows)
        self._rows.clear()
        led = Postings()
        for mark, seq in self._marks:
            led.add((mark,), seq)
        self._bulk.put_postings(led.rows())
        self._marks.clear()

    def _finish(self, size: int) -> None:
        self._bulk.put_census([(*key, many) for key, many in self._census.items()])
        for rows in _batches(self._figures(), 5_000):
            self._bulk.put_figures(rows)
        self._bulk.finish(size)

    def _figures(self) -> Iterator[list[Any]]:
        """The rows of the figures: each hour of each agent is as many times its episodes."""
        by_start = {pattern.start: pattern for patterns in self._patterns.values() for pattern in patterns}
        actors = {actor.name: actor for actor in self._actors}
        cells: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
        for (start, name, hour), many in self._counted.items():
            pattern = by_start[start]
            before, after = pattern.slots.actor, actors[name]
            for (dimension, key, _), sums in pattern.sums.items():
                said = {before.name: after.name, before.revision: after.revision}.get(key, key)
                cell = cells[dimension, said, hour * HOUR]
                for counter, value in sums.items():
                    cell[counter] += value * many
        columns = [column.name for column in figure.columns]
        for row in figure_rows(cells, COUNTERS):
            yield [row[name] for name in columns]


_OF_AGENTS = frozenset(EPISODES) - {"run", "asking", "stuck", "looked_at", "to_look_at"}


def _read(system: System, folder: Path, episodes: Sequence[Episode]) -> tuple[list[Pattern], list[Actor]]:
    with system.database.reading() as connection:
        return _patterns(connection, system, folder, episodes), _actors(connection)


def _patterns(connection: Connection, system: System, folder: Path, episodes: Sequence[Episode]) -> list[Pattern]:
    master = load_key(folder / "master.key")
    marks = Heard(canonical.derive(master, b"autonomy search"))
    actors = {actor.name: actor for actor in _actors(connection)}
    boxes = {
        "run": ("state", AESGCM(canonical.derive(master, b"autonomy runs"))),
        "run_command": ("body", AESGCM(canonical.derive(master, b"autonomy runs"))),
        "task": ("body", AESGCM(canonical.derive(master, b"autonomy tasks"))),
    }
    kept = frozenset(actor.core for actor in actors.values())
    return [_pattern(connection, system.vault, marks, boxes, actors[one.agent], kept, one) for one in episodes]


def _pattern(
    connection: Connection,
    vault: Vault,
    marks: Heard,
    boxes: Mapping[str, tuple[str, AESGCM]],
    actor: Actor,
    kept: frozenset[str],
    episode: Episode,
) -> Pattern:
    slots = Slots(episode.begun, actor, _day(episode.begun), kept)
    query = select(leaf).where(leaf.c.idx >= episode.start, leaf.c.idx < episode.stop).order_by(leaf.c.idx)
    told = connection.execute(query).all()
    take_in([(row.idx, read_leaf(bytes(row.body))) for row in told], marks)
    plain, made = _marks(connection, marks, slots, episode)
    rows = []
    for table in TABLES:
        names = [column.name for column in table.columns]
        places = [names.index(one) for one in PLACES.get(table.name, ())]
        far = [names.index(one) for one in FAR.get(table.name, ())] if EPISODES[episode.name].is_open else []
        for row in episode.rows.get(table.name, ()):
            pattern = RowPattern(row, slots, places, far)
            if table.name == "payload":
                _reseal_payload(connection, vault, slots, row, pattern)
            elif table.name in boxes:
                column, box = boxes[table.name]
                at = names.index(column)
                opened = _opened(box, row[0], row[at])
                pattern.seal(at, sealing(box, slots.packed(opened), slots.pattern(row[0])))
            rows.append((table.name, pattern))
    leaves = [
        LeafPattern(
            row.kind,
            None if row.action is None else slots.pattern(row.action),
            row.at,
            slots.packed(bytes(row.body)),
        )
        for row in told
    ]
    sums = count(connection, episode.start, episode.stop, Memory({}, {}, {}, {})).sums
    unit = int(episode.agent.rpartition("-")[2]) - FIRST
    return Pattern(episode.name, unit, episode.start, slots, leaves, rows, plain, made, sums)


def _marks(connection: Connection, marks: Heard, slots: Slots, episode: Episode) -> tuple[Any, Any]:
    """Marks that every copy shares, and those it makes anew."""
    plain, made = [], []
    for mark, seq in _led(connection, episode):
        make, value, is_word = marks.said.get(mark, (None, "", False))
        filler = slots.word(value) if is_word else slots.pattern(value)
        if make is not None and callable(filler):
            made.append((make, filler, seq))
        else:
            plain.append((mark, seq))
    return plain, made


def _led(connection: Connection, episode: Episode) -> Iterator[tuple[int, int]]:
    """Marks that lead into the episode, each with where to."""
    block = found.mark.c.block
    query = select(found.mark).where(block.between(episode.start // found.BLOCK, (episode.stop - 1) // found.BLOCK))
    for mark, at, places in connection.execute(query):
        yield from ((mark, seq) for seq in unpack(at, bytes(places)) if episode.start <= seq < episode.stop)


def _reseal_payload(
    connection: Connection, vault: Vault, slots: Slots, row: Sequence[Any], pattern: RowPattern
) -> None:
    action, part = row[0], row[1]
    key, opened = vault.key_of(connection, action), vault.open(connection, action, part)
    assert key is not None and opened is not None  # nobody has been erased
    value = slots.packed(opened.salt + opened.value)
    pattern.seal(4, sealing(key.box, value, slots.pattern(action), slots.pattern(part)))


def _opened(box: AESGCM, name: str, sealed: bytes) -> bytes:
    return box.decrypt(sealed[:12], bytes(sealed[12:]), name.encode())


def _actors(connection: Connection) -> list[Actor]:
    """The agents that act, by their number."""
    rows = connection.execute(select(agent.c.name, agent.c.id, agent.c.revision)).all()
    known = {name: Actor(name, id[-26:], revision) for name, id, revision in rows}
    return [known[f"agent-{number}"] for number in range(FIRST, FIRST + ACTING)]


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _batches(rows: Iterator[list[Any]], size: int) -> Iterator[list[list[Any]]]:
    while batch := list(islice(rows, size)):
        yield batch


__all__ = ["NAMED", "Seal", "build", "kept"]
