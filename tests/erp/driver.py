"""A real system buying on Tryton, in a process of its own, to be killed at any moment.

Whatever it has been told is durable it says on a pipe, as JSON: that is the acknowledgement whose loss would be a
defect.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Store
from sqlalchemy import func, select

from autonomy.gate import Reply, Request
from autonomy.gate.store import action
from autonomy.kernel.errors import Unavailable
from autonomy.wiring import Settings, System, open_system
from demo.tryton import organisation
from tests.house import declare

WORKERS = 3
PRODUCTS = [f"sku-{number:04}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20)]
DEADLINE = "3s"


@dataclass(frozen=True)
class Orders:
    """Where everything lies, which Tryton to buy on, and with which luck."""

    folder: Path
    url: str
    secrets: Mapping[str, str]
    seed: int = 1

    def open(self) -> System:
        """The system, with the organisation in force: the pack's, but that a product may be ordered again and again."""
        system = open_system(replace(Settings(), data=self.folder))
        if system.catalog.organisation().epoch == 0:
            organisation.create_controlling(f"sqlite:///{self.folder / organisation.CONTROLLING}")
            for name, key in self.secrets.items():
                system.secrets.set(name, key, "person:ada")
            declare(system, {path: _hasty(text) for path, text in organisation.files(self.url).items()})
        return system


def _hasty(text: str) -> str:
    return text.replace("context.facts.open_order > 0", "context.facts.open_order < 0").replace(
        "spec:\n  connector: erp\n", f"spec:\n  deadline: {DEADLINE}\n  connector: erp\n"
    )


def prepare(orders: Orders, pipe: Connection) -> None:
    """Make the store and the keys of the agents, and tell them."""
    system = orders.open()
    try:
        agents = ("buyer-1", "budget-checker")
        pipe.send({name: system.identity.issue_credential(name, "api_key", "system").secret for name in agents})
    finally:
        system.close()


def drive(orders: Orders, keys: Mapping[str, str], pipe: Connection) -> None:
    """Buy until killed."""
    asyncio.run(_drive(orders, keys, pipe))


def recover(orders: Orders, pipe: Connection) -> None:
    """Start again, wait until everything begun has ended, and tell how each action ended."""
    asyncio.run(_recover(orders, pipe))


async def _drive(orders: Orders, keys: Mapping[str, str], pipe: Connection) -> None:
    system = await asyncio.to_thread(orders.open)
    await system.start()
    luck = random.Random(orders.seed)
    await asyncio.gather(*(_Buyer(system, keys, pipe, luck).run() for _ in range(WORKERS)))


class _Buyer:
    """Drafts orders, and takes every third to its supplier."""

    def __init__(self, system: System, keys: Mapping[str, str], pipe: Connection, luck: random.Random) -> None:
        self._gate = system.gate
        self._keys = keys
        self._pipe = pipe
        self._luck = luck

    async def run(self) -> None:
        while True:
            contract = await self._ask("buyer-1", "contract.get", sku=self._luck.choice(PRODUCTS))
            if contract.status != "done":
                continue
            names = ("supplier_id", "address_id", "product_id", "unit_id", "unit_price")
            named = {name: contract.result["rows"][0][name] for name in names}
            made = await self._ask("buyer-1", "purchase_order.create", **named, quantity=1, cost_center="cc-service")
            if made.status == "done" and self._luck.random() < 0.34:
                await self._buy(made.result["purchase_order_id"], made.result["version"])

    async def _buy(self, order: int, version: str) -> None:
        named = {"purchase_order_id": order}
        await self._ask("buyer-1", "purchase_order.quote", **named, version=version)
        shown = (await self._ask("buyer-1", "purchase_order.get", **named)).result
        if shown:
            asked = {name: shown[name] for name in ("version", "supplier_id", "amount")}
            bill = {"cost_center": "cc-service", "amount": shown["amount"]}
            await self._ask("budget-checker", "budget.reserve", **named, **bill)
            await self._ask("buyer-1", "purchase_order.confirm", **named, **asked)

    async def _ask(self, agent: str, tool: str, **arguments: Any) -> Reply:
        case = f"case {self._luck.random()}"
        while True:
            try:
                reply = await self._gate.perform(self._keys[agent], Request(tool, arguments, case=case))
                break
            except Unavailable:
                continue  # the machine is busy: nothing was done, and whoever wants it asks again
        said = {"action": reply.action, "tool": tool, "status": reply.status}
        self._pipe.send_bytes(json.dumps(said).encode())
        return reply


async def _recover(orders: Orders, pipe: Connection) -> None:
    system = await asyncio.to_thread(orders.open)
    await system.start()
    while await system.database.read(_open):
        await system.taking_up.look()
        await system.taking_up.idle()
    await system.effects.idle()
    ended = await system.database.read(_ended)
    await system.stop()
    pipe.send(ended)


def _open(connection: Store) -> int:
    begun = select(func.count()).select_from(action).where(action.c.state == "intent")
    return int(connection.execute(begun).scalar_one())


def _ended(connection: Store) -> dict[str, tuple[str, str, str | None]]:
    """Tool, state and code of every action."""
    found = connection.execute(select(action.c.id, action.c.tool, action.c.state, action.c.code))
    return {name: (tool, state, code) for name, tool, state, code in found}
