"""Tests of MCP servers are coroutines, as those of the gate."""

from __future__ import annotations

import asyncio

import pytest

from tests.gate.conftest import pytest_pyfunc_call

from .servers import listed, tickets

__all__ = ["pytest_pyfunc_call"]


@pytest.fixture(scope="session")
def wordings() -> dict[str, str]:
    """The wording of each tool of the help desk."""
    return {name: one.wording for name, one in asyncio.run(listed(tickets())).items()}
