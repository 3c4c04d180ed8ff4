"""Looks for items that run low in the ERP, asks the buyers for more, and corrects drafts when demand changes."""

from __future__ import annotations

from desk import Desk, hand_over, note, work
from erp_drafts import Drafts


async def look(desk: Desk, cost_center: str, most: int, buyer: str) -> None:
    """Ask for the first of what the ERP wants to be bought."""
    low = (await desk.use("stock.list_low", "stock/daily")).rows
    note(f"{len(low)} items are below their order point; asking for {min(most, len(low))}")
    for item in low[:most]:
        hand_over(buyer, "reorder", sku=item["sku"], quantity=item["reorder_quantity"], cost_center=cost_center)


if __name__ == "__main__":
    work(lambda desk: {"look": lambda **task: look(desk, **task), **Drafts(desk).handlers()})
