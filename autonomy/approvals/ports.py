"""What this room needs from others: who holds a role now, who may decide at all, and how people are told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from autonomy.db import Reader, Tx

from .model import Absence, Behind, Hold

Holders = Callable[[Reader, str], Collection[str]]
"""The names of the active people who hold a role, as the transaction or connection sees them."""

RolesOf = Callable[[str], Collection[str] | None]
"""The roles of a person who is active and may decide approvals, as last told of them; None of anybody else. Unlike a
session, what was told does not run out: who signs off in the evening has not taken back what they approved."""

BehindNow = Callable[[], Callable[[Iterable[str]], Iterable[Behind]]]
"""Looks at the agents once; what it returns finds those of some ids that there are, and all above them, each with who
answers for it now."""


@dataclass(frozen=True, slots=True)
class Staff:
    """What is known of people and agents at the moment of asking."""

    holders: Holders
    roles_of: RolesOf
    behind: BehindNow


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
