"""Who may speak about a hold now: the holders of its roles, and the deputies of those who are away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from autonomy.db import Reader

from . import rules, store
from .model import Ballot, Behind, Hold, StandIn
from .ports import Staff


class Voices:
    """What one transaction or connection sees of people at one time; nothing is looked up twice."""

    def __init__(self, reader: Reader, staff: Staff, at: int) -> None:
        self._reader = reader
        self._staff = staff
        self._at = at
        self._holders: dict[str, Collection[str]] = {}
        self._roles: dict[str, Collection[str] | None] = {}
        self._absent: dict[str, tuple[str, ...]] = {}
        self._behind: dict[tuple[str, ...], Iterable[Behind]] = {}
        self._behind_now: Callable[[Iterable[str]], Iterable[Behind]] | None = None

    def seen(self, hold: Hold) -> Hold:
        """The hold as it counts now: with everybody who is behind it by now, and without the approvals of those who
        could not give them any more."""
        agents = tuple(dict.fromkeys(link.agent for link in hold.behind))
        if agents not in self._behind:
            self._behind_now = self._behind_now or self._staff.behind()
            self._behind[agents] = tuple(self._behind_now(agents))
        return rules.look_again(rules.with_behind(hold, self._behind[agents]), self._roles_of)

    def ballot(self, hold: Hold, person: str) -> Ballot:
        """A ballot with the roles in which this person could speak about the hold: their own, and absent people's."""
        if self._roles_of(person) is None:
            return Ballot(person, frozenset(), "approve", hold.shown)
        stand_in = tuple(StandIn(absent, self._held(hold, absent)) for absent in self.absent(person))
        return Ballot(person, self._held(hold, person), "approve", hold.shown, for_absent=stand_in)

    def could_decide(self, hold: Hold, person: str) -> bool:
        """Whether the person could decide about the hold, by themselves or as somebody's deputy."""
        seen = self.seen(hold)
        return rules.could_decide(seen, self.ballot(seen, person))

    def deciders(self, hold: Hold) -> tuple[str, ...]:
        """Everybody who could decide about the hold, by name."""
        roles = {role for seat in hold.open_seats for role in seat.roles}
        holders = {person for role in roles for person in self._of(role)}
        away = store.absences_of(self._reader, self._at, sorted(holders)) if holders else []
        deputies = {each.deputy for each in away if each.person in holders and each.covers(self._at)}
        return tuple(name for name in sorted(holders | deputies) if self.could_decide(hold, name))

    def absent(self, deputy: str) -> tuple[str, ...]:
        """The people for whom `deputy` stands in."""
        if deputy not in self._absent:
            found = store.absences_of(self._reader, self._at, [deputy])
            names = (each.person for each in found if each.deputy == deputy and each.covers(self._at))
            self._absent[deputy] = tuple(names)
        return self._absent[deputy]

    def _held(self, hold: Hold, person: str) -> frozenset[str]:
        roles = self._roles_of(person) or ()
        return frozenset(
            role for seat in hold.seats for role in seat.roles if role in roles and person in self._of(role)
        )

    def _roles_of(self, person: str) -> Collection[str] | None:
        if person not in self._roles:
            self._roles[person] = self._staff.roles_of(person)
        return self._roles[person]

    def _of(self, role: str) -> Collection[str]:
        if role not in self._holders:
            self._holders[role] = self._staff.holders(self._reader, role)
        return self._holders[role]
