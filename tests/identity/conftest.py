"""An organisation small enough to know by heart, on each database, with a clock the test turns."""

from __future__ import annotations

import pytest

from autonomy.db import CommitQueue, Database
from autonomy.identity import Identity
from tests.identity.world import World, make_world


@pytest.fixture
def world(database: Database, queue: CommitQueue) -> World:
    return make_world(database, queue)


@pytest.fixture
def identity(world: World) -> Identity:
    return world.identity
