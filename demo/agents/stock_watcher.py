"""Looks for items that run low, asks the buyers for more, and corrects open orders when demand changes."""

from __future__ import annotations

from desk import Desk, hand_over, note, work
from orders import Orders


async def look(desk: Desk, cost_center: str, most: int, buyer: str) -> None:
    """Ask for the most urgent of the items below their reorder level."""
    answer = await desk.use("stock.list_low", "stock/daily")
    low = answer.rows
    note(f"{len(low)} items are below their reorder level; asking for the {min(most, len(low))} most urgent")
    for item in low[:most]:
        need = {"sku": item["sku"], "quantity": item["reorder_quantity"], "cost_center": cost_center}
        hand_over(buyer, "reorder", **need)


if __name__ == "__main__":
    work(lambda desk: {"look": lambda **task: look(desk, **task), **Orders(desk).handlers()})
