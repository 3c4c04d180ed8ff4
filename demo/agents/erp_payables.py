"""Posts invoices that match their order, and prepares what is owed for payment."""

from __future__ import annotations

from desk import Desk, work

DUE = "2030-01-31"


async def post(desk: Desk, references: list[str]) -> None:
    """Post those drafts whose reference is among `references`."""
    for invoice in (await desk.use("invoice.list_draft", "invoices/today")).rows:
        if invoice["reference"] in references:
            named = {name: invoice[name] for name in ("invoice_id", "version")}
            await desk.use_patiently("invoice.post", f"invoice/{invoice['reference']}", **named)


async def pay(desk: Desk, invoice: int) -> None:
    """Prepare the payment of an invoice, hand it in, and have it released."""
    case = f"payment/{invoice}"
    found = (await desk.use("invoice.get", case, invoice_id=invoice)).result
    named = {name: found[name] for name in ("supplier_id", "line_id")}
    made = await desk.use("payment.prepare", case, **named, amount=found["amount_to_pay"], date=DUE)
    payment = {"payment_id": made.result["payment_id"]}
    await desk.use("payment.submit", case, **payment)
    await desk.use_patiently("payment.release", case, **payment, amount=found["amount_to_pay"])


if __name__ == "__main__":
    work(lambda desk: {"post": lambda **task: post(desk, **task), "pay": lambda **task: pay(desk, **task)})
