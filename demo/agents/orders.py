"""Changing the quantity of an open order, as planners and controllers both do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk import Desk, Handler, euros, note


class Orders:
    """The orders an agent has in front of it, as it last read them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: dict[str, dict[str, Any]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """The tasks about orders."""
        return {"read_order": self.read, "change_order": self.change}

    async def read(self, order: str) -> None:
        """Read an order and remember its version."""
        answer = await self._desk.use("purchase_order.get", f"order/{order}", purchase_order_id=order)
        self._seen[order] = answer.rows[0]

    async def change(self, order: str, quantity: int, why: str) -> None:
        """Write a new quantity over the version that was read; where it has moved on, read again and decide again."""
        answer = await self._write(order, quantity, why)
        if answer == "record.stale":
            note("somebody changed the order since it was read: reading it again")
            await self.read(order)
            await self._write(order, quantity, why)

    async def _write(self, order: str, quantity: int, why: str) -> str:
        seen = self._seen[order]
        answer = await self._desk.use_patiently(
            "purchase_order.update_quantity",
            f"order/{order}",
            why=why,
            purchase_order_id=order,
            version=seen["version"],
            quantity=quantity,
            amount=euros(seen["amount_minor"] // seen["quantity"] * quantity),
        )
        return answer.code
