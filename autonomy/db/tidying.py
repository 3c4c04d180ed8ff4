"""What nobody needs any more is deleted in the background, a little at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from autonomy.kernel.repeating import repeat

from .queue import CommitQueue
from .tx import Tx

LOOK_SECONDS = 60.0


async def keep_tidy(
    queue: CommitQueue, tidy: Callable[[Tx], int], batch: int, log: logging.Logger, otherwise: str
) -> None:
    """Every minute until cancelled, delete by `tidy`, which returns how many rows went: `batch` of them at most, for
    others wait for its transaction, and more where there were so many. What fails is logged as `otherwise`."""

    async def turn() -> None:
        while await queue.perform(tidy) >= batch:
            pass

    await repeat(turn, LOOK_SECONDS, log, otherwise)
