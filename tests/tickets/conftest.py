"""A running Roundup that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.roundup.tracker import Roundup


@pytest.fixture(scope="module")
def roundup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roundup]:
    with Roundup(tmp_path_factory.mktemp("roundup"), "desk-1", "paul") as running:
        yield running
