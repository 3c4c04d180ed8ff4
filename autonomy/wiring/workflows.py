"""What a process has to do with runs of workflows: it takes in their events and carries out what they ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from autonomy.approvals import Approvals
from autonomy.db import CommitQueue, Database
from autonomy.gate import Gate, Lifeline, Results, Watch
from autonomy.goals import Goals
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Invalid
from autonomy.tools.hooks import Hooks
from autonomy.tools.outbound import Outbound
from autonomy.tools.secrets import Secrets
from autonomy.workflow.carrying import Carrying
from autonomy.workflow.children import Children
from autonomy.workflow.codec import Codec
from autonomy.workflow.costs import Costs
from autonomy.workflow.deciding import Deciding
from autonomy.workflow.definitions import Definitions
from autonomy.workflow.desk import Desk
from autonomy.workflow.distributed import Distributed
from autonomy.workflow.embedded import Embedded
from autonomy.workflow.handing_out import HandingOut
from autonomy.workflow.involving import Involving
from autonomy.workflow.migrating import Migrating
from autonomy.workflow.model import Decide, Emit, Triggered
from autonomy.workflow.ports import Engine
from autonomy.workflow.service import Runs
from autonomy.workflow.sources import Sources
from autonomy.workflow.starting import Starting
from autonomy.workflow.tidying import Tidying
from autonomy.workflow.withdrawing import Withdrawing

from .own_tools import OwnTools
from .settings import Settings
from .tasks import Workplace, open_workplace


@dataclass(frozen=True, slots=True)
class Workflows:
    """Runs, goals, their desk, the engine that delivers what they ask for, and what starts them by itself."""

    runs: Runs
    goals: Goals
    desk: Desk
    engine: Engine
    sources: Sources
    migrating: Migrating
    tidying: Tidying
    workplace: Workplace
    """Tasks: those of runs, and those that belong to none."""
    involving: Involving


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
    aside: Outbound,
    secrets: Secrets,
    own: OwnTools,
    lifeline: Lifeline,
    clock: Clock,
) -> Workflows:
    """Everything of runs, put together."""
    codec = Codec(canonical.derive(master, b"autonomy runs"))
    definitions = Definitions(database, queue, codec, clock)
    desk = Desk(database, queue, codec, definitions, clock)
    own.planning.work_with(desk, definitions)
    examine, owner = own.planning.examine, lifeline.owner
    workplace = open_workplace(
        settings, database, queue, master, gate.admission, watch, examine, aside, secrets, owner, clock
    )
    costs = Costs(desk, definitions, clock)
    handing_out = HandingOut(
        queue, desk, definitions, workplace.of_runs, costs, own.planning.furnish, lifeline.owner, clock
    )
    deciding = Deciding(database, queue, desk, watch, own.decisions, lifeline.owner, clock)
    starting = Starting(database, queue, desk, definitions, watch, hooks, lifeline.owner, clock)
    children = Children(database, queue, desk, definitions, handing_out, costs, watch, owner, clock)
    withdrawing = Withdrawing(database, queue, codec, desk, results, approvals, handing_out, children, owner, clock)
    carrying = Carrying(
        database=database,
        queue=queue,
        codec=codec,
        desk=desk,
        perform=gate.employ,
        results=results,
        approvals=approvals,
        handing_out=handing_out,
        children=children,
        withdrawing=withdrawing,
        costs=costs,
        others={Decide: deciding.carry, Emit: starting.emit, Triggered: starting.triggered},
        owner=lifeline.owner,
        clock=clock,
    )
    carries = _here(settings)
    engine = _engine(settings, database, lifeline.owner)(
        database, queue, codec, desk, lifeline, carrying.carry, carrying.give_up, clock, carries
    )
    desk.deliver_to(engine)
    runs = Runs(database, queue, codec, desk, definitions, engine, workplace.of_runs, watch, clock)
    goals = Goals(database, desk, definitions, runs, own.planning, workplace.workforce, clock)
    sources = Sources(database, queue, codec, watch, engine.wake, clock)
    migrating = Migrating(database, desk, definitions, watch, clock)
    tidying, involving = Tidying(queue, settings.retention_days, clock), Involving(database, definitions)
    return Workflows(runs, goals, desk, engine, sources, migrating, tidying, workplace, involving)


def _here(settings: Settings) -> bool:
    """Whether this process carries runs out; where it does not, others have to (`autonomy work --runs`)."""
    if settings.runs not in ("here", "elsewhere"):
        raise Invalid(
            f"`{settings.runs}` is not where runs can be carried out",
            code="workflow.runs",
            hint="set `AUTONOMY_RUNS` to `here` or `elsewhere`",
        )
    return settings.runs == "here"


def _engine(settings: Settings, database: Database, owner: str) -> Callable[..., Engine]:
    """What makes the engine of the settings. Raises Invalid (`workflow.engine`)."""
    if settings.engine == "embedded":
        return Embedded
    if settings.engine != "dbos":
        raise _refused(f"there is no engine `{settings.engine}`", "set `AUTONOMY_ENGINE` to `embedded` or `dbos`")
    if database.dialect != "postgresql":
        raise _refused("the engine `dbos` needs PostgreSQL", "set `AUTONOMY_DATABASE`, or use `embedded`")
    try:
        # Its packages are an extra, and nobody who uses the other engine loads them.
        post = import_module("autonomy.workflow.dbos_post")
    except ImportError:
        raise _refused(
            "the engine `dbos` needs packages that are not installed", "install `autonomy-os[dbos]`"
        ) from None
    return partial(Distributed, post=post.DbosPost(database, owner))


def _refused(message: str, hint: str) -> Invalid:
    return Invalid(message, code="workflow.engine", hint=hint)
