"""Holds, votes and notices in the database, and the SQL texts by which the gate uses an approval up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, get_args

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Executable,
    ForeignKey,
    Index,
    Integer,
    Row,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    case,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from autonomy.audit.store import payload
from autonomy.db import Reader, Tx, metadata
from autonomy.db.indexes import partial_index
from autonomy.db.newest import newest
from autonomy.db.spelled import among

from .model import Absence, Behind, Hold, Note, Seat, State, Vote
from .rules import ALIVE, ANSWERED

hold = Table(
    "hold",
    metadata,
    Column("action", Text, primary_key=True),
    Column("agent", Text, nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("tool_revision", Text, nullable=False),
    Column("bind", Text, nullable=False),
    Column("behind", Text, nullable=False),
    Column("requesters", Text, nullable=False),
    Column("seats", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("next_escalation_at", BigInteger),
    Column("consequence", Text, nullable=False),
    Column("difference", Text),
    Column("claimed_by", Text),
    Column("claim_until", BigInteger),
    Column("fence", Integer, nullable=False),
    Column("ended_at", BigInteger),
    Column("reminders", Text, nullable=False, server_default="[]"),
    Column("next_reminder_at", BigInteger),
    Column("key", Text, nullable=False, server_default=""),
    Column("erased", Boolean),
)

IS_ALIVE = among(hold.c.state, ALIVE)
"""Of holds that are not over. Few are: whoever looks for some of them says this too, and reads no others."""

Index("hold_newest", hold.c.state, hold.c.created_at, hold.c.action)
Index("hold_repeat", hold.c.bind, hold.c.agent, hold.c.case_id)
partial_index(
    "hold_once",
    hold.c.agent,
    hold.c.case_id,
    hold.c.bind,
    hold.c.key,
    unique=True,
    where=IS_ALIVE,
)
partial_index("hold_alive", hold.c.state, hold.c.expires_at, where=IS_ALIVE)
partial_index(
    "hold_escalation",
    hold.c.next_escalation_at,
    where=hold.c.next_escalation_at.is_not(None),
)
partial_index(
    "hold_reminder",
    hold.c.next_reminder_at,
    where=hold.c.next_reminder_at.is_not(None),
)

Index("hold_of_tool", hold.c.tool, hold.c.agent, hold.c.created_at)

vote = Table(
    "vote",
    metadata,
    Column("action", Text, ForeignKey("hold.action"), primary_key=True),
    Column("nth", Integer, primary_key=True),
    Column("round", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("instead_of", Text),
    Column("void", Text),
)
_COUNTS = vote.c.void.is_(None)
partial_index("vote_once", vote.c.action, vote.c.round, vote.c.person, unique=True, where=_COUNTS)
partial_index("vote_one_voice", vote.c.action, vote.c.round, vote.c.instead_of, unique=True, where=_COUNTS)

note = Table(
    "hold_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column("action", Text, ForeignKey("hold.action"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("to", Text, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("answer", Text),
    Column("answered_at", BigInteger),
)

absence = Table(
    "absence",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("deputy", Text, nullable=False, index=True),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
)

_JSON: dict[str, Any] = {
    "behind": tuple[Behind, ...],
    "requesters": tuple[str, ...],
    "seats": tuple[Seat, ...],
    "reminders": tuple[int, ...],
}
"""Columns that hold JSON text, and what it says."""

_VOTE = tuple(vote.c[each.name] for each in fields(Vote))

CONSUME = (
    "UPDATE hold SET state = 'performed', ended_at = ?, claimed_by = NULL, claim_until = NULL "
    "WHERE action = ? AND state = 'claimed' AND fence = ? AND expires_at > ?"
)
"""Uses an approval up in the intent's own transaction: now, action, fence, now. It matches one row, and once only."""


def read_claims(count: int) -> str:
    """The SQL that reads whether approvals can be used up, for `count` actions: action, state, fence, expires_at."""
    return f"SELECT action, state, fence, expires_at FROM hold WHERE action IN ({', '.join('?' * count)})"


def read_answers(count: int) -> str:
    """The SQL that reads what people were asked about before, for `count` binds: bind, agent, case, action, key,
    state, expires_at, ended_at."""
    columns = "bind, agent, case_id, action, key, state, expires_at, ended_at"
    return f"SELECT {columns} FROM hold WHERE bind IN ({', '.join('?' * count)})"


def find(reader: Reader, action: str) -> Hold | None:
    """The hold of one action."""
    return next(iter(_holds(reader, select(hold).where(hold.c.action == action))), None)


def used(reader: Reader, actions: Sequence[str]) -> dict[str, Hold]:
    """The holds of those of the actions that people allowed, and whose approvals have been used up, by action."""
    found = _holds(reader, select(hold).where(hold.c.action.in_(actions), hold.c.state == "performed"))
    return {each.action: each for each in found}


