"""Runs of workflows: five governed steps beside LangGraph and plain DBOS, the dispatch alone, and ten thousand waiting.

Each step of ours is an action through the gate: admitted, decided, its intent durable before and its outcome after. A
step of a peer is a function that does nothing, checkpointed in the peer's own way.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from sqlalchemy import Connection, bindparam, func, select

from autonomy.gate import Admission, Reply, Request
from autonomy.kernel import interpreter
from autonomy.kernel.clock import now
from autonomy.kernel.ids import new_id
from autonomy.tools.key import load_key
from autonomy.wiring import Settings, System, open_system
from autonomy.wiring.workflows import Workflows, open_workflows
from autonomy.workflow.store import command
from autonomy.workflow.store import run as runs_table
from tests.postgres import start_postgres

from .door import noop
from .measure import BLOCKS, Measured, Scale, median, percentile
from .organisation import organisation
from .peers import runners
from .peers.environment import NotInstallable

AGENTS, POLICIES = 1_000, 250
TOGETHER = 64  # runs under way at once
RUNS = 192  # of ours in a block
PEER_RUNS = 64  # of a peer in a block; they take longer
NOOPS = 1_000
WAITING = 10_000
RESUMED = 60
LOOK_SECONDS = 0.01

STEP = "{ tool: work.t0, arguments: { amount: input.n, item: \"'bolt'\", quantity: 3 } }"
FIVE = "".join(f"    s{n}: {STEP[:-1]}, needs: [{f's{n - 1}' if n else ''}] }}\n" for n in range(5))
WORKFLOWS = f"""\
apiVersion: autonomy/v1
kind: Workflow
metadata: {{name: five, unit: company}}
spec:
  agent: agent-1
  escalation: manager
  input: &input {{type: object, properties: {{n: {{type: integer}}}}, required: [n]}}
  steps:
{FIVE}---
apiVersion: autonomy/v1
kind: Workflow
metadata: {{name: asking, unit: company}}
spec:
  agent: agent-1
  escalation: manager
  input: {{type: object, properties: {{n: {{type: integer}}}}, required: [n]}}
  steps:
    sign: {{ approval: {{ roles: {{ manager: 1 }}, question: "May it be?" }} }}
"""


def run(scale: Scale) -> Measured:
    """The metrics of runs on both databases and, in the same run, the peers'."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(Path(folder), scale))


async def _run(folder: Path, scale: Scale) -> Measured:
    metrics: dict[str, float] = {}
    peers: dict[str, dict[str, float | str]] = {}
    with start_postgres(folder, durable=True) as server:
        for store, url in (("sqlite", ""), ("pg", f"{server}/ours")):
            with _peers(folder / f"peers-{store}", store, server, peers) as others:
                found = await _beside(folder / store, url, others, scale)
            ours = found.pop("ours")
            fastest = max(found.values(), default=float("nan"))
            metrics |= {f"{store}_per_s": ours, f"{store}_ratio": ours / fastest}
            for name, rate in found.items():
                peers.setdefault(name, {})[f"{store}_per_s"] = rate
    metrics |= await _dispatch(folder / "dispatch", scale)
    metrics |= await _waiting(folder / "waiting", scale)
    return Measured(metrics, peers)


async def _beside(folder: Path, url: str, others: list[runners.Runner], scale: Scale) -> dict[str, float]:
    """Runs a second, ours and each peer's, one after another in every block; the median of the blocks."""
    if url:
        _create(url)
    place = await Place.open(folder, url)
    rates: dict[str, list[float]] = {"ours": [], **{one.name: [] for one in others}}
    await place.lockstep("five", scale.of(2 * TOGETHER))
    for _ in range(BLOCKS):
        rates["ours"].append(await place.lockstep("five", scale.of(RUNS, 4)))
        for one in others:
            rates[one.name].append(await asyncio.to_thread(one.block, scale.of(PEER_RUNS, 4), TOGETHER))
    await place.system.stop()
    return {name: median(found) for name, found in rates.items()}


@contextmanager
def _peers(
    folder: Path, store: str, server: str, notes: dict[str, dict[str, float | str]]
) -> Iterator[list[runners.Runner]]:
    """The peers that can be had, each on a store of its own."""
    folder.mkdir()
    with ExitStack() as stack:
        found = []
        for kind in runners.KINDS:
            url = f"{server}/{kind.short}" if store == "pg" else f"sqlite:///{folder / kind.short}.sqlite"
            if store == "pg":
                _create(url)
            try:
                found.append(stack.enter_context(runners.running(kind, url)))
            except NotInstallable as error:
                notes[kind.name] = {"note": f"not run: {error}"}
        yield found


async def _dispatch(folder: Path, scale: Scale) -> dict[str, float]:
    """Five steps whose performer does nothing: what runs cost by themselves."""
    place = await Place.open(folder, "", governed=False)
    await place.lockstep("five", scale.of(200))
    rates = [await place.lockstep("five", scale.of(NOOPS)) for _ in range(BLOCKS)]
    await place.close()
    return {"dispatch_per_s": median(rates)}


