"""How a task of a run is handed out, and how what becomes of it comes back to the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import select, update

from autonomy.db import CommitQueue, Tx
from autonomy.kernel import ids
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import TooLarge
from autonomy.tasks import Asked, Body, RunTasks
from autonomy.tasks.model import PRIORITIES

from . import paths
from .costs import Costs
from .definition import DecideWork, Definition, ToolWork
from .definitions import Definitions
from .desk import Desk, Known
from .events import TaskEnded
from .model import OpenTask, PerformTool
from .ports import Work
from .reading import DONE
from .spending import left
from .store import command as table
from .units import Fence, Stay

MAX_RESULT = 65_536  # bytes of the output of an earlier step that goes with a task; a larger one is only named
MAX_RESULTS = 262_144  # bytes of all of them: what finds no room beside those before it is only named too

Furnish = Callable[[Known, OpenTask], Json]
"""What goes with a task as its input: what its run says, or that and more."""

_encoder = msgspec.json.Encoder()


class HandingOut:
    """Carries out `OpenTask`, in the name of one process, its `owner`."""

    def __init__(
        self,
        queue: CommitQueue,
        desk: Desk,
        definitions: Definitions,
        tasks: RunTasks,
        costs: Costs,
        furnish: Furnish,
        owner: str,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._desk = desk
        self._definitions = definitions
        self._tasks = tasks
        self._costs = costs
        self._furnish = furnish
        self._owner = owner
        self._clock = clock

    async def carry(self, work: Work, command: OpenTask) -> None:
        """Open the task; or, where it was opened before, hand in what has become of it."""
        if work.action is None:
            known = await self._desk.newest(work)
            definition = await self._definitions.pinned(known.state.digest)
            command = msgspec.structs.replace(command, input=self._furnish(known, command))
            try:
                await self._queue.perform(lambda tx: self._open(tx, work, command, known, definition))
            except TooLarge as error:
                told = TaskEnded(self._clock(), work.id, "failed", reason=f"{error.code}: {error.message}")
                await self._desk.take_in(work.run, told, self._fence(work))
            self._tasks.wake()
        else:
            await self.hear(work, work.action)

    async def hear(self, work: Work, task: str) -> None:
        """Hand in what has become of the task that was opened for a command, or wait on."""
        ended, fence = await self._tasks.ended(task), self._fence(work)
        if ended is None:
            await self._desk.settle(fence, Stay(work.id, task))
            return
        await self._costs.count(work.run, work.id, ended.cost)
        event = TaskEnded(
            self._clock(), work.id, ended.outcome, ended.output, ended.reason, cost=ended.cost, breach=ended.breach
        )
        await self._desk.take_in(work.run, event, fence)

    def _fence(self, work: Work) -> Fence:
        return Fence(work.id, self._owner if work.attempts else None)

    async def performer(self, run: str, command: PerformTool) -> str:
        """The agent in whose name an action is done: that had the task of the step `doer` last, or the one named."""
        if not command.doer:
            return command.agent
        return await self._tasks.doer(run, paths.split(command.path)[0] + command.doer) or command.agent

    async def withdraw(self, task: str) -> None:
        """Whoever has it hears that it is not wanted any more when they say something next."""
        await self._queue.perform(lambda tx: self._tasks.withdraw(tx, task))

    async def prioritise(self, run: str, priority: int) -> None:
        """The open tasks of a run have this priority now."""
        await self._queue.perform(lambda tx: self._tasks.prioritise(tx, run, priority))

    def _open(self, tx: Tx, work: Work, command: OpenTask, known: Known, definition: Definition) -> None:
        """Open it and remember which it is, in one transaction; unless somebody else carries it out by now."""
        owner = tx.execute(select(table.c.owner).where(table.c.id == work.id)).scalar_one_or_none()
        if owner != self._owner:
            return
        task = self._tasks.open(tx, asked(command, known, definition))
        tx.execute(update(table).where(table.c.id == work.id).values(owner=None, due=None, action=task))


def asked(command: OpenTask, known: Known, definition: Definition) -> Asked:
    """The task with everything that whoever does it needs to know (R036). Pure."""
    state = known.state
    number = int.from_bytes(hashlib.sha256(command.id.encode()).digest()[:16], "big")
    results, sources = before(command.path, known, definition)
    until = state.started + definition.caps.time
    body = Body(
        command.goal,
        command.input,
        results,
        sources,
        constraints={"spend_left": left(definition, state), "run_until": until, "undoes": command.undoes},
        contract=command.contract,
        handed=command.handed,
    )
    return Asked(
        id=f"task_{ids.encode(number, 26)}",
        command=command.id,
        run=state.run,
        path=command.path,
        workflow=state.workflow,
        unit=known.unit,
        case=known.case,
        role=command.role,
        by=command.by,  # type: ignore[arg-type]  # one of the words of the manifest
        priority=PRIORITIES[state.priority],
        body=body,
        handovers=definition.caps.attempts,
        capability=command.capability,
        prefer=command.prefer,
        due=command.due,
        returned=command.returned,
        depth=state.depth,
        origin=known.origin,
    )


def before(path: str, known: Known, definition: Definition) -> tuple[dict[str, Json], tuple[dict[str, Json], ...]]:
    """The outputs of the steps that the one at `path` needs, by name, and where each comes from."""
    prefix, name = paths.split(path)
    results, sources, room = dict[str, Json](), list[dict[str, Json]](), MAX_RESULTS
    for needed in definition.steps[name].needs:
        found = known.state.steps.get(prefix + needed)
        if found is None or found.state not in DONE:
            continue
        source: dict[str, Json] = {"step": prefix + needed, **_doer(definition.steps[needed].work)}
        size = len(_encoder.encode(found.output))
        if size > min(MAX_RESULT, room):
            source["too_large"] = True
        else:
            results[needed] = found.output
            room -= size
        sources.append(source)
    return results, tuple(sources)


def _doer(work: Any) -> dict[str, str]:
    match work:
        case ToolWork():
            return {"tool": work.tool, "agent": work.agent}
        case DecideWork():
            return {"decision": work.decision}
    return {"kind": str(type(work).__struct_config__.tag)}
