"""A running Tryton for each file of tests; a test that breaks it takes one of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from demo.tryton.server import Tryton

MAX_SECONDS = 90.0


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """A Tryton on a fresh copy of the template, which the tests of one file share."""
    with Tryton(tmp_path_factory.mktemp("tryton") / "data") as running:
        yield running


@pytest.fixture
def own_tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """A Tryton for one test alone."""
    with Tryton(tmp_path_factory.mktemp("tryton") / "data") as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run a coroutine test in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**wanted), MAX_SECONDS))
    return True
