"""Queries over what the gate, the approvals and the log wrote."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, case, exists, or_, select

from autonomy.approvals.store import hold
from autonomy.audit import read_leaf
from autonomy.audit.store import checkpoint, leaf
from autonomy.gate.store import action

from .model import ActionRow, Wanted

BATCH = 500  # rows read at once where only some of them may be wanted

_OVER = ("rejected", "returned", "expired", "withdrawn")
_STATE = case(
    (and_(action.c.state == "held", hold.c.state.in_(_OVER)), hold.c.state),
    (action.c.state == "intent", "running"),
    else_=action.c.state,
).label("shown")


def actions(connection: Connection, wanted: Wanted, after: str | None, limit: int) -> list[ActionRow]:
    """The newest `limit` actions that are wanted, after the one with the id `after`; refused ones among them."""
    found = merge(
        _performed(connection, wanted, after, limit),
        _refused(connection, wanted, after) if wanted.state in (None, "denied") else (),
        key=lambda row: row.id,
        reverse=True,
    )
    return list(islice(found, limit))


def checkpoint_holding(connection: Connection, index: int) -> int | None:
    """The size of the first signed tree that holds the leaf `index`; None where there is none yet."""
    query = select(checkpoint.c.size).where(checkpoint.c.size > index).order_by(checkpoint.c.size).limit(1)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def _performed(connection: Connection, wanted: Wanted, after: str | None, limit: int) -> list[ActionRow]:
    columns = action.c
    query = select(action, _STATE).outerjoin(hold, hold.c.action == columns.id).order_by(columns.id.desc())
    if wanted.agent is not None:
        query = query.where(or_(columns.agent == wanted.agent, columns.agent_name == wanted.agent))
    if wanted.tool is not None:
        query = query.where(columns.tool == wanted.tool)
    if wanted.case is not None:
        query = query.where(columns.case_id == wanted.case)
    if wanted.since is not None:
        query = query.where(columns.at >= wanted.since)
    if wanted.state is not None:
        query = query.where(_STATE.in_([wanted.state]))
    if after is not None:
        query = query.where(columns.id < after)
    return [_row(row) for row in connection.execute(query.limit(limit))]


def _refused(connection: Connection, wanted: Wanted, after: str | None) -> Iterator[ActionRow]:
    """Actions that left nothing but a denial. What they were is in the leaf alone."""
    columns = leaf.c
    begun = exists().where(action.c.id == columns.action)
    query = select(columns.action, columns.body).where(columns.kind == "denial", columns.action.is_not(None), ~begun)
    if wanted.since is not None:
        query = query.where(columns.at >= wanted.since)
    while rows := connection.execute(_before(query, after).limit(BATCH)).all():
        after = rows[-1].action
        yield from (row for found in rows if _fits(row := _denial(read_leaf(bytes(found.body))), wanted))


def _before(query: Any, after: str | None) -> Any:
    ordered = query.order_by(leaf.c.action.desc())
    return ordered if after is None else ordered.where(leaf.c.action < after)


def _fits(row: ActionRow, wanted: Wanted) -> bool:
    return (
        wanted.agent in (None, row.agent, row.agent_name)
        and wanted.tool in (None, row.tool)
        and wanted.case in (None, row.case)
    )


def _row(row: Row[Any]) -> ActionRow:
    return ActionRow(
        row.id,
        row.shown,
        row.agent,
        row.agent_name,
        row.unit,
        row.case_id,
        row.tool,
        row.money,
        row.at,
        row.ended_at,
        row.code,
        row.message,
    )


def _denial(found: dict[str, Any]) -> ActionRow:
    return ActionRow(
        found["action"],
        "denied",
        found["agent"],
        found.get("agent_name", ""),
        found.get("unit", ""),
        found.get("case", ""),
        found["tool"],
        0,
        found["at"],
        found["at"],
        found.get("code"),
        found.get("reason"),
    )
