"""What the log's leaves add to the figures. Pure: leaves and what is remembered of earlier ones in, sums out.

Every sum belongs to an hour (UTC) and to whoever the work was: to all, and to an agent, its revision, a unit, a
workflow, a role, as far as the leaf names them. Sums only ever add up, so that counting leaf by leaf, batch by batch or
all at once gives the same figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from autonomy.kernel.clock import DAY, HOUR, MINUTE

COUNTERS = (
    *("begun", "done", "done_alone", "failed", "unknown", "reconciled", "denied", "held", "waited", "action_ms"),
    *("money", "moved", "tokens", "cases", "cases_alone", "case_ms"),
    *("approved", "rejected", "returned", "expired", "escalated", "deeds", "human_ms"),
    *("tasks_done", "tasks_alone", "tasks_failed", "tasks_returned"),
    *("runs_begun", "runs_done", "runs_failed", "run_ms", "exceptions"),
    *("right", "wrong", "corrected"),
)
"""What is summed up. `alone`: outside of any run. `held`: people were asked; `waited`: it was begun after people had
been asked. `…_ms`: milliseconds. `money`: minor units of the base currency, the price of calls; `moved`: the amounts of
orders, payments and the like."""

KINDS = ("intent", "outcome", "reconcile", "denial", "hold", "approval", "run", "task", "label")
"""The kinds of leaves that count."""

VERDICTS = ("right", "wrong", "corrected")

DIMENSIONS = ("agent", "revision", "unit", "workflow")
ALL, ROLE = "all", "role"
POST = "post"
"""A unit and the first role of whoever worked there, `UNIT|ROLE`: what baselines of everything are added up from."""

DECISION_MS = 10 * MINUTE  # the longest that a decision counts as work of a person: who answers later did other things
TASK_MS = 60 * MINUTE  # the same of a task that a person did
WORD_MS = 2 * MINUTE  # the same of a word that nobody had asked for: a label, a finding, a run that was stopped
CASE_MS = 400 * DAY  # a case in which nothing ended for so long is forgotten: what comes later begins it anew
MAX_MET = 64  # agents, revisions, units and workflows that are remembered of one case

_VOTES = {"approve": "approved", "reject": "rejected", "return": "returned"}
_HOLD_ENDS = frozenset({"performed", "denied", "rejected", "returned", "expired", "withdrawn"})
_STEERED = frozenset({"paused", "resumed", "cancelled", "prioritised", "migrated"})
_TASK_TAKEN = frozenset({"claimed", "taken_over"})
_PERSON, _AGENT = "person:", "agent:"


class Said(msgspec.Struct, frozen=True, gc=False):
    """What counting reads of a leaf; its other fields are passed over."""

    kind: str
    at: int
    action: str | None = None
    event: str = ""
    status: str = ""
    state: str = ""
    actor: str = ""
    by: str | None = None
    agent: str = ""
    agent_name: str = ""
    tool: str = ""
    revision: str = ""
    unit: str = ""
    workflow: str = ""
    role: str | None = None
    roles: tuple[str, ...] = ()
    run: str = ""
    case: str = ""
    exception: str | None = None
    cost: dict[str, int] = {}
    moves: bool = False
    verdict: str = ""
    before: str | None = None
    of: int = 0
    stands: bool = True
    looked: int | None = None
    approval: str | None = None


class Who(NamedTuple):
    """Whose work it was; empty where the leaf does not say."""

    agent: str = ""
    revision: str = ""
    unit: str = ""
    workflow: str = ""
    roles: tuple[str, ...] = ()


class Begun(NamedTuple):
    """The intent of an action: whose, when, whether outside of any run, and whether its money is what it moves."""

    who: Who
    at: int
    alone: bool
    moves: bool


class Case(NamedTuple):
    """A case so far: up to when it goes, and whom it has met (`agent:w1`, …)."""

    last: int
    met: frozenset[str] = frozenset()


class Open(NamedTuple):
    """Something that is under way, since when, and when somebody was asked about it: `hold:…`, `run:…`, `task:…`."""

    who: Who
    at: int
    asked: int


class Needs(NamedTuple):
    """What must be remembered to count some leaves."""

    actions: frozenset[str]
    cases: frozenset[str]
    open: frozenset[str]
    people: frozenset[str]


class Memory(msgspec.Struct):
    """What is remembered of earlier leaves, as far as it is needed; None in `open` and the like: it is over."""

    begun: dict[str, Begun]
    cases: dict[str, Case]
    open: dict[str, Open | None]
    people: dict[str, int]
    """When each person was last seen to do something."""


Sums = dict[str, int]
Cell = tuple[str, str, int]
"""A dimension, who of it, and the hour in milliseconds."""

_decode = msgspec.json.Decoder(Said).decode


def read_said(body: bytes) -> Said:
    """What counting reads of the leaf with these bytes."""
    return _decode(body)


def needs_of(leaves: Iterable[Said]) -> Needs:
    """What has to be looked up before these leaves can be counted."""
    begun: set[str] = set()
    actions, cases, opened, people = set[str](), set[str](), set[str](), set[str]()
    for said in leaves:
        people.update(name for name in (said.actor, said.by) if name and name.startswith(_PERSON))
        if said.case and said.kind in ("intent", "hold", "outcome", "reconcile"):
            cases.add(said.case)
        if said.kind == "intent" and said.action:
            begun.add(said.action)
        elif said.kind in ("outcome", "reconcile") and said.action and said.action not in begun:
            actions.add(said.action)
        opened.update(_opened(said))
    return Needs(frozenset(actions), frozenset(cases), frozenset(opened), frozenset(people))


def begun_of(said: Said) -> Begun:
    """What an intent says for the endings that follow it."""
    return Begun(who_of(said), said.at, not said.run, said.moves)


def who_of(said: Said) -> Who:
    """Whose work an action's own leaf tells of."""
    return Who(said.agent_name, said.revision, said.unit, said.workflow, said.roles)


