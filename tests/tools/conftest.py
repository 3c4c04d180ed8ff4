"""Tests of connectors may be coroutines, as those of the gate are."""

from __future__ import annotations

from tests.gate.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
