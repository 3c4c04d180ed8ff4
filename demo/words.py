"""What agents do, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.markup import escape

_DEEDS = {
    "stock.list_low": "looks for items that run low",
    "contract.get": "compares the contracts for {sku}",
    "budget.check": "checks whether {cost_center} can pay {amount} EUR for {sku}",
    "purchase_order.create": "orders {quantity} × {sku} from {supplier_id} for {amount} EUR",
    "purchase_order.get": "reads order {purchase_order_id}",
    "purchase_order.update_quantity": "sets order {purchase_order_id} to {quantity} pieces over version {version}",
    "message.list": "reads what {supplier_id} wrote",
    "message.send": "writes to {supplier_id}",
    "invoice.list_open": "looks up the open invoices",
    "invoice.get": "reads {invoice_id}",
    "invoice.approve": "approves {invoice_id}",
    "payment.release": "pays {invoice_id}, {amount} EUR",
    "supplier.get": "reads {supplier_id}",
    "purchase_order.quote": "closes the draft {purchase_order_id}",
    "purchase_order.confirm": "buys order {purchase_order_id} from supplier {supplier_id} for {amount} EUR",
    "purchase_order.change_quantity": "sets order {purchase_order_id} to {quantity} pieces over version {version}",
    "budget.reserve": "reserves {amount} EUR of {cost_center} for order {purchase_order_id}",
    "supplier.notes": "reads what is noted about supplier {supplier_id}",
    "supplier.rename": "wants supplier {supplier_id} to be called {name}",
    "invoice.list_draft": "looks up the draft invoices",
    "invoice.post": "posts invoice {invoice_id}",
    "payment.prepare": "prepares a payment of {amount} EUR to supplier {supplier_id}",
    "payment.submit": "hands payment {payment_id} in",
    "production.list_open": "looks up the production orders",
    "production.schedule": "sets production {production_id} to {planned_start_date}",
    "production.plan": "puts production {production_id} into the plan",
    "production.assign": "sets the parts of production {production_id} aside",
    "production.start": "starts production {production_id}",
    "production.finish": "books what production {production_id} has made",
    "supplier.update_bank_account": "wants {supplier_id} to be paid to another account",
}
_DONE = {"held": "done, as approved", "done": "done already: the same answer again"}
_LONGEST_ID = 14


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story: its mark and colour, what was done, how it came out (rich markup)."""

    mark: str
    colour: str
    deed: str
    ending: str


def line(event: Mapping[str, Any], before: str) -> Line:
    """The line for what an agent did; `before` is what was heard of the same action earlier."""
    deed = escape(deed_of(event["tool"], event["arguments"]))
    rules = ", ".join(event.get("policies", ()))
    message = escape(str(event.get("message", "")))
    match event["status"], event.get("code"):
        case "done", _:
            return Line("✓", "green", deed, f"[green]{_DONE.get(before, 'allowed')}[/]")
        case "held", _:
            who = " and ".join(event.get("needed", ()))
            return Line("⏸", "yellow", deed, f"[yellow]waits for {who}[/] [dim]by {rules}[/]")
        case _, "record.stale":
            return Line("↺", "magenta", deed, f"[magenta]stale write refused[/][dim]: {message}[/]")
        case "denied", _:
            return Line("✗", "red", deed, f"[red]denied by {rules or event.get('code')}[/][dim]: {message}[/]")
        case "rejected", _:
            return Line("✗", "red", deed, "[red]rejected by a person[/]")
        case status, _:
            return Line("✗", "red", deed, f"[red]{status}[/][dim]: {message}[/]")


def plain(text: str) -> str:
    """Text as it is, within rich markup."""
    return str(escape(text))


def deed_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """What a call was for."""
    shown = {name: short(value) if isinstance(value, str) else value for name, value in arguments.items()}
    if "amount" in arguments:
        shown["amount"] = grouped(arguments["amount"])
    return _deed(tool, arguments).format_map(shown)


def _deed(tool: str, arguments: Mapping[str, Any]) -> str:
    """How a call is told; the same tool names its record by other arguments in other systems."""
    others = {
        "purchase_order.create": "drafts an order of {quantity} × product {product_id} at {unit_price} EUR",
        "payment.release": "releases payment {payment_id}, {amount} EUR",
    }
    if tool in others and not {"sku", "invoice_id"} & set(arguments):
        return others[tool]
    return _DEEDS.get(tool, tool)


def short(text: str) -> str:
    """A long id by its beginning and its end."""
    if len(text) <= _LONGEST_ID or " " in text:
        return text
    return f"{text[: text.find('_') + 1]}…{text[-5:]}"


def grouped(amount: str) -> str:
    """An amount as people read it: `29493.00` as `29,493.00`."""
    whole, _, cents = amount.partition(".")
    return f"{int(whole):,}.{cents}"


def bar(used: int, limit: int, width: int = 28) -> str:
    """How much of a budget is used (rich markup); what is used at all shows."""
    filled = min(width, max(1 if used else 0, round(width * used / limit)))
    return f"[green]{'█' * filled}[/][dim]{'░' * (width - filled)}[/]"
