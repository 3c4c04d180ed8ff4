"""What stands behind the system's own tools: memory, decision tables, access, goals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autonomy.audit import Vault
from autonomy.catalog import Catalog
from autonomy.catalog.own_tools import ACCESS, DECISION, GOAL, MEMORY, entry_point
from autonomy.db import CommitQueue, Database
from autonomy.gate import Watch
from autonomy.goals import Planning
from autonomy.kernel.clock import Clock
from autonomy.memory import Forgetting, Memory, Reuse

from .access import AccessTools
from .decisions import DecisionTools
from .embedding import Endpoints
from .goals import GoalTools
from .memory import MemoryTools

if TYPE_CHECKING:
    from autonomy.decisions import Decisions


@dataclass(frozen=True, slots=True)
class OwnTools:
    """Their parts."""

    memory: Memory
    reuse: Reuse
    forgetting: Forgetting
    decisions: Callable[[], Decisions]
    """The decision tables in force; loads the engine of expressions the first time."""
    access: AccessTools
    planning: Planning
    goals: GoalTools
    endpoints: Endpoints
    """By them memory finds out what its items mean."""

    @property
    def connectors(self) -> Mapping[str, Callable[[], Any]]:
        """What makes the connector of each entry point, when it is called first."""
        return {
            entry_point(MEMORY): lambda: MemoryTools(self.memory, self.reuse, self.forgetting),
            entry_point(DECISION): lambda: DecisionTools(self.decisions()),
            entry_point(ACCESS): lambda: self.access,
            entry_point(GOAL): lambda: self.goals,
        }


def own_tools(
    database: Database, queue: CommitQueue, vault: Vault, catalog: Catalog, watch: Watch, master: bytes, clock: Clock
) -> OwnTools:
    """Everything behind the system's own tools, on the organisation in force."""
    endpoints = Endpoints()
    memory = Memory(database, queue, vault, watch.organisation, lambda: watch.identity, master, endpoints.ask, clock)

    @cache
    def decisions() -> Decisions:
        # The engine of expressions is only loaded where a table is asked.
        found: Decisions = import_module("autonomy.decisions").Decisions(watch.organisation)
        return found

    forgetting = Forgetting(memory, queue, vault, watch.organisation, clock)
    reuse, access = Reuse(memory, database, queue, clock), AccessTools(catalog, database)
    planning = Planning(watch.organisation)
    return OwnTools(memory, reuse, forgetting, decisions, access, planning, GoalTools(planning, database), endpoints)
