"""The one place that names concrete parts and puts them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from autonomy import tools
from autonomy.approvals import Absences, Approvals, Behind, Staff, escalation_targets, news
from autonomy.approvals import forget_subject as forget_words
from autonomy.audit import Log, Vault, begin_log, name_log, note
from autonomy.audit.checkpoints import Checkpoints
from autonomy.audit.forward import Follower, read_target
from autonomy.audit.store import head, leaf, read_origin
from autonomy.budget.warnings import Warnings
from autonomy.catalog import Catalog, Check, Organisation
from autonomy.catalog.own_tools import is_own
from autonomy.db import CommitQueue, Database
from autonomy.db.migrate import upgrade
from autonomy.db.planners import Planners
from autonomy.gate import (
    Admission,
    Answering,
    Considering,
    Containing,
    Describer,
    DoorFigures,
    Effects,
    Endings,
    Gate,
    Holding,
    Housekeeping,
    Journal,
    Lifeline,
    Permits,
    Results,
    Seen,
    TakingUp,
    Watch,
    forget_records,
)
from autonomy.identity import AgentView, Identity, Permission
from autonomy.insight import forget_found
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import Corrupt, Invalid, NotFound
from autonomy.memory import forget_subject as forget_items
from autonomy.notices import Notifier
from autonomy.signon import SignOn, Web
from autonomy.tasks.agents import WORDS
from autonomy.tools.key import load_key
from autonomy.tools.outbound import Outbound
from autonomy.tools.quarantine import quarantined
from autonomy.tools.secrets import Secrets
from autonomy.workflow.journal import RunJournal
from autonomy.workflow.units import Begin, Move, Settle

from .checks import Functions, check_decisions, check_policies, check_tools
from .connecting import aside_of_connectors, open_connectors, open_hooks
from .incidents import open_trouble
from .insight import open_insights
from .own_tools import own_tools
from .projection import projector
from .searching import open_searching
from .settings import Settings
from .sites import open_sites
from .system import System
from .telling import channels
from .workflows import open_workflows

if TYPE_CHECKING:
    from autonomy.telemetry.otlp import Exporter

BUILTIN_TOOLS = ("actions.result", *(f"tasks.{word}" for word in ("next", *WORDS)))


def open_system(settings: Settings, clock: Clock = now, functions: Functions | None = None) -> System:
    """Open or make the data folder, bring its database up to date and put everything together.

    `functions` are the Python connectors by name; the installed entry points where none are handed in.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    master = load_key(settings.data / "master.key")
    database = Database.open(settings.database_url)
    upgrade(database, partial(_begin, log_name(settings)))
    with database.reading() as connection:
        signer = log_signer(read_origin(connection), master)
    return _assemble(settings, database, master, signer, clock, functions)


def log_name(settings: Settings) -> str:
    """The origin line of the checkpoints of a log that begins now: the server's name without scheme. It is kept with
    the log, so that a server which is called otherwise later goes on with the same log."""
    return f"{settings.public_url.split('://', 1)[-1]}/log"


def log_signer(origin: str, master: bytes) -> note.Signer:
    """The key of the log that is called `origin`."""
    return note.Signer.from_seed(origin, canonical.derive(master, b"autonomy log key"))


def _begin(origin: str, connection: Connection) -> None:
    if connection.execute(select(head.c.id)).first() is None:
        if connection.execute(select(leaf.c.idx).limit(1)).first() is not None:
            raise Corrupt("the head of the log is gone", code="audit.head_missing", hint="restore a backup")
        begin_log(connection, origin)
    name_log(connection, origin)


