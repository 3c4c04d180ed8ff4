"""What a process does to know how the work goes: it counts the log, takes labels, checks outcomes, counts anew."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy.audit import Vault
from autonomy.db import CommitQueue, Database
from autonomy.gate import Results, Watch
from autonomy.gate.leftovers import Pinned
from autonomy.insight.checking import Checking
from autonomy.insight.labels import Labels
from autonomy.insight.reckoning import Reckoning
from autonomy.insight.recompute import Recompute
from autonomy.insight.tidying import Tidying
from autonomy.kernel.clock import Clock
from autonomy.tools import Connectors


@dataclass(frozen=True, slots=True)
class Insights:
    """The parts of a process that write down how the work goes."""

    reckoning: Reckoning
    labels: Labels
    checking: Checking
    recompute: Recompute
    tidying: Tidying


def open_insights(
    database: Database,
    queue: CommitQueue,
    vault: Vault,
    watch: Watch,
    results: Results,
    connectors: Connectors,
    pinned: Pinned,
    owner: str,
    clock: Clock,
) -> Insights:
    """All of them, put together."""
    labels = Labels(database, queue, vault, clock)
    checking = Checking(
        database=database,
        queue=queue,
        watch=watch,
        results=results,
        connectors=connectors,
        labels=labels,
        pinned=pinned,
        owner=owner,
        clock=clock,
    )
    reckoning, recompute = Reckoning(database, queue, owner, clock), Recompute(database, queue, clock)
    return Insights(reckoning, labels, checking, recompute, Tidying(queue, clock))
