"""A real system under work, in a process of its own, to be killed at any moment.

Whatever it has been told is durable it says on a pipe, one JSON object a line: that is the acknowledgement whose loss
would be a defect.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from autonomy.approvals.store import hold
from autonomy.audit.store import read_head
from autonomy.gate import Request
from autonomy.gate.store import action
from autonomy.insight.evidence import Evidence
from autonomy.kernel.errors import AutonomyError, Corrupt
from autonomy.kernel.failpoint import arm
from autonomy.wiring import Settings, System, open_system
from tests.crash.upstream import Upstream
from tests.gate.works import POLICY, organisation
from tests.house import declare

WORKERS = 6
TOOLS = ("look", "press", "post", "shout", "pay", "pay", "nothing")


@dataclass(frozen=True)
class Orders:
    """What a driver is to do. Everything lies in `folder`; `database` is empty for SQLite."""

    folder: Path
    database: str
    seed: int
    failpoint: str = ""
    passes: int = 1

    @property
    def journal(self) -> Path:
        return self.folder / "upstream.journal"

    @property
    def export(self) -> Path:
        return self.folder / "export.jsonl"

    def open(self) -> System:
        """The system, with the organisation in force."""
        upstream = Upstream(self.journal, random.Random(self.seed))
        settings = Settings(data=self.folder, database=self.database, witness=self.folder / "witness")
        system = open_system(settings, functions={"plant": upstream})
        if system.catalog.organisation().epoch == 0:
            declare(system, organisation())
        return system


def prepare(orders: Orders) -> str:
    """Make the store, its organisation and the key of an agent."""
    system = orders.open()
    try:
        return system.identity.issue_credential("w1", "api_key", "system").secret
    finally:
        system.close()


def drive(orders: Orders, key: str, pipe: int) -> None:
    """Work until killed."""
    arm(orders.failpoint, orders.passes)
    asyncio.run(_Driver(orders, key, pipe).run())


def recover(orders: Orders) -> None:
    """Start again, wait until everything begun has ended, and export the log."""
    asyncio.run(_recover(orders))


class _Driver:
    def __init__(self, orders: Orders, key: str, pipe: int) -> None:
        self.orders = orders
        self.key = key
        self.pipe = pipe
        self.luck = random.Random(orders.seed)
        self.system = orders.open()

    async def run(self) -> None:
        await self.system.start()
        await asyncio.gather(*(self.work(number) for number in range(WORKERS)), self.sign(), self.declare())

    async def work(self, number: int) -> None:
        """Calls, one after the other; what is held is approved by somebody who may."""
        while True:
            tool = self.luck.choice(TOOLS)
            arguments = {"payee": "x", "amount": "150.00"} if tool == "pay" else {"n": number}
            request = Request(tool, arguments, case=f"case {self.luck.random()}")
            with self.telling():
                reply = await self.system.gate.perform(self.key, request)
                self.say(action=reply.action, tool=tool, status=reply.status)
                if reply.status == "held":
                    await self.approve(reply.action)

    async def approve(self, held: str) -> None:
        approvals = self.system.approvals
        shown = (await asyncio.to_thread(approvals.get, held)).shown
        await asyncio.to_thread(approvals.decide, held, "bea", "approve", shown)
        self.say(action=held, approved=True)
        self.system.taking_up.wake()

    async def sign(self) -> None:
        """Checkpoints far more often than a server would make them."""
        while True:
            with self.telling():
                note = await self.system.checkpoints.sign()
                self.say(checkpoint=int(note.splitlines()[1]))
            await asyncio.sleep(0.02)

    async def declare(self) -> None:
        """A rule that changes while work goes on."""
        while True:
            await asyncio.sleep(0.05)
            text = f"{POLICY}\n// revision {self.luck.random()}\n"
            with self.telling():  # another driver may be faster
                await asyncio.to_thread(declare, self.system, organisation(policy=text))
                self.say(declared=True)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What is refused is said, and work goes on."""
        try:
            yield
        except AutonomyError as error:
            self.say(error=error.code)

    def say(self, **told: object) -> None:
        os.write(self.pipe, json.dumps(told).encode() + b"\n")


async def _recover(orders: Orders) -> None:
    system = await asyncio.to_thread(orders.open)
    await system.start()
    while await system.database.read(_open):
        await system.taking_up.look()
        await system.taking_up.idle()
    await system.effects.idle()
    size = await _signed(system)
    await asyncio.to_thread(_export, system, size, orders.export)
    await system.stop()


async def _signed(system: System) -> int:
    """Sign the log as it is now, and say how many leaves it has. A log that is not the one that was signed before is
    not signed; it is exported as it is all the same, for whoever has to find that out."""
    try:
        return int((await system.checkpoints.sign()).splitlines()[1])
    except Corrupt as error:
        assert error.code == "log.rewritten"
        return (await system.database.read(read_head))[0]


def _open(connection) -> int:  # type: ignore[no-untyped-def]
    """How much is still begun, or approved and not begun."""
    begun = select(func.count()).select_from(action).where(action.c.state == "intent")
    ready = select(func.count()).select_from(hold).where(hold.c.state.in_(("ready", "claimed")))
    return int(connection.execute(begun).scalar_one() + connection.execute(ready).scalar_one())


def _export(system: System, size: int, path: Path) -> None:
    lines = Evidence(system.database, system.vault).export_lines(system.checkpoints.signer, size, reveal=True)
    path.write_bytes(b"".join(lines))
