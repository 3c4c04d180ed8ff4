"""The house at one catalog epoch: everything the door needs of what is declared, built once, shared, never edited."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy.catalog.organisation import Organisation
from autonomy.identity import Caller
from autonomy.policy import Bundle
from autonomy.tools import Registry, Tool


@dataclass(frozen=True, slots=True)
class House:
    """What was declared at `organisation.epoch`, compiled."""

    organisation: Organisation
    bundle: Bundle
    registry: Registry
    quarantined: frozenset[str]

    @property
    def epoch(self) -> int:
        return self.organisation.epoch

    def visible_to(self, caller: Caller, tool: str) -> bool:
        """Whether every agent of the caller's chain has `tool` in its list: its roles' scope and its unit's grants."""
        return all(tool in self.registry.listed_for(view.roles, view.unit) for view in caller.chain)

    def tools_of(self, caller: Caller) -> list[Tool]:
        """The tools an agent may see, by name: what all of its chain may use and its delegations leave."""
        names = frozenset.intersection(*(self.registry.listed_for(view.roles, view.unit) for view in caller.chain))
        return [self.registry.tools[name] for name in sorted(names - self.quarantined) if caller.may_use(name)]
