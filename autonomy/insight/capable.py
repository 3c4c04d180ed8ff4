"""Who could have done this on that date: every agent declared then, judged by the rules in force then, and whether it
could act at all that day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, func, or_, select

from autonomy.audit.store import read_head
from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.store import change
from autonomy.db import Database
from autonomy.identity.store import agent as agents
from autonomy.identity.store import containment
from autonomy.kernel.errors import AutonomyError, NotFound
from autonomy.policy import Bundle, Verdict
from autonomy.policy.matrix import Row, question_of
from autonomy.tools import Registry

from . import postings
from .marking import Marks
from .search import first_at
from .telling import read_at

KEPT = 2  # epochs whose rules are kept ready
MOST = 20_000  # suspensions and the like that are read back


@dataclass(frozen=True, slots=True)
class Capable:
    """An agent that had the tool in its list. `stopped` says what kept it from acting at all, if anything."""

    agent: str
    unit: str
    revision: str
    verdict: Verdict
    stopped: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """The rules as they were at `epoch`, in force at `at`; `unlisted` agents had not the tool in their list."""

    epoch: int
    at: int
    agents: list[Capable]
    unlisted: int


class Judging:
    """Blocks: call it from a thread."""

    def __init__(self, database: Database, marks: Marks, organisation_at: Callable[[int], Organisation]) -> None:
        self._database = database
        self._marks = marks
        self._compiled = lru_cache(KEPT)(lambda epoch: _compile(organisation_at(epoch)))

    def who_could(self, asked: Mapping[str, Any], at: int) -> Judged:
        """Every agent declared at `at` (milliseconds) that had the tool, with what the rules would have said to it.

        `asked` is a question as decision tests write it, but for the agent. Raises NotFound (`catalog.none_then`,
        `tool.unknown`).
        """
        with self._database.reading() as connection:
            epoch = _epoch_at(connection, at)
            bundle, registry = self._compiled(epoch)
            tool = registry.tools.get(str(asked["tool"]))
            if tool is None:
                raise NotFound(f"there was no tool `{str(asked['tool'])[:80]}` then", code="tool.unknown")
            stopped = _Stopped(connection, self._marks, bundle.organisation, at)
            said = {"cost": _cost(tool, asked, bundle.organisation), **asked}
            declared = sorted(bundle.organisation.all("Agent").items())
            listed = [
                (name, one)
                for name, one in declared
                if tool.name in registry.listed_for(spec(one, AgentSpec).roles, one.unit)
            ]
            found_agents = [
                Capable(
                    name,
                    one.unit,
                    one.digest,
                    _verdict(bundle, name, said),
                    stopped.reason(name, spec(one, AgentSpec).sponsor, tool.name),
                )
                for name, one in listed
            ]
            return Judged(epoch, at, found_agents, len(declared) - len(listed))


def _verdict(bundle: Bundle, agent: str, said: Mapping[str, Any]) -> Verdict:
    row = Row.model_validate({**said, "agent": agent, "name": "could", "expect": "deny"})
    return bundle.decide(question_of(bundle, row))


def _cost(tool: Any, asked: Mapping[str, Any], organisation: Organisation) -> int:
    try:
        return int(tool.cost_of(asked.get("arguments", {}), organisation.currency).money)
    except AutonomyError:
        return 0  # as for a decision test that says nothing of it


def _compile(organisation: Organisation) -> tuple[Bundle, Registry]:
    return Bundle.build(organisation), Registry.build(organisation)


def _epoch_at(connection: Connection, at: int) -> int:
    epoch: int | None = connection.execute(select(func.max(change.c.epoch)).where(change.c.at <= at)).scalar_one()
    if epoch is None:
        raise NotFound("nothing was declared then", code="catalog.none_then", hint="name a later time")
    return epoch


class _Stopped:
    """What kept agents from acting at a time: containments, suspensions, retirement, a sponsor who was not there."""

    def __init__(self, connection: Connection, marks: Marks, organisation: Organisation, at: int) -> None:
        self._organisation = organisation
        self._ids = {name: id for name, id in connection.execute(select(agents.c.name, agents.c.id))}
        columns = containment.c
        lifted = or_(columns.lifted_at.is_(None), columns.lifted_at > at)
        self._contained = list(connection.execute(select(containment).where(columns.at <= at, lifted)))
        self._told: dict[str, str] = {}
        self._left: set[str] = set()
        for said in _events(connection, marks, at):
            self._take(said)

    def reason(self, agent: str, sponsor: str, tool: str) -> str | None:
        """Why it could not act; None where it could."""
        family = list(self._family(agent))
        ids = [self._ids[one.name] for one in family]
        units = {unit for one in family for unit in self._organisation.lineage(one.unit)}
        for stop in self._contained:
            hit = {"everything": True, "tool": stop.target == tool, "unit": stop.target in units}
            if hit.get(stop.scope, stop.target in ids):
                return f"contained ({stop.scope}) by {stop.id}"
        if sponsor in self._left:
            return f"its sponsor {sponsor} was not there"
        return self._told.get(ids[0])

    def _family(self, agent: str) -> Iterator[Revision]:
        """An agent and those above it, as they were declared then."""
        declared = self._organisation.get("Agent", agent)
        while declared is not None:
            yield declared
            parent = spec(declared, AgentSpec).parent
            declared = self._organisation.get("Agent", parent) if parent else None

    def _take(self, said: Mapping[str, Any]) -> None:
        event = said["event"]
        if event in _LEAVING:
            self._left.add(said["person"])
        elif event == "account.activated":
            self._left.discard(said["person"])
        elif event == "agent.suspended":
            self._told[said["agent"]] = "suspended"
        elif event == "agent.reinstated":
            self._told.pop(said["agent"], None)
        else:
            self._told |= dict.fromkeys(said.get("agents", ()), "retired")


_LEAVING = ("person.offboarded", "account.deactivated", "account.deleted")
_EVENTS = (
    *("agent.suspended", "agent.reinstated", "agent.retired", "agents.retired"),
    *("account.activated", *_LEAVING),
)


def _events(connection: Connection, marks: Marks, at: int) -> list[dict[str, Any]]:
    """What the log says until then of agents and people that were stopped or let go on, in order."""
    stop = first_at(connection, at + 1, read_head(connection)[0])
    lists = (postings.newest(connection, marks.event("identity", event), stop, MOST) for event in _EVENTS)
    told = read_at(connection, sorted(index for one in lists for index in one)[-MOST:])
    return [told[index] for index in sorted(told)]
