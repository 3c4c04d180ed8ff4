"""What happens in a house, once each through the front door: the rows it leaves are multiplied by `bench.history`.

An episode is one thing from its beginning to where it stands: an action that is done, refused, held, approved; a run of
five steps; a task of a person. Each is done by the product's own code on a system of its own, whose clock is set back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Table, select

from autonomy.approvals.model import Verdict
from autonomy.approvals.store import hold, vote
from autonomy.audit.store import leaf, payload, read_head
from autonomy.gate import Request
from autonomy.gate.store import action, case_holder, case_label
from autonomy.identity import PersonCaller
from autonomy.incidents.store import entry, incident
from autonomy.insight import found
from autonomy.insight.cells import figure_case, figure_open
from autonomy.insight.label_rules import Given
from autonomy.insight.labels import label
from autonomy.insight.reckoning import behind_of
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.ids import new_id
from autonomy.tasks import Word
from autonomy.tasks.store import task
from autonomy.tools import Invocation
from autonomy.tools.errors import Refused
from autonomy.wiring import Settings, System, open_system
from autonomy.workflow.store import command, run

from .organisation import organisation

AGENTS, POLICIES = 5_000, 500
FIRST, ACTING, UNITS = 1_000, 4_000, 20  # agents with four digits in their names act: rows keep their length
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 20.0

TABLES: tuple[Table, ...] = (
    *(action, payload, hold, vote, case_label, case_holder, run, command, task, label, incident, entry),
    *(found.action, figure_case, figure_open),
)
"""Where an episode leaves rows, besides the log and the index of the search."""

MORE = """\
apiVersion: autonomy/v1
kind: Person
metadata: {name: bob}
spec:
  displayName: Bob
  email: bob@bench.example
  roles: [manager]
  access: [admin, approver, auditor, supervisor]
  externalSubject: "idp|bob"
---
apiVersion: autonomy/v1
kind: Tool
metadata: {name: work.post}
spec:
  connector: noop
  call: {function: noop}
  effect: write-neither
  trust: trusted
  deadline: 50ms
  input: {type: object, properties: {item: {type: string, maxLength: 40}}, required: [item]}
