"""How this process reaches systems of record, and how they reach it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autonomy import tools
from autonomy.audit import Vault
from autonomy.db import CommitQueue, Database
from autonomy.gate import Watch
from autonomy.kernel.clock import Clock
from autonomy.tools.connectors.python import Load, load_entry_point
from autonomy.tools.drift import Drifts
from autonomy.tools.hooks import Hooks
from autonomy.tools.oauth import Keep
from autonomy.tools.outbound import Outbound, Providers
from autonomy.tools.ports import Elsewhere
from autonomy.tools.providers import providers
from autonomy.tools.secrets import Secrets

from .checks import Functions
from .own_tools import OwnTools
from .settings import Settings


def open_connectors(
    settings: Settings,
    database: Database,
    queue: CommitQueue,
    watch: Watch,
    secrets: Secrets,
    functions: Functions | None,
    own: OwnTools,
    hooks: Hooks,
    elsewhere: Elsewhere,
    clock: Clock,
) -> tools.Connectors:
    """Every connector of the organisation in force. `own` makes those of the system's own tools, and asks by them;
    `elsewhere` performs what belongs to other sites."""
    connectors = tools.Connectors(
        watch.organisation,
        secrets.reveal,
        settings.data,
        reserved=own_files(settings, database),
        programs=settings.programs,
        wordings=Drifts(database, queue, clock),
        load=with_own(own.connectors, loading(functions)),
        keep=keeping(secrets),
        providers=providers_of(settings, clock),
        answers=hooks,
        site=settings.site,
        elsewhere=elsewhere,
    )
    own.endpoints.connect(connectors)
    return connectors


def aside_of_connectors(settings: Settings, secrets: Secrets, clock: Clock) -> Outbound:
    """By which the system itself goes out, for hooks, sign-on and letters."""
    return Outbound(secrets.reveal, settings.data, providers=providers_of(settings, clock))


def open_hooks(
    database: Database, queue: CommitQueue, vault: Vault, watch: Watch, aside: Outbound, clock: Clock
) -> Hooks:
    """The hooks of the organisation in force."""
    return Hooks(database, queue, vault, watch.organisation, aside, watch.refresh, lambda: watch.identity, clock)


def own_files(settings: Settings, database: Database) -> list[Path]:
    """The files of the control plane, which no connector may open."""
    return [path for path in (database.path, settings.data / "master.key") if path]


def loading(functions: Functions | None) -> Load:
    """Where Python connectors come from: `functions`, else the installed entry points."""
    return load_entry_point if functions is None else functions.__getitem__


def with_own(own: Mapping[str, Callable[[], Any]], others: Load) -> Load:
    """The connectors of the system's own tools, and `others`."""
    return lambda name: own[name]() if name in own else others(name)


def keeping(secrets: Secrets) -> Keep:
    """Stores what a service renewed, such as a refresh token."""
    return secrets.renew


def providers_of(settings: Settings, clock: Clock) -> Providers:
    """The stores of secrets beside our own."""
    return providers(settings.aws_region, settings.aws_allow, os.environ, clock)
