"""Memory: what agents write, find, read and link, each as far as they may."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from autonomy.audit import SubjectKey, Vault
from autonomy.audit.vault import is_live
from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Tx, upsert
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.policy.labels import UNTRUSTED

from . import index, rules, store
from .finding import Finding
from .items import PART, Reader
from .meaning import Ask, Meaning
from .model import Author, Found, Held, Item, Member, Question, Shelf, Writing
from .shelves import Shelves, place
from .words import Marks, said_in

MAX_CONTENT = 64 * 1024  # bytes of an item as JSON
MAX_COUNTED = 10_000  # items of a space that are counted; there may be more
TRIES = 3  # to seal under a key that is not being destroyed


class Memory:
    """What the agents of one organisation remember together. `organisation` is the one in force, `epoch` the identity
    epoch as last seen, `ask` asks endpoints for vectors."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        vault: Vault,
        organisation: Callable[[], Organisation],
        epoch: Callable[[], int],
        master: bytes,
        ask: Ask,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._vault = vault
        self._organisation = organisation
        self._epoch = epoch
        self._marks = Marks(canonical.derive(master, b"autonomy memory words"))
        self._work_key = canonical.Keyed(canonical.derive(master, b"autonomy memory work"))
        self._clock = clock
        self.shelves = Shelves()
        self.reader = Reader(database, vault, self.shelves, organisation, clock)
        self.meaning = Meaning(database, queue, vault, self.shelves, organisation, ask, clock)
        self.finding = Finding(database, self.shelves, self.reader, self._marks, self.meaning, organisation, clock)

    async def write(self, author: Author, asked: Writing) -> Item:
        """Remember; done twice under one action, it is remembered once.

        Raises NotFound (`memory.unknown_space`, `memory.unknown_item`), Invalid (`memory.class`, `memory.data`,
        `memory.validity`, `memory.size`), Conflict (`memory.shelves`, `memory.erasing`).
        """
        organisation, members = self.entered(author, asked.space, rules.may_write)
        linked = [await self.reader.one(members, each) for each in dict.fromkeys(asked.links)]
        known = tuple(each.id for each in linked)
        labels = author.labels | self.seen(linked)
        tags, origins = _restriction(organisation, asked, labels)
        content = asked.content()
        sealed = canonical.encode(content)
        if len(sealed) > MAX_CONTENT:
            raise Invalid(f"an item has at most {MAX_CONTENT} bytes", code="memory.size", hint="keep it shorter")
        row = self._row(organisation, author, asked, labels)
        epoch = self._epoch()
        for _ in range(TRIES):
            key = await self._vault.key(asked.subject or f"memory:{asked.space}", epoch)
            values = row | _boxed(key, row["id"], sealed, row["at"])

            def work(tx: Tx, values: dict[str, Any] = values) -> Shelf | int:
                if not is_live(tx, values["subject"], values["generation"]):
                    return tx.epochs.identity
                found = place(tx, asked.space, tags, origins, author.agent)
                self._put(tx, values, found, author, known)
                return found

            written = await self._queue.perform(work)
            if isinstance(written, Shelf):
                self.meaning.wake()
                return self._written(row, written, content, known)
            epoch = written  # the subject was erased; under this epoch its key is another
        raise Conflict("its subject is being erased", code="memory.erasing", hint="write it again later")

    async def search(self, author: Author, question: Question) -> Found:
        """The items that answer best, the best first, of those the author may read. Raises as `find` does."""
        return await self.finding.find(self.members(self._organisation(), author), question, author.labels)

    async def read(self, author: Author, item: str) -> Item:
        """One item with its links. Raises NotFound (`memory.unknown_item`) where there is none for the author."""
        return await self.reader.one(self.members(self._organisation(), author), item)

    async def link(self, author: Author, item: str, to: str, relation: str) -> None:
        """Relate an item to another. Both are readable to the author, who may write where the first one is.

        Only who may read the other one sees the link. Raises NotFound (`memory.unknown_item`, `memory.unknown_space`).
        """
        organisation = self._organisation()
        members = self.members(organisation, author)
        first, other = await self.reader.one(members, item), await self.reader.one(members, to)
        if not rules.may_write(organisation, first.shelf.space, members):
            raise _no_space(first.shelf.space)
        values = {"item": first.id, "to_item": other.id, "relation": relation}
        row = values | {"source": author.action}
        await self._queue.perform(lambda tx: tx.execute(upsert(store.link, row, list(values), tx.dialect)))

    def members(self, organisation: Organisation, author: Author) -> list[Member]:
        """Everybody who has to be entitled. Raises NotFound where one of them is declared no more."""
        found = [rules.agent(organisation, name) for name in author.chain]
        if any(each is None for each in found):
            raise NotFound("the agent is declared no more", code="memory.unknown_space")
        return [each for each in found if each is not None]

    def person(self, name: str, roles: Iterable[str]) -> Member:
        """A person who holds these business roles, as a reader."""
        return rules.person(self._organisation(), name, roles)

    async def held(self, member: Member) -> list[Held]:
        """Every declared space with how many items the member may read there, and how often its work was reused."""
        organisation = self._organisation()
        return await self._database.read(lambda connection: self._held(connection, organisation, member))

    def _held(self, connection: Connection, organisation: Organisation, member: Member) -> list[Held]:
        uses = {row.space: row for row in connection.execute(select(store.reuse))}
        found = []
        for name in sorted(organisation.all("MemorySpace")):
            may = rules.may_read_space(organisation, name, [member])
            shelves = self.shelves.readable(connection, organisation, [member], name)
            use = uses.get(name) if may else None
            items = _count(connection, name, list(shelves)) if may else None
            found.append(Held(name, items, use.saved if use else 0, use.begun if use else 0))
        return found

    def marks_of(self, texts: Iterable[str]) -> list[str]:
        """The marks by which something with these texts is found."""
        return self._marks.of(texts)

    def work_of(self, space: str, task: str, inputs: Mapping[str, Json]) -> str:
        """The keyed hash by which the same work is known: task and inputs in canonical form, in one space."""
        return self._work_key.hash(canonical.encode([space, task, dict(inputs)]))

    def seen(self, items: Iterable[Item]) -> frozenset[str]:
        """What a case bears for having read the items."""
        organisation = self._organisation()
        return frozenset(label for each in items for label in rules.seen(organisation, each.shelf, each.untrusted))

    def entered(self, author: Author, space: str, allowed: rules.Allowed) -> tuple[Organisation, list[Member]]:
        """The organisation in force and the members. Raises NotFound (`memory.unknown_space`) for who may not there."""
        organisation = self._organisation()
        members = self.members(organisation, author)
        if not allowed(organisation, space, members):
            raise _no_space(space)
        return organisation, members

    def _row(
        self, organisation: Organisation, author: Author, asked: Writing, labels: frozenset[str]
    ) -> dict[str, Any]:
        revision = organisation.get("Agent", author.agent)
        return {
            "id": f"mem_{author.action.removeprefix('act_')}",
            "space": asked.space,
            "author": author.agent,
            "revision": revision.digest if revision else "",
            "source": author.action,
            "case_id": author.case,
            "untrusted": int(asked.untrusted or UNTRUSTED in labels),
            "at": self._clock(),
            "valid_from": asked.valid_from,
            "valid_until": asked.valid_until,
            "work": None if asked.task is None else self.work_of(asked.space, asked.task, asked.inputs),
            "reused": 0,
            "marks": " ".join(self._marks.of(said_in(asked.content()))),
        }

    def _put(self, tx: Tx, values: Mapping[str, Any], shelf: Shelf, author: Author, links: Sequence[str]) -> None:
        """Write an item, where its action has not written it before, and end the claim it fulfils."""
        if tx.execute(select(store.item.c.seq).where(store.item.c.id == values["id"])).first() is not None:
            return
        seq = tx.execute(select(func.coalesce(func.max(store.item.c.seq), 0) + 1)).scalar_one()
        tx.execute(insert(store.item).values(**values, seq=seq, shelf=shelf.id))
        index.add(tx, seq, shelf.id, values["marks"])
        self.meaning.expect(tx, values["id"], seq, shelf)
        for each in links:
            row = {"item": values["id"], "to_item": each, "relation": "rests-on", "source": author.action}
            tx.execute(insert(store.link).values(**row))
        if values["work"] is not None:
            columns = store.claim.c
            mine = (columns.agent == author.agent) & (columns.case_id == author.case)
            tx.execute(delete(store.claim).where(columns.work == values["work"], mine))

    def _written(self, row: Mapping[str, Any], shelf: Shelf, content: Mapping[str, Json], links: Sequence[str]) -> Item:
        return Item(
            row["id"],
            shelf,
            f"{row['author']}@{row['revision'][:12]}",
            row["source"],
            row["case_id"],
            bool(row["untrusted"]),
            row["at"],
            row["valid_from"],
            row["valid_until"],
            False,
            0,
            content,
            tuple(("rests-on", each) for each in links),
        )


