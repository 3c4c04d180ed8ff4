"""Coroutine tests, as those of the gate."""

from __future__ import annotations

from tests.gate.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