def _assemble(
    settings: Settings,
    database: Database,
    master: bytes,
    signer: note.Signer,
    clock: Clock,
    functions: Functions | None,
) -> System:
    queue, checkpoints = _log(settings, database, signer, clock)
    vault = _vault(database, queue, master, clock)
    identity = Identity(database, queue, clock, master, settings.public_url, _audiences(settings))
    secrets = Secrets(database, queue, canonical.derive(master, b"autonomy secrets"), clock)
    catalog = _catalog(database, queue, identity, functions, clock)
    watch = Watch(database, catalog.organisation, quarantined, identity.acquaint)
    seen, aside = Seen(), aside_of_connectors(settings, secrets, clock)
    hooks = open_hooks(database, queue, vault, watch, aside, clock)
    lifeline = Lifeline(queue)
    sites = open_sites(settings, database, queue, master, lifeline.owner, secrets, functions, clock)
    own = own_tools(database, queue, vault, catalog, watch, master, clock)
    connectors = open_connectors(settings, database, queue, watch, secrets, functions, own, hooks, sites.office, clock)
    notifier = Notifier(database, queue, channels(settings, watch.organisation, aside, secrets, identity, clock), clock)
    approvals = _approvals(database, queue, identity, watch, notifier, settings.public_url, clock)
    endings = Endings(queue, lifeline.owner, clock, seen)
    results = Results(database, vault, endings.settled)
    exporter, figures = _seen(settings, lifeline.owner)
    effects = Effects(connectors, endings, lifeline, figures, clock)
    holding = Holding(database, queue, approvals, clock)
    describer = Describer(database, vault, identity, connectors, master, seen)
    gate = _gate(queue, watch, identity, describer, holding, effects, endings, results, lifeline, figures, seen, clock)
    permits = Permits(database, identity, approvals, watch, catalog.ruled_anew)
    taking_up = _taking_up(
        *(database, queue, gate, approvals, holding, effects, endings, results, vault, watch, lifeline),
        *(catalog, permits, clock),
    )
    workflows = open_workflows(
        *(settings, database, queue, master, gate, results, approvals, watch),
        *(hooks, aside, secrets, own, lifeline, clock),
    )
    containing = Containing(database, identity, effects, watch, permits)
    trouble = open_trouble(database, queue, identity, containing, workflows, catalog, clock)
    return System(
        settings=settings,
        database=database,
        queue=queue,
        vault=vault,
        checkpoints=checkpoints,
        identity=identity,
        catalog=catalog,
        secrets=secrets,
        connectors=connectors,
        aside=aside,
        approvals=approvals,
        watch=watch,
        gate=gate,
        results=results,
        containing=containing,
        effects=effects,
        taking_up=taking_up,
        lifeline=lifeline,
        housekeeping=Housekeeping(queue, settings.retention_days, clock),
        absences=_absences(database, queue, identity, notifier, clock),
        warnings=Warnings(database, queue, watch.organisation, identity.holders, notifier.announce, clock),
        notifier=notifier,
        followers=_followers(settings, database, queue, lifeline.owner, clock),
        exporter=exporter,
        signon=_signon(settings, master, identity, watch, aside, clock),
        considering=Considering(gate, watch, identity, clock),
        hooks=hooks,
        answering=Answering(database, hooks, taking_up),
        sites=sites,
        workflows=workflows,
        own=own,
        searching=open_searching(settings, database, queue, vault, lifeline, master, trouble.watching, clock),
        trouble=trouble,
        insights=open_insights(
            database, queue, vault, watch, results, connectors, partial(_pinned, catalog), lifeline.owner, clock
        ),
    )


def _vault(database: Database, queue: CommitQueue, master: bytes, clock: Clock) -> Vault:
    """The payloads, once the master key is found to be theirs."""
    forget = (forget_items, forget_found, forget_words, forget_records)
    vault = Vault(database, queue, master, clock, forget)
    vault.prove_key()
    return vault


def _gate(
    queue: CommitQueue,
    watch: Watch,
    identity: Identity,
    describer: Describer,
    holding: Holding,
    effects: Effects,
    endings: Endings,
    results: Results,
    lifeline: Lifeline,
    figures: DoorFigures,
    seen: Seen,
    clock: Clock,
) -> Gate:
    return Gate(
        queue=queue,
        watch=watch,
        identity=identity,
        admission=Admission(identity, watch),
        describer=describer,
        holding=holding,
        effects=effects,
        endings=endings,
        results=results,
        lifeline=lifeline,
        figures=figures,
        seen=seen,
        clock=clock,
    )


def _taking_up(
    database: Database,
    queue: CommitQueue,
    gate: Gate,
    approvals: Approvals,
    holding: Holding,
    effects: Effects,
    endings: Endings,
    results: Results,
    vault: Vault,
    watch: Watch,
    lifeline: Lifeline,
    catalog: Catalog,
    permits: Permits,
    clock: Clock,
) -> TakingUp:
    return TakingUp(
        database=database,
        queue=queue,
        gate=gate,
        approvals=approvals,
        holding=holding,
        effects=effects,
        endings=endings,
        results=results,
        vault=vault,
        watch=watch,
        lifeline=lifeline,
        pinned=partial(_pinned, catalog),
        permits=permits,
        figures=gate.figures,
        clock=clock,
    )


