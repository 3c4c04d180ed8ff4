"""What this room needs from others: who holds a role now, who may decide at all, and how people are told."""

from __future__ import annotations

from collections.abc import Callable, Collection

from autonomy.db import Tx

from .model import Absence, Hold
from .store import Reader

Holders = Callable[[Reader, str], Collection[str]]
"""The names of the active people who hold a role, as the transaction or connection sees them."""

MayDecide = Callable[[str], bool]
"""Whether a person is active and may decide approvals."""

People = Callable[[], Collection[str]]
"""Finds the people whom something concerns; called only where somebody is to be told in person."""

Announce = Callable[[Tx, str, Hold, People, int], None]
"""Told in the transaction that something was asked of people: the kind (`approval.asked`, `approval.asked_again`,
`approval.escalated`, `approval.reminded`, `approval.question`, `approval.answer`, `approval.handing`), the hold, who
could decide it or is spoken to, and the time. What it does must be undone
with the transaction."""

AnnounceAbsence = Callable[[Tx, str, Absence, int], None]
"""Told in the transaction that an absence was declared or ended (`absence.declared`, `absence.ended`)."""


def announce_nothing(_tx: Tx, _kind: str, _hold: Hold, _people: People, _at: int) -> None:
    """For an organisation that tells nobody."""


def announce_no_absence(_tx: Tx, _kind: str, _absence: Absence, _at: int) -> None:
    """For an organisation that tells nobody."""
