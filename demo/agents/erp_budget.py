"""Reserves budget for orders, and lowers drafts that should be smaller."""

from __future__ import annotations

from typing import Any

from desk import Desk, hand_over, work
from erp_drafts import Drafts


async def reserve(desk: Desk, buyer: str, order: dict[str, Any]) -> None:
    """Take the order's total out of its cost centre and give the order back with the answer."""
    asked = {name: order[name] for name in ("purchase_order_id", "cost_center", "amount")}
    answer = await desk.use("budget.reserve", f"reorder/{order['sku']}", **asked)
    hand_over(buyer, "confirm", order=order, enough=answer.done)


if __name__ == "__main__":
    work(lambda desk: {"reserve": lambda **task: reserve(desk, **task), **Drafts(desk).handlers()})
