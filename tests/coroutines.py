"""Coroutine tests, as a plugin of pytest: each runs in an event loop of its own and may not hang."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

MAX_SECONDS = 100.0  # before pytest gives up: longer than any needs where the machine is busy


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run a coroutine test; its own marker `timeout` replaces the usual limit."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    marker = pyfuncitem.get_closest_marker("timeout")
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**wanted), marker.args[0] if marker else MAX_SECONDS))
    return True
