from __future__ import annotations

import pytest

from .wires import Wires


@pytest.fixture
def wires() -> Wires:
    """The wires over a scripted gate."""
    return Wires()
