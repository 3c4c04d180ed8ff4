"""A process that counts the log of a store, a few leaves at a time: `python -m tests.insight.counter URL NAME`."""

from __future__ import annotations

import asyncio
import sys

from autonomy.audit import Log
from autonomy.db import CommitQueue, Database
from autonomy.insight.reckoning import Reckoning


async def count(url: str, name: str) -> None:
    """Count until there is nothing left."""
    database = Database.open(url)
    queue = CommitQueue(database, Log())
    following = Reckoning(database, queue, name, lambda: 0, batch=3)
    while await following.count():
        pass
    queue.close()
    database.close()


if __name__ == "__main__":
    asyncio.run(count(*sys.argv[1:]))
