"""What a process does again and again in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .errors import AutonomyError


async def repeat(turn: Callable[[], Awaitable[object]], seconds: float, log: logging.Logger, otherwise: str) -> None:
    """Take a turn, rest for `seconds`, and so on until cancelled.

    A turn that fails, as while the store is away, is logged as `otherwise` with the code of its error; the next is
    taken all the same.
    """
    while True:
        try:
            await turn()
        except AutonomyError as error:
            log.warning("%s: %s", otherwise, error.code)
        await asyncio.sleep(seconds)
