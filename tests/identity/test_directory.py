"""The directory: what is known is never read again, and what was written stands although it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from autonomy.db import CommitQueue, Database
from autonomy.kernel.errors import Unavailable
from tests.identity.world import World, code_of, make_world


class Dark(Database):
    """A database that cannot be read while it is dark."""

    is_dark = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        if self.is_dark:
            raise Unavailable("it is dark", code="store.unavailable")
        with super().reading() as connection:
            yield connection


@pytest.fixture
def dark(database: Database) -> Iterator[Dark]:
    found = Dark.open(database.url.render_as_string(hide_password=False))
    assert isinstance(found, Dark)
    yield found
    found.close()


@pytest.fixture
def night(dark: Dark, queue: CommitQueue) -> World:
    """A world whose database is dark from now on."""
    world = make_world(dark, queue)
    world.api_key("clerk")
    dark.is_dark = True
    return world


def test_judging_by_a_known_epoch_never_reads(dark: Dark, queue: CommitQueue) -> None:
    world = make_world(dark, queue)
    key = world.api_key("clerk")
    epoch = world.epoch
    assert world.identity.admit(key, epoch).name == "clerk"
    dark.is_dark = True
    for known in (epoch, epoch - 1, -1):
        assert world.identity.admit(key, known).name == "clerk"
        assert world.identity.contained(known, tool="order.create") is None
    with pytest.raises(Unavailable):
        world.identity.admit(key, epoch + 1)


def test_who_is_acquainted_judges_without_a_read_of_its_own(dark: Dark, database: Database, queue: CommitQueue) -> None:
    world = make_world(dark, queue)
    key = world.api_key("clerk")
    other = make_world(database, queue)
    other.identity.suspend("clerk", "person:cleo", "strange")
    with dark.reading() as connection:
        epoch = world.identity.acquaint(connection)
    assert epoch == other.epoch
    dark.is_dark = True
    assert code_of(lambda: world.identity.admit(key, epoch)) == "agent.suspended"


def test_a_containment_stands_where_the_store_takes_it_but_cannot_be_read(night: World, dark: Dark) -> None:
    made = night.identity.contain("agent", "clerk", "person:ben", "strange")
    dark.is_dark = False
    found = night.identity.containment_of(night.epoch, "clerk")
    assert found is not None and found.id == made.id
