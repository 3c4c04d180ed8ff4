"""A whole system for tests: the starter organisation, its business database, and agents with API keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import uvicorn

from autonomy.catalog import read, starter
from autonomy.gate import Reply, Request
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import Unavailable
from autonomy.server.app import Server
from autonomy.server.serving import bind
from autonomy.wiring import Functions, Settings, System, open_system
from tests.templates import put_business, put_migrated


@dataclass(slots=True)
class House:
    """A running system and the credentials of its agents, who are `patient`: where a busy machine does not decide in
    time, and nothing was done, they ask again."""

    system: System
    folder: Path
    keys: dict[str, str]
    patient: bool = True
    making: Lock = field(default_factory=Lock)

    def key(self, agent: str) -> str:
        """An API key of the agent, made the first time."""
        with self.making:
            if agent not in self.keys:
                self.keys[agent] = self.system.identity.issue_credential(agent, "api_key", "system").secret
            return self.keys[agent]

    async def meet(self, *agents: str) -> None:
        """Give them their credentials now: each moves the epoch, under which others may just be decided."""
        for agent in agents:
            await asyncio.to_thread(self.key, agent)

    async def ask(self, agent: str, tool: str, arguments: Mapping[str, Json], **more: object) -> Reply:
        """The agent's call through the door."""
        key = await asyncio.to_thread(self.key, agent)
        while True:
            try:
                return await self.system.gate.perform(key, Request(tool, arguments, **more))  # type: ignore[arg-type]
            except Unavailable as error:
                if error.code != "gate.timeout" or not self.patient:
                    raise

    async def approve(self, action: str, *people: str) -> None:
        """Each of the people approves what they are shown; then it is carried out."""
        for person in people:
            hold = await asyncio.to_thread(self.system.approvals.get, action)
            await asyncio.to_thread(self.system.approvals.decide, action, person, "approve", hold.shown)
        await self.system.taking_up.look()
        await self.system.taking_up.idle()


def declare(system: System, files: Mapping[str, str], message: str = "") -> None:
    """Apply files as an admin would."""
    system.catalog.apply(read(dict(files)), by="person:admin", message=message)


@asynccontextmanager
async def house(
    folder: Path,
    database: str = "",
    files: Mapping[str, str] | None = None,
    *,
    living: bool = False,
    functions: Functions | None = None,
    clock: Clock = now,
    **set: Any,
) -> AsyncIterator[House]:
    """The starter organisation (or `files`) in force; `living` starts the background work as a server would;
    `set` are settings that differ.

    `functions` are the Python connectors by the name of their entry point. A second house on the same folder and
    database is a second process as far as the store can tell.
    """
    system = await asyncio.to_thread(partial(prepare, folder, database, files, functions, clock, **set))
    if living:
        await system.start()
    else:
        await system.lifeline.beat()
        await system.watch.refresh()
    try:
        yield House(system, folder, {})
    finally:
        if living:
            await system.stop()
        else:
            await system.taking_up.close()
            await system.effects.close()
            await system.connectors.close()
            system.close()


def prepare(
    folder: Path,
    database: str = "",
    files: Mapping[str, str] | None = None,
    functions: Functions | None = None,
    clock: Clock = now,
    **set: Any,
) -> System:
    """A system with an organisation and, where the starter is used, its business database."""
    if not database:
        put_migrated(folder / "autonomy.sqlite")
    system = open_system(replace(Settings(), data=folder, database=database, **set), clock, functions)
    if files is None:
        put_business(folder / "business.sqlite")
    if system.catalog.organisation().epoch == 0:
        declare(system, starter.organisation() if files is None else files)
    return system


@asynccontextmanager
async def served(system: System, port: int = 0) -> AsyncIterator[str]:
    """The system behind a real server on loopback; yields its URL."""
    bound = bind("127.0.0.1", port)
    server = uvicorn.Server(uvicorn.Config(Server(system), lifespan="off", ws="none", log_config=None))
    running = asyncio.create_task(server.serve([bound]))
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
