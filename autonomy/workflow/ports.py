"""What runs need from others: who delivers what is to be carried out, and who carries it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from autonomy.gate import Reply, Request

from .model import Command


class Work(Struct, frozen=True):
    """A command to be carried out, for the how-manieth time; the `action` it led to, where it did."""

    run: str
    command: Command
    attempts: int
    action: str | None = None

    @property
    def id(self) -> str:
        return self.command.id


class Engine(Protocol):
    """Delivers commands to whoever carries them out. It decides nothing: leases and fences lie in the rows."""

    @property
    def owner(self) -> str:
        """This process, as rows name it."""

    def room(self) -> str | None:
        """Who carries out what a run asks for that moves now: this process, or None for whoever is free."""

    def start(self, work: Sequence[Work]) -> None:
        """Carry out what has just become durable as ours."""

    def wake(self) -> None:
        """Look now: something is due."""

    async def sweep(self) -> None:
        """Free what dead processes were carrying out."""


Perform = Callable[[str, Request], Awaitable[Reply]]
"""An action through the gate by a declared agent."""
