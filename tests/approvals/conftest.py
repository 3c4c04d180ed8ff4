"""The house of these tests, on both databases."""

from __future__ import annotations

import pytest

from autonomy.db import CommitQueue, Database
from tests.approvals.house import House


@pytest.fixture
def house(database: Database, queue: CommitQueue) -> House:
    return House(database, queue)
