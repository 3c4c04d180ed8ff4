"""Python's interpreter, set up for a server: its collector of reference cycles, and how threads take turns in it."""

from __future__ import annotations

import ctypes
import gc
import sys

THRESHOLDS = (20_000, 20, 20)
"""An action makes hundreds of objects, and all but none of them die with their last reference: looking for cycles after
every 700, Python's default, costs a twentieth of the action and finds nothing."""

TURN_SECONDS = 0.0005
"""How long a thread may go on while another one waits for the interpreter. The writer of the log waits for it after
every commit; by Python's default of 5 ms, a busy event loop made each commit last ten times what the disk needs."""


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
