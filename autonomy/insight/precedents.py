"""What was before a held action: how its agent used the tool for the same subject, and how people decided then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from autonomy.approvals import Hold
from autonomy.approvals.model import State
from autonomy.approvals.store import of_tool
from autonomy.db import Database
from autonomy.gate.store import action

from .model import ActionRow

MOST = 10  # of each; who wants to see more searches the actions

DECIDED: tuple[State, ...] = ("performed", "denied", "rejected", "returned", "expired")


@dataclass(frozen=True, slots=True)
class Precedents:
    """`uses` for the same subject (supplier, customer, …), empty for a tool that has none; `holds` that were decided.
    Both are the newest ones, the newest first."""

    uses: list[ActionRow]
    holds: list[Hold]


def precedents(database: Database, hold: Hold) -> Precedents:
    """What was before `hold`. Blocks: call it from a thread."""
    columns = action.c
    with database.reading() as connection:
        about = connection.execute(select(columns.about).where(columns.id == hold.action)).scalar_one_or_none()
        query = (
            select(action)
            .where(columns.agent == hold.agent, columns.tool == hold.tool, columns.about == about)
            .where(columns.id < hold.action, columns.state != "held")
            .order_by(columns.id.desc())
            .limit(MOST)
        )
        uses = [_use(row) for row in connection.execute(query)] if about is not None else []
        return Precedents(uses, of_tool(connection, hold.tool, hold.agent, DECIDED, MOST))


def _use(row: Row[Any]) -> ActionRow:
    state = "running" if row.state == "intent" else row.state
    whose = (row.agent, row.agent_name, row.unit, row.case_id, row.tool)
    return ActionRow(row.id, state, *whose, row.money, row.at, row.ended_at, row.code, row.message)
