"""Reminds suppliers of orders until the goods have arrived."""

from __future__ import annotations

import anyio
from desk import Answer, Desk, work

WHEN_REFUSED_SECONDS = 0.2


async def chase(desk: Desk, order: str) -> None:
    """Ask where the goods are until they are there."""
    case = f"chase/{order}"
    while True:
        answer = await desk.use("purchase_order.get", case, purchase_order_id=order)
        if answer.done:
            found = answer.result[0]
            if found["status"] == "received":
                return
            body = f"Where are our {found['quantity']} pieces of {found['sku']} (order {order})?"
            answer = await desk.use("message.send", case, supplier_id=found["supplier_id"], body=body)
        await _calm_down(answer)


async def _calm_down(answer: Answer) -> None:
    if not answer.done:
        await anyio.sleep(WHEN_REFUSED_SECONDS)


if __name__ == "__main__":
    work(lambda desk: {"chase": lambda **task: chase(desk, **task)})
