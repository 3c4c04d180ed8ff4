"""Looks into the business database itself, past the Autonomy OS: what is there is what has happened."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

_SPLIT = """
    SELECT contract.supplier_id, contract.sku, contract.unit_price_minor
    FROM contract JOIN supplier ON supplier.id = contract.supplier_id JOIN item ON item.sku = contract.sku
    WHERE supplier.approved = 1 AND contract.valid_until > '2099' AND contract.unit_price_minor BETWEEN 5000 AND 20000
    AND item.on_hand >= item.reorder_level AND contract.unit_price_minor = item.unit_price_minor
    AND NOT EXISTS (SELECT 1 FROM purchase_order po WHERE po.sku = contract.sku AND po.status = 'open')
    ORDER BY contract.supplier_id, contract.sku"""
_UNAPPROVED = """
    SELECT contract.supplier_id, contract.sku, contract.unit_price_minor
    FROM contract JOIN supplier ON supplier.id = contract.supplier_id
    WHERE supplier.approved = 0 AND contract.valid_until > '2099'
    AND NOT EXISTS (SELECT 1 FROM purchase_order po WHERE po.sku = contract.sku AND po.status = 'open')
    ORDER BY contract.unit_price_minor LIMIT 1"""
_LOW = """
    SELECT item.sku FROM item JOIN contract ON contract.sku = item.sku
    JOIN supplier ON supplier.id = contract.supplier_id
    WHERE item.on_hand < item.reorder_level AND supplier.approved = 1 AND contract.valid_until > '2099'
    AND NOT EXISTS (SELECT 1 FROM purchase_order po WHERE po.sku = item.sku AND po.status = 'open')
    GROUP BY item.sku, item.reorder_quantity ORDER BY item.reorder_quantity * MIN(contract.unit_price_minor) LIMIT 1"""
_OPEN_INVOICES = """
    SELECT invoice.id, invoice.amount_minor, purchase_order.amount_minor FROM invoice
    JOIN purchase_order ON purchase_order.id = invoice.purchase_order_id
    WHERE invoice.status = 'open' ORDER BY invoice.id"""


class Tables:
    """An SQLite file, read only but for `kept_busy`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def one(self, query: str, *values: Any) -> Any:
        """The only value of a query; None where there is no row."""
        found = self.rows(query, *values)
        return found[0][0] if found else None

    @contextmanager
    def kept_busy(self) -> Iterator[None]:
        """Somebody else writes for a while, as happens in a database; nothing is changed."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()


class Ledger(Tables):
    """The business database."""

    applicant = "ven-001"
    """The vendor who wants to be taken on."""
    budget_tool = "budget.check"
    """What finance is asked before an order."""

    def leaves_trace(self, _tool: str) -> bool:
        """Whether what a tool wrote can be found by its action: here always."""
        return True

    def executions(self) -> Counter[str]:
        """How often each action was executed: every write leaves a row of its own."""
        return Counter(reference for (reference,) in self.rows("SELECT client_ref FROM journal"))

    def order(self, sku: str, number: str = "id") -> Any:
        """Something about the newest order of an item that the seed did not hold."""
        return self.one(f"SELECT {number} FROM purchase_order WHERE sku = ? AND client_ref NOT LIKE 'seed-%'", sku)

    def ordered(self, sku: str) -> int:
        """How many orders of an item there are that the seed did not hold."""
        return int(self.order(sku, "COUNT(*)"))

    def split(self, count: int) -> list[tuple[str, str, int]]:
        """(supplier, sku, price) of `count` items that one approved supplier has under contract, for the best price."""
        by_supplier: dict[str, list[tuple[str, str, int]]] = {}
        for row in self.rows(_SPLIT):
            found = by_supplier.setdefault(row[0], [])
            found.append((row[0], row[1], row[2]))
            if len(found) == count:
                return found
        raise LookupError("no supplier has so many items under contract")

    def unapproved(self) -> tuple[str, str, int]:
        """(supplier, sku, price) of a contract with a supplier that is not approved."""
        supplier, sku, price = self.rows(_UNAPPROVED)[0]
        return supplier, sku, price

    def low(self) -> str:
        """The item that runs low, is not ordered yet, and is the cheapest to order again."""
        return str(self.one(_LOW))

    def invoices(self) -> list[tuple[str, int, int]]:
        """(id, amount, amount of its order) of the open invoices."""
        return [(name, amount, ordered) for name, amount, ordered in self.rows(_OPEN_INVOICES)]

    def admitted(self, vendor: str) -> int:
        """How often an applicant is a supplier."""
        return int(self.one("SELECT COUNT(*) FROM supplier WHERE id = ?", vendor))

    def asked(self, vendor: str) -> int:
        """How often an applicant was asked for documents."""
        return int(self.one("SELECT requests FROM vendor_application WHERE id = ?", vendor))

    def documents_come(self, vendor: str) -> None:
        """The vendor uploads what is missing, at a place of its own, past the Autonomy OS."""
        with closing(sqlite3.connect(self._path)) as connection, connection:
            for kind in ("registration", "tax", "bank"):
                connection.execute("INSERT OR IGNORE INTO vendor_document VALUES (?, ?)", (vendor, kind))
