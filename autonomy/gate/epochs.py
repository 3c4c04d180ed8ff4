"""Which epochs are in force, and the house of the catalog epoch. Every process watches; nobody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from sqlalchemy import Connection

from autonomy.audit.store import read_head
from autonomy.catalog.organisation import Organisation
from autonomy.db import Database
from autonomy.kernel.errors import Unavailable
from autonomy.policy import bundle_of
from autonomy.tools import Registry

from .house import House

WATCH_SECONDS = 0.25  # how stale an idle process may be; a dispatch is never stale, its transaction checks

Organisations = Callable[[], Organisation]
"""Reads the organisation in force."""

Quarantined = Callable[[Connection, Registry], Collection[str]]
"""Reads which tools are not in their accepted wording."""

Acquaint = Callable[[Connection], int]
"""Reads who may act, as the store is now; returns the identity epoch that is known from then on."""


class Watch:
    """The epochs as last seen. What is decided under stale ones is refused by the journal, then `refresh` is called.

    An epoch is published once everything it stands for is in memory: nobody who judges under it has to read.
    """

    def __init__(
        self, database: Database, organisations: Organisations, quarantined: Quarantined, acquaint: Acquaint
    ) -> None:
        self._database = database
        self._organisations = organisations
        self._quarantined = quarantined
        self._acquaint = acquaint
        self._building = asyncio.Lock()
        self._house: House | None = None
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self.identity = -1
        self.changed = asyncio.Condition()

    async def house(self) -> House:
        """The house of the catalog epoch last seen; read from the store the first time."""
        if self._house is None:
            await self.refresh()
        assert self._house is not None
        return self._house

    async def refresh(self) -> None:
        """Read the epochs now; build the house anew where the catalog moved.

        Whoever asks while they are being read shares the next reading with everybody else who does: a hundred readings
        at once would find the same and keep each other waiting.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._read(self._reading))
            self._next.add_done_callback(_nobody_waits_any_more)
        await asyncio.shield(self._next)

    async def _read(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        _, _, catalog, identity = await self._database.read(read_head)
        await self.see(catalog, identity)

    async def see(self, catalog: int, identity: int) -> None:
        """Take note of epochs that somebody read in the store."""
        async with self._building:
            if self._house is None or self._house.epoch < catalog:
                self._house = await asyncio.to_thread(self._build)
            if identity > self.identity:
                self.identity = await self._database.read(self._acquaint)
                async with self.changed:
                    self.changed.notify_all()

    @property
    def catalog(self) -> int:
        """The catalog epoch last seen; -1 before the first look."""
        return -1 if self._house is None else self._house.epoch

    def organisation(self) -> Organisation:
        """The organisation last seen; raises Unavailable before the first look."""
        if self._house is None:
            raise Unavailable("nothing is declared yet", code="gate.starting")
        return self._house.organisation

    def _build(self) -> House:
        """Compiling a large organisation takes longer than a read may; who waits for it has a time limit of its own."""
        organisation = self._organisations()
        registry = Registry.build(organisation)
        with self._database.reading() as connection:
            quarantined = frozenset(self._quarantined(connection, registry))
        return House(organisation, bundle_of(organisation), registry, quarantined)

    async def run(self) -> None:
        """Look again and again; ends when cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(WATCH_SECONDS)


def _nobody_waits_any_more(reading: asyncio.Task[None]) -> None:
    """An error is raised where somebody waits for the reading; where nobody does any more, it is no news."""
    if not reading.cancelled():
        reading.exception()