async def _waiting(folder: Path, scale: Scale) -> dict[str, float]:
    """What ten thousand runs that wait for people take, and how soon one goes on once it may."""
    place = await Place.open(folder, "")
    await place.hold(scale.of(500))
    before = _resident_mb()
    await place.hold(scale.of(WAITING))
    taken = _resident_mb() - before
    resumed = [await place.resume() for _ in range(scale.of(RESUMED))]
    await place.system.stop()
    return {
        "resume_p50_ms": percentile(resumed, 0.5),
        "resume_p99_ms": percentile(resumed, 0.99),
        "waiting_mb": taken,
        "waiting": scale.of(WAITING),
    }


class _Idle:
    """A performer that has done everything already."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission

    async def employ(self, _agent: str, request: Request, _first: bool = False) -> Reply:
        return Reply(new_id("act"), "done", request.case or "", {"ok": True})


class Place:
    """One process with runs."""

    def __init__(self, system: System, flows: Workflows, tasks: list[asyncio.Task[None]]) -> None:
        self.system = system
        self._flows = flows
        self._tasks = tasks
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._watching = asyncio.create_task(self._watch())

    @classmethod
    async def open(cls, folder: Path, url: str, governed: bool = True) -> Place:
        """A new organisation on an empty database; where it is not `governed`, nothing is performed."""
        settings = replace(Settings(), data=folder, database=url)
        system = await asyncio.to_thread(_prepare, settings)
        interpreter.calm()  # as `serve` does
        if governed:
            await system.start()
            return cls(system, system.workflows, [])
        await system.lifeline.beat()
        await system.watch.refresh()
        flows = _alone(system)
        tasks = [asyncio.create_task(work()) for work in (system.lifeline.run, flows.engine.run)]
        return cls(system, flows, tasks)

    async def close(self) -> None:
        """End what `open` began without a gate."""
        await self._flows.engine.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.system.close()

    async def lockstep(self, workflow: str, count: int) -> float:
        """Runs a second, so many at once, each from its start to its end."""
        left = iter(range(count))

        async def caller() -> None:
            for number in left:
                await self._through(workflow, number)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(TOGETHER)))
        return count / (time.perf_counter() - started)

    async def hold(self, count: int) -> None:
        """Begin runs, and return when all of them wait for people."""
        left = iter(range(count))

        async def caller() -> None:
            for number in left:
                await self._flows.runs.start("asking", {"n": number}, "person:bench")

        await asyncio.gather(*(caller() for _ in range(TOGETHER)))
        while await self.system.database.read(_unasked):
            await asyncio.sleep(LOOK_SECONDS)

    async def resume(self) -> float:
        """Milliseconds from a person's yes to the end of the run that waited for it."""
        run, action = await self.system.database.read(_asked)
        hold = await asyncio.to_thread(self.system.approvals.get, action)
        started = time.perf_counter()
        await asyncio.to_thread(self.system.approvals.decide, action, "ana", "approve", hold.shown)
        while (await self._flows.desk.look(run)).state.status != "done":
            await asyncio.sleep(0.001)
        return (time.perf_counter() - started) * 1000

    async def _through(self, workflow: str, number: int) -> None:
        begun = await self._flows.runs.start(workflow, {"n": number}, "person:bench")
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted[begun.run] = ended
        await ended

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._wanted:
                continue
            for run, status in await self.system.database.read(_ended(list(self._wanted))):
                if status != "done":
                    raise AssertionError(f"a run of the bench ended as {status}")
                self._wanted.pop(run).set_result(None)


ENDED = select(runs_table.c.id, runs_table.c.status).where(
    runs_table.c.id.in_(bindparam("wanted", expanding=True)), runs_table.c.ended_at.is_not(None)
)


def _ended(wanted: list[str]) -> Callable[[Connection], list[Any]]:
    return lambda connection: list(connection.execute(ENDED, {"wanted": wanted}))


def _unasked(connection: Connection) -> int:
    query = select(func.count()).select_from(command)
    waiting = query.where(command.c.kind == "ask_approval", command.c.action.is_(None))
    return int(connection.execute(waiting).scalar_one())


def _asked(connection: Connection) -> tuple[str, str]:
    query = select(command.c.run, command.c.action).where(command.c.action.is_not(None)).limit(1)
    run, action = connection.execute(query).one()
    return run, action


def _alone(system: System) -> Workflows:
    """Runs on the system's store whose performer does nothing."""
    idle: Any = _Idle(system.gate.admission)
    return open_workflows(
        system.settings,
        system.database,
        system.queue,
        load_key(system.settings.data / "master.key"),
        idle,
        system.results,
        system.approvals,
        system.watch,
        system.hooks,
        system.aside,
        system.secrets,
        system.own,
        system.lifeline,
        now,
    )


def _prepare(settings: Settings) -> System:
    system = open_system(settings, functions={"noop": noop})
    system.catalog.apply(organisation(AGENTS, POLICIES, {"work.yaml": WORKFLOWS}), by="person:bench")
    return system


def _create(url: str) -> None:
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())


def _resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
