"""The use cases of incidents: open, note, assign, follow up, close. Each is durable when it returns, and in the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import insert, select, update

from autonomy.audit import read_leaf, record
from autonomy.audit.store import leaves_of
from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.newest import newest
from autonomy.identity.store import find_agent, find_person
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.kernel.ids import new_id
from autonomy.workflow.store import run as runs

from . import rules, store
from .model import About, Cause, Entry, FollowUp, Incident, Place, Severity, State, Stop, StopState, Told

T = TypeVar("T")

MAX_FOLLOW_UPS = 200


class Incidents:
    """Blocks: call it from a thread. Who may ask the faces say; `by` is `person:NAME`."""

    def __init__(self, database: Database, queue: CommitQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def open(self, about: About, severity: Severity, by: str, title: str = "", text: str = "") -> Told:
        """Open an incident about something that happened or somebody who acts.

        Raises NotFound (`action.unknown`, `agent.unknown`, `workflow.unknown_run`), Invalid (`incident.text`).
        """
        if title:
            rules.check_text(title, rules.MAX_TITLE, "a title")
        if text:
            rules.check_text(text, rules.MAX_TEXT, "a note")

        def work(tx: Tx) -> str:
            place = _place(tx, about)
            named = title or f"{about.kind} {place.agent_name or about.id}"[: rules.MAX_TITLE]
            found = Incident(new_id("inc"), named, severity, "open", about, place, by, self._clock())
            begin(tx, found, text)
            return found.id

        return self.show(self._queue.run(work))

    def show(self, id: str) -> Told:
        """One incident with its timeline. Raises NotFound (`incident.unknown`)."""
        with self._database.reading() as connection:
            return store.tell(connection, id)

    def timeline(self, id: str, before: int | None, limit: int) -> Sequence[Entry]:
        """Lines of a timeline, the newest first; from before the one of this number. Raises NotFound."""
        with self._database.reading() as connection:
            store.find(connection, id)
            return store.entries(connection, id, limit, before)

    def stops(self, id: str, state: StopState | None, after: tuple[str, str] | None, limit: int) -> Sequence[Stop]:
        """What was stopped because of an incident, by kind and target; from after `after` on. Raises NotFound."""
        with self._database.reading() as connection:
            store.find(connection, id)
            return store.stopped(connection, id, state, after, limit)

    def list(
        self,
        state: State | None = None,
        severity: Severity | None = None,
        owner: str | None = None,
        agent: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Incident]:
        """Incidents, newest first; `agent` is a name or an id, `after` the id of the last one of the page before."""
        columns = store.incident.c
        query = select(store.incident)
        wanted = {columns.state: state, columns.severity: severity, columns.owner: owner}
        for column, value in wanted.items():
            query = query if value is None else query.where(column == value)
        if agent is not None:
            query = query.where((columns.agent == agent) | (columns.agent_name == agent))
        with self._database.reading() as connection:
            last = None if after is None else store.find(connection, after)
            before = None if last is None else (last.opened_at, last.id)
            found = newest(connection, [query], (columns.opened_at, columns.id), limit, before)
            return [store.to_incident(row) for row in found]

    def note(self, id: str, text: str, by: str) -> Told:
        """Write something down. Raises NotFound, Conflict (`incident.closed`), Invalid (`incident.text`)."""
        rules.check_text(text, rules.MAX_TEXT, "a note")
        return self._change(id, "noted", by, text, lambda _, found: found)

    def assign(self, id: str, owner: str, by: str) -> Told:
        """Say who sees to it: a person who is here. Raises NotFound, Conflict (`person.offboarded`)."""

        def turn(tx: Tx, found: Incident) -> Incident:
            if find_person(tx, owner).state != "active":
                raise Conflict(f"`{owner}` has left", code="person.offboarded")
            return replace(found, owner=owner)

        return self._change(id, "assigned", by, owner, turn, person=owner)

    def follow_up(self, id: str, text: str, owner: str, due: int | None, by: str) -> Told:
        """Note what is to be done because of it. Raises NotFound, Invalid, Conflict (`incident.many`)."""
        rules.check_text(text, rules.MAX_TEXT, "a follow-up")
        at = self._clock()

        def work(tx: Tx) -> None:
            before = store.find(tx, id)
            find_person(tx, owner)
            if len(store.follow_ups(tx, id)) >= MAX_FOLLOW_UPS:
                raise Conflict(f"an incident has at most {MAX_FOLLOW_UPS} follow-ups", code="incident.many")
            made = new_id("fol")
            values = {"id": made, "incident": id, "text": text, "owner": owner, "due": due, "at": at}
            tx.execute(insert(store.follow_up).values(**values))
            store.note(tx, id, at, by, "follow_up", text)
            leaf(tx, before, "follow_up", by, at, follow_up=made, person=owner)

        self._queue.run(work)
        return self.show(id)

    def done(self, id: str, follow_up: str, by: str) -> Told:
        """Say that a follow-up is done; it may be after the incident is closed. Raises NotFound."""
        at = self._clock()

        def work(tx: Tx) -> None:
            incident = store.find(tx, id)
            found: FollowUp | None = next((one for one in store.follow_ups(tx, id) if one.id == follow_up), None)
            if found is None:
                raise NotFound(f"there is no follow-up `{follow_up[:80]}`", code="incident.no_follow_up")
            if found.done_at is None:
                mine = store.follow_up.c.id == follow_up
                tx.execute(update(store.follow_up).where(mine).values(done_at=at, done_by=by))
                store.note(tx, id, at, by, "done", found.text)
                leaf(tx, incident, "done", by, at, follow_up=follow_up)

        self._queue.run(work)
        return self.show(id)

    def close(self, id: str, cause: Cause, text: str, by: str, leave_contained: bool = False) -> Told:
        """End it with what caused it. Raises NotFound, Conflict (`incident.closed`, `incident.contained`)."""
        rules.check_text(text, rules.MAX_TEXT, "what caused it")
        at = self._clock()

        def turn(_tx: Tx, found: Incident) -> Incident:
            return rules.closed(found, cause, by, at, leave_contained)

        return self._change(id, "closed", by, text, turn, cause=cause)

    def _change(
        self, id: str, event: str, by: str, text: str, turn: Callable[[Tx, Incident], Incident], **told: str
    ) -> Told:
        at = self._clock()

        def work(tx: Tx) -> None:
            found = store.find(tx, id)
            rules.check_open(found)
            store.put(tx, turn(tx, found))
            store.note(tx, id, at, by, event, text)
            leaf(tx, found, event, by, at, **told)

        self._queue.run(work)
        return self.show(id)


def begin(tx: Tx, found: Incident, text: str = "") -> None:
    """A new incident, with its leaf."""
    store.put(tx, found)
    store.note(tx, found.id, found.opened_at, found.opened_by, "opened", text)
    place = found.place
    leaf(
        tx,
        found,
        "opened",
        found.opened_by,
        found.opened_at,
        severity=found.severity,
        about=f"{found.about.kind}:{found.about.id}",
        agent=place.agent,
        agent_name=place.agent_name,
        case=place.case,
        run=place.run,
        rule=place.rule,
        leaf=place.leaf,
    )


def leaf(tx: Tx, found: Incident, event: str, by: str, at: int, **more: Any) -> None:
    """What the log says of an incident: who did what, never what was written."""
    record(tx, "incident", at, event=event, incident=found.id, actor=by, **more)


def _place(tx: Tx, about: About) -> Place:
    """Where the thing is that an incident is opened about. Raises NotFound."""
    if about.kind == "action":
        return place_of_action(tx, about.id)
    if about.kind == "agent":
        found = find_agent(tx, about.id)
        return Place(found.id, found.name)
    if about.kind == "run":
        row = tx.execute(select(runs.c.case_id).where(runs.c.id == about.id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no run `{about.id[:80]}`", code="workflow.unknown_run")
        return Place(case=row.case_id, run=about.id)
    return Place(case=about.id)


def place_of_action(tx: Tx, action: str) -> Place:
    """Where an action is, by its own leaves. Raises NotFound (`action.unknown`)."""
    for index, body in leaves_of(tx, action):
        told = read_leaf(body)
        if "decision" in told:
            return place_of(index, told)
    raise NotFound(f"there is no action `{action[:40]}`", code="action.unknown")


def place_of(index: int, told: dict[str, Any], rule: str | None = None) -> Place:
    """Where the action is of which a decision's leaf tells."""
    return Place(told["agent"], told.get("agent_name"), told.get("case"), told.get("run"), rule, index)
