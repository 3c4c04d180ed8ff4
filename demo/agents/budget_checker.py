"""Says whether a cost centre can pay for an order, and lowers open orders that should be smaller."""

from __future__ import annotations

from typing import Any

from desk import Desk, hand_over, work
from orders import Orders


async def check(desk: Desk, buyer: str, order: dict[str, Any]) -> None:
    """Record the check and give the order back with the answer."""
    asked = {name: order[name] for name in ("sku", "cost_center", "amount")}
    answer = await desk.use("budget.check", f"reorder/{order['sku']}", **asked)
    hand_over(buyer, "order", **order, enough=answer.done and answer.rows[0]["enough"] == 1)


if __name__ == "__main__":
    work(lambda desk: {"check": lambda **task: check(desk, **task), **Orders(desk).handlers()})
