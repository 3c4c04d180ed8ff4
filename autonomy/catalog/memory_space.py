"""Memory spaces: what agents may know together, who may read and write it, how long it is kept and what it may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .words import Duration, Name, Strict


class Audience(Strict):
    """Agents by name, by role and by unit (with every unit below it); together they are meant."""

    agents: list[Name] = Field([], max_length=200)
    roles: list[Name] = Field([], max_length=200, description="also people who hold the role")
    units: list[Name] = Field([], max_length=200, description="the unit and every unit below it")


class MemorySpaceSpec(Strict):
    """A shared memory of agents. Nobody else ever learns what is in it, nor what was made of that."""

    owner: Name = Field(description="the person who answers for what is kept here")
    readers: Audience
    writers: Audience
    retention: Duration = Field("365d", description="how long an item is kept")
    freshness: Duration | None = Field(
        None, description="how long a fact counts as fresh; older ones are marked and not reused; always, when absent"
    )
    data: list[Name | Literal["*"]] = Field(
        [], description="classes of data it may hold; `*` for all; none when absent"
    )
    residency: list[Name] = Field([], description="sites whose agents may read and write here; all when empty")
    derived: Literal["readers", "data"] = Field(
        "readers",
        description="who may read what was made of its items elsewhere: only who may read here as well (`readers`), "
        "or whoever may see the classes of data in it (`data`)",
    )
