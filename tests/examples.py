"""With how many examples a property is tried: a quarter in the short run, as many as it names in the whole one.

Neither has a time for an example: how long one takes says how busy the machine is.
"""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
LEAST = 20
"""A property is tried with no fewer in the short run, unless it names fewer."""

settings.register_profile("whole", max_examples=USUAL, deadline=None)
settings.register_profile("short", max_examples=USUAL // 4, deadline=None)


def choose(marks: str) -> None:
    """The profile for a run of the tests with these marks; the short one leaves out the slow tests."""
    settings.load_profile("short" if marks == "not slow" else "whole")


def tried(count: int) -> int:
    """How many examples this run tries where the whole one tries `count`."""
    return max(min(count, LEAST), count * settings().max_examples // USUAL)
