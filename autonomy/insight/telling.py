"""Tells a case, or what somebody did in a time: finds the leaves and puts them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

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

T = TypeVar("T")

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
    """A case: its spans in order, its labels, and who took part. Where not `whole`, only its newest actions are told,
    or those around one of them, and only the newest leaves of its runs and tasks.

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
    """Everything an agent touched in a time. Where not `whole`, only its newest actions are counted; of cases and runs
    the first are named, and all are counted."""

    agent: str
    since: int
    until: int
    whole: bool
    tools: list[Touched]
    cases: list[str]
    cases_count: int
    runs: list[str]
    runs_count: int


class Telling:
    """Blocks: call it from a thread."""

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database = database
        self._marks = marks

    def case(self, case: str, around: str | None = None) -> CaseStory:
        """The waterfall of a case, or as much of it as lies `around` one of its actions.

        Raises NotFound: `case.unknown` where nothing happened in it, `action.unknown` where that action did not.
        """
        with self._database.reading() as connection:
            mark = self._marks.facet("case", case)
            if around is None:
                seqs, cut = _cut(self._led(connection, mark, MOST + 1), MOST)
            else:
                seqs, cut = _around(connection, mark, around)
            if not seqs:
                raise NotFound(f"nothing happened in the case `{case[:80]}`", code="case.unknown")
            told = _leaves_of(connection, _ids(connection, seqs))
            related, cut_there = self._related(connection, told.values())
            told |= related
            labels = connection.execute(
                select(case_label.c.label, case_label.c.at)
                .where(case_label.c.case_id == case)
                .order_by(case_label.c.at)
            )
            shown = spans(told.items())
            return CaseStory(
                case=case,
                whole=not (cut or cut_there),
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
            within: list[_Act] = []
            for start in range(0, min(len(newest), COUNTED), MOST):
                some = found.action.c.seq.in_(newest[start : start + MOST])
                in_time = found.action.c.at >= since, found.action.c.at < until
                within += map(_Act._make, connection.execute(select(*_ACT).where(some, *in_time)))
        cases, runs = {row.case_id for row in within}, {row.run for row in within if row.run}
        return BlastRadius(
            agent=agent,
            since=since,
            until=until,
            whole=len(newest) <= COUNTED,
            tools=sorted(_by_tool(within).values(), key=lambda one: -one.actions),
            cases=sorted(cases)[:RELATED],
            cases_count=len(cases),
            runs=sorted(runs)[:RELATED],
            runs_count=len(runs),
        )

    def _newest(self, connection: Connection, mark: int, most: int) -> list[Any]:
        seqs = self._led(connection, mark, most)
        query = select(found.action).where(found.action.c.seq.in_(seqs)).order_by(found.action.c.seq.desc())
        return list(connection.execute(query)) if seqs else []

    def _led(self, connection: Connection, mark: int, most: int) -> list[int]:
        """The newest places that a mark leads to, falling."""
        return postings.newest(connection, mark, read_head(connection)[0], most)

    def _related(
        self, connection: Connection, told: Iterable[dict[str, Any]]
    ) -> tuple[dict[int, dict[str, Any]], bool]:
        """Leaves of the runs and tasks that the actions belong to, and whether there are more."""
        leaves = list(told)
        runs, cut_runs = _cut(_named(leaves, "run"), RELATED)
        tasks, cut_tasks = _cut(_named(leaves, "task"), RELATED)
        marks = [self._marks.about("run", run) for run in runs]
        marks += [self._marks.about("action", task) for task in tasks]
        indices, cut = set[int](), cut_runs or cut_tasks
        for mark in marks:
            led, more = _cut(self._led(connection, mark, MOST + 1), MOST)
            indices |= set(led)
            cut = cut or more
        return read_at(connection, sorted(indices)), cut


def _cut(found: list[T], most: int) -> tuple[list[T], bool]:
    """As many as are told, and whether there are more."""
    return found[:most], len(found) > most


def _around(connection: Connection, mark: int, action: str) -> tuple[list[int], bool]:
    """The places of an action and of those before and after it, and whether there are more."""
    query = select(found.action.c.seq).where(found.action.c.id == action)
    seq = connection.execute(query).scalar_one_or_none()
    before = [] if seq is None else postings.newest(connection, mark, seq + 1, MOST // 2 + 1)
    if seq is None or seq not in before[:1]:
        raise NotFound(f"there is no action `{action[:40]}` in this case", code="action.unknown")
    earlier, cut_before = _cut(before, MOST // 2)
    later, cut_after = _cut(postings.oldest(connection, mark, seq + 1, MOST // 2 + 1), MOST // 2)
    return [*earlier, *later], cut_before or cut_after


def _ids(connection: Connection, seqs: Sequence[int]) -> list[str]:
    return list(connection.execute(select(found.action.c.id).where(found.action.c.seq.in_(seqs))).scalars())


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
    """What the leaves name under a field, each once."""
    return list(dict.fromkeys(one[field] for one in leaves if isinstance(one.get(field), str)))


class _Act(NamedTuple):
    """What is counted of an action: there are thousands."""

    tool: str
    state: str
    money: int
    at: int
    case_id: str
    run: str | None


_ACT = [found.action.c[name] for name in _Act._fields]


def _by_tool(rows: Iterable[_Act]) -> dict[str, Touched]:
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
