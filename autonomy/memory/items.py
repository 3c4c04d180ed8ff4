"""From rows to items, for those who may read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, or_, select

from autonomy.audit import Vault
from autonomy.audit.vault import Sealed
from autonomy.catalog.organisation import Organisation
from autonomy.db import Database, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import NotFound

from . import rules, store
from .model import Item, Member, Shelf
from .shelves import Shelves

PART = "memory"  # the part of an item that is sealed, which is all of it
MAX_LINKS = 100  # of one item that are shown


class Reader:
    """Reads items. What somebody may not read is to them as if it were not there."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        shelves: Shelves,
        organisation: Callable[[], Organisation],
        clock: Clock,
    ) -> None:
        self._database = database
        self._vault = vault
        self._shelves = shelves
        self._organisation = organisation
        self._clock = clock

    async def one(self, members: Sequence[Member], item: str) -> Item:
        """The item with its links. Raises NotFound (`memory.unknown_item`)."""
        organisation, at = self._organisation(), self._clock()

        def read(connection: Connection) -> list[Item]:
            shelves = self._shelves.readable(connection, organisation, members)
            query = select(store.item).where(_COLUMNS.id == item, _COLUMNS.shelf.in_(list(shelves)))
            rows = list(connection.execute(query))
            return self.items(connection, shelves, rows, organisation, at, links=True)

        found = await self._database.read(read)
        if not found:
            raise NotFound(f"there is no item `{item[:50]}`", code="memory.unknown_item")
        return found[0]

    def valid(self, connection: Connection, shelves: Mapping[int, Shelf], seqs: Sequence[int], at: int) -> list[Any]:
        """Rows of these items that stand on the shelves and hold at `at` (milliseconds)."""
        return list(connection.execute(_VALID, {"seqs": list(seqs), "shelves": list(shelves), "now": at}))

    def items(
        self,
        connection: Connection | Tx,
        shelves: Mapping[int, Shelf],
        rows: Sequence[Any],
        organisation: Organisation,
        at: int,
        *,
        links: bool = False,
    ) -> list[Item]:
        """The rows as items, in the same order, without those whose subject was erased."""
        opened = self._vault.unseal(
            connection, [Sealed(row.id, PART, row.subject, row.generation, row.box) for row in rows]
        )
        linked = self._links(connection, shelves, [row.id for row in rows]) if links else {}
        return [
            item_of(row, shelves[row.shelf], opened[row.id], organisation, at, tuple(linked.get(row.id, ())))
            for row in rows
            if row.id in opened
        ]

    def _links(
        self, connection: Connection | Tx, shelves: Mapping[int, Shelf], items: Sequence[str]
    ) -> dict[str, list[tuple[str, str]]]:
        """Relation and item, of the items on these shelves only."""
        columns = store.link.c
        query = select(columns.item, columns.relation, columns.to_item)
        query = query.join(store.item, store.item.c.id == columns.to_item)
        query = query.where(columns.item.in_(items), store.item.c.shelf.in_(list(shelves)))
        found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in connection.execute(query.order_by(columns.relation, columns.to_item).limit(MAX_LINKS)):
            found[row.item].append((row.relation, row.to_item))
        return found


_COLUMNS = store.item.c
_VALID = select(store.item).where(
    _COLUMNS.seq.in_(bindparam("seqs", expanding=True)),
    _COLUMNS.shelf.in_(bindparam("shelves", expanding=True)),
    or_(_COLUMNS.valid_from.is_(None), _COLUMNS.valid_from <= bindparam("now")),
    or_(_COLUMNS.valid_until.is_(None), _COLUMNS.valid_until > bindparam("now")),
)
"""Built once: for a search, building it takes longer than running it."""


def item_of(
    row: Any, shelf: Shelf, content: bytes, organisation: Organisation, at: int, links: tuple[tuple[str, str], ...]
) -> Item:
    """The item a row stands for."""
    return Item(
        row.id,
        shelf,
        f"{row.author}@{row.revision[:12]}",
        row.source,
        row.case_id,
        bool(row.untrusted),
        row.at,
        row.valid_from,
        row.valid_until,
        row.at < fresh_since(organisation, shelf.space, at),
        row.reused,
        msgspec.json.decode(content),
        links,
    )


def fresh_since(organisation: Organisation, space: str, at: int) -> int:
    """What was written in the space before that time (milliseconds) is stale at `at`; 0 where nothing ever is."""
    said = rules.space_of(organisation, space)
    return at - clock.duration(said.freshness) if said and said.freshness else 0