"""
POSTING = '@id("may-post") permit(principal in Role::"worker", action == Action::"work.post", resource);'
WATCHED = (
    '@id("odd-item") @incident("low") forbid(principal, action == Action::"work.t1", resource)\n'
    'when { context.arguments.item == "odd" };'
)
WORKFLOW = """\
---
apiVersion: autonomy/v1
kind: Workflow
metadata: {{name: {0}, unit: company}}
spec:
  agent: agent-1000
  escalation: manager
  input: {{type: object, properties: {{n: {{type: integer}}}}, required: [n]}}
  steps:
{1}"""
_STEP = (
    "    s{0}: {{ tool: work.t{0}, arguments: {{ amount: input.n, item: \"'{1}'\", quantity: 3 }}, needs: [{2}] }}\n"
)
STEPS = {
    "five": "".join(_STEP.format(n, "bolt", f"s{n - 1}" if n else "") for n in range(5)),
    "asking": '    sign: { approval: { roles: { manager: 1 }, question: "May it be?" } }\n',
    "checking": "    look: { task: { role: manager, goal: look at the goods, by: person } }\n",
    "stuck": _STEP.format(0, "x", ""),
}


class Outlined(NamedTuple):
    """An episode as it is asked for: in a thousand so many; `open` ones wait, and only the latest of them are there."""

    share: int
    is_open: bool
    play: Callable[[Stage, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Episode:
    """What one left: rows by table, and its leaves, of which the first had the index `start`."""

    name: str
    agent: str
    begun: int
    start: int
    stop: int
    rows: Mapping[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Stage:
    """A running system, and somebody who decides."""

    system: System
    bob: PersonCaller
    clock: Clock
    keys: dict[str, str] = field(default_factory=dict)

    async def know(self, agent: str) -> None:
        """Give the agent its key, which leaves a leaf of its own."""
        if agent not in self.keys:
            issue = self.system.identity.issue_credential
            self.keys[agent] = (await asyncio.to_thread(issue, agent, "api_key", "system")).secret

    async def act(self, agent: str, item: str, amount: int = 120, tool: str = "", case: str = "") -> str:
        """One action through the door; returns its id."""
        arguments: dict[str, Json] = {"item": item}
        if tool != "work.post":
            arguments |= {"amount": amount, "quantity": 3}
        named = tool or f"work.t{int(agent[-2:]) % 90}"
        asked = Request(named, arguments, case=case, rationale=f"the shelf of {item} is nearly empty")
        return (await self.system.gate.perform(self.keys[agent], asked)).action

    async def decide(self, action: str, verdict: Verdict) -> None:
        """What bob says of what is held; where he approves, it is carried out."""
        held = await asyncio.to_thread(self.system.approvals.get, action)
        await asyncio.to_thread(self.system.approvals.decide, action, "bob", verdict, held.shown, "as agreed")
        self.system.taking_up.wake()
        if verdict == "approve":
            await self.until(lambda: self._stands(action, "done"))

    async def begin(self, workflow: str, *states: str) -> str:
        """A run, once it is in one of these states."""
        begun = await self.system.workflows.runs.start(workflow, {"n": 7}, "person:bob")
        if states:
            await self.until(lambda: self._run_stands(begun.run, states))
        return begun.run

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Return once it holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await holds():
                await asyncio.sleep(LOOK_SECONDS)

    async def _stands(self, id: str, state: str) -> bool:
        query = select(action.c.state).where(action.c.id == id)
        return await self.system.database.read(lambda one: one.execute(query).scalar_one_or_none()) == state

    async def _run_stands(self, id: str, states: tuple[str, ...]) -> bool:
        query = select(run.c.status).where(run.c.id == id)
        return await self.system.database.read(lambda one: one.execute(query).scalar_one()) in states

    async def task_of(self, id: str) -> str:
        """The task that a run has opened."""
        told: list[str] = []

        async def look() -> bool:
            query = select(task.c.id).where(task.c.run == id)
            told[:] = await self.system.database.read(lambda one: list(one.execute(query).scalars()))
            return bool(told)

        await self.until(look)
        return told[0]


async def _done(stage: Stage, agent: str) -> None:
    await stage.act(agent, "bolt")


async def _case(stage: Stage, agent: str) -> None:
    """Three actions that belong together, the last refused."""
    case = new_id("case", stage.clock())
    for item in ("bolt", "washer", "x"):
        await stage.act(agent, item, case=case)


async def _refused(stage: Stage, agent: str) -> None:
    await stage.act(agent, "x")


async def _failed(stage: Stage, agent: str) -> None:
    await stage.act(agent, "none")


async def _unknown(stage: Stage, agent: str) -> None:
    await stage.act(agent, "slow", tool="work.post")


async def _held(stage: Stage, agent: str) -> None:
    await stage.act(agent, "steel", 12_000, case=new_id("case", stage.clock()))


async def _approved(stage: Stage, agent: str) -> None:
    await stage.decide(await stage.act(agent, "steel", 11_000), "approve")


async def _rejected(stage: Stage, agent: str) -> None:
    await stage.decide(await stage.act(agent, "gold", 13_000), "reject")


async def _judged(stage: Stage, agent: str) -> None:
    """Done, and found to be right."""
    acted = await stage.act(agent, "nut")
    given = Given("right", stage.bob.actor, "counted", None)
    await stage.system.insights.labels.give("action", acted, given, stage.system.watch.identity)


async def _odd(stage: Stage, agent: str) -> None:
    """Refused by a rule that opens an incident."""
    await stage.act(agent, "odd", tool="work.t1")


async def _run(stage: Stage, _agent: str) -> None:
    await stage.begin("five", "done")


async def _asking(stage: Stage, _agent: str) -> None:
    run = await stage.begin("asking")

    async def asked() -> bool:
        query = select(command.c.action).where(command.c.run == run, command.c.action.is_not(None))
        return await stage.system.database.read(lambda one: one.execute(query).first()) is not None

    await stage.until(asked)


async def _stuck(stage: Stage, _agent: str) -> None:
    """A run whose step is refused: a person has to say what becomes of it."""
    run = await stage.begin("stuck")

    async def excepted() -> bool:
        return any(one.run == run for one in await stage.system.workflows.runs.exceptions())

    await stage.until(excepted)


async def _looked_at(stage: Stage, _agent: str) -> None:
    """A task that a person has done."""
    run = await stage.begin("checking")
    tasks = stage.system.workflows.workplace.tasks
    held = await tasks.take(await stage.task_of(run), stage.bob, True)
    await tasks.complete(Word(held.task.id, stage.bob.actor, held.task.claim), {"seen": True})
    await stage.until(lambda: stage._run_stands(run, ("done",)))


async def _to_look_at(stage: Stage, _agent: str) -> None:
    await stage.task_of(await stage.begin("checking"))


EPISODES: Mapping[str, Outlined] = {
    "done": Outlined(620, False, _done),
    "case": Outlined(90, False, _case),
    "refused": Outlined(60, False, _refused),
    "failed": Outlined(20, False, _failed),
    "approved": Outlined(50, False, _approved),
    "rejected": Outlined(20, False, _rejected),
    "judged": Outlined(40, False, _judged),
    "run": Outlined(80, False, _run),
    "looked_at": Outlined(20, False, _looked_at),
    "odd": Outlined(0, True, _odd),
    "held": Outlined(0, True, _held),
    "unknown": Outlined(0, True, _unknown),
    "asking": Outlined(0, True, _asking),
    "stuck": Outlined(0, True, _stuck),
    "to_look_at": Outlined(0, True, _to_look_at),
}


@asynccontextmanager
async def stage(folder: Path, database: str, set_back: int) -> AsyncIterator[Stage]:
    """A living system with five thousand agents whose clock is `set_back` by so many milliseconds."""
    settings = replace(Settings(), data=folder, database=database)

    def clock() -> int:
        return now() - set_back

    system = await asyncio.to_thread(_prepared, settings, clock)
    await system.start()
    try:
        session = await asyncio.to_thread(system.identity.sign_in_external, "idp|bob", [])
        yield Stage(system, await asyncio.to_thread(system.identity.person, session), clock)
    finally:
        await system.stop()


async def played(stage: Stage) -> list[Episode]:
    """Every episode, by an agent of each unit where agents differ."""
    episodes = []
    for name, outlined in EPISODES.items():
        of_people = outlined.play in (_run, _asking, _stuck, _looked_at, _to_look_at)
        for unit in range(1 if of_people else UNITS):
            episodes.append(await _recorded(stage, name, f"agent-{FIRST + unit}", outlined))
    return episodes


async def _recorded(stage: Stage, name: str, agent: str, outlined: Outlined) -> Episode:
    database = stage.system.database
    await stage.know(agent)
    await _settled(stage.system)
    begun = stage.clock()
    before, (start, *_) = await database.read(_rows), await database.read(read_head)
    await outlined.play(stage, agent)
    await _settled(stage.system)
    after, (stop, *_) = await database.read(_rows), await database.read(read_head)
    new = {table: [row for key, row in rows.items() if key not in before[table]] for table, rows in after.items()}
    return Episode(name, agent, begun, start, stop, new)


async def _settled(system: System) -> None:
    """Until search and figures have taken in all there is."""
    while True:
        size = (await system.database.read(read_head))[0]
        await system.searching.following.reach(PATIENCE_SECONDS)
        await system.insights.reckoning.count()
        counted = await system.database.read(behind_of)
        if counted.counted == counted.size == size:
            return
        await asyncio.sleep(LOOK_SECONDS)


Rows = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]


def _rows(connection: Any) -> Rows:
    read: Rows = {}
    for table in TABLES:
        key = [list(table.columns).index(column) for column in table.primary_key]
        read[table.name] = {tuple(row[at] for at in key): tuple(row) for row in connection.execute(select(table))}
    return read


def _prepared(settings: Settings, clock: Callable[[], int]) -> System:
    system = open_system(settings, clock, {"noop": _goods})
    flows = "".join(WORKFLOW.format(name, steps) for name, steps in STEPS.items())
    more = {"more.yaml": MORE + flows, "posting.cedar": POSTING, "watched.cedar": WATCHED}
    system.catalog.apply(organisation(AGENTS, POLICIES, more), by="person:bench")
    return system


async def _goods(_function: str, arguments: dict[str, Json], _invocation: Invocation) -> Json:
    """The system of record: it has everything but what is called `none`, and never answers about `slow`."""
    if arguments["item"] == "none":
        raise Refused("there is none", code="upstream.refused")
    if arguments["item"] == "slow":
        await asyncio.Event().wait()
    return {"ok": True}


__all__ = ["ACTING", "EPISODES", "FIRST", "TABLES", "UNITS", "Episode", "Stage", "leaf", "played", "stage"]