def hour_of(at: int) -> int:
    """The start of the hour (UTC) that holds `at`, both in milliseconds."""
    return at - at % HOUR


def _opened(said: Said) -> Iterator[str]:
    if said.kind in ("hold", "approval"):
        yield f"hold:{said.action}"
    if said.kind == "intent" and said.approval:
        yield f"hold:{said.approval}"
    if said.kind == "approval":
        yield f"run:{said.agent}"
    if said.kind == "run":
        yield f"run:{said.run}"
    if said.kind == "task":
        yield f"task:{said.action}"


class Counting:
    """Counts leaves in their order, and changes `memory` to what has to be remembered after them."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.ended: set[str] = set()
        """Actions of which an ending was counted."""
        self._hours: defaultdict[tuple[int, Who], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._cells: defaultdict[Cell, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._takers = {
            "intent": self._intent,
            "outcome": self._ending,
            "reconcile": self._ending,
            "denial": self._denial,
            "hold": self._hold,
            "approval": self._approval,
            "run": self._run,
            "task": self._task,
            "label": self._label,
        }

    def take(self, said: Said) -> None:
        """Count one leaf; a kind that does not count is passed over."""
        taker = self._takers.get(said.kind)
        if taker is not None:
            taker(said)

    def sums(self) -> Mapping[Cell, Sums]:
        """What is to be added, by dimension, key and hour."""
        found: defaultdict[Cell, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for (hour, who), sums in self._hours.items():
            for dimension, key in parts_of(who):
                _add(found[dimension, key, hour], sums)
        for cell, sums in self._cells.items():
            _add(found[cell], sums)
        kept = ((cell, {name: value for name, value in sums.items() if value}) for cell, sums in found.items())
        return {cell: sums for cell, sums in kept if sums}

    def _sums(self, at: int, who: Who) -> defaultdict[str, int]:
        return self._hours[hour_of(at), who]

    def _intent(self, said: Said) -> None:
        begun = begun_of(said)
        self.memory.begun[said.action or ""] = begun
        if said.approval:  # it waits for nobody any more; no leaf of the approval says so
            self.memory.open[f"hold:{said.approval}"] = None
        sums = self._sums(said.at, begun.who)
        sums["begun"] += 1
        sums["waited"] += int(said.approval is not None)
        self._meet(said, begun.who)

    def _denial(self, said: Said) -> None:
        self._sums(said.at, who_of(said))["denied"] += 1

    def _hold(self, said: Said) -> None:
        key, who = f"hold:{said.action}", who_of(said)
        if self.memory.open.get(key) is None:
            self._sums(said.at, who)["held"] += 1
        self.memory.open[key] = Open(who, said.at, said.at)
        self._meet(said, who)

    def _ending(self, said: Said) -> None:
        begun = self.memory.begun.get(said.action or "")
        if begun is None:
            return
        self.ended.add(said.action or "")
        sums = self._sums(said.at, begun.who)
        if said.kind == "reconcile":
            sums["reconciled"] += 1
            self._word(said, said.by or "", begun.who)
        if said.status in ("done", "failed", "unknown"):
            sums[said.status] += 1
        sums["done_alone"] += int(said.status == "done" and begun.alone)
        if said.status in ("done", "failed"):  # while nobody knows how it ended it has not, and it ends once
            sums["action_ms"] += max(0, said.at - begun.at)
        sums["moved" if begun.moves else "money"] += said.cost.get("money", 0)
        sums["tokens"] += said.cost.get("tokens", 0)
        self._extend(said, begun.who)

    def _meet(self, said: Said, who: Who) -> None:
        """A case is counted once for everybody it meets."""
        if not said.case:
            return
        known = self._case(said)
        found, names = known or Case(said.at), _names(who)
        if known is not None and names.keys() <= known.met:
            return
        fresh = [name for name in names if name not in found.met][: MAX_MET - len(found.met)]
        for name in fresh:
            cell = self._cells[(*names[name], hour_of(said.at))]
            cell["cases"] += 1
            cell["cases_alone"] += int(not said.run)
        self.memory.cases[said.case] = found._replace(met=found.met | set(fresh))

    def _extend(self, said: Said, who: Who) -> None:
        """What ends later than all of its case before makes the case longer."""
        case = self._case(said)
        if case is not None and said.at > case.last:
            self._sums(said.at, who)["case_ms"] += said.at - case.last
            self.memory.cases[said.case] = case._replace(last=said.at)

    def _case(self, said: Said) -> Case | None:
        """The case as it is remembered; one that is forgotten is as good as deleted, be it or not."""
        case = self.memory.cases.get(said.case)
        return None if case is None or case.last < said.at - CASE_MS else case

    def _approval(self, said: Said) -> None:
        key = f"hold:{said.action}"
        held = self.memory.open.get(key) or self.memory.open.get(f"run:{said.agent}")
        who, asked = (held.who, held.asked) if held else (Who(), 0)
        if said.event in _VOTES and said.actor.startswith(_PERSON):
            self._sums(said.at, who)[_VOTES[said.event]] += 1
            begun = asked if said.looked is None else said.at - said.looked
            self._deed(said.at, said.actor, who, max(asked, begun), DECISION_MS)
        self._sums(said.at, who)["expired"] += int(said.event == "expire")
        self._sums(said.at, who)["escalated"] += int(said.event == "escalate")
        if self.memory.open.get(key) is not None:
            if said.event == "ask_again" and held is not None:
                self.memory.open[key] = held._replace(asked=said.at)
            if said.state in _HOLD_ENDS:
                self.memory.open[key] = None

    def _run(self, said: Said) -> None:
        key = f"run:{said.run}"
        known = self.memory.open.get(key)
        who = known.who if known else Who(unit=said.unit, workflow=said.workflow)
        sums = self._sums(said.at, who)
        if said.event == "started":
            sums["runs_begun"] += 1
            self.memory.open[key] = Open(who, said.at, said.at)
        elif said.event == "exception":
            sums["exceptions"] += 1
            if known is not None:
                self.memory.open[key] = known._replace(asked=said.at)
        elif said.event == "chosen":
            self._deed(said.at, said.actor, who, known.asked if known else 0, DECISION_MS)
        elif said.event in _STEERED:
            self._word(said, said.actor, who)
        elif said.event == "ended":
            sums["runs_done" if said.status == "done" else "runs_failed"] += 1
            sums["run_ms"] += max(0, said.at - known.at) if known else 0
            self.memory.open[key] = None

    def _task(self, said: Said) -> None:
        key = f"task:{said.action}"
        taken = self.memory.open.get(key)
        agent = said.actor.removeprefix(_AGENT) if said.actor.startswith(_AGENT) else ""
        who = Who(agent, "", said.unit, said.workflow, (said.role,) if said.role else ())
        sums = self._sums(said.at, who)
        sums["tasks_done"] += int(said.event == "done")
        sums["tasks_alone"] += int(said.event == "done" and not said.run)
        sums["tasks_failed"] += int(said.event == "failed")
        sums["tasks_returned"] += int(said.event == "returned")
        sums["escalated"] += int(said.event == "escalated")
        if said.event in _TASK_TAKEN:
            self.memory.open[key] = Open(who, said.at, said.at)
            return
        if taken is not None:
            self._deed(said.at, said.actor, who, taken.asked, TASK_MS)
            self.memory.open[key] = None

    def _label(self, said: Said) -> None:
        """Counted where the work was done, so that a label that is changed moves from one sum to another."""
        who = who_of(said)
        if said.stands and said.verdict in VERDICTS:
            sums = self._sums(said.of, who)
            sums[said.verdict] += 1
            if said.before in VERDICTS:
                sums[said.before] -= 1
        self._word(said, said.actor, who)

    def _word(self, said: Said, person: str, who: Who) -> None:
        self._deed(said.at, person, who, said.at - WORD_MS, WORD_MS)

    def _deed(self, at: int, person: str, who: Who, asked: int, longest: int) -> None:
        """A person did something: as long as it can have taken since they were asked and since their deed before."""
        if not person.startswith(_PERSON):
            return
        last = self.memory.people.get(person, 0)
        sums = self._sums(at, who)
        sums["deeds"] += 1
        sums["human_ms"] += max(0, at - max(asked, last, at - longest))
        self.memory.people[person] = max(at, last)


@lru_cache(maxsize=4_096)
def _names(who: Who) -> Mapping[str, tuple[str, str]]:
    """The sums that the work of `who` belongs to, by the names under which a case remembers them."""
    return {f"{dimension}:{key}": (dimension, key) for dimension, key in parts_of(who)}


def parts_of(who: Who) -> Iterator[tuple[str, str]]:
    """Every sum that the work of `who` belongs to."""
    yield ALL, ALL
    for dimension, key in zip(DIMENSIONS, (who.agent, who.revision, who.unit, who.workflow), strict=True):
        if key:
            yield dimension, key
    for role in dict.fromkeys(who.roles):
        yield ROLE, role
    if who.roles:
        yield POST, f"{who.unit}|{who.roles[0]}"


def _add(into: defaultdict[str, int], sums: Mapping[str, int]) -> None:
    for name, value in sums.items():
        into[name] += value
