"""Tables of incidents. What people write about them is kept here alone; the log says who did what."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import BigInteger, Column, Index, Integer, Row, Table, Text, func, insert, select, tuple_, update

from autonomy.db import Reader, Tx, metadata, upsert
from autonomy.db.indexes import partial_index
from autonomy.db.spelled import among
from autonomy.identity.store import containment
from autonomy.kernel.errors import NotFound
from autonomy.workflow.units import Wish

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
_HOLDS = incident.c.containment.is_not(None)
partial_index("incident_holds", incident.c.containment, where=_HOLDS)

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
WAITING: tuple[StopState, ...] = ("asked", "resuming")
IS_WAITING = among(stop.c.state, WAITING)
partial_index("incident_stop_waiting", stop.c.incident, where=IS_WAITING)
Index("incident_stop_of", stop.c.kind, stop.c.target)
RESTS: tuple[StopState, ...] = ("asked", "confirmed")
"""How a run stands in an incident that is to rest because of it."""
_CONTAINED = incident.join(containment, containment.c.id == incident.c.containment)
_IN_FORCE, _LIFTED = containment.c.lifted_at.is_(None), containment.c.lifted_at.is_not(None)

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

ROWS = 500  # of one statement
SHOWN = 200  # lines of a timeline, and things that were stopped, that are shown with an incident


def find(reader: Reader, id: str) -> Incident:
    """One incident. Raises NotFound (`incident.unknown`)."""
    row = reader.execute(select(incident).where(incident.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no incident `{id[:80]}`", code="incident.unknown")
    return to_incident(row)


def tell(reader: Reader, id: str) -> Told:
    """One incident as it is shown first. Raises NotFound."""
    lines = entries(reader, id, SHOWN)
    waiting_first = stop.c.state.in_(WAITING).desc(), stop.c.kind, stop.c.target
    stopped = select(stop).where(stop.c.incident == id).order_by(*waiting_first).limit(SHOWN)
    counted = select(stop.c.state, func.count()).where(stop.c.incident == id).group_by(stop.c.state)
    return Told(
        find(reader, id),
        tuple(reversed(lines)),
        lines[0].number if lines else 0,
        tuple(map(_stop, reader.execute(stopped))),
        {state: int(count) for state, count in reader.execute(counted)},
        tuple(follow_ups(reader, id)),
    )


def entries(reader: Reader, id: str, count: int, before: int | None = None) -> list[Entry]:
    """Lines of a timeline, the newest first; from before the one of this number."""
    query = select(entry).where(entry.c.incident == id).order_by(entry.c.number.desc()).limit(count)
    rows = reader.execute(query if before is None else query.where(entry.c.number < before))
    return [Entry(row.number, row.at, row.by, row.event, row.text) for row in rows]


def follow_ups(reader: Reader, id: str) -> list[FollowUp]:
    """What is to be done because of an incident, the oldest first: so few that they need no pages."""
    query = select(follow_up).where(follow_up.c.incident == id).order_by(follow_up.c.id)
    return [
        FollowUp(row.id, row.text, row.owner, row.due, row.at, row.done_at, row.done_by)
        for row in reader.execute(query)
    ]


def stopped(reader: Reader, id: str, state: StopState | None, after: tuple[str, str] | None, count: int) -> list[Stop]:
    """What was stopped because of an incident, by kind and target; from after `after` on."""
    query = select(stop).where(stop.c.incident == id).order_by(stop.c.kind, stop.c.target).limit(count)
    if state is not None:
        query = query.where(stop.c.state == state)
    if after is not None:
        query = query.where(tuple_(stop.c.kind, stop.c.target) > after)
    return list(map(_stop, reader.execute(query)))


def stops(reader: Reader, id: str, kind: StopKind | None = None, states: Collection[StopState] = ()) -> list[Stop]:
    """Everything that was to be stopped because of an incident: of one kind, in these states, where some are named."""
    query = select(stop).where(stop.c.incident == id).order_by(stop.c.kind, stop.c.target)
    if kind is not None:
        query = query.where(stop.c.kind == kind)
    if states:
        query = query.where(stop.c.state.in_(states))
    return list(map(_stop, reader.execute(query)))


def lifted(reader: Reader) -> list[str]:
    """The incidents whose containment was lifted beside them."""
    return list(reader.execute(select(incident.c.id).select_from(_CONTAINED).where(_HOLDS, _LIFTED)).scalars())


def lifting(reader: Reader, id: str) -> tuple[str, str] | None:
    """Who lifted the containment of an incident beside it, and why; None where nobody did."""
    said = select(containment.c.lifted_by, containment.c.lift_reason).select_from(_CONTAINED)
    row = reader.execute(said.where(incident.c.id == id, _LIFTED)).one_or_none()
    return None if row is None else (row.lifted_by, row.lift_reason)


def sharing(reader: Reader, found: Incident) -> str | None:
    """Another incident because of which the same containment is in force."""
    others = incident.c.containment == found.containment, incident.c.id != found.id, _IN_FORCE
    query = select(incident.c.id).select_from(_CONTAINED).where(*others).limit(1)
    one: str | None = reader.execute(query).scalar_one_or_none()
    return one


def imposed(reader: Reader, containment: str) -> bool:
    """Whether some incident imposed a containment, be it that another one holds it now; else a person did beside."""
    said = stop.c.kind == "containment", stop.c.target == containment, stop.c.state != "before"
    return reader.execute(select(stop.c.incident).where(*said).limit(1)).first() is not None


def holding(reader: Reader, runs: Sequence[str]) -> dict[str, str]:
    """Of these runs those that rest, or are about to go on, because of incidents: each with one of them. One whose
    containment was lifted beside it counts: it is about to let them go on."""
    columns = stop.c
    states = columns.state.in_((*RESTS, "resuming"))
    found: dict[str, str] = {}
    for start in range(0, len(runs), ROWS):
        mine = columns.kind == "run", columns.target.in_(runs[start : start + ROWS])
        rows = reader.execute(select(columns.target, columns.incident).where(*mine, states))
        found.update({row.target: row.incident for row in rows})
    return found


def wish(id: str, read: Stop) -> Wish:
    """That a run is still to stand as it was `read`; to go on, that no other incident lets it rest either."""
    mine = (id, read.target, read.state, read.at)
    return Wish(_RESTS, mine) if read.state in RESTS else Wish(_GOES_ON, (*mine, read.target, id))


def resting_too(reader: Reader, id: str, run: str) -> str | None:
    """Another incident because of which a run rests."""
    others = stop.c.kind == "run", stop.c.target == run, stop.c.incident != id, stop.c.state.in_(RESTS)
    held = select(stop.c.incident).select_from(_CONTAINED.join(stop, stop.c.incident == incident.c.id))
    found: str | None = reader.execute(held.where(*others, _IN_FORCE).limit(1)).scalar_one_or_none()
    return found


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


def settle(tx: Tx, id: str, read: Stop, state: StopState, at: int, detail: str) -> Stop | None:
    """What has become of something, where it still stands as it was `read`; else, changing nothing, how it stands."""
    mine = stop.c.incident == id, stop.c.kind == read.kind, stop.c.target == read.target
    unmoved = stop.c.state == read.state, stop.c.at == read.at
    if tx.execute(update(stop).where(*mine, *unmoved).values(state=state, at=at, detail=detail)).rowcount == 1:
        return None
    row = tx.execute(select(stop).where(*mine)).one_or_none()
    return None if row is None else _stop(row)


def let_go(tx: Tx, id: str, containment: str, at: int, after: StopState) -> None:
    """Nothing of an incident is to be stopped any more: runs that were paused for it are to be resumed. Its containment
    and its agents stand as `after` says; those that another incident stops, too, name it."""
    mine, runs = stop.c.incident == id, stop.c.kind == "run"
    is_asked, is_confirmed = stop.c.state == "asked", stop.c.state == "confirmed"
    agents = (stop.c.kind == "agent") & is_confirmed
    held = (stop.c.kind == "containment") & (stop.c.target == containment)
    stopped_too = [Stop("agent", agent, after, at, detail) for agent, detail in _stopped_too(tx, id).items()]
    tx.execute(update(stop).where(mine, runs, is_asked | is_confirmed).values(state="resuming", at=at))
    tx.execute(update(stop).where(mine, agents | held).values(state=after, at=at))
    mark_all(tx, id, stopped_too)
    over = {"state": "confirmed", "at": at, "detail": "no longer to be stopped"}
    tx.execute(update(stop).where(mine, is_asked).values(over))


def _stopped_too(tx: Tx, id: str) -> dict[str, str]:
    """Of the agents that an incident stops those that others stop, too: each with what is said of that."""
    mine, is_agent = stop.alias(), stop.c.kind == "agent"
    same = (mine.c.kind == stop.c.kind) & (mine.c.target == stop.c.target)
    both = _CONTAINED.join(stop, stop.c.incident == incident.c.id).join(mine, same)
    ours = mine.c.incident == id, mine.c.state == "confirmed"
    others = stop.c.incident != id, is_agent, stop.c.state == "confirmed", _IN_FORCE
    query = select(mine.c.target, mine.c.detail, func.min(stop.c.incident).label("other")).select_from(both)
    found = tx.execute(query.where(*ours, *others).group_by(mine.c.target, mine.c.detail))
    return {row.target: f"{row.detail} stays contained because of `{row.other}`" for row in found}


_RESTS = "SELECT 1 FROM incident_stop WHERE incident = ? AND kind = 'run' AND target = ? AND state = ? AND at = ?"
_GOES_ON = (
    f"{_RESTS} AND NOT EXISTS (SELECT 1 FROM incident_stop AS other JOIN incident ON incident.id = other.incident"
    " JOIN containment ON containment.id = incident.containment AND containment.lifted_at IS NULL"
    " WHERE other.kind = 'run' AND other.target = ? AND other.incident <> ? AND other.state IN ('asked', 'confirmed'))"
)


def _stop(row: Row[Any]) -> Stop:
    return Stop(row.kind, row.target, row.state, row.at, row.detail)


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
