"""The demo's scenes on a running Tryton: the same people, rules and record, another system of record."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType

from demo.approving import Approving
from demo.company import Business, Company
from demo.ledger import Tables
from demo.processes import Failed
from demo.roundup.tracker import Roundup
from demo.teller import Teller

from . import organisation
from .program import DATABASE
from .server import Tryton

PROGRAMS = MappingProxyType(
    {
        "stock-watcher": "erp_planner.py",
        "buyer-1": "erp_buyer.py",
        "budget-checker": "erp_budget.py",
        "payables-1": "erp_payables.py",
        "planner-1": "erp_production.py",
        "assessor-1": "assessor.py",
    }
)
APPROVERS = MappingProxyType({"procurement-lead": "priya", "finance-manager": "felix", "operations-lead": "omar"})
VENDOR = "Norwick Fasteners"
AT_THE_TRACKER = ("desk-1", "collector-1", "updater-2")
PORTAL = "portal"  # the user of the tracker by whom vendors write
TRACED = ("purchase_order.create", "payment.prepare", "budget.reserve")
"""Writes that carry their action as a reference. The others are steps of a record, which Tryton takes once."""


_LOW = """
    SELECT i.code FROM stock_order_point o JOIN product_product i ON i.id = o.product
    WHERE NOT EXISTS (SELECT 1 FROM purchase_line l JOIN purchase_purchase p ON p.id = l.purchase
    WHERE l.product = i.id AND p.reference LIKE 'act_%') ORDER BY o.target_quantity, i.code LIMIT 1"""


class TrytonLedger(Tables):
    """Looks into the tables of Tryton, of the budgets and of the tracker, past the Autonomy OS."""

    budget_tool = "budget.reserve"
    """What finance is asked before an order is confirmed."""

    def __init__(self, path: Path, controlling: Path, tracker: Roundup) -> None:
        super().__init__(path)
        self._controlling = Tables(controlling)
        self._tracker = tracker
        self.applicant = tracker.open_ticket(PORTAL, VENDOR)

    def leaves_trace(self, tool: str) -> bool:
        """Whether what a tool wrote can be found by its action."""
        return tool in TRACED

    def executions(self) -> Counter[str]:
        """How often each action was executed, as far as its writes carry its name."""
        found = self.rows("SELECT reference FROM purchase_purchase WHERE reference LIKE 'act_%'")
        found += self.rows("SELECT reference FROM account_payment WHERE reference LIKE 'act_%'")
        found += self._controlling.rows("SELECT client_ref FROM budget_reservation")
        return Counter(reference for (reference,) in found)

    def order(self, sku: str) -> list[tuple[int, str, float]]:
        """(id, state, quantity) of the orders of a product that the seed did not hold."""
        return [
            (number, state, quantity)
            for number, state, quantity in self.rows(
                "SELECT p.id, p.state, l.quantity FROM purchase_purchase p JOIN purchase_line l ON l.purchase = p.id "
                "JOIN product_product i ON i.id = l.product WHERE i.code = ? AND p.reference LIKE 'act_%' "
                "ORDER BY p.id",
                sku,
            )
        ]

    def ordered(self, sku: str) -> int:
        """How many orders of a product are bought that the seed did not hold."""
        return sum(state in ("confirmed", "processing") for _, state, _ in self.order(sku))

    def low(self) -> str:
        """The product that Tryton asks for, is not ordered yet, and of which the fewest are to be bought."""
        return str(self.one(_LOW))

    def kept_busy(self) -> AbstractContextManager[None]:
        """Somebody else writes into the budgets for a while."""
        return self._controlling.kept_busy()

    def admitted(self, vendor: str) -> int:
        """How often an applicant is a supplier from whom may be bought."""
        query = (
            'SELECT COUNT(*) FROM party_party p JOIN "party_party-party_category" l ON l.party = p.id '
            "JOIN party_category c ON c.id = l.category WHERE p.code = ? AND c.name = 'Approved supplier'"
        )
        return int(self.one(query, f"SUP-{vendor}"))

    def asked(self, vendor: str) -> int:
        """How often an applicant was asked for documents."""
        query = (
            "SELECT COUNT(*) FROM issue__journal j JOIN _user u ON u.id = j.tag "
            "WHERE j.nodeid = ? AND j.action = 'set' AND u._username = 'collector-1'"
        )
        return int(Tables(self._tracker.database).one(query, vendor))

    def documents_come(self, vendor: str) -> None:
        """The vendor writes under its application, past the Autonomy OS."""
        self._tracker.comment(PORTAL, vendor, "registration, tax, bank: enclosed")

    def invoice(self, reference: str) -> tuple[int, str]:
        """(id, state) of the invoice with a reference of the seed."""
        number, state = self.rows("SELECT id, state FROM account_invoice WHERE reference = ?", reference)[0]
        return number, state


@contextmanager
def on_tryton(folder: Path, teller: Teller) -> Iterator[Business]:
    """The company on a Tryton of its own, which is ended with it."""
    about = "a company of nine people and twelve agents, its rules, Tryton as its ERP, Roundup for its tickets"
    teller.scene("Larkspur Instruments", about)
    teller.say("a Tryton 8.2 is set up; the first time its database is built, which takes a minute or two")
    with Tryton(folder / "tryton") as tryton, Roundup(folder / "roundup", PORTAL, *AT_THE_TRACKER) as tracker:
        teller.say(f"Tryton answers at http://127.0.0.1:{tryton.port}; each agent has a Tryton user of its own")
        teller.say(f"Roundup answers at http://127.0.0.1:{tracker.port}; who works with tickets is a user there, too")
        controlling = folder / "data" / organisation.CONTROLLING
        organisation.create_controlling(f"sqlite:///{controlling}")
        ledger = TrytonLedger(folder / "tryton" / f"{DATABASE}.sqlite", controlling, tracker)
        files = tracker.connected(organisation.files(tryton.url, more=("roundup", "vendors")))
        secrets = organisation.secrets(tryton.keys) | tracker.secrets()
        yield Business(about, files, PROGRAMS, APPROVERS, secrets, ledger)


def low_inventory(company: Company, approving: Approving) -> None:
    """S1: from an order point that is passed to an order for which finance has reserved the money."""
    company.teller.scene(
        "S1  Stock runs low", "Tryton asks to buy, procurement drafts, finance reserves, procurement confirms"
    )
    office, ledger, teller = company.office, company.ledger, company.teller
    office.give("stock-watcher", "look", cost_center="cc-assembly", most=2, buyer="buyer-1")
    office.until_quiet(approving)
    teller.say("the same request comes in a second time", "⇉")
    office.give("buyer-1", "draft", sku="sku-0001", quantity=40, cost_center="cc-assembly")
    office.until_quiet(approving)
    placed = [state for sku in ("sku-0001", "sku-0002") for _, state, _ in ledger.order(sku)]
    teller.check(placed == ["processing", "processing"], "Tryton holds one confirmed order of each, not two")
    office.give("buyer-1", "reorder", sku="sku-0003", quantity=40, cost_center="cc-training")
    office.until_quiet(approving)
    states = [state for _, state, _ in ledger.order("sku-0003")]
    teller.check(states == ["quotation"], "what finance has no money for is not confirmed")


def procurement(company: Company, approving: Approving) -> None:
    """S2: large orders wait for people, hasty and unapproved ones are refused, split ones are seen."""
    company.teller.scene("S2  Procurement", "what is too large waits for people; what breaks a rule is refused by name")
    office, ledger, teller = company.office, company.ledger, company.teller
    office.give("buyer-1", "reorder", sku="sku-0016", quantity=200, cost_center="cc-service")
    office.until_quiet(approving)
    agreed = "purchase_order.confirm" not in _rejected(company, approving)
    bought = [state for _, state, _ in ledger.order("sku-0016")] == ["processing"]
    teller.check(bought == agreed, "the large order is bought only as people decided")
    office.give("buyer-1", "draft", sku="sku-0015", quantity=5, cost_center="cc-optics")
    office.until_quiet(approving)
    teller.check(not ledger.order("sku-0015"), "no order from a supplier nobody approved")
    _hasty(company, approving)
    _split(company, approving)
    office.give("buyer-1", "notes", supplier=2)
    office.until_quiet(approving)
    name = ledger.one("SELECT name FROM party_party WHERE id = 2")
    teller.check(name == "Supplier 01", "the supplier is who it was")


def _hasty(company: Company, approving: Approving) -> None:
    """The order that finance had no money for, all the same."""
    read = [e["result"] for _, e in company.office.used if e["tool"] == "purchase_order.get" and e["status"] == "done"]
    order = next((order for order in read if order["sku"] == "sku-0003"), None)
    if order is None:
        raise Failed("the order for sku-0003 was never read")
    company.office.give("buyer-1", "confirm", order=order)
    company.office.until_quiet(approving)
    denied = [e for _, e in company.office.used if e["status"] == "denied" and "order-needs-budget" in e["policies"]]
    company.teller.check(len(denied) == 1, "no order without a reservation by finance")


def _split(company: Company, approving: Approving) -> None:
    """Three orders, each below the limit, to one supplier: together they are a large one."""
    for sku, quantity, place in (("sku-0011", 17, 0), ("sku-0019", 11, 0), ("sku-0024", 9, 1)):
        task = {"sku": sku, "quantity": quantity, "cost_center": "cc-optics", "place": place}
        company.office.give("buyer-1", "reorder", **task)
        company.office.until_quiet(approving)
    asked = [e for _, e in company.office.used if e["status"] == "held" and "order-split" in e["policies"]]
    company.teller.check(len(asked) == 1, "orders just under the limit are seen as the large one they are")


def invoices(company: Company, approving: Approving) -> None:
    """S3: small matching invoices are posted, large ones wait, those above their order are refused."""
    company.teller.scene("S3  Invoices", "below 10,000 EUR what matches its order is posted; Tryton books it")
    office, ledger, teller = company.office, company.ledger, company.teller
    office.give("payables-1", "post", references=["R-001", "R-002", "R-003", "R-004"])
    office.until_quiet(approving)
    agreed = "invoice.post" not in _rejected(company, approving)
    states = [ledger.invoice(f"R-00{number}")[1] for number in (1, 2, 3)]
    teller.check(states == ["posted", "posted", "draft"], "what matches is posted; the one above its order stays")
    teller.check((ledger.invoice("R-004")[1] == "posted") == agreed, "the large one is as its approver decided")


def payments(company: Company, approving: Approving) -> None:
    """S4: what is owed is matched against the ledger; the payment is a person's."""
    company.teller.scene("S4  Payment", "what is owed stands in the ledger; every payment needs a person")
    office, ledger, teller = company.office, company.ledger, company.teller
    office.give("payables-1", "pay", invoice=ledger.invoice("R-001")[0])
    office.until_quiet(approving)
    agreed = "payment.release" not in _rejected(company, approving)
    states = [state for (state,) in ledger.rows("SELECT state FROM account_payment")]
    teller.check(states == ["approved" if agreed else "submitted"], "one payment, released as its approver decided")


