"""Organisations by epoch, read once and kept: an epoch never changes what it says."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from autonomy.kernel.errors import Corrupt, Invalid

from . import revision, store
from .model import Manifest
from .organisation import Organisation
from .plan import Held, Key

KEPT = 4  # the current epoch, the one before while calls in flight end, and two that somebody is looking at


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One epoch: the organisation, and of each object what the server holds."""

    organisation: Organisation
    held: Mapping[Key, Held]


def load(connection: Connection, epoch: int) -> Snapshot:
    """Read the organisation at `epoch`. Raises Corrupt where a stored wording is not what was declared."""
    rows = store.rows_at(connection, epoch)
    revisions = [revision.revision(manifest(row), row.held.digest, row.held.unit) for row in rows]
    return Snapshot(Organisation(epoch, revisions), {(row.kind, row.name): row.held for row in rows})


def manifest(row: store.Row) -> Manifest:
    """The manifest as stored. Raises Corrupt where the wording does not have its digest any more."""
    try:
        intact = revision.digest(json.loads(row.body)) == row.held.digest
        found = revision.restore(row.body) if intact else None
    except (ValueError, KeyError, Invalid):
        found = None
    if found is None:
        raise Corrupt(f"the stored wording of {row.kind} `{row.name}` is damaged", code="catalog.corrupt")
    return found


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