def _signon(
    settings: Settings, master: bytes, identity: Identity, watch: Watch, aside: Outbound, clock: Clock
) -> SignOn:
    web = Web(aside)
    key = canonical.derive(master, b"autonomy sign-on")

    async def organisation() -> Organisation:
        await watch.refresh()
        return watch.organisation()

    return SignOn(organisation, identity, web, key, settings.public_url, clock)


def _log(settings: Settings, database: Database, signer: note.Signer, clock: Clock) -> tuple[CommitQueue, Checkpoints]:
    """Who writes, and who signs what was written; each needs the other."""
    holder: dict[str, Checkpoints] = {}
    planner = Planners(Journal, dict.fromkeys((Begin, Move, Settle), RunJournal))
    ledger = Log(lambda *trees: holder["checkpoints"].row(*trees), lambda *trees: holder["checkpoints"].grew(*trees))
    queue = CommitQueue(database, ledger, planner)
    holder["checkpoints"] = Checkpoints(database, queue, signer, settings.witness_folder, clock)
    return queue, holder["checkpoints"]


def _catalog(
    database: Database, queue: CommitQueue, identity: Identity, functions: Functions | None, clock: Clock
) -> Catalog:
    checks: list[Check] = [partial(check_tools, functions), check_policies, check_decisions]
    return Catalog(database, queue, clock, checks, projector(identity, clock), BUILTIN_TOOLS)


def _behind(lineages: Callable[[Iterable[str]], Iterable[AgentView]]) -> Callable[[Iterable[str]], list[Behind]]:
    return lambda agents: [Behind(view.id, view.sponsor, view.owner) for view in lineages(agents)]


def _approvals(
    database: Database,
    queue: CommitQueue,
    identity: Identity,
    watch: Watch,
    notifier: Notifier,
    link: str,
    clock: Clock,
) -> Approvals:
    return Approvals(
        database,
        queue,
        Staff(
            lambda _, role: identity.holders(role),
            lambda person: identity.roles_with(person, Permission.APPROVALS_HOLD_DECIDE),
            lambda: _behind(identity.lineages()),
        ),
        lambda role: escalation_targets(watch.organisation(), role),
        clock,
        lambda tx, kind, hold, people, at: notifier.announce(tx, news.of_hold(kind, hold, people, link), at),
    )


def _absences(database: Database, queue: CommitQueue, identity: Identity, notifier: Notifier, clock: Clock) -> Absences:
    return Absences(
        database,
        queue,
        lambda person: identity.may(person, Permission.APPROVALS_HOLD_DECIDE),
        clock,
        lambda tx, kind, absence, at: notifier.announce(tx, news.of_absence(kind, absence), at),
    )


def _audiences(settings: Settings) -> tuple[str, ...]:
    return settings.public_url, f"{settings.public_url}/mcp"


def _seen(settings: Settings, owner: str) -> tuple[Exporter | None, DoorFigures]:
    """What sends traces, where they are on, and the figures of the door, which make them."""
    exporter = _exporter(settings, owner)
    return exporter, DoorFigures(exporter.take if exporter else None, settings.traces_percent / 100)


def _followers(settings: Settings, database: Database, queue: CommitQueue, owner: str, clock: Clock) -> list[Follower]:
    """What carries the log to each target of the settings. Raises Invalid (`forward.target`)."""
    targets = [read_target(each) for each in settings.forward]
    return [Follower(database, queue, target, log_name(settings), owner, clock) for target in targets]


def _exporter(settings: Settings, owner: str) -> Exporter | None:
    """What sends traces, where a collector is set. Raises Invalid (`traces.extra`) where its packages are missing."""
    if not settings.traces:
        return None
    try:
        # The packages are an extra, and nobody who has no collector loads them.
        module = import_module("autonomy.telemetry.otlp")
    except ImportError:
        raise Invalid(
            "traces need packages that are not installed",
            code="traces.extra",
            hint="install `autonomy-os[traces]`, or set no `AUTONOMY_TRACES`",
        ) from None
    found: Exporter = module.Exporter(settings.traces, owner, version("autonomy-os"))
    return found


def _pinned(catalog: Catalog, name: str, revision: str) -> tools.Tool:
    """The tool `name` in the wording of a digest; raises NotFound where it never had that. The system's own have the
    wording of this release."""
    if is_own(name):
        return tools.Registry.own(catalog.organisation()).get(name)
    for period in catalog.history("Tool", name):
        if period.digest == revision:
            return tools.Registry.build(catalog.organisation(period.since_epoch)).get(name)
    raise NotFound(f"`{name}` never had this wording", code="catalog.not_found")
