"""The one place that names concrete parts and puts them together."""

from __future__ import annotations

import logging
from functools import partial

from sqlalchemy import Connection, select

from autonomy import tools
from autonomy.approvals import Approvals, Webhook, escalation_targets
from autonomy.approvals.ports import announce_nothing
from autonomy.audit import Log, Vault, begin_log, note
from autonomy.audit.checkpoints import Checkpoints
from autonomy.audit.store import head, leaf
from autonomy.catalog import Catalog, Check
from autonomy.db import CommitQueue, Database
from autonomy.db.migrate import upgrade
from autonomy.gate import (
    Admission,
    Answering,
    Containing,
    Describer,
    Effects,
    Endings,
    Gate,
    Holding,
    Housekeeping,
    Journal,
    Lifeline,
    Results,
    TakingUp,
    Watch,
)
from autonomy.identity import Identity
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import Corrupt, NotFound
from autonomy.tools.connectors.python import load_entry_point
from autonomy.tools.hooks import Hooks
from autonomy.tools.key import load_key
from autonomy.tools.outbound import Outbound
from autonomy.tools.poster import Poster
from autonomy.tools.quarantine import quarantined
from autonomy.tools.secrets import Secrets
from autonomy.tools.sites import Office

from .checks import Functions, check_policies, check_tools
from .projection import projector
from .settings import Settings
from .sites import open_sites
from .system import System

log = logging.getLogger("autonomy")

BUILTIN_TOOLS = ("actions.result",)
WEBHOOK_SECRET = "approval-webhook"


def open_system(settings: Settings, clock: Clock = now, functions: Functions | None = None) -> System:
    """Open or make the data folder, bring its database up to date and put everything together.

    `functions` are the Python connectors by name; the installed entry points where none are handed in.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    master = load_key(settings.data / "master.key")
    database = Database.open(settings.database_url)
    upgrade(database, _begin)
    signer = note.Signer.from_seed(log_name(settings), canonical.derive(master, b"autonomy log key"))
    return _assemble(settings, database, master, signer, clock, functions)


def log_name(settings: Settings) -> str:
    """The origin line of the log's checkpoints: the server's name without scheme."""
    return f"{settings.public_url.split('://', 1)[-1]}/log"


def _begin(connection: Connection) -> None:
    if connection.execute(select(head.c.id)).first() is None:
        if connection.execute(select(leaf.c.idx).limit(1)).first() is not None:
            raise Corrupt("the head of the log is gone", code="audit.head_missing", hint="restore a backup")
        begin_log(connection)


def _assemble(
    settings: Settings,
    database: Database,
    master: bytes,
    signer: note.Signer,
    clock: Clock,
    functions: Functions | None,
) -> System:
    holder: dict[str, Checkpoints] = {}
    queue = CommitQueue(database, Log(lambda size, root: holder["checkpoints"].row(size, root)), Journal)
    checkpoints = holder["checkpoints"] = Checkpoints(database, queue, signer, settings.witness_folder, clock)
    vault = Vault(database, queue, master, clock)
    vault.prove_key()
    audiences = (settings.public_url, f"{settings.public_url}/mcp")
    identity = Identity(database, queue, clock, master, settings.public_url, audiences)
    secrets = Secrets(database, queue, canonical.derive(master, b"autonomy secrets"), clock)
    catalog = _catalog(database, queue, identity, functions, clock)
    watch = Watch(database, catalog.organisation, quarantined, identity.acquaint)
    hooks = _hooks(settings, database, queue, vault, watch, secrets, clock)
    lifeline, results = Lifeline(queue), Results(database, vault)
    sites = open_sites(settings, database, queue, master, lifeline.owner, secrets, functions, clock)
    connectors = _connectors(settings, database, watch, secrets, functions, hooks, sites.office)
    webhook = _webhook(settings, database, queue, secrets, clock)
    approvals = _approvals(database, queue, identity, watch, webhook, clock)
    endings = Endings(queue, lifeline.owner, clock)
    effects = Effects(connectors, endings, lifeline, clock)
    holding = Holding(database, queue, approvals, clock)
    gate = Gate(
        queue=queue,
        watch=watch,
        identity=identity,
        admission=Admission(identity, watch),
        describer=Describer(database, vault, identity, connectors, master),
        holding=holding,
        effects=effects,
        endings=endings,
        results=results,
        lifeline=lifeline,
        clock=clock,
    )
    taking_up = TakingUp(
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
    )
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
        approvals=approvals,
        watch=watch,
        gate=gate,
        results=results,
        containing=Containing(database, identity, effects, watch),
        effects=effects,
        taking_up=taking_up,
        lifeline=lifeline,
        housekeeping=Housekeeping(queue, settings.retention_days, clock),
        webhook=webhook,
        hooks=hooks,
        answering=Answering(database, hooks, taking_up),
        sites=sites,
    )


def _catalog(
    database: Database, queue: CommitQueue, identity: Identity, functions: Functions | None, clock: Clock
) -> Catalog:
    checks: list[Check] = [partial(check_tools, functions), check_policies]
    return Catalog(database, queue, clock, checks, projector(identity, clock), BUILTIN_TOOLS)


def _hooks(
    settings: Settings,
    database: Database,
    queue: CommitQueue,
    vault: Vault,
    watch: Watch,
    secrets: Secrets,
    clock: Clock,
) -> Hooks:
    outbound = Outbound(secrets.reveal, settings.data)
    return Hooks(database, queue, vault, watch.organisation, outbound, watch.refresh, lambda: watch.identity, clock)


def _connectors(
    settings: Settings,
    database: Database,
    watch: Watch,
    secrets: Secrets,
    functions: Functions | None,
    hooks: Hooks,
    office: Office,
) -> tools.Connectors:
    load = load_entry_point if functions is None else functions.__getitem__
    reserved = [path for path in (database.path, settings.data / "master.key") if path]
    return tools.Connectors(
        watch.organisation,
        secrets.reveal,
        settings.data,
        reserved=reserved,
        load=load,
        programs=settings.programs,
        answers=hooks,
        site=settings.site,
        elsewhere=office,
    )


def _approvals(
    database: Database, queue: CommitQueue, identity: Identity, watch: Watch, webhook: Webhook | None, clock: Clock
) -> Approvals:
    return Approvals(
        database,
        queue,
        lambda _, role: identity.holders(role),
        lambda role: escalation_targets(watch.organisation(), role),
        clock,
        announce_nothing if webhook is None else webhook.announce,
    )


def _pinned(catalog: Catalog, name: str, revision: str) -> tools.Tool:
    """The tool `name` in the wording of a digest; raises NotFound where it never had that."""
    for period in catalog.history("Tool", name):
        if period.digest == revision:
            return tools.Registry.build(catalog.organisation(period.since_epoch)).get(name)
    raise NotFound(f"`{name}` never had this wording", code="catalog.not_found")


def _webhook(
    settings: Settings, database: Database, queue: CommitQueue, secrets: Secrets, clock: Clock
) -> Webhook | None:
    """The sender of approval notices, where a URL is set; it signs with the secret `approval-webhook`."""
    if not settings.webhook:
        return None
    try:
        key = secrets.reveal(WEBHOOK_SECRET).reveal().encode()
    except NotFound:
        log.error("no webhook is sent: set the secret `%s`, then start again", WEBHOOK_SECRET)
        return None
    poster = Poster(Outbound(secrets.reveal, settings.data), settings.webhook_allow)
    return Webhook(database, queue, poster.post, settings.webhook, key, settings.public_url, clock)
