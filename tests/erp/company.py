"""The company at work on Tryton: a whole system, agents known by key in both houses, and a look into Tryton itself."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from autonomy.gate import Reply
from autonomy.kernel.canonical import Json
from demo.tryton import organisation
from demo.tryton.server import Tryton
from tests.house import House, house

ASKS = 20


class Patient(House):
    """A house whose callers ask again where a fact could not be looked up in time, as the refusal tells them to.

    All facts of an action together have half a second; a real ERP on a busy machine does not always keep it.
    """

    async def ask(self, agent: str, tool: str, arguments: Mapping[str, Json], **more: object) -> Reply:
        for _ in range(ASKS):
            reply = await House.ask(self, agent, tool, arguments, **more)
            if reply.code != "fact.unavailable":
                break
        return reply


@asynccontextmanager
async def company(
    folder: Path,
    tryton: Tryton,
    database: str = "",
    url: str = "",
    *,
    without: Collection[str] = (),
    controlling: str = "",
    deadline: str = "10s",
    living: bool = False,
) -> AsyncIterator[House]:
    """The organisation of the pack in force, on `tryton` or whatever answers at `url` in its place.

    The agents in `without` have no key; no call to Tryton takes longer than `deadline`. A `living` one
    carries runs out.
    """
    declared = {
        path: text.replace("timeout: 10s", f"timeout: {deadline}").replace(
            "spec:\n  connector: erp\n", f"spec:\n  deadline: {deadline}\n  connector: erp\n"
        )
        for path, text in organisation.files(url or tryton.url, controlling or organisation.CONTROLLING_URL).items()
    }
    folder.mkdir(exist_ok=True)
    budgets = folder / organisation.CONTROLLING
    if not controlling and not budgets.exists():
        organisation.create_controlling(f"sqlite:///{budgets}")
    async with house(folder, database, declared, living=living) as made:
        keys = {agent: key for agent, key in tryton.keys.items() if agent not in without}
        for name, key in organisation.secrets(keys).items():
            made.system.secrets.set(name, key, "person:ada")
        yield Patient(made.system, made.folder, made.keys)


def rows(tryton: Tryton, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What Tryton's own tables say, past everybody."""
    with closing(sqlite3.connect(f"file:{tryton.database}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def orders(tryton: Tryton, action: str) -> list[tuple[Any, ...]]:
    """The purchase orders that carry the action as their reference, with their states."""
    return rows(tryton, "SELECT id, state FROM purchase_purchase WHERE reference = ?", action)


async def draft(it: House, sku: str, quantity: int = 10, **more: Any) -> Reply:
    """Have the buyer look up the contract and draft an order."""
    contract = (await it.ask("buyer-1", "contract.get", {"sku": sku})).result["rows"][0]
    asked = {name: contract[name] for name in ("supplier_id", "address_id", "product_id", "unit_id", "unit_price")}
    return await it.ask(
        "buyer-1", "purchase_order.create", {**asked, "quantity": quantity, "cost_center": "cc-assembly", **more}
    )


async def quoted(it: House, sku: str, quantity: int = 10, **more: Any) -> dict[str, Any]:
    """A drafted and quoted order, as its buyer sees it."""
    made = await draft(it, sku, quantity, **more)
    assert made.status == "done", made
    named = {name: made.result[name] for name in ("purchase_order_id", "version")}
    done = await it.ask("buyer-1", "purchase_order.quote", named)
    assert done.status == "done", done
    found = await it.ask("buyer-1", "purchase_order.get", {"purchase_order_id": named["purchase_order_id"]})
    shown: dict[str, Any] = found.result
    return shown


async def reserve(it: House, order: dict[str, Any], **more: Any) -> Reply:
    asked = {name: order[name] for name in ("purchase_order_id", "cost_center", "amount")}
    return await it.ask("budget-checker", "budget.reserve", {**asked, **more})


async def confirm(it: House, order: dict[str, Any], **more: Any) -> Reply:
    asked = {name: order[name] for name in ("purchase_order_id", "version", "supplier_id", "amount")}
    return await it.ask("buyer-1", "purchase_order.confirm", {**asked, **more})
