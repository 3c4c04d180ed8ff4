"""How long whoever follows the log rests after some work: the door comes first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

CROWD = 8  # writes that wait for their answer: more wait only where callers come as fast as they are answered
SPARE = 8  # parts of the time, of which one may be spent where nobody is kept waiting


def rests(worked: float, share: int, waiting: Callable[[], int]) -> Iterator[float]:
    """Seconds of rest after so many seconds of the processor's time, one rest after another.

    One part in `SPARE` of the time is spent, and one in `share`, a multiple of that, while there is a crowd at the door
    (`waiting` writes wait for their answer). Whether there still is one is asked before each: a crowd of a moment must
    not keep anybody from seeing what has happened.
    """
    yield worked * (SPARE - 1)
    for _ in range(share // SPARE - 1):
        if waiting() <= CROWD:
            return
        yield worked * SPARE
