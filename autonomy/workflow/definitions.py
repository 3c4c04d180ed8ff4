"""Definitions by digest: made from what is declared, kept for the runs that are pinned to them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TypeVar

from sqlalchemy import Connection, select

from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Tx, upsert
from autonomy.kernel.clock import HOUR, Clock
from autonomy.kernel.errors import Corrupt, NotFound

from .codec import Codec
from .defining import define
from .definition import Definition
from .store import definition as table

MAX_KEPT = 256
FRESH_MS = HOUR  # after which a wording is written again before a run begins under it

MISSING = "workflow.definition_missing"

T = TypeVar("T")


class Definitions:
    """Every wording of every workflow that a run may be pinned to."""

    def __init__(self, database: Database, queue: CommitQueue, codec: Codec, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._clock = clock
        self._kept: OrderedDict[str, Definition] = OrderedDict()
        self._fresh: OrderedDict[str, int] = OrderedDict()
        self._declared: OrderedDict[str, Definition] = OrderedDict()

    async def declared(self, organisation: Organisation, workflow: str) -> Definition:
        """The workflow as declared now, kept from here on. Raises NotFound."""
        found = await self.wording(organisation, workflow)
        await self.keep(found)
        return found

    async def wording(self, organisation: Organisation, workflow: str) -> Definition:
        """The workflow as declared now, for whoever only looks at it. Raises NotFound."""
        revision = organisation.get("Workflow", workflow)
        if revision is None:
            raise NotFound(f"there is no workflow `{workflow[:80]}`", code="workflow.unknown")
        named = f"{organisation.epoch}|{workflow}"
        found = self._declared.get(named)
        if found is None:
            found = await asyncio.to_thread(define, organisation, revision)
            _remember(self._declared, named, found)
        return found

    async def pinned(self, digest: str) -> Definition:
        """The wording with this digest. Raises Corrupt (`workflow.definition_missing`, `workflow.sealed`)."""
        found = self._kept.get(digest)
        if found is None:
            found = await self._database.read(lambda connection: self._read(connection, digest))
            _remember(self._kept, digest, found)
        return found

    async def keep(self, found: Definition) -> None:
        """See that it is in the store and fresh: what no run is on is tidied away, and one may be about to begin."""
        at = self._clock()
        if at - self._fresh.get(found.digest, -FRESH_MS) < FRESH_MS:
            return
        body = self._codec.definition(found)
        row = {"digest": found.digest, "workflow": found.workflow, "body": body, "at": at}

        def work(tx: Tx) -> None:
            tx.execute(upsert(table, row, ["digest"], tx.dialect))

        await self._queue.perform(work)
        _remember(self._kept, found.digest, found)
        _remember(self._fresh, found.digest, at)

    def _read(self, connection: Connection, digest: str) -> Definition:
        body = connection.execute(select(table.c.body).where(table.c.digest == digest)).scalar_one_or_none()
        if body is None:
            raise Corrupt(f"the definition `{digest[:16]}…` is gone", code=MISSING)
        return self._codec.read_definition(digest, bytes(body))


def _remember(memory: OrderedDict[str, T], name: str, found: T) -> None:
    memory[name] = found
    if len(memory) > MAX_KEPT:
        memory.popitem(last=False)
