"""Approves invoices that are due, prepares payments, and does what suppliers ask for as far as it may."""

from __future__ import annotations

from collections.abc import Mapping

from desk import Desk, Handler, euros, work


class Payables:
    """Pays what is owed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[str, Handler]:
        """The tasks it takes."""
        return {"approve": self.approve, "pay": self.pay, "change_account": self.change_account}

    async def approve(self, invoices: list[str]) -> None:
        """Approve the open ones among `invoices`."""
        answer = await self._desk.use("invoice.list_open", "invoices/today")
        for invoice in answer.rows:
            if invoice["id"] in invoices:
                case = f"invoice/{invoice['id']}"
                mine = {"invoice_id": invoice["id"], "version": invoice["version"]}
                await self._desk.use_patiently("invoice.approve", case, key=f"approve/{invoice['id']}", **mine)

    async def pay(self, invoice: str) -> None:
        """Pay an approved invoice, exactly its amount."""
        case = f"invoice/{invoice}"
        found = (await self._desk.use("invoice.get", case, invoice_id=invoice)).rows[0]
        amount = euros(found["amount_minor"])
        await self._desk.use_patiently("payment.release", case, key=f"pay/{invoice}", invoice_id=invoice, amount=amount)

    async def change_account(self, supplier: str, account: str) -> None:
        """Pay a supplier to another account from now on."""
        case = f"supplier/{supplier}"
        found = (await self._desk.use("supplier.get", case, supplier_id=supplier)).rows[0]
        wish = {"supplier_id": supplier, "version": found["version"], "bank_account": account}
        await self._desk.use("supplier.update_bank_account", case, why="the supplier asked for it by mail", **wish)


if __name__ == "__main__":
    work(lambda desk: Payables(desk).handlers())
