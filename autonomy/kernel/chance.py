"""Random bytes of the system, drawn in blocks.

For every call of `os.urandom` Python lets go of the interpreter, and on a busy event loop gets it back only after
another thread's turn: an action needs such bytes three times.
"""

from __future__ import annotations

import os
import threading

BLOCK = 4_096


class _Drawn(threading.local):
    block = b""
    at = 0


_drawn = _Drawn()


def random_bytes(count: int) -> bytes:
    """Bytes fit for keys, salts and nonces, none of them given before (`os.urandom`); at most BLOCK."""
    at = _drawn.at
    if at + count > len(_drawn.block):
        _drawn.block, at = os.urandom(BLOCK), 0
    _drawn.at = at + count
    return _drawn.block[at : at + count]


def _forget() -> None:
    """What a process has drawn is not for its children: they would give the same."""
    _drawn.block = b""


os.register_at_fork(after_in_child=_forget)
