"""One server for each file of tests, with a scripted identity provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.desk import Desk, desk

from .issuer import Issuer, issuing


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server on SQLite that the tests of a file share."""
    with desk(tmp_path_factory.mktemp("hall")) as found:
        yield found


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found
