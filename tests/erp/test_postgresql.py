"""The business databases on PostgreSQL: one connector is another, every other manifest as it is."""

from __future__ import annotations

from pathlib import Path

import psycopg

from autonomy.catalog import starter
from demo import business
from demo.tryton import organisation
from demo.tryton.server import Tryton
from tests.house import house

from .company import Patient, company, confirm, quoted, reserve

URL = "postgresql://autonomy@127.0.0.1:5432/business"
REACHED = "\n    allow: [127.0.0.1/32]\n    security: none"
"""What stands below the URL of a database that is private and has no TLS; in the pack `postgresql` it does already."""


async def test_the_starters_tools_order_and_pay_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    business.create(postgres_url)
    files = starter.organisation(["postgresql"])
    files["connectors.yaml"] = files["connectors.yaml"].replace(URL, postgres_url)
    async with house(tmp_path, files=files) as made:
        it = Patient(made.system, made.folder, made.keys)
        it.system.secrets.set("erp-password", "the-server-trusts-us", "person:ada")
        low = (await it.ask("stock-watcher", "stock.list_low", {})).result["rows"]
        assert len(low) == business.LOW
        contract = (await it.ask("buyer-1", "contract.get", {"sku": low[0]["sku"]})).result["rows"][0]
        amount = f"{contract['unit_price_minor'] * 5 / 100:.2f}"
        asked = {"sku": low[0]["sku"], "cost_center": "cc-assembly", "amount": amount}
        assert (await it.ask("budget-checker", "budget.check", asked)).status == "done"
        order = {**asked, "supplier_id": contract["supplier_id"], "quantity": 5}
        placed = await it.ask("buyer-1", "purchase_order.create", order)
        assert placed.status == "done"
        again = await it.ask("buyer-2", "purchase_order.create", order)
        assert (again.status, "order-not-twice" in again.policies) == ("denied", True)
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT COUNT(*) FROM purchase_order WHERE client_ref = %s", [placed.action])
        assert found.fetchone() == (1,)


async def test_the_budgets_beside_tryton_lie_on_postgresql_as_well(
    tryton: Tryton, postgres_url: str, tmp_path: Path
) -> None:
    organisation.create_controlling(postgres_url)
    async with company(tmp_path, tryton, controlling=postgres_url + REACHED) as it:
        order = await quoted(it, "sku-0020")
        assert (await confirm(it, order)).policies == ("order-needs-budget",)
        assert (await reserve(it, order)).status == "done"
        assert (await confirm(it, order)).status == "done"
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT purchase_order_id FROM budget_reservation").fetchall()
    assert found == [(order["purchase_order_id"],)]
