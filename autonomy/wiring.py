"""The one place that names concrete parts and puts them together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from autonomy import policy, tools
from autonomy.approvals import Approvals, Webhook, escalation_targets
from autonomy.approvals.ports import announce_nothing
from autonomy.audit import Log, Vault, begin_log, note
from autonomy.audit.checkpoints import Checkpoints
from autonomy.audit.store import head
from autonomy.budget.limits import read_limits
from autonomy.catalog import Catalog, Check, Organisation, Problem, Revision
from autonomy.catalog.model import AgentSpec, PersonSpec, UnitSpec
from autonomy.catalog.organisation import spec
from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.migrate import upgrade
from autonomy.gate import (
    Admission,
    Containing,
    Describer,
    Effects,
    Gate,
    Holding,
    Housekeeping,
    Journal,
    Lifeline,
    Results,
    TakingUp,
    Watch,
)
from autonomy.identity import AgentRecord, Identity, PersonRecord, UnitRecord
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import AutonomyError, Invalid, NotFound
from autonomy.tools.connectors.python import load_entry_point
from autonomy.tools.key import load_key
from autonomy.tools.outbound import Outbound
from autonomy.tools.poster import Poster
from autonomy.tools.quarantine import accept, quarantined
from autonomy.tools.secrets import Secrets

log = logging.getLogger("autonomy")

WEBHOOK_SECRET = "approval-webhook"

Functions = Mapping[str, Any]
"""Python connectors by the name of their entry point."""

BUILTIN_TOOLS = ("actions.result",)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a process keeps its data and how it is known. Every field has an environment variable and an option."""

    data: Path = Path("autonomy-data")
    database: str = ""
    witness: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8085
    url: str = ""
    origins: tuple[str, ...] = ()
    webhook: str = ""
    webhook_allow: tuple[str, ...] = ()
    retention_days: int = 400

    @property
    def database_url(self) -> str:
        """The database; a SQLite file in the data folder unless another was named."""
        return self.database or f"sqlite:///{self.data / 'autonomy.sqlite'}"

    @property
    def public_url(self) -> str:
        """The URL by which clients know this server: the issuer and audience of its tokens."""
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def witness_folder(self) -> Path:
        """Where copies of checkpoints go. In the data folder they prove nothing against who can write there."""
        return self.witness or self.data / "witness"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
        """Settings from `AUTONOMY_DATA`, `_DATABASE`, `_WITNESS`, `_HOST`, `_PORT`, `_URL`, `_ORIGINS`, `_WEBHOOK`,
        `_WEBHOOK_ALLOW`, `_RETENTION_DAYS`; what is `given` (and not None) wins. Lists are separated by commas. Raises
        Invalid where a number is none."""
        named = {each.name: f"AUTONOMY_{each.name.upper()}" for each in fields(cls)}
        found: dict[str, Any] = {name: environment[key] for name, key in named.items() if key in environment}
        found |= {name: value for name, value in given.items() if value is not None}
        return cls(**{name: _setting(name, value) for name, value in found.items()})


def _setting(name: str, value: Any) -> Any:
    if name in ("data", "witness"):
        return Path(value)
    if name in ("origins", "webhook_allow") and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if name not in ("port", "retention_days"):
        return value
    if not str(value).isdigit():
        raise Invalid(f"`{value}` is not a number", code="settings.number", hint=f"`{name}` is a whole number")
    return int(value)


@dataclass(slots=True)
class System:
    """Everything of one process, put together. `start` it in the event loop that serves; `stop` it at the end."""

    settings: Settings
    database: Database
    queue: CommitQueue
    vault: Vault
    checkpoints: Checkpoints
    identity: Identity
    catalog: Catalog
    secrets: Secrets
    connectors: tools.Connectors
    approvals: Approvals
    watch: Watch
    gate: Gate
    results: Results
    containing: Containing
    effects: Effects
    taking_up: TakingUp
    lifeline: Lifeline
    housekeeping: Housekeeping
    webhook: Webhook | None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Begin to live: beat, watch, take up what waits, sign checkpoints, expire and escalate approvals."""
        await self.lifeline.beat()
        await self.watch.refresh()
        for work in (
            self.lifeline.run(),
            self.watch.run(),
            self.containing.run(),
            self.taking_up.run(),
            self.checkpoints.run(),
            self.housekeeping.run(),
            self._sweep(),
        ):
            self._tasks.append(asyncio.create_task(_persist(work)))

    async def stop(self) -> None:
        """End what is under way in order: nothing new, then endings, then the last checkpoint, then the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.taking_up.idle()
        await self.effects.close()
        await self.connectors.close()
        try:
            await self.checkpoints.sign()
            await self.lifeline.leave()
        except AutonomyError as error:
            log.warning("the store did not answer at the end: %s", error.code)
        self.close()

    def close(self) -> None:
        """Close the store, where nothing was started or everything has stopped."""
        self.queue.close()
        self.database.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.to_thread(self.approvals.sweep)
            if self.webhook is not None:
                await self.webhook.deliver()
            await asyncio.sleep(SWEEP_SECONDS)


SWEEP_SECONDS = 1.0


