"""What several tests of MCP servers need."""

from __future__ import annotations

import asyncio

import pytest

from .servers import listed, tickets


@pytest.fixture(scope="session")
def wordings() -> dict[str, str]:
    """The wording of each tool of the help desk."""
    return {name: one.wording for name, one in asyncio.run(listed(tickets())).items()}
