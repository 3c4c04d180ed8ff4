"""What runs need from others: who delivers what is to be carried out, and who carries it out."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct
from sqlalchemy import Connection

from autonomy.gate import Reply, Request

from .codec import Unreadable
from .model import Command


class Work(Struct, frozen=True):
    """A command to be carried out, for the how-manieth time; the `action` it led to, where it did. `first`: nobody has
    ever begun to, not even in vain."""

    run: str
    command: Command | Unreadable
    attempts: int
    action: str | None = None
    first: bool = False

    @property
    def id(self) -> str:
        return self.command.id


Carrier = Callable[[Work, Any], Awaitable[None]]
"""Carries out the commands of one kind, and has their answers taken in."""


class Offer(NamedTuple):
    """A command that anybody may take from `due` on (milliseconds). It is handed over in the transaction that frees it;
    a command that is freed again is due at another time, so that an old offer is seen to be old."""

    command: str
    due: int
    priority: int


class Engine(Protocol):
    """Delivers commands to whoever carries them out. It decides nothing: leases and fences lie in the rows."""

    @property
    def owner(self) -> str:
        """This process, as rows name it."""

    @property
    def under_way(self) -> int:
        """How many commands this process carries out now."""

    def room(self) -> str | None:
        """Who carries out what a run asks for that moves now: this process, or None for whoever is free."""

    def start(self, work: Sequence[Work]) -> None:
        """Carry out what has just become durable as ours."""

    def wake(self) -> None:
        """Look now: something is due."""

    async def sweep(self) -> None:
        """Free what dead processes were carrying out."""

    async def alive(self) -> None:
        """Raise Unavailable (`workflow.stuck`) where nothing was looked for in a while: runs would wait in vain."""

    async def run(self) -> None:
        """Look for what is to be done, until cancelled."""

    async def run_sweeps(self) -> None:
        """Sweep once in a while, until cancelled."""

    def let_go(self) -> None:
        """Carry nothing on: for a process that is taken for dead. Others have its commands, or will."""

    async def close(self) -> None:
        """Take nothing more, and wait until what is carried out has its answer."""


class Perform(Protocol):
    """An action through the gate by a declared agent; `first` says that its key is new."""

    async def __call__(self, agent: str, request: Request, first: bool = False) -> Reply: ...


Take = Callable[[str, int], Awaitable[None]]
"""Takes an offer: the command's id, and when it was due."""


class Post(Protocol):
    """Carries offers to processes, however many there are. It may lose one, and may bring one twice."""

    def put(self, connection: Connection, offers: Sequence[Offer]) -> None:
        """Take offers, in the transaction of `connection`."""

    def open(self, take: Take, loop: AbstractEventLoop) -> None:
        """Hand offers to `take`, in `loop`, from now on. Blocks."""

    def close(self) -> None:
        """Hand out nothing more. Blocks."""

    def waiting(self, offers: Sequence[Offer]) -> set[Offer]:
        """Which of them have not been handed out. Blocks."""

    def tidy(self) -> None:
        """Forget what was handed out a while ago. Blocks."""
