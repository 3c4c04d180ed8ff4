"""What a process has to do with sites: it hands calls out to them and, where it is at one, performs there."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy.db import CommitQueue, Database
from autonomy.gate.taking_up import is_begun_by
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock
from autonomy.tools.secrets import Secrets
from autonomy.tools.sites import Counter, Office, Performing, SiteKeys, Worker

from .checks import Functions
from .connecting import keeping, loading, own_files, providers_of
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Sites:
    """The desk for workers of every site, their keys, and the worker of this process's own site."""

    office: Office
    keys: SiteKeys
    worker: Worker | None
    performing: Performing | None

    async def close(self) -> None:
        """Let go of what the own worker holds."""
        if self.performing is not None:
            await self.performing.close()


def open_sites(
    settings: Settings,
    database: Database,
    queue: CommitQueue,
    master: bytes,
    owner: str,
    secrets: Secrets,
    functions: Functions | None,
    clock: Clock,
) -> Sites:
    """`owner` is this process as the gate names it."""
    sealing = canonical.derive(master, b"autonomy assignments")
    office, keys = Office(database, queue, sealing, owner, is_begun_by, clock), SiteKeys(database, queue, clock)
    if not settings.site:
        return Sites(office, keys, None, None)
    performing = Performing(
        settings.site,
        secrets.reveal,
        settings.data,
        settings.programs,
        loading(functions),
        reserved=own_files(settings, database),
        keep=keeping(secrets),
        providers=providers_of(settings, clock),
    )
    return Sites(office, keys, Worker(Counter(office, settings.site), performing.perform), performing)
