"""Whatever becomes of a test, the workers that it started end with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workflow import test_crashes


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    """A worker whose test has failed would look for work for ever, in the way of all other tests."""
    yield
    while test_crashes.STARTED:
        process = test_crashes.STARTED.pop()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
