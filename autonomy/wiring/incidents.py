"""Incidents: what people and rules open, and what stops what they are about."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy.catalog import Catalog
from autonomy.db import CommitQueue, Database
from autonomy.gate import Containing
from autonomy.identity import Identity
from autonomy.incidents import Incidents, Stopping, Watching
from autonomy.kernel.clock import Clock

from .workflows import Workflows


@dataclass(frozen=True, slots=True)
class Trouble:
    """Incidents, what stops, and what hears of what happens."""

    incidents: Incidents
    stopping: Stopping
    watching: Watching


def open_trouble(
    database: Database,
    queue: CommitQueue,
    identity: Identity,
    containing: Containing,
    workflows: Workflows,
    catalog: Catalog,
    clock: Clock,
) -> Trouble:
    """Incidents, put together."""
    sweeping = workflows.workplace.sweeping
    stopping = Stopping(
        database, queue, identity, containing, workflows.runs, workflows.desk, workflows.involving, sweeping, clock
    )
    return Trouble(Incidents(database, queue, clock), stopping, Watching(catalog.organisation, clock))
