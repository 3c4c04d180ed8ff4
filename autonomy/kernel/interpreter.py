"""Python's interpreter in a server: its collector of reference cycles, and how threads take turns in it."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

THRESHOLDS = (20_000, 20, 20)
"""An action makes hundreds of objects, and all but none of them die with their last reference: looking for cycles after
every 700, Python's default, costs a twentieth of the action and finds nothing."""

TURN_SECONDS = 0.0005
"""How long a thread may go on while another one waits for the interpreter. The writer of the log waits for it after
every commit; by Python's default of 5 ms, a busy event loop made each commit last ten times what the disk needs."""


STRETCH_SECONDS, PAUSE_SECONDS = 0.0003, 0.0002
"""How long work beside the event loop goes on, and for how long it then lets go of the interpreter."""


def giving_way(items: Iterable[T]) -> Iterator[T]:
    """The items, with short pauses between them, for work in a thread beside the event loop.

    A thread that computes on and on gets the interpreter whenever the loop lets go of it for a moment, and keeps it for
    a whole turn each time: while 250 leaves were made out, the door took twice as long for everything.
    """
    begun = time.perf_counter()
    for item in items:
        if time.perf_counter() - begun > STRETCH_SECONDS:
            time.sleep(PAUSE_SECONDS)
            begun = time.perf_counter()
        yield item


def calm() -> None:
    """Take what exists now as there to stay, give back what only starting needed, look for cycles less often from here
    on, and let threads take shorter turns. Call it once, after start."""
    gc.collect()
    gc.freeze()
    _give_back()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(TURN_SECONDS)


def _give_back() -> None:
    """Let the system have the memory that nothing uses any more: reading the rules takes four megabytes that the C
    library would keep. Where it has no word for that (`malloc_trim` is glibc's), nothing happens."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
