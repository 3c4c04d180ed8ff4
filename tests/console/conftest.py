"""One server and one browser for each file of tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.server.desk import Desk, desk
from tests.signon.test_real_provider import started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Not for longer than a file: while it is there, nothing else in this thread can run a loop."""
    with sync_playwright() as playwright, started(playwright) as found:
        yield found


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server on SQLite that the tests of a file share."""
    with desk(tmp_path_factory.mktemp("hall")) as found:
        yield found
