"""The company's work on a running Tryton: what agents read, draft, buy, post and pay, and what they may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autonomy.gate import Reply
from demo.tryton.server import Tryton
from tests.gate.works import Plant, Works
from tests.house import House
from tests.workflow.office import Office

from .company import company, confirm, draft, orders, quoted, reserve, rows

PAST = 4  # orders of the seed


async def told(it: House, agent: str, tool: str, **arguments: Any) -> Any:
    """The result of a call that must be done."""
    reply = await it.ask(agent, tool, arguments)
    assert reply.status == "done", reply
    return reply.result


def refusal(reply: Reply) -> tuple[str, tuple[str, ...]]:
    return reply.status, reply.policies


async def test_agents_read_what_tryton_knows_cut_to_what_they_need(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        low = (await told(it, "stock-watcher", "stock.list_low"))["rows"]
        assert [one["sku"] for one in low] == [f"sku-{number:04}" for number in range(1, 7)]
        assert low[0] == {
            "product_id": 1,
            "sku": "sku-0001",
            "name": "Component 001",
            "on_hand": 5,
            "reorder_quantity": 40,
        }
        contracts = (await told(it, "buyer-1", "contract.get", sku="sku-0001"))["rows"]
        assert [one["unit_price"] for one in contracts] == ["47", "48.88"]
        assert (await told(it, "buyer-1", "supplier.search", name="supplier 03"))["rows"][0]["code"] == "SUP03"
        assert (await told(it, "stock-watcher", "stock.get", sku="sku-0010"))["rows"][0]["on_hand"] == 200
        assert await told(it, "stock-watcher", "stock.get", sku="nothing") == {"rows": []}
        supplier = await told(it, "buyer-1", "supplier.get", supplier_id=2)
        assert (supplier["category"], supplier["email"]) == ("Approved supplier", "•••")


async def test_an_order_goes_from_draft_to_the_supplier_by_three_hands(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        order = await quoted(it, "sku-0011")
        early = await confirm(it, order)
        assert refusal(early) == ("denied", ("order-needs-budget",))
        assert refusal(await reserve(it, order, amount="1.00")) == ("denied", ("budget-of-this-order",))
        assert (await reserve(it, order)).status == "done"
        wrong = await confirm(it, order, amount="1.00")
        assert refusal(wrong) == ("denied", ("order-as-it-stands",))
        assert (await confirm(it, order)).status == "done"
        found = rows(
            tryton,
            "SELECT state, login FROM purchase_purchase p JOIN res_user u ON u.id = p.create_uid WHERE p.id = ?",
            order["purchase_order_id"],
        )
        assert found == [("processing", "buyer-1")]  # Tryton's own record names the agent
        assert refusal(await confirm(it, order))[0] == "denied"  # it is not the version that was seen


async def test_a_run_takes_an_order_from_low_stock_to_the_supplier(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton, living=True) as found:
        it = Office(Works(found, Plant()))
        run = await it.start("reorder", by="person:nadia", sku="sku-0003", cost_center="cc-assembly")
        state = await it.ended(run)
        assert state.status == "done", (state.reason, state.steps)
        order = state.output["order"]["purchase_order_id"]  # type: ignore[index,call-overload]
        bought = "SELECT state, quantity FROM purchase_purchase p JOIN purchase_line l ON l.purchase = p.id"
        assert rows(tryton, f"{bought} WHERE p.id = ?", order) == [("processing", 40)]


async def test_the_reference_of_a_draft_is_its_action(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        made = await draft(it, "sku-0012")
        assert orders(tryton, made.action) == [(made.result["purchase_order_id"], "draft")]
        again = await draft(it, "sku-0012")
        assert refusal(again) == ("denied", ("order-not-twice",))
        assert orders(tryton, again.action) == []


async def test_the_rules_judge_by_what_tryton_says_not_by_what_the_agent_says(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        assert refusal(await draft(it, "sku-0013", unit_price="9999.00")) == ("denied", ("order-under-contract",))
        unapproved = (await told(it, "buyer-1", "supplier.search", name="Supplier 08"))["rows"][0]["supplier_id"]
        sold = (await told(it, "buyer-1", "contract.get", sku="sku-0015"))["rows"][0]
        assert sold["supplier_id"] == unapproved
        assert refusal(await draft(it, "sku-0015")) == ("denied", ("order-approved-supplier",))
        assert len(rows(tryton, "SELECT id FROM purchase_purchase WHERE reference IS NULL")) == PAST


async def test_a_cost_centre_without_money_stops_an_order(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        order = await quoted(it, "sku-0014", cost_center="cc-training")
        assert refusal(await reserve(it, order)) == ("denied", ("budget-left",))
        cancelled = await it.ask(
            "buyer-1", "purchase_order.cancel", {name: order[name] for name in ("purchase_order_id", "version")}
        )
        assert (cancelled.status, cancelled.result["state"]) == ("done", "cancelled")


async def test_a_large_order_waits_for_two_people_and_is_bought_when_both_have_approved(
    tryton: Tryton, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton) as it:
        order = await quoted(it, "sku-0016", 200, cost_center="cc-service")
        await reserve(it, order)
        held = await confirm(it, order)
        assert (held.status, set(held.policies)) == ("held", {"order-procurement-lead", "order-finance-manager"})
        state = "SELECT state FROM purchase_purchase WHERE id = ?"
        assert rows(tryton, state, order["purchase_order_id"]) == [("quotation",)]
        await it.approve(held.action, "priya", "felix")
        assert rows(tryton, state, order["purchase_order_id"]) == [("processing",)]


async def test_of_two_writers_the_later_one_has_to_read_again(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        made = (await draft(it, "sku-0017")).result
        order = await told(it, "stock-watcher", "purchase_order.get", purchase_order_id=made["purchase_order_id"])
        seen = {name: order[name] for name in ("purchase_order_id", "line_id", "version")}
        await told(it, "stock-watcher", "purchase_order.change_quantity", **seen, quantity=12)
        stale = await it.ask("budget-checker", "purchase_order.change_quantity", {**seen, "quantity": 8})
        assert (stale.status, stale.code) == ("denied", "record.stale")
        seen["version"] = stale.detail["current"]
        raised = await it.ask("budget-checker", "purchase_order.change_quantity", {**seen, "quantity": 13})
        assert refusal(raised) == ("denied", ("controller-only-lowers",))
        lowered = await told(it, "budget-checker", "purchase_order.change_quantity", **seen, quantity=8)
        assert lowered["amount"] == f"{8 * (40 + 7 * 17)}.00"


async def test_a_line_of_another_order_is_not_changed(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        mine, other = (await draft(it, "sku-0018")).result, (await draft(it, "sku-0019")).result
        order = await told(it, "buyer-1", "purchase_order.get", purchase_order_id=other["purchase_order_id"])
        named = {name: mine[name] for name in ("purchase_order_id", "version")}
        asked = {**named, "line_id": order["line_id"], "quantity": 99}
        assert refusal(await it.ask("buyer-1", "purchase_order.change_quantity", asked)) == (
            "denied",
            ("order-only-drafts-change",),
        )


async def test_invoices_that_match_are_posted_and_payments_wait_for_a_person(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        drafted = (await told(it, "payables-1", "invoice.list_draft"))["rows"][:PAST]
        replies = [
            await it.ask("payables-1", "invoice.post", {name: one[name] for name in ("invoice_id", "version")})
            for one in drafted
        ]
        assert [reply.status for reply in replies] == ["done", "done", "denied", "held"]
        assert replies[2].policies == ("invoice-matches-order",)
        posted = await told(it, "payables-1", "invoice.get", invoice_id=drafted[0]["invoice_id"])
        owed = [one["line_id"] for one in (await told(it, "payables-1", "ledger.list_open"))["rows"]]
        assert posted["line_id"] in owed
        named = {name: posted[name] for name in ("supplier_id", "line_id")} | {"date": "2030-01-31"}
        wrong = await it.ask("payables-1", "payment.prepare", {**named, "amount": "1.00"})
        assert refusal(wrong) == ("denied", ("payment-what-is-owed",))
        payment = await told(it, "payables-1", "payment.prepare", **named, amount=posted["amount_to_pay"])
        asked = {"payment_id": payment["payment_id"], "amount": payment["amount"]}
        assert refusal(await it.ask("payables-1", "payment.release", asked)) == ("denied", ("payment-as-submitted",))
        await told(it, "payables-1", "payment.submit", payment_id=payment["payment_id"])
        held = await it.ask("payables-1", "payment.release", asked)
        assert refusal(held) == ("held", ("payment-finance-manager",))
        await it.approve(held.action, "felix")
        assert rows(tryton, "SELECT state FROM account_payment WHERE id = ?", payment["payment_id"]) == [("approved",)]


async def test_production_is_scheduled_planned_and_made_and_a_person_sees_it_start(
    tryton: Tryton, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton) as it:
        order = (await told(it, "planner-1", "production.list_open"))["rows"][0]
        named = {name: order[name] for name in ("production_id", "version")}
        days = {"planned_start_date": "2030-01-07", "planned_date": "2030-01-09"}
        scheduled = await told(it, "planner-1", "production.schedule", **named, **days)
        mine = {"production_id": order["production_id"]}
        await told(it, "planner-1", "production.plan", **mine)
        late = await it.ask("planner-1", "production.schedule", {**named, "version": scheduled["version"], **days})
        assert late.code == "record.stale"
        assert (await told(it, "planner-1", "production.assign", **mine))["state"] == "assigned"
        held = await it.ask("planner-1", "production.start", mine)
        assert refusal(held) == ("held", ("factory-start-operations-lead",))
        await it.approve(held.action, "omar")
        assert (await told(it, "planner-1", "production.finish", **mine))["state"] == "done"
        assert rows(tryton, "SELECT planned_start_date FROM production WHERE id = ?", order["production_id"]) == [
            ("2030-01-07",)
        ]


async def test_opportunities_are_noted_and_corrected(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        first = (await told(it, "sales-1", "opportunity.list_open"))["rows"][0]
        made = await it.ask(
            "sales-1",
            "opportunity.create",
            {"customer_id": first["customer_id"], "description": "three scales", "amount": "1200.00"},
        )
        assert rows(tryton, "SELECT id FROM sale_opportunity WHERE reference = ?", made.action) == [
            (made.result["opportunity_id"],)
        ]
        seen = {name: first[name] for name in ("opportunity_id", "version")}
        changed = await told(it, "sales-1", "opportunity.change_amount", **seen, amount="4100.00")
        assert changed["amount"] == "4100.00"
        large = await it.ask("sales-1", "opportunity.change_amount", {**seen, "amount": "60000.00"})
        assert large.status == "denied"


async def test_a_delivery_is_taken_in(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        expected = (await told(it, "stock-watcher", "delivery.list_expected"))["rows"][0]
        named = {name: expected[name] for name in ("supplier_id", "move_id")}
        note = await told(it, "stock-watcher", "delivery.announce", **named)
        seen = {name: note[name] for name in ("delivery_id", "version")}
        assert (await told(it, "stock-watcher", "delivery.receive", **seen))["state"] == "received"
        assert rows(tryton, "SELECT state FROM stock_move WHERE id = ?", expected["move_id"]) == [("done",)]


async def test_what_strangers_wrote_labels_the_agent_and_critical_tools_are_closed_to_everybody(
    tryton: Tryton, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton) as it:
        notes = await told(it, "buyer-1", "supplier.notes", supplier_id=2)
        assert "Change our bank account" in notes["rows"][0]["note"]
        rename = await it.ask("buyer-1", "supplier.rename", {"supplier_id": 2, "version": "1", "name": "XX00"})
        assert rename.status == "denied"
        assert rows(tryton, "SELECT name FROM party_party WHERE id = 2") == [("Supplier 01",)]


# Tryton's own refusals -------------------------------------------------------------------------------------------


async def test_what_an_agents_own_tryton_user_may_not_do_is_refused_in_trytons_words(
    tryton: Tryton, tmp_path: Path
) -> None:
    async with company(tmp_path, tryton) as it:
        it.system.secrets.rotate("tryton.buyer-2", tryton.keys["sales-1"], "person:ada")
        reply = await it.ask("buyer-2", "purchase_order.list_open", {})
        assert (reply.status, reply.code) == ("failed", "upstream.refused")
        assert reply.message == '`erp` refused with status 400: You are not allowed to access "Purchase".'


async def test_a_key_that_tryton_does_not_know_is_refused_and_shown_to_nobody(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        it.system.secrets.rotate("tryton.buyer-2", "canary-of-a-withdrawn-key", "person:ada")
        reply = await it.ask("buyer-2", "purchase_order.list_open", {})
        assert (reply.status, reply.code) == ("failed", "upstream.refused")
        assert "canary" not in str(reply)


async def test_an_agent_without_a_key_of_its_own_gets_nobody_elses(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        agents = (await it.ask("buyer-1", "contract.get", {"sku": "sku-0001"})).status
        assert agents == "done"
    async with company(tmp_path / "second", tryton, without=("buyer-2",)) as it:
        reply = await it.ask("buyer-2", "contract.get", {"sku": "sku-0001"})
        assert (reply.status, reply.code) == ("failed", "secret.unknown")


@pytest.mark.parametrize("version", ["", "0", "1795252654.87946"])
async def test_a_version_that_was_never_tells_the_one_in_force(tryton: Tryton, tmp_path: Path, version: str) -> None:
    async with company(tmp_path, tryton) as it:
        invoice = (await told(it, "payables-1", "invoice.list_draft"))["rows"][-1]
        reply = await it.ask("payables-1", "invoice.post", {"invoice_id": invoice["invoice_id"], "version": version})
        assert (reply.code, reply.detail["current"]) == ("record.stale", invoice["version"])
