"""Tables of incidents. What people write about them is kept here alone; the log says who did what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Row, Table, Text, func, insert, select

from autonomy.db import Tx, metadata, upsert
from autonomy.db.indexes import partial_index
from autonomy.db.spelled import among
from autonomy.kernel.errors import NotFound

from .model import About, Entry, FollowUp, Incident, Place, Stop, StopKind, StopState, Told

incident = Table(
    "incident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("about_kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("agent", Text),
    Column("agent_name", Text),
    Column("case_id", Text),
    Column("run", Text),
    Column("rule", Text),
    Column("leaf", BigInteger),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("owner", Text),
    Column("scope", Text),
    Column("target", Text),
    Column("containment", Text),
    Column("cause", Text),
    Column("closed_by", Text),
    Column("closed_at", BigInteger),
)
Index("incident_newest", incident.c.opened_at, incident.c.id)
_LIVE = incident.c.closed_at.is_(None)
partial_index("incident_live", incident.c.rule, incident.c.agent, where=_LIVE)

entry = Table(
    "incident_entry",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("text", Text, nullable=False),
)

stop = Table(
    "incident_stop",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)
IS_WAITING = among(stop.c.state, ("asked", "resuming"))
partial_index("incident_stop_waiting", stop.c.incident, where=IS_WAITING)

follow_up = Table(
    "incident_follow_up",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("due", BigInteger),
    Column("at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("done_by", Text),
)
Index("incident_follow_up_of", follow_up.c.incident)

Reader = Connection | Tx

ROWS = 500  # of one statement
MOST = 5_000  # lines of a timeline and stopped things that an answer holds


def find(reader: Reader, id: str) -> Incident:
    """One incident. Raises NotFound (`incident.unknown`)."""
    row = reader.execute(select(incident).where(incident.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no incident `{id[:80]}`", code="incident.unknown")
    return to_incident(row)


def tell(reader: Reader, id: str) -> Told:
    """One incident with everything that is kept of it. Raises NotFound."""
    lines = select(entry).where(entry.c.incident == id).order_by(entry.c.number).limit(MOST)
    stopped = select(stop).where(stop.c.incident == id).order_by(stop.c.kind, stop.c.target).limit(MOST)
    follows = select(follow_up).where(follow_up.c.incident == id).order_by(follow_up.c.id).limit(MOST)
    return Told(
        find(reader, id),
        tuple(Entry(row.number, row.at, row.by, row.event, row.text) for row in reader.execute(lines)),
        tuple(Stop(row.kind, row.target, row.state, row.at, row.detail) for row in reader.execute(stopped)),
        tuple(
            FollowUp(row.id, row.text, row.owner, row.due, row.at, row.done_at, row.done_by)
            for row in reader.execute(follows)
        ),
    )


def stops(reader: Reader, id: str, *states: StopState) -> list[Stop]:
    """Everything that was to be stopped because of an incident, in these states where some are named."""
    query = select(stop).where(stop.c.incident == id).order_by(stop.c.kind, stop.c.target)
    rows = reader.execute(query.where(stop.c.state.in_(states)) if states else query)
    return [Stop(row.kind, row.target, row.state, row.at, row.detail) for row in rows]


def put(tx: Tx, found: Incident) -> None:
    """A new incident, or one that has changed."""
    place = found.place
    values = {
        "id": found.id,
        "title": found.title,
        "severity": found.severity,
        "state": found.state,
        "about_kind": found.about.kind,
        "about": found.about.id,
        "agent": place.agent,
        "agent_name": place.agent_name,
        "case_id": place.case,
        "run": place.run,
        "rule": place.rule,
        "leaf": place.leaf,
        "opened_by": found.opened_by,
        "opened_at": found.opened_at,
        "owner": found.owner,
        "scope": found.scope,
        "target": found.target,
        "containment": found.containment,
        "cause": found.cause,
        "closed_by": found.closed_by,
        "closed_at": found.closed_at,
    }
    tx.execute(upsert(incident, values, ["id"], tx.dialect))


def note(tx: Tx, id: str, at: int, by: str, event: str, text: str = "") -> None:
    """A further line of the timeline."""
    last = tx.execute(select(func.max(entry.c.number)).where(entry.c.incident == id)).scalar_one()
    number = 1 if last is None else last + 1
    tx.execute(insert(entry).values(incident=id, number=number, at=at, by=by, event=event, text=text))


def mark(tx: Tx, id: str, kind: StopKind, target: str, state: StopState, at: int, detail: str = "") -> None:
    """What is known of one thing that is stopped."""
    mark_all(tx, id, [Stop(kind, target, state, at, detail)])


def mark_all(tx: Tx, id: str, found: Sequence[Stop]) -> None:
    """What is known of several things that are stopped."""
    values = [{"incident": id, **structs.asdict(one)} for one in found]
    for start in range(0, len(values), ROWS):
        tx.execute(upsert(stop, values[start : start + ROWS], ["incident", "kind", "target"], tx.dialect))


def to_incident(row: Row[Any]) -> Incident:
    """The incident of a row."""
    return Incident(
        id=row.id,
        title=row.title,
        severity=row.severity,
        state=row.state,
        about=About(row.about_kind, row.about),
        place=Place(row.agent, row.agent_name, row.case_id, row.run, row.rule, row.leaf),
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        owner=row.owner,
        scope=row.scope,
        target=row.target,
        containment=row.containment,
        cause=row.cause,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
    )
