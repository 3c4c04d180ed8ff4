"""What this room needs from others: how a webhook is posted, how a letter is sent, and to which address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from .model import News, Notice

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Posts a body with headers to a URL; returns the HTTP status, raises AutonomyError or OSError where none came."""

SendLetter = Callable[[str, str, str, str], Awaitable[None]]
"""Sends an e-mail: its id, the address, the subject, the text. Raises AutonomyError or OSError where it was not
accepted."""

AddressOf = Callable[[str], str | None]
"""The e-mail address of an active person; None for anybody else."""


class Channel(Protocol):
    """One way to tell."""

    name: str
    """What the outbox calls it; at most one channel has it."""

    def compose(self, news: News, id: str) -> Mapping[str, str]:
        """The body for each recipient of the notice `id`; nobody, where this channel has nothing to say."""

    async def send(self, notice: Notice) -> bool:
        """Tell; returns whether it was accepted, which is all the sender can know. Raises nothing."""