def same(reader: Reader, agent: str, case_id: str, bind: str) -> list[Hold]:
    """The holds of one canonical action by one agent in one case that may answer a repeat, newest first."""
    query = select(hold).where(hold.c.agent == agent, hold.c.case_id == case_id, hold.c.bind == bind)
    return _holds(reader, query.where(hold.c.state.in_(sorted(ALIVE | ANSWERED))).order_by(hold.c.created_at.desc()))


def overdue(reader: Reader, at: int, count: int) -> list[Hold]:
    """Holds that time has something to say about: expired, or due to be escalated or reminded of."""
    lapsed = or_(hold.c.state != "claimed", hold.c.claim_until <= at)
    expired = and_(IS_ALIVE, hold.c.expires_at <= at, lapsed)
    query = select(hold).where(or_(expired, hold.c.next_escalation_at <= at, hold.c.next_reminder_at <= at))
    return _holds(reader, query.order_by(hold.c.expires_at, hold.c.action).limit(count))


def claimable(reader: Reader, at: int, count: int) -> list[Hold]:
    """Approved holds that nobody is carrying out, oldest first."""
    free = or_(hold.c.state == "ready", and_(hold.c.state == "claimed", hold.c.claim_until <= at))
    query = select(hold).where(IS_ALIVE, free, hold.c.expires_at > at)
    return _holds(reader, query.order_by(hold.c.created_at, hold.c.action).limit(count))


def claimed_by_another(reader: Reader, owner: str) -> bool:
    """Whether a process other than `owner` is carrying something out."""
    query = select(hold.c.action).where(IS_ALIVE, hold.c.state == "claimed", hold.c.claimed_by != owner).limit(1)
    return reader.execute(query).first() is not None


def claimants(reader: Reader) -> set[str]:
    """The processes that are carrying something out."""
    query = select(hold.c.claimed_by).where(IS_ALIVE, hold.c.state == "claimed").distinct()
    return set(reader.execute(query).scalars())


def release_claims(tx: Tx, dead: Sequence[str]) -> None:
    """Let the claims run out of every process among `dead`."""
    left = IS_ALIVE, hold.c.state == "claimed", hold.c.claimed_by.in_(dead)
    tx.execute(update(hold).where(*left).values(claim_until=0))


def page(reader: Reader, states: Sequence[State], count: int, before: Hold | None) -> list[Hold]:
    """Holds in any of `states` (all when empty), newest first, from after `before` in that order."""
    queries = [select(hold).where(hold.c.state == state) for state in states or get_args(State)]
    last = None if before is None else (before.created_at, before.action)
    return _with_votes(reader, newest(reader, queries, (hold.c.created_at, hold.c.action), count, last))


def ending(reader: Reader, states: Sequence[State], count: int, after: Hold | None) -> list[Hold]:
    """Holds in any of `states` that are not over, what expires first first, from after `after` in that order."""
    query = select(hold).where(IS_ALIVE, hold.c.state.in_(states))
    if after is not None:
        query = query.where(tuple_(hold.c.expires_at, hold.c.action) > (after.expires_at, after.action))
    return _holds(reader, query.order_by(hold.c.expires_at, hold.c.action).limit(count))


def add(tx: Tx, new: Hold) -> None:
    tx.execute(insert(hold).values(_row(new)))


def replace(tx: Tx, before: Hold, after: Hold) -> bool:
    """Write `after` over `before`, new and void votes included; False where the hold has moved on: nothing was written
    then."""
    unmoved = and_(
        hold.c.action == before.action,
        hold.c.state == before.state,
        hold.c.round == before.round,
        hold.c.fence == before.fence,
    )
    if tx.execute(update(hold).where(unmoved).values(_row(after))).rowcount != 1:
        return False
    known = len(before.votes)
    for nth, (old, now) in enumerate(zip(before.votes, after.votes, strict=False)):
        if now.void != old.void:
            which = vote.c.action == after.action, vote.c.nth == nth
            tx.execute(update(vote).where(*which).values(void=now.void))
    for nth, each in enumerate(after.votes[known:], known):
        tx.execute(insert(vote).values(action=after.action, nth=nth, **asdict(each)))
    return True


def add_absence(tx: Tx, new: Absence) -> None:
    tx.execute(insert(absence).values(asdict(new)))


def end_absence(tx: Tx, ended: Absence) -> None:
    which = absence.c.id == ended.id
    tx.execute(update(absence).where(which).values(ended_at=ended.ended_at, ended_by=ended.ended_by))


