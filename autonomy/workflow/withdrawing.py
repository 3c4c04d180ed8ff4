"""What becomes of commands that are not wanted, or not now: looked at before each is begun, and when it is withdrawn.

A run that waits for the end of what it withdrew hears it: of what was never begun, that it was not.
"""

from __future__ import annotations

import logging
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row, select

from autonomy.approvals import Approvals
from autonomy.db import CommitQueue, Database
from autonomy.gate import Results
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound

from . import paths
from .children import WITHDRAWN, Children
from .codec import Codec, Unreadable
from .desk import Desk
from .events import AnyEvent, ChildEnded, Performed, PutBack, TaskEnded
from .giving_up import kind
from .handing_out import HandingOut
from .model import Command, OpenTask, PerformTool, StartChild, Withdraw
from .ports import Work
from .standing import Standing, standing
from .store import command as table
from .turn import BEGINS_WORK
from .units import Fence, Stay

log = logging.getLogger("autonomy.workflow")

SOON_MS = 200  # until what is being carried out is looked at again; the longer it takes, the later
LATEST_MS = 5_000


class Withdrawing:
    """The carrier of `Withdraw`, and the look before a command is begun; in the name of one process, its `owner`."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        codec: Codec,
        desk: Desk,
        results: Results,
        approvals: Approvals,
        handing_out: HandingOut,
        children: Children,
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._desk = desk
        self._results = results
        self._approvals = approvals
        self._handing_out = handing_out
        self._children = children
        self._owner = owner
        self._clock = clock

    async def is_left(self, work: Work) -> bool:
        """Whether the command is not to be begun: its run does not want it any more, or rests. Of what has been begun
        already the end is looked for as ever.
        """
        command = work.command
        if not work.run or work.action is not None or not work.attempts or not isinstance(command, BEGINS_WORK):
            return False
        stands = await self._standing(work, command)
        if stands == "wanted" or (not work.first and await self._begun(work.run, command)):
            return False
        fence = Fence(work.id, self._owner)
        if stands == "held back":
            taken = await self._desk.take_in(work.run, PutBack(self._clock(), command), fence)
            if standing(taken.state, command) != "held back":  # it goes on, or has ended, since we looked
                return await self.is_left(replace(work, first=False))
        elif stands == "withdrawn":
            await self._desk.take_in(work.run, not_begun(command, self._clock()), fence)
        else:
            await self._desk.settle(fence)
        return True

    async def _standing(self, work: Work, command: Command) -> Standing:
        """What a run asks for at this very moment is wanted, as far as is remembered; all else, the store says."""
        if work.first and standing((await self._desk.known(work.run)).state, command) == "wanted":
            return "wanted"
        return standing((await self._desk.look(work.run)).state, command)

    async def carry(self, work: Work, command: Withdraw) -> None:
        """Let the command go once nobody is at work on it; what is under way answers by itself."""
        mine, row = await self._database.read(lambda connection: _rows(connection, work.id, command.target))
        if row is not None and row.owner is None:
            await self._let_go(work.run, command, row)
            mine, row = await self._database.read(lambda connection: _rows(connection, work.id, command.target))
        at_work = mine is not None and row is not None and row.owner is not None
        stay = Stay(work.id, due=self._later(mine), forgiven=1) if at_work else None
        await self._desk.settle(Fence(work.id, self._owner), stay)

    def _later(self, row: Any) -> int:
        at = self._clock()
        return at + min(LATEST_MS, max(SOON_MS, at - int(row.at)))

    async def _let_go(self, run: str, command: Withdraw, row: Any) -> None:
        wanted = self._codec.look_into(row.id, row.kind, bytes(row.body))
        if isinstance(wanted, Unreadable):
            await self.end(
                Work(run, wanted, 0, row.action), command.compensate
            )  # whoever takes it gives it up, and its run hears so
            return
        begun = row.action or await self._begun(run, wanted)
        if begun is None:
            await self._answer(run, wanted)
        elif isinstance(wanted, StartChild):
            await self._children.withdraw(run, row.id, command.compensate)
        elif isinstance(wanted, OpenTask):
            await self._handing_out.withdraw(begun)
            await self._handing_out.carry(Work(run, wanted, 0, begun), wanted)
        else:
            await self._end_hold(begun)
            if not isinstance(wanted, PerformTool):
                await self._desk.settle(Fence(row.id, None))

    async def end(self, work: Work, compensate: bool = False) -> None:
        """End what was begun for a command that is given up: its run hears of it no more, and may begin it again. With
        `compensate` what a run inside did is undone first."""
        match kind(work):
            case "start_child" if await self._children.is_inside(work.id):
                await self._children.withdraw(work.run, work.id, compensate)
            case "open_task" if work.action is not None:
                await self._handing_out.withdraw(work.action)
            case "ask_approval" | "perform_tool" if work.action is not None:
                await self._end_hold(work.action)

    async def _answer(self, run: str, command: Command) -> None:
        """Say that it was not begun; whoever begins it at this moment is faster."""
        fence = Fence(command.id, None)
        if isinstance(command, PerformTool | OpenTask | StartChild):
            await self._desk.take_in(run, not_begun(command, self._clock()), fence)
        else:
            await self._desk.settle(fence)

    async def _begun(self, run: str, command: Command) -> str | None:
        """What somebody, who may be gone since, has begun for the command: the action, or the run inside."""
        if isinstance(command, StartChild):
            child = paths.derived("run", command.id)
            return child if await self._children.begun(child) else None
        if not isinstance(command, PerformTool):
            return None  # it is done in the transaction that ends the command, or changes nothing
        return await self._results.begun(await self._handing_out.performer(run, command), command.id)

    async def _end_hold(self, action: str) -> None:
        try:
            await self._queue.perform(lambda tx: self._approvals.withdraw_in(tx, action, "system"))
        except (Conflict, NotFound) as error:
            log.info("%s is not withdrawn: %s", action, error.code)  # it is over, or being carried out


def not_begun(command: Command, at: int) -> AnyEvent:
    """What a run hears of a command that nobody began before it was withdrawn."""
    if isinstance(command, StartChild):
        return ChildEnded(at, command.id, "compensated", reason=WITHDRAWN)
    if isinstance(command, OpenTask):
        return TaskEnded(at, command.id, "failed", reason=WITHDRAWN)
    return Performed(at, command.id, "failed", reason=WITHDRAWN, again=False)


def _rows(connection: Connection, mine: str, target: str) -> tuple[Row[Any] | None, Row[Any] | None]:
    """The row of a withdrawal, and that of what it is about."""
    found = {row.id: row for row in connection.execute(select(table).where(table.c.id.in_((mine, target))))}
    return found.get(mine), found.get(target)
