"""The notifier: tells people and other systems what concerns them, at least once, by every channel there is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock, ids
from autonomy.kernel.clock import HOUR, MINUTE, SECOND, Clock

from . import outbox
from .model import News, Notice
from .ports import Channel

BATCH = 20  # notices taken at once
LEASE = 2 * MINUTE  # longer than a batch can take, or two processes would send the same notice
FIRST_RETRY = 10 * SECOND
LONGEST_RETRY = HOUR
MAX_ATTEMPTS = 12  # about five hours and a half; by then what was told of has been escalated or will expire


class Notifier:
    """`announce` is handed to whoever has news; `deliver` is called from time to time by any process."""

    def __init__(
        self, database: Database, queue: CommitQueue, channels: Iterable[Channel] = (), clock: Clock = clock.now
    ) -> None:
        self._database = database
        self._queue = queue
        self._channels = {channel.name: channel for channel in channels}
        self._clock = clock

    def announce(self, tx: Tx, news: News, at: int) -> None:
        """Put `news` into the outbox, in the transaction of what they tell of: undone with it, never lost after it."""
        for channel in self._channels.values():
            id = ids.new_id("ntc", at)
            for number, (recipient, body) in enumerate(channel.compose(news, id).items()):
                own = id if number == 0 else ids.new_id("ntc", at)
                outbox.add(tx, Notice(own, channel.name, recipient, news.kind, body, attempts=0), due=at)

    async def deliver(self) -> int:
        """Send what is due; returns how many notices were accepted. A failure is tried again later, with pauses."""
        channels = tuple(self._channels)
        if not channels:
            return 0
        if not await self._database.read(lambda connection: outbox.any_due(connection, channels, self._clock())):
            return 0
        at = self._clock()
        taken = await self._queue.perform(lambda tx: outbox.take(tx, channels, at, at + LEASE, BATCH))
        accepted = await asyncio.gather(*map(self._send, taken))
        return sum(accepted)

    async def _send(self, notice: Notice) -> bool:
        accepted = await self._channels[notice.channel].send(notice)
        at = self._clock()
        if accepted:
            await self._queue.perform(lambda tx: outbox.mark_sent(tx, notice, at))
        else:
            await self._queue.perform(lambda tx: outbox.put_off(tx, notice, next_attempt(notice.attempts, at)))
        return accepted


def next_attempt(attempts: int, at: int) -> int | None:
    """When to try again after `attempts` failures; None when it is enough."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return at + min(FIRST_RETRY << (attempts - 1), LONGEST_RETRY)
