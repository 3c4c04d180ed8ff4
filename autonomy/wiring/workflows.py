"""What a process has to do with runs of workflows: it takes in their events and carries out what they ask for."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy.approvals import Approvals
from autonomy.db import CommitQueue, Database
from autonomy.gate import Gate, Lifeline, Results, Watch
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock
from autonomy.tools.hooks import Hooks
from autonomy.workflow.carrying import Carrying
from autonomy.workflow.codec import Codec
from autonomy.workflow.deciding import Deciding
from autonomy.workflow.definitions import Definitions
from autonomy.workflow.desk import Desk
from autonomy.workflow.embedded import Embedded
from autonomy.workflow.migrating import Migrating
from autonomy.workflow.model import Decide, Emit, Triggered
from autonomy.workflow.service import Runs
from autonomy.workflow.sources import Sources
from autonomy.workflow.starting import Starting
from autonomy.workflow.tidying import Tidying

from .own_tools import OwnTools
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Workflows:
    """Runs, their desk, the engine that delivers what they ask for, and what starts them by itself."""

    runs: Runs
    desk: Desk
    engine: Embedded
    sources: Sources
    migrating: Migrating
    tidying: Tidying


def open_workflows(
    settings: Settings,
    database: Database,
    queue: CommitQueue,
    master: bytes,
    gate: Gate,
    results: Results,
    approvals: Approvals,
    watch: Watch,
    hooks: Hooks,
    own: OwnTools,
    lifeline: Lifeline,
    clock: Clock,
) -> Workflows:
    """Everything of runs, put together."""
    codec = Codec(canonical.derive(master, b"autonomy runs"))
    definitions = Definitions(database, queue, clock)
    desk = Desk(database, queue, codec, definitions, clock)
    deciding = Deciding(database, queue, desk, watch, own.decisions, lifeline.owner, clock)
    starting = Starting(database, queue, desk, definitions, watch, hooks, lifeline.owner, clock)
    carrying = Carrying(
        database=database,
        queue=queue,
        codec=codec,
        desk=desk,
        definitions=definitions,
        perform=gate.employ,
        results=results,
        approvals=approvals,
        watch=watch,
        others={Decide: deciding.carry, Emit: starting.emit, Triggered: starting.triggered},
        owner=lifeline.owner,
        clock=clock,
    )
    engine = Embedded(database, queue, codec, desk, lifeline, carrying.carry, carrying.give_up, clock)
    desk.deliver_to(engine)
    runs = Runs(database, queue, codec, desk, definitions, engine, watch, clock)
    sources = Sources(database, queue, codec, watch, engine.wake, clock)
    migrating = Migrating(database, desk, definitions, watch, clock)
    return Workflows(runs, desk, engine, sources, migrating, Tidying(queue, settings.retention_days, clock))
