"""What the gate adds to a read and a write of a running Tryton, beside the same requests sent straight to it.

Direct and governed calls take turns, so that both meet the same Tryton, whose own time changes from call to call.

Reads are those of an agent at work on one case. The first read of a case is measured beside them: it labels the case
with what it has seen, and waits until the label is durable, which is one more commit.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from autonomy.catalog import read
from autonomy.gate import Request
from autonomy.wiring import Settings, System, open_system
from demo.tryton import organisation
from demo.tryton.server import Tryton

from .measure import BLOCKS, Scale, median

READER, WRITER = "buyer-2", "sales-1"
READS, WRITES = 40, 16  # pairs of calls in a block
CONTEXT = {"X-Tryton-Context": "eyJjb21wYW55IjogMSwgImxvY2F0aW9ucyI6IFs1XX0="}

Call = Callable[[int], Awaitable[None]]


def measure(scale: Scale) -> dict[str, float]:
    """What is added to a read, to the first read of a case and to a write, and beside them what Tryton needs alone."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Tryton(Path(folder) / "tryton") as tryton,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_measure(Path(folder), tryton, scale))


async def _measure(folder: Path, tryton: Tryton, scale: Scale) -> dict[str, float]:
    system = await asyncio.to_thread(_prepare, folder, tryton)
    await system.start()
    try:
        async with aiohttp.ClientSession() as session:
            return await _figures(system, _Direct(session, tryton), scale)
    finally:
        await system.stop()


async def _figures(system: System, direct: _Direct, scale: Scale) -> dict[str, float]:
    keys = {name: await asyncio.to_thread(_key, system, name) for name in (READER, WRITER)}
    governed = _Governed(system, keys)
    blocks: dict[str, list[tuple[float, float]]] = {"read": [], "first_read": [], "write": []}
    await _block(direct.read, governed.read, 5)  # both lines are open, everything is loaded
    await _block(direct.write, governed.write, 2)
    for _ in range(BLOCKS):
        blocks["read"].append(await _block(direct.read, governed.read, scale.of(READS, 2)))
        blocks["first_read"].append(await _block(direct.read, governed.first_read, scale.of(READS, 2)))
        blocks["write"].append(await _block(direct.write, governed.write, scale.of(WRITES, 2)))
    found: dict[str, float] = {}
    for name, measured in blocks.items():
        found[f"tryton_{name}_added_ms"] = median([after - before for before, after in measured])
        if name != "first_read":
            found[f"tryton_{name}_direct_ms"] = median([before for before, _ in measured])
    return found


async def _block(direct: Call, governed: Call, pairs: int) -> tuple[float, float]:
    """The medians of direct and of governed calls, in milliseconds; who comes first changes from pair to pair."""
    times: dict[Call, list[float]] = {direct: [], governed: []}
    for number in range(pairs):
        for call in (direct, governed) if number % 2 else (governed, direct):
            started = time.perf_counter()
            await call(number)
            times[call].append((time.perf_counter() - started) * 1000)
    return median(times[direct]), median(times[governed])


class _Direct:
    """The requests of the two tools, with the keys that the gate keeps from agents."""

    def __init__(self, session: aiohttp.ClientSession, tryton: Tryton) -> None:
        self._session = session
        self._url = tryton.url
        self._keys = tryton.keys

    async def read(self, _: int) -> None:
        # The domain is [["state","in",["draft","quotation","confirmed","processing"]]], the order [["id","DESC"]].
        fields = "&".join(f"f={name}" for name in ("number", "state", "party.name", "total_amount", "_timestamp"))
        domain = "W1sic3RhdGUiLCJpbiIsWyJkcmFmdCIsInF1b3RhdGlvbiIsImNvbmZpcm1lZCIsInByb2Nlc3NpbmciXV1d"
        await self._send("GET", f"/purchase.purchase?d={domain}&{fields}&o=W1siaWQiLCJERVNDIl1d&s=50", READER)

    async def write(self, number: int) -> None:
        body = {
            "party": 11,
            "employee": 1,
            "description": "bench",
            "amount": "1200.00",
            "reference": f"direct-{number}",
        }
        await self._send("POST", "/sale.opportunity?f=number&f=state&f=_timestamp", WRITER, body)

    async def _send(self, method: str, path: str, agent: str, body: Any = None) -> None:
        headers = {"Authorization": f"Bearer {self._keys[agent]}", **CONTEXT}
        async with self._session.request(method, self._url + path, json=body, headers=headers) as answer:
            await answer.json()
            answer.raise_for_status()


class _Governed:
    """The same through the door."""

    def __init__(self, system: System, keys: dict[str, str]) -> None:
        self._gate = system.gate
        self._keys = keys

    async def read(self, _: int) -> None:
        await self._ask(READER, "purchase_order.list_open", "one piece of work")

    async def first_read(self, _: int) -> None:
        await self._ask(READER, "purchase_order.list_open", _new_case())

    async def write(self, _: int) -> None:
        noted = {"customer_id": 11, "description": "bench", "amount": "1200.00"}
        await self._ask(WRITER, "opportunity.create", _new_case(), **noted)

    async def _ask(self, agent: str, tool: str, case: str, **arguments: Any) -> None:
        reply = await self._gate.perform(self._keys[agent], Request(tool, arguments, case=case))
        if reply.status != "done":
            raise RuntimeError(f"`{tool}` was {reply.status}: {reply.message}")


def _new_case() -> str:
    return f"bench {time.monotonic_ns()}"


def _prepare(folder: Path, tryton: Tryton) -> System:
    """The company on Tryton, every agent fast enough to be measured."""
    system = open_system(replace(Settings(), data=folder / "data"))
    organisation.create_controlling(f"sqlite:///{folder / 'data' / organisation.CONTROLLING}")
    for name, key in organisation.secrets(tryton.keys).items():
        system.secrets.set(name, key, "person:ada")
    files = organisation.files(tryton.url)
    files["agents.yaml"] = files["agents.yaml"].replace("ratePerMinute: 120", "ratePerMinute: 100000")
    system.catalog.apply(read(files), by="person:ada")
    return system


def _key(system: System, agent: str) -> str:
    return system.identity.issue_credential(agent, "api_key", "system").secret
