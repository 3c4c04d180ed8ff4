"""Questions that are asked all the time, or by pages of the console, read no more than they need: by their plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from autonomy.approvals import store as approvals
from autonomy.approvals.model import State as HoldState
from autonomy.db import Database
from autonomy.db.newest import by_state, newest
from autonomy.gate.containing import open_actions
from autonomy.incidents import store as incidents
from autonomy.insight import found
from autonomy.insight.counting import COUNTERS
from autonomy.insight.figures import Buckets, Only, Time, Whole
from autonomy.insight.kinds import last_of_kind, of_kind
from autonomy.insight.search import LEAVES, newest_fitting
from autonomy.insight.today import running, unknown
from autonomy.insight.worth import OF_POSTS
from autonomy.kernel.clock import DAY
from autonomy.tasks.inbox import Inbox
from autonomy.wiring.instruments import read_stored
from autonomy.workflow.model import ENDED, RunStatus
from autonomy.workflow.service import PLACE, live_of
from autonomy.workflow.store import run as table

BIG = ("action", "hold", "leaf", "run", "task", "payload", "outcome_label", "search_mark", "search_action", "figure")
"""Tables that grow for as long as there is work."""

Asked = Callable[[Connection], object]


def runs(*status: RunStatus, workflow: str = "") -> Asked:
    query = table.select().where(table.c.workflow == workflow) if workflow else table.select()
    parts = list(by_state(table.c.status, table.c.ended_at, ENDED, status))
    return lambda connection: newest(connection, [query.where(part) for part in parts], PLACE, 50)


def holds(*states: HoldState) -> Asked:
    return lambda connection: approvals.page(connection, states, 50, None)


def day_by_day(connection: Connection) -> object:
    buckets = Buckets(connection, Time(0, 3 * DAY, "day"), "company", Only("unit", ["company", "store"]))
    return buckets.of(0, "unit", COUNTERS), buckets.of(0, "post", OF_POSTS)


def figures_of_agents(connection: Connection) -> object:
    return Whole(connection, Time(0, 3 * DAY, "day"), Only("agent", ["w1", "w2"]))("agent", COUNTERS)


def dear_actions(connection: Connection) -> object:
    return newest_fitting(connection, [found.action.c.money >= 5], 0, 10_000_000, 50, LEAVES)


OFTEN: dict[str, tuple[Asked, str]] = {
    "calls under way, of whoever is contained": (open_actions, "action_open"),
    "calls under way, for Today": (running, "action_open"),
    "calls of unknown ending, for Today": (lambda connection: unknown(connection, 5), "action_open"),
    "what is open, for the figures of the process": (read_stored, "action_open"),
    "whether another process carries an approval out": (
        lambda connection: approvals.claimed_by_another(connection, "proc_1"),
        "hold_",  # by its state in either order of time: few are being carried out
    ),
    "approved holds that nobody carries out": (
        lambda connection: approvals.claimable(connection, 1, 1),
        "hold_alive",
    ),
    "holds that wait": (holds("waiting"), "hold_newest"),
    "holds that ended in one of two ways": (holds("rejected", "expired"), "hold_newest"),
    "live runs": (runs("new", "running"), "run_live"),
    "live runs of a workflow": (lambda connection: connection.execute(live_of("five")), "_live"),
    "runs that failed": (runs("failed"), "run_over"),
    "runs of a workflow that failed": (runs("failed", workflow="five"), "run_of_workflow_over"),
    "figures of a unit, day by day": (day_by_day, "figure_"),
    "figures of some agents": (figures_of_agents, "figure_"),
    "actions that cost much": (dear_actions, "search_action"),
    "leaves of a rare kind": (lambda connection: of_kind(connection, "erasure", 0, 50), "leaf_rare"),
    "the last leaves of a rare kind": (lambda connection: last_of_kind(connection, "task", 9, 50), "leaf_rare"),
    "incidents whose containment was lifted": (incidents.lifted, "incident_holds"),
    "leaves of a common kind": (lambda connection: of_kind(connection, "intent", 0, 50), "search_census_kind"),
}


@pytest.mark.parametrize("asked", OFTEN)
def test_what_is_asked_often_reads_only_what_it_is_about(database: Database, asked: str) -> None:
    ask, index = OFTEN[asked]
    with database.reading() as connection, heard(connection) as said:
        ask(connection)
    plans = "\n".join(planned(database, *each) for each in said)
    assert index in plans, plans
    assert not [line for line in plans.splitlines() if whole(line)], plans


async def test_tasks_of_a_state_are_read_in_their_order(database: Database) -> None:
    said: list[tuple[str, Any]] = []
    with database.reading() as connection, heard(connection, said):
        await Inbox(database).tasks(states=("failed", "done"))
        await Inbox(database).tasks(states=("open", "claimed"))
    plans = [planned(database, *each) for each in said]
    assert ["task_over" in plan for plan in plans] == [True, True, False]
    assert "task_waiting" in plans[2]


def whole(line: str) -> bool:
    """Whether a line of a plan says that a whole big table is read."""
    scanned = re.match(r"\s*(?:->\s*)?(?:SCAN|Seq Scan on) (\w+)(?! USING)\b(.*)", line)
    return scanned is not None and scanned[1] in BIG and "USING" not in scanned[2]


@contextmanager
def heard(connection: Connection, said: list[tuple[str, Any]] | None = None) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are asked of the database meanwhile, and what they were asked with."""
    found: list[tuple[str, Any]] = [] if said is None else said

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        found.append((statement, values))

    event.listen(connection.engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(connection.engine, "before_cursor_execute", hear)


def planned(database: Database, statement: str, values: Any) -> str:
    """How the database would answer; PostgreSQL as if there were many rows."""
    with database.reading() as connection:
        if database.dialect == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            return "\n".join(str(row[3]) for row in rows)
        connection.execute(text("SET enable_seqscan = off"))
        connection.execute(text("SET plan_cache_mode = force_generic_plan"))
        return "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
