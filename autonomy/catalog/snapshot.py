"""Organisations by epoch, read once and kept: an epoch never changes what it says."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from autonomy.kernel.errors import Corrupt

from . import revision, store
from .organisation import Organisation
from .plan import Held, Key

KEPT = 4  # the current epoch, the one before while calls in flight end, and two that somebody is looking at


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One epoch: the organisation, and of each object what the server holds."""

    organisation: Organisation
    held: Mapping[Key, Held]


def load(connection: Connection, epoch: int) -> Snapshot:
    """Read the organisation at `epoch`. Raises Corrupt where a stored wording is not a manifest any more."""
    rows = store.rows_at(connection, epoch)
    try:
        revisions = [revision.revision(revision.restore(row.body), row.held.digest, row.held.unit) for row in rows]
    except (ValueError, KeyError) as error:
        raise Corrupt(f"a stored manifest cannot be read: {type(error).__name__}", code="catalog.corrupt") from error
    return Snapshot(Organisation(epoch, revisions), {(row.kind, row.name): row.held for row in rows})


class Snapshots:
    """The last few snapshots. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Snapshot] = OrderedDict()

    def get(self, epoch: int) -> Snapshot | None:
        with self._lock:
            if epoch in self._kept:
                self._kept.move_to_end(epoch)
            return self._kept.get(epoch)

    def keep(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot`, or the one already kept for its epoch, so that all share one."""
        with self._lock:
            found = self._kept.setdefault(snapshot.organisation.epoch, snapshot)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found
