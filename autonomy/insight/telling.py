"""Tells a case, or what somebody did in a time: finds the leaves and puts them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from autonomy.audit import read_leaf
from autonomy.audit.store import leaf, read_head
from autonomy.db import Database
from autonomy.gate.store import case_label
from autonomy.kernel.errors import NotFound

from . import found, postings
from .cases import Span, spans
from .marking import Marks
from .search import SLACK, first_at

MOST = 300  # actions of a case that are told, and as many leaves of each of its runs and tasks
RELATED = 50  # runs and tasks of a case that are told
COUNTED = 5_000  # actions of an agent that are counted together


@dataclass(frozen=True, slots=True)
class Label:
    """What a case has been in touch with, and since when (milliseconds)."""

    label: str
    at: int


@dataclass(frozen=True, slots=True)
class CaseStory:
    """A case: its spans in order, its labels, and who took part. Where not `whole`, only its newest actions are told.

    `money` is what its actions came to in minor units of the base currency, worst cases of those under way included.
    """

    case: str
    whole: bool
    spans: list[Span]
    labels: list[Label]
    agents: list[str]
    money: int
    at: int
    ended_at: int | None


@dataclass(slots=True)
class Touched:
    """What an agent did with one tool in a time: how many actions, by how they ended or stand, what they came to in
    minor units of the base currency, and when the first and the last one began."""

    tool: str
    actions: int
    states: dict[str, int]
    money: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Everything an agent touched in a time. Where not `whole`, only its newest actions are counted."""

    agent: str
    since: int
    until: int
    whole: bool
    tools: list[Touched]
    cases: list[str]
    runs: list[str]


class Telling:
    """Blocks: call it from a thread."""

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database = database
        self._marks = marks

    def case(self, case: str) -> CaseStory:
        """The waterfall of a case. Raises NotFound (`case.unknown`) where nothing happened in it."""
        with self._database.reading() as connection:
            actions = self._newest(connection, self._marks.facet("case", case), MOST + 1)
            if not actions:
                raise NotFound(f"nothing happened in the case `{case[:80]}`", code="case.unknown")
            told = _leaves_of(connection, [row.id for row in actions[:MOST]])
            told |= self._related(connection, told.values())
            labels = connection.execute(
                select(case_label.c.label, case_label.c.at)
                .where(case_label.c.case_id == case)
                .order_by(case_label.c.at)
            )
            shown = spans(told.items())
            return CaseStory(
                case=case,
                whole=len(actions) <= MOST,
                spans=shown,
                labels=[Label(*row) for row in labels],
                agents=sorted({span.who for span in shown if span.kind == "action"}),
                money=sum(span.money or 0 for span in shown if span.kind == "action"),
                at=min(span.at for span in shown),
                ended_at=_end(shown),
            )

    def run(self, run: str) -> tuple[list[Span], bool]:
        """What happened in a run, in order, and whether that is all of it; none where nothing has yet."""
        with self._database.reading() as connection:
            actions = self._newest(connection, self._marks.facet("run", run), MOST + 1)
            told = _leaves_of(connection, [row.id for row in actions[:MOST]])
            indices = self._led(connection, self._marks.about("run", run), MOST + 1)
            told |= read_at(connection, sorted(indices[:MOST]))
            return spans(told.items()), max(len(actions), len(indices)) <= MOST

    def touched(self, agent: str, since: int, until: int) -> BlastRadius:
        """What an agent (name or id) touched from `since` to before `until` (milliseconds)."""
        with self._database.reading() as connection:
            size = read_head(connection)[0]
            first, stop = first_at(connection, since - SLACK, size), first_at(connection, until + SLACK, size)
            newest = postings.newest(connection, self._marks.facet("agent", agent), stop, COUNTED + 1, first)
            rows: list[Any] = []
            for start in range(0, min(len(newest), COUNTED), MOST):
                some = found.action.c.seq.in_(newest[start : start + MOST])
                rows += connection.execute(select(found.action).where(some))
        within = [row for row in rows if since <= row.at < until]
        return BlastRadius(
            agent=agent,
            since=since,
            until=until,
            whole=len(newest) <= COUNTED,
            tools=sorted(_by_tool(within).values(), key=lambda one: -one.actions),
            cases=sorted({row.case_id for row in within})[:RELATED],
            runs=sorted({row.run for row in within if row.run})[:RELATED],
        )

    def _newest(self, connection: Connection, mark: int, most: int) -> list[Any]:
        seqs = self._led(connection, mark, most)
        query = select(found.action).where(found.action.c.seq.in_(seqs)).order_by(found.action.c.seq.desc())
        return list(connection.execute(query)) if seqs else []

    def _led(self, connection: Connection, mark: int, most: int) -> list[int]:
        """The newest places that a mark leads to, falling."""
        return postings.newest(connection, mark, read_head(connection)[0], most)

    def _related(self, connection: Connection, told: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """Leaves of the runs and tasks that the actions belong to."""
        leaves = list(told)
        marks = [self._marks.about("run", run) for run in _named(leaves, "run")]
        marks += [self._marks.about("action", task) for task in _named(leaves, "task")]
        indices: set[int] = set()
        for mark in marks:
            indices |= set(self._led(connection, mark, MOST))
        return read_at(connection, sorted(indices))


def read_at(connection: Connection, indices: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The leaves of these indices."""
    found_leaves: dict[int, dict[str, Any]] = {}
    for start in range(0, len(indices), MOST):
        query = select(leaf.c.idx, leaf.c.body).where(leaf.c.idx.in_(indices[start : start + MOST]))
        found_leaves |= {index: read_leaf(bytes(body)) for index, body in connection.execute(query)}
    return found_leaves


def _leaves_of(connection: Connection, actions: Sequence[str]) -> dict[int, dict[str, Any]]:
    query = select(leaf.c.idx, leaf.c.body).where(leaf.c.action.in_(actions))
    return {index: read_leaf(bytes(body)) for index, body in connection.execute(query)}


def _named(leaves: Iterable[dict[str, Any]], field: str) -> list[str]:
    """What the leaves name under a field, each once, as many as are told."""
    named = dict.fromkeys(one[field] for one in leaves if isinstance(one.get(field), str))
    return list(named)[:RELATED]


def _by_tool(rows: Iterable[Any]) -> dict[str, Touched]:
    tools: dict[str, Touched] = {}
    for row in rows:
        one = tools.setdefault(row.tool, Touched(row.tool, 0, {}, 0, row.at, row.at))
        one.actions += 1
        one.states[row.state] = one.states.get(row.state, 0) + 1
        one.money += row.money
        one.first_at, one.last_at = min(one.first_at, row.at), max(one.last_at, row.at)
    return tools


def _end(shown: Sequence[Span]) -> int | None:
    """When the last part of it ended; None while one is under way."""
    whole = [span for span in shown if span.kind in ("run", "task", "action")]
    ends = [span.ended_at for span in whole]
    return None if any(end is None for end in ends) else max(end for end in ends if end is not None)
