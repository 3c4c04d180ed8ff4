"""Changing the quantity of a draft in the ERP, as planners and controllers both do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk import Desk, Handler, note


class Drafts:
    """The drafts an agent has in front of it, as it last read them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: dict[int, dict[str, Any]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """The tasks about drafts."""
        return {"read_order": self.read, "change_order": self.change}

    async def read(self, order: int) -> None:
        """Read an order and remember its version."""
        answer = await self._desk.use("purchase_order.get", f"order/{order}", purchase_order_id=order)
        self._seen[order] = answer.result

    async def change(self, order: int, quantity: int, why: str) -> None:
        """Write a new quantity over the version that was read; where it has moved on, read again and decide again."""
        if await self._write(order, quantity, why) == "record.stale":
            note("somebody changed the order since it was read: reading it again")
            await self.read(order)
            await self._write(order, quantity, why)

    async def _write(self, order: int, quantity: int, why: str) -> str:
        seen = {name: self._seen[order][name] for name in ("line_id", "version")}
        asked = {"purchase_order_id": order, **seen, "quantity": quantity}
        answer = await self._desk.use_patiently("purchase_order.change_quantity", f"order/{order}", why=why, **asked)
        return answer.code
