"""The C library's allocator, set up for a server."""

from __future__ import annotations

import ctypes
import sys

ARENAS = 2
"""Of glibc's malloc. By default every thread may get one, and keeps what it once needed: our threads mostly wait for a
disk, and hold Python's lock when they do not, so that they never quarrel about an arena."""

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_arenas() -> None:
    """Let all threads share a few arenas. Call it before there are threads; elsewhere than on glibc it does nothing."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
    except (AttributeError, OSError):
        return  # musl has no such setting, and no such arenas
