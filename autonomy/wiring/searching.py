"""The search over everything that happened: what takes the log in, and what finds."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy.audit import Vault
from autonomy.db import CommitQueue, Database
from autonomy.gate import Lifeline
from autonomy.incidents import Watching
from autonomy.insight import Following, Marks, Search
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock

from .settings import Settings


@dataclass(frozen=True, slots=True)
class Searching:
    """Takes in what happens, and finds it."""

    following: Following
    search: Search
    marks: Marks


def open_searching(
    settings: Settings,
    database: Database,
    queue: CommitQueue,
    vault: Vault,
    lifeline: Lifeline,
    master: bytes,
    watching: Watching,
    clock: Clock,
) -> Searching:
    """The search, put together."""
    marks = Marks(canonical.derive(master, b"autonomy search"))
    following = Following(database, queue, vault, marks, settings.retention_days, lifeline, clock, watching.hear)
    return Searching(following, Search(database, marks), marks)
