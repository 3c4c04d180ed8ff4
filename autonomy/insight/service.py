"""Reads what passed: lists, single actions with what may be seen of them, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from autonomy.approvals.store import find
from autonomy.audit import Vault, read_leaf
from autonomy.audit.store import leaves_of
from autonomy.catalog import Catalog
from autonomy.db import Database
from autonomy.kernel.errors import Corrupt, NotFound

from . import store
from .explain import explain, is_action, judged
from .label_rules import Subject, Verdict
from .labels import Labelled, judged_among, labelled
from .model import ActionRow, Explanation, Judged, Leaves, Opening, Part
from .wordings import wordings


@dataclass(frozen=True, slots=True)
class Record:
    """Everything the log holds about one action. `parts` are the committed values, as far as the reader may see."""

    action: str
    leaves: Leaves
    parts: dict[str, Part]
    remarks: dict[tuple[int, str], str]
    checkpoint: int | None


WORDS = frozenset({"rationale", "message", "remark"})
"""Parts that are plain text; every other part is canonical JSON."""


class Insight:
    """Blocks: call it from a thread. `may_read`: whether the reader may see arguments, facts, results and reasons."""

    def __init__(self, database: Database, vault: Vault, catalog: Catalog) -> None:
        self._database = database
        self._vault = vault
        self._catalog = catalog
        self._wordings = wordings(catalog.organisation)

    def record(self, action: str, may_read: bool) -> Record:
        """What the log holds about an action. Raises NotFound where it holds none of that id: tasks, runs and
        checkpoints have leaves too, which are others' to read."""
        with self._database.reading() as connection:
            leaves = _leaves(connection, action)
            _check_action(action, leaves)
            parts = self._parts(connection, action, leaves, may_read)
            remarks = _remarks(connection, action) if may_read else {}
            return Record(action, leaves, parts, remarks, store.checkpoint_holding(connection, leaves[-1][0]))

    def openings(self, record: Record) -> list[Opening]:
        """By what it is found out that the parts of a record which the reader sees are those committed to."""
        with self._database.reading() as connection:
            return list(self._openings(connection, record))

    def _openings(self, connection: Connection, record: Record) -> Iterator[Opening]:
        for name, part in record.parts.items():
            opened = self._vault.open(connection, record.action, name) if part.state == "shown" else None
            if opened is not None and part.commitment is not None:  # nobody has erased it since
                yield Opening(name, part.commitment, opened.salt, opened.value.decode("utf-8"))

    def explain(self, record: Record) -> Explanation:
        """Why it came out as it did."""
        currency = self._catalog.organisation().currency.base
        return explain(
            record.action, record.leaves, record.parts, self._wordings, record.remarks, record.checkpoint, currency
        )

    def judged(self, kind: Subject, subject: str, may_read: bool) -> tuple[Judged, ...]:
        """Everything that was said of the result of an action, a task or a run, in order. Raises NotFound where there
        is no such action."""
        with self._database.reading() as connection:
            leaves = _leaves(connection, subject)
            if kind == "action":
                _check_action(subject, leaves)
            labels = [(index, leaf) for index, leaf in leaves if leaf["kind"] == "label" and leaf["subject"] == kind]
            return judged(labels, self._parts(connection, subject, labels, may_read))

    def labels(self, verdict: Verdict | None, agent: str | None, after: str | None, limit: int) -> list[Labelled]:
        """The labels that count, those given last first, after the one with the id `after`."""
        with self._database.reading() as connection:
            return labelled(connection, verdict, agent, after, limit)

    def unjudged(self, actions: Sequence[ActionRow]) -> list[ActionRow]:
        """Those of the actions of whose result nobody has said anything, in their order."""
        with self._database.reading() as connection:
            judged = judged_among(connection, [one.id for one in actions])
        return [one for one in actions if one.id not in judged]

    def _parts(self, connection: Connection, action: str, leaves: Leaves, may_read: bool) -> dict[str, Part]:
        commitments = {name: hash for _, leaf in leaves for name, hash in leaf.get("commitments", {}).items()}
        return {name: self._part(connection, action, name, hash, may_read) for name, hash in commitments.items()}

    def _part(self, connection: Connection, action: str, name: str, commitment: str, may_read: bool) -> Part:
        if not may_read:
            return Part("hidden", None, commitment)
        try:
            opened = self._vault.open(connection, action, name)
        except Corrupt:
            return Part("changed", None, commitment)
        if opened is None:
            return Part("erased", None, commitment)
        text = opened.value.decode("utf-8")
        return Part("shown", text if name.partition(".")[0] in WORDS else json.loads(text), commitment)


def _leaves(connection: Connection, subject: str) -> Leaves:
    return [(index, read_leaf(body)) for index, body in leaves_of(connection, subject)]


def _check_action(action: str, leaves: Leaves) -> None:
    if not is_action(leaf for _, leaf in leaves):
        raise NotFound(f"there is no action `{action[:40]}`", code="action.unknown")


def _remarks(connection: Connection, action: str) -> dict[tuple[int, str], str]:
    held = find(connection, action)
    return {(vote.round, vote.person): vote.reason for vote in held.votes if vote.reason} if held else {}
