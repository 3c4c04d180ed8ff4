"""A small house with people, roles and a clock that the tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from autonomy.approvals import Approvals, Behind, Hold, NewHold, Staff
from autonomy.approvals.ports import People
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import HOUR
from autonomy.policy.model import Ask

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z

PEOPLE: dict[str, set[str]] = {
    "finance-manager": {"fiona", "felix"},
    "procurement-lead": {"petra", "fiona"},
    "cfo": {"carla"},
    "board": {"boris"},
}
ABOVE = {"finance-manager": ("cfo",), "cfo": ("board",), "procurement-lead": ("cfo",)}

ASK = Ask("finance-manager", "pay-large", escalate_after=4 * HOUR, escalate_to="cfo", expires=20 * HOUR)
LEAD = Ask("procurement-lead", "order-large")


def new_hold(action: str = "act_1", *needed: Ask, **changed: object) -> NewHold:
    """A payment that `payables-1`, whose sponsor is ada, asks to make."""
    plain = NewHold(
        action=action,
        agent="spiffe://larkspur/agent/1",
        agent_name="payables-1",
        case_id="case-1",
        tool="payment.release",
        tool_revision="r1",
        bind=f"bind of {action}",
        behind=(Behind("payables-1", "ada", "otto"),),
        needed=needed or (ASK,),
        consequence="this agent has never used `payment.release` for this supplier before",
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def targets(role: str) -> Sequence[str]:
    return ABOVE.get(role, ())


def roles_of(person: str) -> frozenset[str]:
    return frozenset(role for role, holders in PEOPLE.items() if person in holders)


class Time:
    """A clock that stands still until it is told."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def forward(self, milliseconds: int) -> None:
        self.at += milliseconds


class House:
    """Approvals over a real database, with everything it announced and who holds which role."""

    def __init__(self, database: Database, queue: CommitQueue, time: Time | None = None) -> None:
        self.time = time or Time()
        self.people = {role: set(holders) for role, holders in PEOPLE.items()}
        self.gone: set[str] = set()
        self.behind: list[Behind] = []
        self.looks = 0
        """How often the agents were looked at."""
        self.announced: list[tuple[str, str]] = []
        self.queue = queue
        self.approvals = Approvals(database, queue, self.staff, targets, self.time, self._announce)

    @property
    def staff(self) -> Staff:
        return Staff(lambda _tx, role: self._here(self.people.get(role, ())), self._roles_of, self._behind_now)

    def ask(self, new: NewHold) -> Hold:
        return self.queue.run(lambda tx: self.approvals.ask(tx, new))

    def approve(self, hold: Hold, person: str, role: str | None = None) -> Hold:
        return self.approvals.decide(hold.action, person, "approve", hold.shown, role=role)

    def ready(self, new: NewHold) -> Hold:
        """A hold everybody asked has approved."""
        return self.approve(self.ask(new), "felix")

    def _behind_now(self) -> Callable[[Iterable[str]], Iterable[Behind]]:
        self.looks += 1
        return lambda _: self.behind

    def _here(self, people: Iterable[str]) -> set[str]:
        return set(people) - self.gone

    def _roles_of(self, person: str) -> set[str] | None:
        return None if person in self.gone else {role for role, held in self.people.items() if person in held}

    def _announce(self, _tx: Tx, kind: str, hold: Hold, people: People, _at: int) -> None:
        self.announced.append((kind, hold.action))