def _restriction(
    organisation: Organisation, asked: Writing, labels: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Tags and origins of what is to be written."""
    if unknown := sorted(frozenset(asked.tags) - rules.declared_data(organisation)):
        raise Invalid(
            f"nothing here declares the class of data `{unknown[0][:63]}`",
            code="memory.class",
            hint="name classes that a unit, a role, a tool or a memory space declares",
        )
    tags, origins = rules.restriction(asked.space, asked.tags, labels)
    said = rules.space_of(organisation, asked.space)
    outside = sorted(rules.unfit(said, tags)) if said else []
    if outside:
        raise Invalid(
            f"`{asked.space}` may not hold data of the class `{outside[0]}`, which this is or was made of",
            code="memory.data",
            hint="write it where that class may be kept",
        )
    if asked.valid_from is not None and asked.valid_until is not None and asked.valid_from >= asked.valid_until:
        raise Invalid("it ends before it begins", code="memory.validity", hint="`valid_from` before `valid_until`")
    return tags, origins


def _count(connection: Connection, space: str, shelves: Sequence[int]) -> int:
    """How many items stand on the shelves; no more than `MAX_COUNTED` are counted."""
    columns = store.item.c
    some = select(columns.seq).where(columns.space == space, columns.shelf.in_(shelves)).limit(MAX_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _boxed(key: SubjectKey, name: str, value: bytes, at: int) -> dict[str, Any]:
    (_, _, subject, generation, box, _), _ = key.seal(name, PART, value, at)
    return {"subject": subject, "generation": generation, "box": box}


def _no_space(space: str) -> NotFound:
    """The one answer for a space that does not exist and for one that is none of the asker's business."""
    return NotFound(f"there is no memory space `{space[:63]}`", code="memory.unknown_space")
