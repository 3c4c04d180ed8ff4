"""Tasks that runs ask for: opened with all that came before, asked again, withdrawn, and what became of them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, func, select, update

from autonomy.db import Database, Tx
from autonomy.gate.store import action, case_holder
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Corrupt

from . import rules
from .model import AGENT, Body, By, Note, Task
from .records import Records, noted
from .store import COLUMNS, task, to_task
from .waiting import Waiting
from .workforce import Workforce

SPENDING = ("intent", "done", "failed", "unknown")  # states of actions that cost something, or may have


class Asked(Struct, frozen=True, kw_only=True):
    """A task of a run. `id` is made of `command`, so that asking twice is seen; `handovers` is the workflow's cap."""

    id: str
    command: str
    run: str
    path: str
    workflow: str
    unit: str
    case: str
    role: str
    by: By
    priority: int
    body: Body
    handovers: int
    capability: str | None = None
    prefer: tuple[str, ...] = ()
    due: int | None = None
    returned: str = ""
    depth: int = 0
    origin: tuple[str, ...] = ()


class Ended(Struct, frozen=True):
    """What became of a task of a run. `breach` says what is wrong with its output; `cost` is what the actions of those
    who had it came to, in minor units of the base currency.
    """

    outcome: Literal["done", "failed"]
    output: Json = None
    reason: str = ""
    breach: str = ""
    cost: int = 0


class RunTasks:
    """What runs have to do with tasks. Opening, withdrawing and prioritising happen in the runs' own transactions."""

    def __init__(
        self, database: Database, records: Records, workforce: Workforce, waiting: Waiting, clock: Clock
    ) -> None:
        self._database = database
        self._records = records
        self._workforce = workforce
        self._waiting = waiting
        self._clock = clock

    def wake(self) -> None:
        """Look whether somebody waits for what was opened."""
        self._waiting.wake()

    def open(self, tx: Tx, asked: Asked) -> str:
        """Open it, or ask again for the one whose result has come back; returns its id."""
        if (before := self._returned(tx, asked)) is not None:
            return self._again(tx, asked, before).id
        if self._records.find(tx, asked.id) is None:
            self._records.put(tx, self._new(asked), self._body(asked), f"run:{asked.run}")
        return asked.id

    def withdraw(self, tx: Tx, id: str) -> None:
        """The run does not want it any more."""
        found = self._records.find(tx, id)
        if found is not None and not found.is_over:
            self._records.move(tx, found, rules.withdraw(found), f"run:{found.run}")

    def prioritise(self, tx: Tx, run: str, priority: int) -> None:
        """The open tasks of a run have this priority now."""
        tx.execute(update(task).where(task.c.run == run, task.c.ended_at.is_(None)).values(priority=priority))

    async def ended(self, id: str) -> Ended | None:
        """What the run hears of the task; None while there is nothing to hear."""
        return await self._database.read(lambda connection: self._ended(connection, id))

    def _ended(self, connection: Connection, id: str) -> Ended | None:
        found = self._records.find(connection, id)
        if found is None:
            return Ended("failed", reason="the task is gone")
        if not found.is_over and not (found.state == "returned" and found.command is None):
            return None
        try:
            body = self._records.body(connection, id)
        except Corrupt:
            return Ended("failed", reason="limit.body: what goes with the task cannot be read")
        if found.state in ("done", "returned") or found.limit == "limit.returns":
            # The run says who is asked about what does not fit.
            return Ended("done", body.output, breach=body.reason, cost=_cost(connection, found))
        last = body.notes[-1].text if body.notes else ""
        told = ": ".join(part for part in (found.limit, last) if part)
        return Ended("failed", reason=told or f"the task was {found.state}", cost=_cost(connection, found))

    async def doer(self, run: str, path: str) -> str | None:
        """The agent that had the task of this step last; None where none did."""
        query = select(task.c.holder).where(task.c.run == run, task.c.path == path, task.c.holder.startswith(AGENT))
        query = query.order_by(task.c.opened_at.desc()).limit(1)
        holder = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if holder is None else str(holder).removeprefix(AGENT)

    def _returned(self, tx: Tx, asked: Asked) -> Task | None:
        """The task of this step whose result has come back."""
        query = select(*COLUMNS).where(task.c.run == asked.run, task.c.path == asked.path, task.c.state == "returned")
        row = tx.execute(query.where(task.c.command.is_(None)).order_by(task.c.opened_at.desc())).first()
        return None if row is None else to_task(row)

    def _again(self, tx: Tx, asked: Asked, before: Task) -> Task:
        change = rules.asked_again(before, asked.command, self._clock())
        again = {"role": asked.role, "home": asked.role, "asked_at": self._clock()}
        renewed = replace(change.task, **again, until=self._until(asked))
        body = replace(self._records.body(tx, before.id), goal=asked.body.goal, input=asked.body.input)
        return self._records.move(tx, before, replace(change, task=renewed), f"run:{asked.run}", body)

    def _new(self, asked: Asked) -> Task:
        return Task(
            asked.id,
            asked.unit,
            asked.role,
            asked.role,
            asked.by,
            asked.by,
            "open",
            asked.priority,
            f"run:{asked.run}",
            self._clock(),
            self._until(asked),
            asked.handovers,
            capability=asked.capability,
            prefer=asked.prefer,
            command=asked.command,
            run=asked.run,
            path=asked.path,
            workflow=asked.workflow,
            case=asked.case,
            depth=asked.depth,
            asked_at=self._clock(),
            origin=asked.origin,
        )

    def _body(self, asked: Asked) -> Body:
        bounds: dict[str, Any] = {"boundaries": self._workforce.boundaries(asked.role), "due": asked.due}
        body = replace(asked.body, constraints={**asked.body.constraints, **bounds})
        if not asked.returned:
            return body
        return noted(body, Note(self._clock(), f"run:{asked.run}", "returned", asked.returned))

    def _until(self, asked: Asked) -> int:
        """Until when somebody must have done it. Where the run has a deadline of its own, the run is what is asked."""
        return (self._clock() if asked.due is None else max(asked.due, self._clock())) + rules.UNTAKEN


def _cost(connection: Connection, found: Task) -> int:
    """What those who had the task have spent on it since it was asked for: by actions that name it."""
    had = select(case_holder.c.agent).where(case_holder.c.task == found.id)
    spent = select(func.coalesce(func.sum(action.c.money), 0)).where(
        action.c.task == found.id,
        action.c.agent_name.in_(had),
        action.c.state.in_(SPENDING),
        action.c.at >= found.asked_at,
    )
    return int(connection.execute(spent).scalar_one())