def open_system(settings: Settings, clock: Clock = now, functions: Functions | None = None) -> System:
    """Open or make the data folder, bring its database up to date and put everything together.

    `functions` are the Python connectors by name; the installed entry points where none are handed in.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    master = load_key(settings.data / "master.key")
    database = Database.open(settings.database_url)
    upgrade(database)
    signer = note.Signer.from_seed(log_name(settings), canonical.derive(master, b"autonomy log key"))
    _begin(database)
    return _assemble(settings, database, master, signer, clock, functions)


def log_name(settings: Settings) -> str:
    """The origin line of the log's checkpoints: the server's name without scheme."""
    return f"{settings.public_url.split('://', 1)[-1]}/log"


def _begin(database: Database) -> None:
    engine = database.writer_engine()
    with engine.connect() as connection:
        if connection.execute(select(head.c.id)).first() is None:
            begin_log(connection)
    engine.dispose()


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
    audiences = (settings.public_url, f"{settings.public_url}/mcp")
    identity = Identity(database, queue, clock, master, settings.public_url, audiences)
    secrets = Secrets(database, queue, canonical.derive(master, b"autonomy secrets"), clock)
    checks: list[Check] = [partial(check_tools, functions), check_policies]
    catalog = Catalog(database, queue, clock, checks, projector(identity, clock), BUILTIN_TOOLS)
    watch = Watch(database, catalog.organisation, quarantined)
    load = load_entry_point if functions is None else functions.__getitem__
    reserved = [path for path in (database.path, settings.data / "master.key") if path]
    connectors = tools.Connectors(watch.organisation, secrets.reveal, settings.data, reserved=reserved, load=load)
    webhook = _webhook(settings, database, queue, secrets, clock)
    approvals = Approvals(
        database,
        queue,
        lambda _, role: identity.holders(role),
        lambda role: escalation_targets(watch.organisation(), role),
        clock,
        announce_nothing if webhook is None else webhook.announce,
    )
    lifeline, results = Lifeline(queue), Results(database, vault)
    effects, holding = Effects(connectors, queue, lifeline.owner, clock), Holding(database, queue, approvals)
    gate = Gate(
        queue=queue,
        watch=watch,
        identity=identity,
        admission=Admission(identity, watch),
        describer=Describer(database, vault, identity, connectors, master),
        holding=holding,
        effects=effects,
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
        results=results,
        vault=vault,
        watch=watch,
        lifeline=lifeline,
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
    )


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


async def _persist(work: Coroutine[Any, Any, None]) -> None:
    """Background work ends only by cancellation; anything else is a defect that must be seen."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("background work ended by an error")
        raise


def check_tools(functions: Functions | None, organisation: Organisation) -> list[Problem]:
    """Every fault of declared tools and connectors, in the catalog's words."""
    return [
        Problem(message=found.message, hint=found.hint, kind=found.kind, name=found.name, field=found.field)
        for found in tools.check(organisation, functions)
    ]


def check_policies(organisation: Organisation) -> list[Problem]:
    """Every fault of policies and budgets: what cannot be enforced as written is not applied."""
    return [*_policy_problems(organisation), *_budget_problems(organisation)]


def _policy_problems(organisation: Organisation) -> list[Problem]:
    try:
        policy.Bundle.build(organisation)
    except Invalid as error:
        return [_policy_problem(found) for found in error.detail.get("problems", ())] or [Problem(message=str(error))]
    return []


def _policy_problem(found: Mapping[str, Any]) -> Problem:
    return Problem(
        message=str(found["what"]),
        hint=str(found["fix"]),
        kind="Policy",
        name=str(found["file"]),
        line=int(found["line"]),
    )


def _budget_problems(organisation: Organisation) -> list[Problem]:
    try:
        read_limits(organisation)
    except Invalid as error:
        return [Problem(message=error.message, hint=error.hint, kind="Budget")]
    return []


def projector(identity: Identity, clock: Clock) -> Any:
    """Carries what is declared into identity and pins the tools' wordings, in the change's own transaction."""

    def project(tx: Tx, organisation: Organisation, written: Sequence[Revision], retired: Sequence[Revision]) -> None:
        gone = {kind: [revision.name for revision in retired if revision.kind == kind] for kind in ("Agent", "Person")}
        identity.project(
            tx,
            organisation.trust_domain,
            units=[UnitRecord(each.name, spec(each, UnitSpec).parent) for each in organisation.all("Unit").values()],
            people=[_person(each) for each in organisation.all("Person").values()],
            agents=[_agent(each) for each in organisation.all("Agent").values()],
            retire=gone["Agent"],
            offboard=gone["Person"],
        )
        if any(revision.kind == "Tool" for revision in written):
            accept(tx, tools.Registry.build(organisation).tools.values(), "system", clock())

    return project


def _person(revision: Revision) -> PersonRecord:
    declared = spec(revision, PersonSpec)
    return PersonRecord(
        revision.name,
        declared.displayName,
        declared.email,
        tuple(declared.roles),
        tuple(declared.access),
        declared.manager,
        declared.externalSubject,
    )


def _agent(revision: Revision) -> AgentRecord:
    declared = spec(revision, AgentSpec)
    return AgentRecord(
        name=revision.name,
        unit=revision.unit,
        roles=tuple(declared.roles),
        sponsor=declared.sponsor,
        owner=declared.owner,
        supervisor=declared.supervisor,
        revision=revision.digest,
        parent=declared.parent,
        site=declared.site,
        rate_per_minute=declared.ratePerMinute,
    )
