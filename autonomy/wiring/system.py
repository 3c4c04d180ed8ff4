"""Everything of one process, put together, and how it lives and ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autonomy import tools
from autonomy.approvals import Absences, Approvals
from autonomy.audit import Vault
from autonomy.audit.checkpoints import Checkpoints
from autonomy.audit.forward import Follower
from autonomy.budget.warnings import Warnings
from autonomy.catalog import Catalog
from autonomy.db import CommitQueue, Database
from autonomy.gate import (
    Answering,
    Considering,
    Containing,
    Effects,
    Gate,
    Housekeeping,
    Lifeline,
    Results,
    TakingUp,
    Watch,
)
from autonomy.identity import Identity
from autonomy.kernel.errors import AutonomyError
from autonomy.notices import Notifier
from autonomy.signon import SignOn
from autonomy.tools.hooks import Hooks
from autonomy.tools.outbound import Outbound
from autonomy.tools.secrets import Secrets

from .incidents import Trouble
from .insight import Insights
from .own_tools import OwnTools
from .searching import Searching
from .settings import Settings
from .sites import Sites
from .workflows import Workflows

if TYPE_CHECKING:
    from autonomy.telemetry.otlp import Exporter

log = logging.getLogger("autonomy")

SWEEP_SECONDS = 1.0
AGAIN_SECONDS = 0.5  # before background work that met an error begins again


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
    aside: Outbound
    """By it the system itself goes out: for the keys of hooks, sign-on, letters."""
    approvals: Approvals
    watch: Watch
    gate: Gate
    results: Results
    containing: Containing
    effects: Effects
    taking_up: TakingUp
    lifeline: Lifeline
    housekeeping: Housekeeping
    absences: Absences
    warnings: Warnings
    notifier: Notifier
    signon: SignOn
    considering: Considering
    hooks: Hooks
    answering: Answering
    sites: Sites
    workflows: Workflows
    own: OwnTools
    searching: Searching
    trouble: Trouble
    insights: Insights
    followers: Sequence[Follower] = ()
    """They carry the log to where the settings say."""
    exporter: Exporter | None = None
    """It sends traces, where they are on."""
    stopping: bool = False
    """Whether this process takes no more work: it has been told to stop."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to live: beat, watch, take up what waits, sign checkpoints, expire and escalate approvals.

        Raises Unavailable where the store does not answer or the witness's folder cannot be read.
        """
        await self.checkpoints.begin()
        await self.lifeline.beat()
        await self.watch.refresh()
        await self.workflows.sources.look()  # what comes from here on is heard
        for work in (
            self.watch.run,
            self.containing.run,
            self.taking_up.run,
            self.checkpoints.run,
            self.housekeeping.run,
            self.answering.run,
            self.workflows.engine.run,
            self.workflows.engine.run_sweeps,
            self.workflows.sources.run,
            self.workflows.tidying.run,
            self.workflows.workplace.waiting.run,
            self.workflows.workplace.calling.run,
            self.workflows.workplace.sweeping.run,
            self.workflows.workplace.sweeping.run_tidying,
            self.own.forgetting.run,
            self.own.memory.meaning.run,
            self.searching.following.run,
            self.searching.following.run_tidying,
            self.trouble.stopping.run,
            self.insights.reckoning.run,
            self.insights.checking.run,
            self.insights.tidying.run,
            self._sweep,
            *(follower.run for follower in self.followers),
        ):
            self._tasks.append(asyncio.create_task(_persist(work)))
        if self.sites.worker is not None:
            self._tasks.append(asyncio.create_task(_persist(self.sites.worker.run)))
        self._beating = asyncio.create_task(_persist(self.lifeline.run))

    async def stop(self) -> None:
        """End what is under way in order: nothing new, then endings, then the last checkpoint, then the store."""
        self.stopping = True
        await _end(self._tasks)
        await self.insights.recompute.close()
        await self.workflows.engine.close()
        await self.taking_up.close()
        await self.effects.close()
        # To the last: a process that still has calls out and does not beat is taken for dead, and they are done twice.
        await _end([self._beating] if self._beating else [])
        await self.connectors.close()
        await self.aside.close()
        await self.sites.close()
        carrying = (each.let_go for each in self.followers)
        for last in (self.checkpoints.sign, self.insights.reckoning.let_go, *carrying, self.lifeline.leave):
            try:
                await last()
            except AutonomyError as error:
                log.warning("the last word was not written: %s", error.code)
        if self.exporter is not None:
            await self.exporter.close()
        self.close()

    def close(self) -> None:
        """Close the store, where nothing was started or everything has stopped."""
        self.queue.close()
        self.database.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.to_thread(self.approvals.sweep)
            await asyncio.to_thread(self.warnings.tell)
            await self.notifier.deliver()
            await asyncio.sleep(SWEEP_SECONDS)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _persist(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Background work ends only by cancellation: when the store comes back, everything goes on unaided."""
    while True:
        try:
            await work()
        except AutonomyError as error:
            log.warning("background work waits: %s", error.code)
        except Exception:
            log.exception("background work met a defect and begins again")
        await asyncio.sleep(AGAIN_SECONDS)