def find_absence(reader: Reader, id: str) -> Absence | None:
    """The absence of this id."""
    return next(iter(_absences(reader, select(absence).where(absence.c.id == id))), None)


def absences_of(reader: Reader, since: int, people: Sequence[str] | None = None) -> list[Absence]:
    """Absences that last beyond `since`, the earliest first; with `people`, those in which one of them is absent or
    the deputy."""
    query = select(absence).where(absence.c.until > since)
    if people is not None:
        query = query.where(or_(absence.c.person.in_(people), absence.c.deputy.in_(people)))
    found = _absences(reader, query.order_by(absence.c.since, absence.c.id))
    return [each for each in found if each.over_at > since]


def add_note(tx: Tx, new: Note) -> None:
    tx.execute(insert(note).values(asdict(new)))


def answer_note(tx: Tx, answered: Note) -> None:
    which = note.c.id == answered.id
    tx.execute(update(note).where(which).values(answer=answered.answer, answered_at=answered.answered_at))


def find_note(reader: Reader, id: str) -> Note | None:
    """The note of this id."""
    return next(iter(_notes(reader, select(note).where(note.c.id == id))), None)


def notes_about(reader: Reader, actions: Sequence[str]) -> list[Note]:
    """The notes about the holds of these actions, oldest first."""
    return _notes(reader, select(note).where(note.c.action.in_(actions)).order_by(note.c.id)) if actions else []


def unanswered(reader: Reader, person: str) -> list[Note]:
    """Open questions to a person about what still waits, oldest first."""
    query = select(note).join(hold, hold.c.action == note.c.action).where(hold.c.state == "waiting")
    query = query.where(note.c.to == person, note.c.kind == "question", note.c.answered_at.is_(None))
    return _notes(reader, query.order_by(note.c.id))


def of_tool(reader: Reader, tool: str, agent: str, ended: Sequence[State], count: int) -> list[Hold]:
    """The newest holds of one agent's uses of one tool that have ended in one of these states."""
    query = select(hold).where(hold.c.tool == tool, hold.c.agent == agent, hold.c.state.in_(ended))
    return _holds(reader, query.order_by(hold.c.created_at.desc(), hold.c.action.desc()).limit(count))


def forget_subject(tx: Tx, subject: str) -> int:
    """Empty what people wrote about held actions of a subject, by the name the store knows it under, and let nobody
    write more about them; the vault calls it as it erases. Who said what when, and the verdicts, stay. Returns how many
    texts went."""
    actions = select(payload.c.action).where(payload.c.subject == subject)
    tx.execute(update(hold).where(hold.c.action.in_(actions)).values(erased=True))
    return forget_written(tx, actions)


def forget_written(tx: Tx, actions: Sequence[str] | Select[tuple[str]]) -> int:
    """Empty what people wrote about these held actions; returns how many texts went."""
    reasons = update(vote).where(vote.c.action.in_(actions), vote.c.reason != "").values(reason="")
    answers = case((note.c.answer.is_not(None), ""))
    words = or_(note.c.text != "", note.c.answer != "")
    notes = update(note).where(note.c.action.in_(actions), words).values(text="", answer=answers)
    return tx.execute(reasons).rowcount + tx.execute(notes).rowcount


def _notes(reader: Reader, query: Executable) -> list[Note]:
    return [Note(**row) for row in reader.execute(query).mappings()]


def _absences(reader: Reader, query: Executable) -> list[Absence]:
    return [Absence(**row) for row in reader.execute(query).mappings()]


def _row(found: Hold) -> dict[str, Any]:
    row = {column.name: attrgetter(column.name)(found) for column in hold.columns}
    return row | {name: msgspec.json.encode(row[name]).decode() for name in _JSON}


def _holds(reader: Reader, query: Executable) -> list[Hold]:
    return _with_votes(reader, reader.execute(query).all())


def _with_votes(reader: Reader, rows: Sequence[Row[Any]]) -> list[Hold]:
    votes = _votes(reader, [row.action for row in rows])
    return [_hold(row._mapping, votes[row.action]) for row in rows]


def _votes(reader: Reader, actions: Sequence[str]) -> defaultdict[str, list[Vote]]:
    """The votes about each action, in the order in which they were cast."""
    found: defaultdict[str, list[Vote]] = defaultdict(list)
    query = select(*_VOTE, vote.c.action).where(vote.c.action.in_(actions)).order_by(vote.c.action, vote.c.nth)
    for *said, action in reader.execute(query) if actions else ():
        found[action].append(Vote(*said))
    return found


def _hold(row: RowMapping, votes: Sequence[Vote]) -> Hold:
    parts = {name: msgspec.json.decode(row[name], type=kind) for name, kind in _JSON.items()}
    return Hold(**(dict(row) | parts), votes=tuple(votes))
