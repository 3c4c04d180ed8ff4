"""Servers for tests: one for each test and database, and one for a whole file of tests that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.desk import Desk, desk


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """A server on each database."""
    with desk(tmp_path, database_url) as found:
        yield found


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server on SQLite that the tests of a file share."""
    with desk(tmp_path_factory.mktemp("hall")) as found:
        yield found
