"""Checks whether writes had their effect, where their tools declare how: some time later, by looking, never by asking
the agent. What is found is a label of the result.

What is due is learnt from the log: the place up to which it was looked after moves in the transaction that writes down
what is to be checked. A check is claimed by one process for a minute, and taken off in the transaction of its label.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, delete, insert, select, update

from autonomy.audit.store import leaf
from autonomy.catalog.model import CheckSpec
from autonomy.db import CommitQueue, Database, Tx, metadata
from autonomy.gate import Results, Watch
from autonomy.gate.leftovers import Pinned
from autonomy.gate.results import Waiting
from autonomy.kernel.clock import MINUTE, Clock, duration
from autonomy.kernel.errors import AutonomyError, Invalid, NotFound, Unavailable
from autonomy.kernel.repeating import repeat
from autonomy.tools import Connectors, Invocation, Tool
from autonomy.tools.effects import had_effect

from .cells import figure_place, log_size
from .counting import read_said
from .label_rules import CHECK, Given
from .labels import Labels

log = logging.getLogger("autonomy.insight")

LOOK_SECONDS = 1.0
MAX_LEAVES = 5_000  # looked through at once
LAZY = 1_000  # leaves without anything to check, after which the place is moved all the same
AT_ONCE = 20  # checks that one process has in hand
CLAIM_MS = MINUTE  # after which another process may do it
LOOK_UP_SECONDS = 10.0
PAUSES = (MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE)  # between tries where a system does not answer
PLACE = "checks"

outcome_check = Table(
    "outcome_check",
    metadata,
    Column("action", Text, primary_key=True),
    Column("tool", Text, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("owner", Text, nullable=False),
)
"""Checks that are to be made. `due`: from when somebody may claim one; a claim moves it on."""
Index("outcome_check_due", outcome_check.c.due)


class Checking:
    """Notices what is to be checked, and checks it, in the name of the process `owner`."""

    def __init__(
        self,
        *,
        database: Database,
        queue: CommitQueue,
        watch: Watch,
        results: Results,
        connectors: Connectors,
        labels: Labels,
        pinned: Pinned,
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._watch = watch
        self._results = results
        self._connectors = connectors
        self._labels = labels
        self._pinned = pinned
        self._owner = owner
        self._clock = clock
        self._seen = 0

    async def run(self) -> None:
        """Look until cancelled. What fails is logged and looked at again."""
        await repeat(self._turn, LOOK_SECONDS, log, "could not check outcomes")

    async def _turn(self) -> None:
        await self.notice()
        await self.check()

    async def notice(self) -> None:
        """Write down what is to be checked of the actions that were done since."""
        size, place = await self._database.read(_place)
        if place is None:
            await self._queue.perform(lambda tx: _begin(tx, size))
            return
        start = max(place, self._seen)
        stop = min(size, start + MAX_LEAVES)
        if stop <= start:
            return
        wanted = {name: tool.spec.check for name, tool in (await self._watch.house()).registry.tools.items()}
        checks = {name: check for name, check in wanted.items() if check is not None}
        found = await self._database.read(lambda connection: _done(connection, checks, start, stop)) if checks else []
        if (found or stop - place >= LAZY) and not await self._queue.perform(lambda tx: _note(tx, place, stop, found)):
            return  # another process was faster, but may have seen less: look again from where it came to
        self._seen = stop

    async def check(self) -> int:
        """Make the checks that are due; returns how many were claimed."""
        now = self._clock()
        due = await self._database.read(lambda connection: _due(connection, now))
        if not due:
            return 0
        claimed = await self._queue.perform(lambda tx: [one for one in due if self._claim(tx, one, now)])
        await asyncio.gather(*(self._check(action, tries) for action, _, tries in claimed))
        return len(claimed)

    def _claim(self, tx: Tx, one: tuple[str, int, int], now: int) -> bool:
        action, due, _ = one
        mine = update(outcome_check).where(outcome_check.c.action == action, outcome_check.c.due == due)
        return tx.execute(mine.values(due=now + CLAIM_MS, owner=self._owner)).rowcount == 1

    async def _check(self, action: str, tries: int) -> None:
        try:
            given = await self._look(action)
        except Unavailable as error:
            await self._later(action, tries, error)
            return
        except (Invalid, NotFound) as error:
            await self._drop(action, error)
            return
        if given is None:
            await self._queue.perform(lambda tx: self._take_off(tx, action))
            return
        await self._label(action, given)

    async def _look(self, action: str) -> Given | None:
        """What the check of an action comes to; None where its arguments were erased. Raises Unavailable, Invalid."""
        waiting, reply = await self._results.waiting(action), await self._results.outcome(action)
        tool = await self._tool(waiting)
        if waiting.arguments is None or tool.spec.check is None:
            return None
        arguments = json.loads(waiting.arguments)
        facts = await self._facts(tool, tool.spec.check, arguments, waiting)
        fits = had_effect(tool.spec.check, arguments, reply.result, facts)
        return Given("right" if fits else "wrong", f"{CHECK}:{tool.name}", found=dict(facts))

    async def _facts(
        self, tool: Tool, check: CheckSpec, arguments: Mapping[str, Any], waiting: Waiting
    ) -> Mapping[str, Any]:
        """What is looked up: as for facts before a decision, by the agent that acted."""
        looking = replace(tool, spec=tool.spec.model_copy(update={"facts": check.facts}))
        row = waiting.row
        who = Invocation(row.id, row.agent, LOOK_UP_SECONDS, case=row.case_id, behind=waiting.behind)
        return await self._connectors.facts(looking, arguments, who, LOOK_UP_SECONDS)

    async def _tool(self, waiting: Waiting) -> Tool:
        """The tool in the wording it was performed in."""
        name, revision = waiting.row.tool, waiting.row.tool_revision
        tool = (await self._watch.house()).registry.tools.get(name)
        if tool is None or tool.revision != revision:
            return await asyncio.to_thread(self._pinned, name, revision)
        return tool

    async def _label(self, action: str, given: Given) -> None:
        try:
            await self._labels.give(
                "action", action, given, self._watch.identity, fence=lambda tx: self._take_off(tx, action)
            )
        except AutonomyError as error:
            log.warning("what the check of %s found is not recorded yet: %s", action, error.code)

    async def _later(self, action: str, tries: int, error: AutonomyError) -> None:
        if tries >= len(PAUSES):
            await self._drop(action, error)
            return
        due = self._clock() + PAUSES[tries]
        mine = update(outcome_check).where(self._is_mine(action)).values(due=due, tries=tries + 1)
        await self._queue.perform(lambda tx: tx.execute(mine).rowcount)

    async def _drop(self, action: str, error: AutonomyError) -> None:
        log.warning("whether %s had its effect cannot be told: %s", action, error.code)
        await self._queue.perform(lambda tx: self._take_off(tx, action))

    def _take_off(self, tx: Tx, action: str) -> bool:
        return tx.execute(delete(outcome_check).where(self._is_mine(action))).rowcount == 1

    def _is_mine(self, action: str) -> Any:
        return (outcome_check.c.action == action) & (outcome_check.c.owner == self._owner)


def _place(connection: Connection) -> tuple[int, int | None]:
    """How many leaves there are, and how far they were looked after."""
    query = select(figure_place.c.next).where(figure_place.c.name == PLACE)
    return log_size(connection), connection.execute(query).scalar_one_or_none()


def _begin(tx: Tx, size: int) -> None:
    if tx.execute(select(figure_place.c.name).where(figure_place.c.name == PLACE)).first() is None:
        tx.execute(insert(figure_place).values(name=PLACE, next=size, holder="", until=0))


def _done(connection: Connection, checks: Mapping[str, CheckSpec], start: int, stop: int) -> list[tuple[str, str, int]]:
    """Action, tool and time of check of what was done with tools that declare one."""
    columns = leaf.c
    query = select(columns.action, columns.body).where(
        columns.idx >= start, columns.idx < stop, columns.kind.in_(("outcome", "reconcile"))
    )
    found = []
    for action, body in connection.execute(query):
        said = read_said(bytes(body))
        check = checks.get(said.tool)
        if check is not None and said.status == "done":
            found.append((action, said.tool, said.at + duration(check.after)))
    return found


def _note(tx: Tx, place: int, stop: int, found: Sequence[tuple[str, str, int]]) -> bool:
    here = update(figure_place).where(figure_place.c.name == PLACE, figure_place.c.next == place).values(next=stop)
    if tx.execute(here).rowcount != 1:
        return False
    rows = [{"action": action, "tool": tool, "due": due, "tries": 0, "owner": ""} for action, tool, due in found]
    if rows:
        tx.execute(insert(outcome_check), rows)
    return True


def _due(connection: Connection, now: int) -> list[tuple[str, int, int]]:
    columns = outcome_check.c
    query = select(columns.action, columns.due, columns.tries).where(columns.due <= now)
    rows = connection.execute(query.order_by(columns.due).limit(AT_ONCE))
    return [(row.action, row.due, row.tries) for row in rows]
