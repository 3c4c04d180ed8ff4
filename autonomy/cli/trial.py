"""A company to try things with: the starter organisation, a small business database, an agent's key, people's links."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from autonomy.catalog import starter
from autonomy.kernel.errors import Conflict
from autonomy.wiring import System

from .private import write_link, write_private

FOLDER = "trial"
BUSINESS = "business.sqlite"  # where the starter's connector looks, within the data folder
AGENT, APPROVER, ADMIN = "payables-1", "felix", "ada"
INVOICE, AMOUNT = "inv-1", "1200.00"

ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "item": [
        {"sku": "sku-1", "name": "Aldane lens 20", "on_hand": 12, "reorder_level": 40, "reorder_quantity": 60}
        | {"unit_price_minor": 2_000},
        {"sku": "sku-2", "name": "Brevik flow meter 7", "on_hand": 90, "reorder_level": 30, "reorder_quantity": 20}
        | {"unit_price_minor": 9_900},
    ],
    "supplier": [
        {"id": "sup-1", "name": "Aldane Components", "approved": 1, "bank_account": "DE02 1203 0000 0000 2020 51"}
        | {"email": "sales@aldane.example"},
    ],
    "contract": [
        {"id": "con-1", "supplier_id": "sup-1", "sku": "sku-1", "unit_price_minor": 2_000, "max_order_minor": 5_000_000}
        | {"valid_until": "2099-12-31"},
    ],
    "budget": [
        {"cost_center": "cc-optics", "period": "2026-01", "amount_minor": 20_000_000, "spent_minor": 120_000},
    ],
    "purchase_order": [
        {"id": "po_1", "client_ref": "before-1", "supplier_id": "sup-1", "sku": "sku-2", "quantity": 60}
        | {"amount_minor": 120_000, "currency": "EUR", "status": "received", "created_by": "buyer-1"}
        | {"cost_center": "cc-optics"},
    ],
    "invoice": [
        {"id": INVOICE, "supplier_id": "sup-1", "purchase_order_id": "po_1", "amount_minor": 120_000}
        | {"status": "approved", "version": 2},
        {"id": "inv-2", "supplier_id": "sup-1", "purchase_order_id": "po_1", "amount_minor": 190_000}
        | {"status": "open", "version": 1},
    ],
}
"""A lens runs low, one invoice waits to be paid, and one is higher than its order."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Files, readable for their owner alone, that hold an agent's key and two people's one-time links."""

    key: Path
    approver: Path
    admin: Path

    def lines(self, url: str, witness: Path) -> list[str]:
        """What to paste: an agent asks and is held; a person approves; somebody else verifies the record."""
        asks = (
            f"autonomy act payment.release invoice_id={INVOICE} amount={AMOUNT} --url {url} --key-file {_q(self.key)}"
        )
        approves = f"autonomy login --link-file {_q(self.approver)} && autonomy approvals decide --approve"
        exports = f"autonomy login --link-file {_q(self.admin)} && autonomy audit export log.jsonl"
        return [asks, approves, f"{exports} && autonomy audit verify log.jsonl --witness {_q(witness)}"]


def make_business(data: Path, more: str = "") -> None:
    """The business database in the data folder; `more` is SQL of further tables. Raises Conflict where something is
    there already."""
    path = data / BUSINESS
    if path.exists():
        raise Conflict(
            f"`{path}` is there already", code="trial.business", hint="name your own with `--org`, or move it"
        )
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            for statement in _statements(starter.business_schema() + more):
                connection.execute(text(statement))
            for table, rows in ROWS.items():
                for row in rows:
                    names = ", ".join(row)
                    values = ", ".join(f":{name}" for name in row)
                    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), dict(row))
    finally:
        engine.dispose()


def equip(system: System) -> Trial:
    """The agent's key and the people's links."""
    folder, url = system.settings.data / FOLDER, system.settings.public_url
    trial = Trial(folder / f"{AGENT}.key", folder / f"{APPROVER}.link", folder / f"{ADMIN}.link")
    key = system.identity.issue_credential(AGENT, "api_key", "system").secret
    write_private(trial.key, f"{key}\n")
    for name, path in ((APPROVER, trial.approver), (ADMIN, trial.admin)):
        write_link(path, url, system.identity.invite(name))
    return trial


def wants_business(files: Mapping[str, str], data: Path) -> bool:
    """Whether an organisation works on the business database in the data folder, and that is not there yet."""
    return not (data / BUSINESS).exists() and any(f"sqlite:///{BUSINESS}" in text for text in files.values())


def tables_of(folder: Path) -> str:
    """SQL of the tables that the templates in an organisation's folder bring: `NAME.sql` beside their manifests."""
    brought = [folder / f"{name}.sql" for name in starter.templates()]
    return "\n".join(path.read_text(encoding="utf-8") for path in brought if path.is_file())


def _statements(schema: str) -> list[str]:
    schema = "\n".join(line for line in schema.splitlines() if not line.startswith("--"))
    return [statement for statement in schema.split(";") if statement.strip()]


def _q(path: Path) -> str:
    return shlex.quote(str(path))
