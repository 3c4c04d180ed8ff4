"""What is free for those who wait, read for each kind of them apart: what one kind leaves lying hides nothing from
another. What a kind may not have is left out by the store, as `routing.obstacle` says it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select

from autonomy.gate.store import case_label
from autonomy.policy.labels import data_label, space_label

from .model import Candidate, Task
from .rules import MAX_REFUSALS
from .store import COLUMNS, task, to_task, with_labels

FREE = 500  # tasks looked at for one kind

_FREE = (
    task.c.ended_at.is_(None),
    task.c.holder.is_(None),
    task.c.by != "person",
    or_(task.c.run.is_(None), task.c.command.is_not(None)),
)


class Kind(NamedTuple):
    """What those agents have in common who may have the same tasks, but for those meant for or refused by one."""

    roles: tuple[str, ...]
    lineage: tuple[str, ...]
    capabilities: tuple[str, ...]
    data: frozenset[str]
    spaces: frozenset[str]
    spent_for: frozenset[str]


def is_any(connection: Connection, roles: Collection[str]) -> bool:
    """Whether anything at all is free for these roles."""
    return connection.execute(select(task.c.id).where(*_FREE, task.c.role.in_(roles)).limit(1)).first() is not None


def free_for(connection: Connection, waiting: Iterable[Candidate], others: int) -> list[Task]:
    """Tasks that some of those who wait may have now: as many of each kind as it and `others` could take."""
    kinds = defaultdict[Kind, list[str]](list)
    for one in waiting:
        if one.fit and one.funded and one.busy < one.at_once:
            kinds[_kind(one)].append(one.id)
    found = dict[str, Task]()
    for kind, ids in kinds.items():
        query = _for(kind, ids).order_by(task.c.priority, task.c.opened_at, task.c.id)
        found |= {row.id: to_task(row) for row in connection.execute(query.limit(min(FREE, len(ids) + others)))}
    return with_labels(connection, list(found.values()))


def _kind(one: Candidate) -> Kind:
    return Kind(one.roles, one.lineage, one.capabilities, one.data, one.spaces, one.spent_for)


def _for(kind: Kind, ids: Sequence[str]) -> Select[Any]:
    """The free tasks that at least one of these agents of the kind may have."""
    # More of them than can have refused a task need not be named.
    wanted = (~task.c.refused.contains(f'"{id}"', autoescape=True) for id in ids[: MAX_REFUSALS + 1])
    return select(*COLUMNS).where(
        *_FREE,
        task.c.role.in_(kind.roles),
        task.c.unit.in_(kind.lineage),
        or_(task.c.capability.is_(None), task.c.capability.in_(kind.capabilities)),
        or_(task.c.meant.is_(None), task.c.meant.in_(ids)),
        or_(task.c.workflow.is_(None), task.c.workflow.not_in(kind.spent_for)),
        or_(*wanted),
        ~exists().where(case_label.c.case_id == task.c.case, _hidden(kind)),
    )


def _hidden(kind: Kind) -> ColumnElement[bool]:
    """A label of what the kind may not see."""
    label = case_label.c.label
    spaces = and_(label.startswith(space_label("")), label.not_in([space_label(one) for one in kind.spaces]))
    if "*" in kind.data:
        return spaces
    return or_(spaces, and_(label.startswith(data_label("")), label.not_in([data_label(one) for one in kind.data])))
