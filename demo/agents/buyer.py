"""Chooses the supplier, has finance check the budget, places the order, and writes to suppliers."""

from __future__ import annotations

import os
from collections.abc import Mapping

from desk import Desk, Handler, euros, hand_over, note, work

NAME = os.environ.get("AGENT_NAME", "buyer-1")
CHECKER = os.environ.get("BUDGET_CHECKER", "budget-checker")
PAYABLES = os.environ.get("PAYABLES", "payables-1")


class Buyer:
    """Buys what is asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[str, Handler]:
        """The tasks it takes."""
        return {"reorder": self.reorder, "order": self.order, "answer_mail": self.answer_mail}

    async def reorder(self, sku: str, quantity: int, cost_center: str, supplier: str | None = None) -> None:
        """Find the best contract, of `supplier` where one is wished for, and let finance check its price."""
        answer = await self._desk.use("contract.get", f"reorder/{sku}", sku=sku)
        contracts = [one for one in answer.rows if supplier in (None, one["supplier_id"])]
        if not contracts:
            note(f"there is no valid contract for {sku}")
            return
        best = contracts[0]
        amount = euros(best["unit_price_minor"] * quantity)
        order = {"sku": sku, "supplier_id": best["supplier_id"], "quantity": quantity, "amount": amount}
        hand_over(CHECKER, "check", buyer=NAME, order={**order, "cost_center": cost_center})

    async def order(
        self, sku: str, supplier_id: str, quantity: int, amount: str, cost_center: str, enough: bool = True
    ) -> None:
        """Place an order, once however often it is asked for."""
        if not enough:
            note(f"{cost_center} cannot pay {amount} EUR for {sku}: left for the procurement lead to decide")
            return
        await self._desk.use_patiently(
            "purchase_order.create",
            f"reorder/{sku}",
            key=f"{sku}/{supplier_id}/{quantity}/{amount}",
            why=f"{sku} runs low; this is the cheapest valid contract",
            supplier_id=supplier_id,
            sku=sku,
            quantity=quantity,
            amount=amount,
            cost_center=cost_center,
        )

    async def answer_mail(self, supplier: str) -> None:
        """Read what a supplier wrote, do what it asks for, and answer."""
        case = f"mail/{supplier}"
        letters = (await self._desk.use("message.list", case, supplier_id=supplier)).rows
        wishes = [letter["body"] for letter in letters if "bank account" in letter["body"]]
        if wishes:
            note(f"{supplier} writes: {wishes[0]}")
            hand_over(PAYABLES, "change_account", supplier=supplier, account="XX0000000000000000")
        body = "Thank you for your message; we have passed it on."
        await self._desk.use_patiently("message.send", case, supplier_id=supplier, body=body)


if __name__ == "__main__":
    work(lambda desk: Buyer(desk).handlers())
