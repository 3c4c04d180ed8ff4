"""What this room needs from others: who holds a role now, how a hold is announced, how a webhook is posted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from autonomy.db import Tx

from .model import Hold

Holders = Callable[[Tx, str], Collection[str]]
"""The names of the active people who hold a role, as the transaction sees them."""

Announce = Callable[[Tx, str, Hold, int], None]
"""Told in the transaction that something was asked of people: the kind (`approval.asked`, `approval.asked_again`,
`approval.escalated`), the hold and the time. What it does must be undone with the transaction."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Posts a body with headers to a URL; returns the HTTP status, raises AutonomyError or OSError where none came."""


def announce_nothing(_tx: Tx, _kind: str, _hold: Hold, _at: int) -> None:
    """For an organisation that has declared no webhook."""
