"""What each audience sees of today: which cards, which figures; and what is under way right now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from autonomy.gate.store import IS_OPEN, action

from .cells import figure_open

Audience = Literal["executive", "supervisor", "risk", "it", "auditor"]
Card = Literal["needs_me", "running", "went_wrong", "spend", "kpis", "contained", "health", "record", "changes"]

CARDS: Mapping[Audience, tuple[Card, ...]] = {
    "executive": ("kpis", "spend", "went_wrong", "running", "needs_me"),
    "supervisor": ("needs_me", "went_wrong", "running", "kpis", "spend"),
    "risk": ("went_wrong", "contained", "kpis", "changes", "needs_me"),
    "it": ("health", "running", "went_wrong", "contained", "kpis"),
    "auditor": ("record", "changes", "contained", "went_wrong", "kpis"),
}
"""The cards of each audience, the most important first. What somebody may not see is left empty, whoever they are."""

STRIPS: Mapping[Audience, tuple[str, ...]] = {
    "executive": ("value", "roi", "throughput", "accuracy", "cost", "autonomy"),
    "supervisor": ("throughput", "accuracy", "error_rate", "exceptions", "escalations", "human_time_per_case"),
    "risk": ("denials", "holds", "exceptions", "error_rate", "accuracy", "autonomy"),
    "it": ("throughput", "error_rate", "action_time", "run_cycle_time", "tokens", "cost"),
    "auditor": ("throughput", "denials", "holds", "labelled", "accuracy", "exceptions"),
}
"""The figures of each audience's strip; names as in `kpis`."""

_BY_ACCESS: tuple[tuple[str, Audience], ...] = (
    ("supervisor", "supervisor"),
    ("approver", "supervisor"),
    ("auditor", "auditor"),
    ("admin", "it"),
)
_AFTER = ";"  # the character after `:`; `run:…` lies between `run:` and this


@dataclass(frozen=True, slots=True)
class Running:
    """What is under way: actions at their systems of record, actions that wait for people, runs, tasks somebody has."""

    actions: int
    held: int
    runs: int
    tasks: int


def audience_of(access: Collection[str]) -> Audience:
    """Whose view fits somebody with this access, where they do not say."""
    return next((audience for name, audience in _BY_ACCESS if name in access), "executive")


def running(connection: Connection) -> Running:
    """What is under way, as of the leaf that was counted last."""
    begun = select(func.count()).select_from(action).where(IS_OPEN, action.c.state == "intent")
    held, runs, tasks = (int(connection.execute(_open(kind)).scalar_one()) for kind in ("hold", "run", "task"))
    return Running(int(connection.execute(begun).scalar_one()), held, runs, tasks)


def unknown(connection: Connection, limit: int) -> list[str]:
    """The newest actions whose ending nobody knows: a person has to look."""
    query = select(action.c.id).where(IS_OPEN, action.c.state == "unknown")
    # By time: in the order of their ids the database would read all actions there are to find a few.
    query = query.order_by(action.c.at.desc(), action.c.id.desc()).limit(limit)
    return list(connection.execute(query).scalars())


def _open(kind: str) -> Select[Any]:
    return select(func.count()).where(figure_open.c.id >= f"{kind}:", figure_open.c.id < f"{kind}{_AFTER}")