def collision(company: Company, approving: Approving) -> None:
    """S5: two agents change one draft; the later one has read an older version."""
    company.teller.scene("S5  Two writers, one order", "planning raises it, finance lowers it, both from one version")
    office, ledger, teller = company.office, company.ledger, company.teller
    office.give("buyer-1", "draft", sku="sku-0004", quantity=40, cost_center="cc-assembly")
    office.until_quiet(approving)
    order = ledger.order("sku-0004")[0][0]
    for agent in ("stock-watcher", "budget-checker"):
        office.give(agent, "read_order", order=order)
    office.until_quiet(approving)
    office.give("stock-watcher", "change_order", order=order, quantity=48, why="demand rises")
    office.until_quiet(approving)
    office.give("budget-checker", "change_order", order=order, quantity=36, why="the budget is tight")
    office.until_quiet(approving)
    stale = [event for _, event in office.used if event.get("code") == "record.stale"]
    teller.check(len(stale) == 1, "the write over an unseen version was refused, not lost and not merged")
    teller.check(ledger.order("sku-0004")[0][2] == 36, "the order went 40 → 48 → 36 in Tryton")


def production(company: Company, approving: Approving) -> None:
    """S19: a production order gets its day, its parts and a person's word, and is made."""
    company.teller.scene("S19  Production", "planned by an agent in Tryton's production; a person sees it start")
    today = dt.date.today()
    days = {"start": str(today + dt.timedelta(days=3)), "end": str(today + dt.timedelta(days=5))}
    company.office.give("planner-1", "make", **days)
    company.office.until_quiet(approving)
    agreed = "production.start" not in _rejected(company, approving)
    made = company.ledger.one("SELECT COUNT(*) FROM production WHERE state = 'done'")
    company.teller.check(made == int(agreed), "it was made once, after the operations lead had seen it")


def _rejected(company: Company, approving: Approving) -> set[str]:
    """The tools of which people rejected a call."""
    return {event["tool"] for _, event in company.office.used if event["action"] in approving.rejected}


SCENES: tuple[Callable[[Company, Approving], None], ...] = (
    low_inventory,
    procurement,
    invoices,
    payments,
    collision,
    production,
)
