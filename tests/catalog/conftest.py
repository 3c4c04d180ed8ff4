"""A catalog on each database, with a projection that can be looked at and made to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Column, Integer, Table, Text, insert

from autonomy.catalog import Catalog, Organisation, Problem, Revision
from autonomy.db import CommitQueue, Database, Tx
from tests.tables import own

projected = Table(
    "test_projected",
    own,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("what", Text, nullable=False),
)


@dataclass
class Office:
    """A catalog and what surrounds it: the time, the checks of the rooms above, the projection below."""

    database: Database
    queue: CommitQueue
    now: int = 1_000
    problems: list[Problem] = field(default_factory=list)
    checked: list[Organisation] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    broken: bool = False

    def catalog(self) -> Catalog:
        return Catalog(self.database, self.queue, lambda: self.now, [self.check], self.project)

    def check(self, organisation: Organisation) -> list[Problem]:
        self.checked.append(organisation)
        self.during()
        return self.problems

    def project(
        self, tx: Tx, organisation: Organisation, written: Sequence[Revision], retired: Sequence[Revision]
    ) -> None:
        self.written = sorted(f"{one.kind}/{one.name}" for one in written)
        self.retired = sorted(f"{one.kind}/{one.name}" for one in retired)
        tx.execute(insert(projected).values(what=f"epoch {organisation.epoch}"))
        if self.broken:
            raise ValueError("the projection failed")


@pytest.fixture
def office(database: Database, queue: CommitQueue) -> Iterator[Office]:
    yield Office(database, queue)


@pytest.fixture
def catalog(office: Office) -> Catalog:
    return office.catalog()
