"""The one place that names concrete parts and puts them together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from autonomy import policy, tools
from autonomy.approvals import Approvals, escalation_targets
from autonomy.audit import Log, Vault, begin_log, note
from autonomy.audit.checkpoints import Checkpoints
from autonomy.audit.store import head
from autonomy.budget.limits import read_limits
from autonomy.catalog import Catalog, Organisation, Problem, Revision
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
    Journal,
    Lifeline,
    Results,
    TakingUp,
    Watch,
)
from autonomy.identity import AgentRecord, Identity, PersonRecord, UnitRecord
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import AutonomyError, Invalid
from autonomy.tools.connectors.python import load_entry_point
from autonomy.tools.key import load_key
from autonomy.tools.quarantine import accept, quarantined
from autonomy.tools.secrets import Secrets

log = logging.getLogger("autonomy")

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
        """Settings from `AUTONOMY_DATA`, `_DATABASE`, `_WITNESS`, `_HOST`, `_PORT`, `_URL`, `_ORIGINS`; what is
        `given` (and not None) wins. Raises Invalid for a port that is no number."""
        found: dict[str, Any] = {
            name: environment[variable]
            for name in ("data", "database", "witness", "host", "port", "url", "origins")
            if (variable := f"AUTONOMY_{name.upper()}") in environment
        }
        found |= {name: value for name, value in given.items() if value is not None}
        for name in ("data", "witness"):
            if name in found:
                found[name] = Path(found[name])
        if "origins" in found and isinstance(found["origins"], str):
            found["origins"] = tuple(part for part in found["origins"].split(",") if part)
        if "port" in found and not str(found["port"]).isdigit():
            raise Invalid(f"the port `{found['port']}` is no number", code="settings.port")
        return cls(**(found | ({"port": int(found["port"])} if "port" in found else {})))


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
    checks = [partial(check_tools, functions), check_policies]
    catalog = Catalog(database, queue, clock, checks, projector(identity, clock), BUILTIN_TOOLS)
    watch = Watch(database, catalog.organisation, quarantined)
    load = load_entry_point if functions is None else functions.__getitem__
    reserved = [path for path in (database.path, settings.data / "master.key") if path]
    connectors = tools.Connectors(watch.organisation, secrets.reveal, settings.data, reserved=reserved, load=load)
    approvals = Approvals(
        database,
        queue,
        lambda _, role: identity.holders(role),
        lambda role: escalation_targets(watch.organisation(), role),
        clock,
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
    )


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
