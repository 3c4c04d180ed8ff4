"""How the decisions of one moment keep step."""

from __future__ import annotations

import asyncio


async def in_step() -> None:
    """Let all who came in this tick of the event loop get as far as here. What many do one after another finds its code
    and data in the processor's caches: the engine's, then ours. A fifth less CPU for each of 64 callers (cohort
    scheduling: Larus and Parkes, USENIX 2002)."""
    await asyncio.sleep(0)
