"""Reminds suppliers of orders until the goods have arrived."""

from __future__ import annotations

from typing import Any

import anyio
from desk import Answer, Desk, work

WHEN_REFUSED_SECONDS = 0.2


async def chase(desk: Desk, order: str) -> None:
    """Ask where the goods are until they are there."""
    case = f"chase/{order}"
    while True:
        found = (await _insist(desk, "purchase_order.get", case, purchase_order_id=order)).rows[0]
        if found["status"] == "received":
            return
        body = f"Where are our {found['quantity']} pieces of {found['sku']} (order {order})?"
        await _insist(desk, "message.send", case, supplier_id=found["supplier_id"], body=body)


async def _insist(desk: Desk, tool: str, case: str, **arguments: Any) -> Answer:
    """Call again until it is done."""
    while not (answer := await desk.use(tool, case, **arguments)).done:
        await anyio.sleep(WHEN_REFUSED_SECONDS)
    return answer


if __name__ == "__main__":
    work(lambda desk: {"chase": lambda **task: chase(desk, **task)})
