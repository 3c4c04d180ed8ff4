"""What happens in the company: purchasing, invoices, two writers on one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import words
from .approving import Approving
from .company import Company
from .processes import Event

Scene = Callable[[Company, Approving], None]


def low_inventory(company: Company, approving: Approving) -> None:
    """S1: from a shelf that runs empty to an order that finance has checked."""
    company.teller.scene(
        "S1  Stock runs low", "supply chain asks, procurement chooses, finance checks, procurement orders"
    )
    office, ledger = company.office, company.ledger
    office.give("stock-watcher", "look", cost_center="cc-assembly", most=3, buyer="buyer-1")
    office.until_quiet(approving)
    low = [event["task"]["order"] for event in _handed(company, "check")]
    company.teller.say("the same request comes in a second time", "⇉")
    first = _order_of(company, low[-1]["sku"])
    office.give("buyer-1", "order", **low[-1])
    office.until_quiet(approving)
    again = _order_of(company, low[-1]["sku"])
    company.teller.check(
        first == again and ledger.one("SELECT COUNT(*) FROM purchase_order WHERE client_ref = ?", first) == 1,
        "the second request is the first one's answer: one order, not two",
    )
    office.give("buyer-1", "reorder", sku="sku-0008", quantity=70, cost_center="cc-training")
    office.until_quiet(approving)
    company.teller.check(ledger.order("sku-0008") is None, "what finance has no money for is not ordered")


def procurement(company: Company, approving: Approving) -> None:
    """S2: large orders wait for people, hasty and unapproved ones are refused, split ones are seen."""
    company.teller.scene("S2  Procurement", "what is too large waits for people; what breaks a rule is refused by name")
    office, ledger, teller = company.office, company.ledger, company.teller
    office.give("buyer-1", "reorder", sku="sku-0012", quantity=150, cost_center="cc-service")
    office.until_quiet(approving)
    order = {"supplier_id": "sup-028", "quantity": 20, "amount": "2554.80", "cost_center": "cc-assembly"}
    office.give("buyer-1", "order", sku="sku-0001", **order)
    supplier, sku, _ = ledger.unapproved()
    office.give("buyer-1", "reorder", sku=sku, quantity=50, cost_center="cc-optics", supplier=supplier)
    office.until_quiet(approving)
    agreed = not _actions(company, sku="sku-0012") & approving.rejected
    teller.check((ledger.order("sku-0012") is not None) == agreed, "the large order is there only as people decided")
    teller.check(_rules(company, "sku-0001") == ["order-needs-budget-check"], "no order without finance's check")
    teller.check("order-approved-supplier" in _rules(company, sku), "no order from a supplier nobody approved")
    split_orders(company, approving)
    office.give("buyer-1", "answer_mail", supplier="sup-001")
    office.until_quiet(approving)
    teller.check(
        ledger.one("SELECT version FROM supplier WHERE id = 'sup-001'") == 1, "the bank account stays as it was"
    )


def leave_waiting(company: Company) -> None:
    """Two large orders that nobody decides here: one waits in the inbox of the console, then the other."""
    for sku, quantity in (("sku-0006", 130), ("sku-0009", 90)):
        company.office.give("buyer-1", "reorder", sku=sku, quantity=quantity, cost_center="cc-service")
    waits = False
    for _, event in company.office.happenings():
        waits = event["event"] == "used" and event["status"] == "held"
        if waits or company.office.is_quiet:
            break
    company.teller.check(waits, "a large order waits in the inbox of the console")


def split_orders(company: Company, approving: Approving) -> None:
    """Three orders, each below the limit, to one supplier: together they are a large one."""
    for supplier, sku, price in company.ledger.split(3):
        quantity = 200_000 // price
        task = {"sku": sku, "quantity": quantity, "cost_center": "cc-laboratory", "supplier": supplier}
        company.office.give("buyer-1", "reorder", **task)
        company.office.until_quiet(approving)
    asked = [e for _, e in company.office.used if e["status"] == "held" and "order-split" in e["policies"]]
    company.teller.check(len(asked) == 1, "three orders just under the limit are seen as the large one they are")


def invoices(company: Company, approving: Approving) -> None:
    """S3: small matching invoices pass, large ones wait, those above their order are refused."""
    company.teller.scene(
        "S3  Invoices", "below 10,000 EUR what matches its order is approved; every payment needs a person"
    )
    office, ledger, teller = company.office, company.ledger, company.teller
    waiting = ledger.invoices()
    small = [name for name, amount, ordered in waiting if amount == ordered < 1_000_000][:2]
    large = next(name for name, amount, ordered in waiting if amount == ordered >= 1_000_000)
    wrong = next(name for name, amount, ordered in waiting if ordered < amount < 1_000_000)
    office.give("payables-1", "approve", invoices=[*small, wrong, large])
    office.give("payables-1", "pay", invoice=small[0])
    office.until_quiet(approving)
    states = dict(ledger.rows("SELECT id, status FROM invoice"))
    teller.check(states[small[1]] == "approved", "a small invoice that matches its order is approved")
    teller.check(states[wrong] == "open", "an invoice above its order stays open")
    agreed = not _actions(company, invoice_id=large) & approving.rejected
    teller.check((states[large] == "approved") == agreed, "the large one is as its approver decided")
    paid = ledger.one("SELECT COUNT(*) FROM payment WHERE invoice_id = ?", small[0])
    agreed = not _actions(company, invoice_id=small[0]) & approving.rejected
    teller.check(paid == int(agreed), "the payment went out once, or not at all, as its approver decided")


def collision(company: Company, approving: Approving) -> None:
    """S5: two agents change one order; the later one has read an older version."""
    company.teller.scene("S5  Two writers, one order", "planning raises it, finance lowers it, both from version 1")
    office, ledger, teller = company.office, company.ledger, company.teller
    order = ledger.order("sku-0004")
    for agent in ("stock-watcher", "budget-checker"):
        office.give(agent, "read_order", order=order)
    office.until_quiet(approving)
    office.give("stock-watcher", "change_order", order=order, quantity=48, why="demand rises")
    office.until_quiet(approving)
    office.give("budget-checker", "change_order", order=order, quantity=36, why="the budget is tight")
    office.until_quiet(approving)
    found = ledger.rows("SELECT quantity, version FROM purchase_order WHERE id = ?", order)
    stale = [event for _, event in office.used if event.get("code") == "record.stale"]
    teller.check(len(stale) == 1, "the write over an unseen version was refused, not lost and not merged")
    teller.check(found == [(36, 3)], "the order went 40 → 48 → 36, each step over the version before it")


def budgets(company: Company, _approving: Approving) -> None:
    """What has been spent, as the budgets have it."""
    company.teller.scene("Spend against budget", "reserved before an action, settled after it; never above the limit")
    overspent = []
    for budget in company.supervisor.client.budgets():
        used = budget["settled"] + budget["reserved"]
        overspent += [budget] if used > budget["limit"] else []
        if used:
            company.teller.say(f"{budget['name']:20} {words.bar(used, budget['limit'])}  {budget['summary']}", "€")
    company.teller.check(not overspent, "no budget is overspent")


SCENES: tuple[Scene, ...] = (low_inventory, procurement, invoices, collision, budgets)


def _handed(company: Company, task: str) -> Iterable[Event]:
    return [event for event in company.office.handed if event["task"]["task"] == task]


def _order_of(company: Company, sku: str) -> Any:
    """The action that placed the order, as its agent last heard."""
    tool = "purchase_order.create"
    return [e["action"] for _, e in company.office.used if e["tool"] == tool and e["arguments"]["sku"] == sku][-1]


def _rules(company: Company, sku: str) -> list[str]:
    """The rules by which orders of an item were refused."""
    denied = [e for _, e in company.office.used if e["status"] == "denied" and e["arguments"].get("sku") == sku]
    return [rule for event in denied for rule in event["policies"]]


def _actions(company: Company, **arguments: str) -> set[str]:
    """The actions with these arguments."""
    wanted = arguments.items()
    return {str(e["action"]) for _, e in company.office.used if wanted <= e["arguments"].items()}
