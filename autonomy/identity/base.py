"""What every use case of identity stands on: reading by epoch, writing in one transaction, one leaf for each change."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Conflict

from .audience import Audience
from .directory import Directory
from .ending import Stamp
from .keys import KeyBox
from .recent import Admitted, Recent
from .tokens import Claims

T = TypeVar("T")
log = logging.getLogger("autonomy.identity")

TRIES = 20  # of a change whose object others change at the same time


class Base:
    """Holds what the use cases share. Methods that write block: call them from a thread, not from the event loop."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        clock: Clock,
        key: bytes,
        issuer: str,
        audiences: Collection[str] = (),
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._issuer = issuer
        self._audience = Audience.of(issuer, audiences)
        self._box = KeyBox(key)
        self._directory = Directory(database)
        self._verified: Recent[Claims] = Recent()
        self._admitted: Recent[Admitted] = Recent()

    def _write(self, work: Callable[[Tx], T]) -> T:
        answer = self._queue.run(work)
        # So that this process obeys at once, whatever epoch its callers still hold. What is written stands all the same
        # where the store cannot be read; whoever names the new epoch has read it.
        try:
            self._directory.refresh()
        except AutonomyError as error:
            log.warning("what has changed in identity is not read yet: %s", error.code)
        return answer

    def _once_unmoved(self, attempt: Callable[[], T | None]) -> T:
        """What `attempt` wrote; tried again where what it was made from had changed meanwhile.

        Raises Conflict (`scim.version`) where that goes on and on.
        """
        for _ in range(TRIES):
            if (written := attempt()) is not None:
                return written
        raise Conflict("it is being changed by others all the time", code="scim.version", hint="try again later")

    def _stamp(self, tx: Tx) -> Stamp:
        """Move the identity epoch: every process reads again what this transaction changes."""
        return Stamp(tx.bump("identity"), self._clock())

    def _now(self, tx: Tx) -> Stamp:
        """The epoch as it stands, for changes that no admission depends on, such as sessions of people."""
        return Stamp(tx.epochs.identity, self._clock())

    def _leaf(self, tx: Tx, stamp: Stamp, event: str, by: str, **fields: Any) -> None:
        record(tx, "identity", stamp.at, event=event, actor=by, epoch=stamp.epoch, **fields)
