"""Chooses the supplier in the ERP, drafts the order, has finance reserve its budget, and confirms it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from desk import Desk, Handler, hand_over, note, work

NAME = os.environ.get("AGENT_NAME", "buyer-1")
CHECKER = os.environ.get("BUDGET_CHECKER", "budget-checker")


class Buyer:
    """Buys what is asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[str, Handler]:
        """The tasks it takes."""
        return {"reorder": self.reorder, "draft": self.draft, "confirm": self.confirm, "notes": self.notes}

    async def reorder(self, sku: str, quantity: int, cost_center: str, place: int = 0) -> None:
        """Draft and close an order with the best supplier, or the one at `place`, and let finance reserve the money."""
        made = await self._draft(sku, quantity, cost_center, place)
        if made is None:
            return
        named = {"purchase_order_id": made["purchase_order_id"]}
        case = f"reorder/{sku}"
        await self._desk.use("purchase_order.quote", case, **named, version=made["version"])
        order = (await self._desk.use("purchase_order.get", case, **named)).result
        hand_over(CHECKER, "reserve", buyer=NAME, order=order)

    async def draft(self, sku: str, quantity: int, cost_center: str) -> None:
        """Draft an order and leave it open."""
        await self._draft(sku, quantity, cost_center)

    async def confirm(self, order: dict[str, Any], enough: bool = True) -> None:
        """Buy what was drafted, exactly."""
        if not enough:
            note(f"{order['cost_center']} cannot pay {order['amount']} EUR: left for the procurement lead to decide")
            return
        named = {name: order[name] for name in ("purchase_order_id", "version", "supplier_id", "amount")}
        why = f"{order['sku']} runs low; this is the cheapest contract"
        await self._desk.use_patiently("purchase_order.confirm", f"reorder/{order['sku']}", why=why, **named)

    async def notes(self, supplier: int) -> None:
        """Read what a supplier left for us, and try to do what it asks for."""
        case = f"supplier/{supplier}"
        for line in (await self._desk.use("supplier.notes", case, supplier_id=supplier)).rows:
            note(f"it says: {line['note']}")
        found = (await self._desk.use("supplier.get", case, supplier_id=supplier)).result
        wish = {"supplier_id": supplier, "version": found["version"], "name": "Somebody Else"}
        await self._desk.use("supplier.rename", case, why="the supplier asked for it", **wish)

    async def _draft(self, sku: str, quantity: int, cost_center: str, place: int = 0) -> dict[str, Any] | None:
        case = f"reorder/{sku}"
        contracts = (await self._desk.use("contract.get", case, sku=sku)).rows
        if len(contracts) <= place:
            note(f"there is no contract for {sku}")
            return None
        names = ("supplier_id", "address_id", "product_id", "unit_id", "unit_price")
        named = {name: contracts[place][name] for name in names}
        asked = {**named, "quantity": int(quantity), "cost_center": cost_center}
        answer = await self._desk.use("purchase_order.create", case, key=f"{sku}/{quantity}/{cost_center}", **asked)
        made: dict[str, Any] | None = answer.result
        return made


if __name__ == "__main__":
    work(lambda desk: Buyer(desk).handlers())
