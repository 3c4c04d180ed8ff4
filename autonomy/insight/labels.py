"""What people, and declared checks, say of results: right, wrong, corrected. The latest word counts; all are kept.

Who said what of whose work stands in the log; why, and what would have been right, lie sealed beside the action's own
arguments, under the same subject's key, and are forgotten with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, insert, select

from autonomy.audit import SubjectKey, Vault, read_leaf, record
from autonomy.audit.store import leaves_of, payload
from autonomy.audit.vault import PayloadRow, is_live
from autonomy.db import CommitQueue, Database, Tx, metadata, upsert
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, TooLarge
from autonomy.kernel.ids import new_id
from autonomy.workflow.store import run as run_table

from .label_rules import (
    Given,
    Standing,
    Subject,
    Verdict,
    Work,
    check_given,
    check_not_own,
    stands,
    work_of_action,
    work_of_run,
    work_of_task,
)

MAX_CORRECTION = 65_536  # bytes of what a result should have been

label = Table(
    "outcome_label",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("of", BigInteger, nullable=False),
    Column("given", Integer, nullable=False),
    Column("agent", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("last", Text, nullable=False),
)
"""The label that counts for each subject; `last` orders the list: the id of the latest one given."""
Index("outcome_label_last", label.c.last)
Index("outcome_label_verdict", label.c.verdict, label.c.last)
Index("outcome_label_agent", label.c.agent, label.c.last)


class Labelled(NamedTuple):
    """A label as it is listed; the one that counts."""

    subject: str
    kind: Subject
    verdict: Verdict
    by: str
    at: int
    of: int
    given: int
    agent: str
    unit: str
    workflow: str
    last: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What goes with a label: its parts in the vault, and the commitments that the leaf makes to them."""

    key: SubjectKey
    rows: tuple[PayloadRow, ...]
    commitments: dict[str, str]


class Labels:
    """Gives labels. `read` what was said of one subject by `insight.Insight`."""

    def __init__(self, database: Database, queue: CommitQueue, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._vault = vault
        self._clock = clock

    async def give(
        self, kind: Subject, subject: str, given: Given, epoch: int, fence: Callable[[Tx], bool] | None = None
    ) -> Labelled | None:
        """Say something of a result; returns the label that counts from now on. `epoch` is the identity epoch.

        `fence` is asked in the same transaction: where it says no, nothing is written, and None comes back.

        Raises NotFound, Conflict (`label.not_ended`), Forbidden (`label.own`), Invalid (`label.correction`), TooLarge.
        """
        check_given(given)
        work = await self._database.read(lambda connection: work_of(connection, kind, subject))
        check_not_own(work, given.by)
        id = new_id("lbl")
        sealed = await self._seal(work, given, id, epoch)

        def write(tx: Tx) -> Labelled | None:
            return self._write(tx, work, given, id, sealed) if fence is None or fence(tx) else None

        return await self._queue.perform(write)

    async def _seal(self, work: Work, given: Given, id: str, epoch: int) -> Sealed | None:
        said = _parts(given, id)
        if not said:
            return None
        key = await self._database.read(lambda connection: self._vault.key_of(connection, work.subject))
        if key is None and work.carried:  # what is said now, no erasure of its subject would find any more
            raise Conflict("what it carried is kept no longer", code="label.erased", hint="give the verdict alone")
        key = key or await self._vault.key(f"label:{work.subject}", epoch)
        at = self._clock()
        sealed = {part: key.seal(work.subject, part, value, at) for part, value in said.items()}
        return Sealed(key, tuple(row for row, _ in sealed.values()), {part: one for part, (_, one) in sealed.items()})

    def _write(self, tx: Tx, work: Work, given: Given, id: str, sealed: Sealed | None) -> Labelled:
        at, before = self._clock(), _standing(tx, work.subject)
        if sealed is not None:
            _check_live(tx, sealed.key)
            tx.execute(insert(payload), [dict(zip(_PAYLOAD, row, strict=True)) for row in sealed.rows])
        counts = stands(given, before)
        self._record(tx, work, given, before, counts, at, sealed)
        count = before.count + 1 if before else 1
        verdict, by = (given.verdict, given.by) if counts or before is None else (before.verdict, before.by)
        found = Labelled(
            work.subject, work.kind, verdict, by, at, work.of, count, work.agent, work.unit, work.workflow, id
        )
        tx.execute(upsert(label, found._asdict(), ["subject"], tx.dialect))
        return found

    def _record(
        self, tx: Tx, work: Work, given: Given, before: Standing | None, counts: bool, at: int, sealed: Sealed | None
    ) -> None:
        record(
            tx,
            "label",
            at,
            action=work.subject,
            subject=work.kind,
            verdict=given.verdict,
            before=before.verdict if before else None,
            actor=given.by,
            of=work.of,
            stands=counts,
            agent_name=work.agent or None,
            revision=work.revision or None,
            unit=work.unit or None,
            workflow=work.workflow or None,
            roles=list(work.roles) or None,
            commitments=sealed.commitments if sealed else None,
        )


def work_of(connection: Connection, kind: Subject, subject: str) -> Work:
    """Whose work a subject was. Raises NotFound, Conflict (`label.not_ended`)."""
    if kind == "run":
        columns = run_table.c
        query = select(columns.unit, columns.workflow, columns.ended_at).where(columns.id == subject)
        row = connection.execute(query).one_or_none()
        return work_of_run(subject, None if row is None else row._asdict())
    leaves = [read_leaf(body) for _, body in leaves_of(connection, subject)]
    if kind == "action":
        return work_of_action(subject, leaves)
    return work_of_task(subject, [leaf for leaf in leaves if leaf["kind"] == "task"])


def labelled(
    connection: Connection, verdict: Verdict | None, agent: str | None, after: str | None, limit: int
) -> list[Labelled]:
    """The labels that count, those given last first, after the one with the id `after`."""
    query = select(*(label.c[name] for name in Labelled._fields)).order_by(label.c.last.desc()).limit(limit)
    if verdict is not None:
        query = query.where(label.c.verdict == verdict)
    if agent is not None:
        query = query.where(label.c.agent == agent)
    if after is not None:
        query = query.where(label.c.last < after)
    return [Labelled(*row) for row in connection.execute(query)]


def judged_among(connection: Connection, subjects: Collection[str]) -> frozenset[str]:
    """Those of the `subjects` of whose result something was said."""
    found = connection.execute(select(label.c.subject).where(label.c.subject.in_(subjects)))
    return frozenset(found.scalars())


_PAYLOAD = tuple(column.name for column in payload.columns)


def _parts(given: Given, id: str) -> dict[str, bytes]:
    """What is sealed: free text, and values, may name people."""
    found = {}
    if given.reason:
        found[f"remark.{id}"] = given.reason.encode()
    if given.found is not None:
        found[f"found.{id}"] = canonical.encode(given.found)
    if given.correction is not None:
        found[f"correction.{id}"] = canonical.encode(given.correction)
        if len(found[f"correction.{id}"]) > MAX_CORRECTION:
            raise TooLarge(f"a correction has at most {MAX_CORRECTION} bytes", code="label.too_large")
    return found


def _standing(tx: Tx, subject: str) -> Standing | None:
    columns = label.c
    query = select(columns.verdict, columns.by, columns.given).where(columns.subject == subject)
    row: Any = tx.execute(query).one_or_none()
    return None if row is None else Standing(row.verdict, row.by, row.given)


def _check_live(tx: Tx, key: SubjectKey) -> None:
    if not is_live(tx, key.subject, key.generation):
        raise Conflict("its subject was just erased", code="label.erased", hint="give the verdict alone")
