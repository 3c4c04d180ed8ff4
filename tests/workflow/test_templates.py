"""The processes that templates bring, run from their first step to their last on the business database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from autonomy.approvals import Hold
from autonomy.catalog import starter
from autonomy.workflow.events import Chosen
from autonomy.workflow.model import State
from demo import business
from tests.gate.works import Plant, Works
from tests.house import house
from tests.workflow.office import Office

APPLICATION = "INSERT INTO vendor_application (id, name, bank_account, email) VALUES (?, 'V', 'DE1', 'v@v.example')"


def held(step: str) -> Callable[[State], bool]:
    """Whether a step waits for people at the gate."""
    return lambda state: step in state.steps and state.steps[step].state == "held"


class Company(Office):
    """The starter company with a template, and its business database."""

    def __init__(self, works: Works, path: Path) -> None:
        super().__init__(works)
        self.path = path

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    async def approve(self, hold: Hold, person: str) -> None:
        await asyncio.to_thread(self.works.system.approvals.decide, hold.action, person, "approve", hold.shown)

    async def do(self, agent: str, output: Any) -> str:
        """Have an agent take its next task and bring this result; returns which task that was."""
        desk, key = self.flows.workplace.of_agents, await asyncio.to_thread(self.works.house.key, agent)
        task: Any = (await desk.next(key, {"wait": 20}))["task"]
        await desk.say(key, "complete", task["task"], {"claim": task["claim"], "output": output})
        return str(task["task"])

    async def output(self, run: str) -> Any:
        """What a run that is done comes to."""
        state = await self.ended(run)
        assert state.status == "done", (state.reason, {path: one.state for path, one in state.steps.items()})
        return state.output


@asynccontextmanager
async def company(folder: Path, database: str, template: str) -> AsyncIterator[Company]:
    path = folder / "business.sqlite"
    business.create(f"sqlite:///{path}")
    files = starter.organisation((), [template])
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(files.get(f"{template}.sql", ""))
    declared = {name: text for name, text in files.items() if not name.startswith("tests/")}
    async with house(folder, database, declared, living=True) as found:
        yield Company(Works(found, Plant()), path)


async def test_procurement_orders_under_a_contract_and_nothing_else(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "procurement") as it:
        [(supplier, sku)] = it.sql(
            "SELECT c.supplier_id, c.sku FROM contract c JOIN supplier s ON s.id = c.supplier_id"
            " WHERE s.approved = 1 AND c.unit_price_minor < 100000 AND c.valid_until > '2027'"
            " AND NOT EXISTS (SELECT 1 FROM purchase_order o WHERE o.sku = c.sku AND o.status = 'open') LIMIT 1"
        )
        wanted = {"sku": sku, "quantity": 1, "cost_center": "cc-optics", "by": "person:nadia"}
        output = await it.output(await it.start("purchase", supplier_id=supplier, **wanted))
        assert it.sql("SELECT supplier_id, sku, quantity FROM purchase_order WHERE id = ?", output["order"]) == [
            (supplier, sku, 1)
        ]
        it.sql("UPDATE supplier SET approved = 0 WHERE id = ?", supplier)
        state = await it.ended(await it.start("purchase", supplier_id=supplier, **wanted))
        assert (state.status, state.reason) == ("failed", "the supplier is not approved")
        [(other,)] = it.sql(
            "SELECT id FROM supplier WHERE approved = 1 AND id NOT IN (SELECT supplier_id FROM contract WHERE sku = ?)"
            " LIMIT 1",
            sku,
        )
        state = await it.ended(await it.start("purchase", supplier_id=other, **wanted))
        assert (state.status, state.reason) == ("failed", "there is no contract for this item yet")
        assert len(it.sql("SELECT 1 FROM message WHERE direction = 'out' AND supplier_id = ?", other)) == 1


async def test_what_one_run_found_out_another_does_not_find_out_again(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "procurement") as it:
        [(sku,)] = it.sql(
            "SELECT c.sku FROM contract c JOIN supplier s ON s.id = c.supplier_id WHERE c.valid_until > '2027'"
            " AND NOT EXISTS (SELECT 1 FROM purchase_order o WHERE o.sku = c.sku AND o.status = 'open')"
            " GROUP BY c.sku HAVING MIN(s.approved) = 1 LIMIT 1"
        )
        first, second = [
            await it.start("sourcing", by="person:nadia", sku=sku, cost_center="cc-optics") for _ in range(2)
        ]
        ways = set()
        for run in (first, second):
            state = await it.until(run, lambda state: "order" in state.steps)
            ways.add(state.steps["research"].output["branch"])  # type: ignore[index,call-overload,arg-type]
        assert ways == {"known", "otherwise"}
        asked = [leaf for leaf in it.works.leaves("intent") if leaf["agent_name"] == "buyer-2"]
        assert sorted(leaf["tool"] for leaf in asked) == [
            "contract.get",
            "memory.recall",
            "memory.recall",
            "memory.write",
        ]


@pytest.mark.slow
async def test_procurement_asks_for_quotes_and_a_person_takes_them(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "procurement") as it:
        run = await it.start("quotes", by="person:nadia", sku="sku-0007", suppliers=["sup-001", "sup-002"])
        waiting = ("ask[0]/answer", "ask[1]/answer")
        await it.until(run, lambda state: all(path in state.steps for path in waiting))
        for supplier, cents in (("sup-001", 990), ("sup-002", 870)):
            await it.flows.runs.tell("quote.received", f"{supplier}/sku-0007", {"cents": cents}, "person:nadia")
        await it.approve(await it.asked(run), "priya")
        output = await it.output(run)
        assert [one["quote"]["cents"] for one in output["quotes"]] == [990, 870]
        assert output["taken"] is True


async def test_support_answers_what_is_harmless_and_people_see_the_rest(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "support") as it:
        for id, topic, claim in (("inq-1", "delivery", 0), ("inq-2", "complaint", 0), ("inq-3", "delivery", 20_000)):
            it.sql("INSERT INTO inquiry (id, customer, topic, claim_minor) VALUES (?, 'c', ?, ?)", id, topic, claim)
        runs = [await it.start("triage", by="person:nadia", inquiry_id=f"inq-{number}") for number in (1, 2, 3)]
        assert await it.output(runs[0]) == {"sensitive": False, "rows": [3]}
        agents = [leaf["agent_name"] for leaf in it.works.leaves("intent") if leaf["run"] == runs[0]]
        assert agents == ["gatherer-1", "drafter-1", "updater-1"]
        for run, row in ((runs[1], 1), (runs[2], 2)):
            await it.until(run, held("answer"))
            await it.approve(await it.asked(run), "omar")
            assert await it.output(run) == {"sensitive": True, "rows": [row]}
        assert it.sql("SELECT count(*) FROM inquiry WHERE status = 'answered' AND reply IS NOT NULL") == [(3,)]


async def test_onboarding_admits_a_vendor_whose_documents_have_come(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "onboarding") as it:
        it.sql(
            "INSERT INTO vendor_application (id, name, bank_account, email) VALUES ('ven-1', 'V', 'DE1', 'v@v.example')"
        )
        it.sql("INSERT INTO vendor_document VALUES ('ven-1', 'tax')")
        run = await it.start("vendor-onboarding", by="person:nadia", application_id="ven-1")
        again = await it.start("vendor-onboarding", by="person:nadia", application_id="ven-1")
        assert again == run, "nobody is asked twice"
        await it.until(run, lambda state: "documents[incomplete]/arrive" in state.steps)
        for kind in ("registration", "bank"):
            it.sql("INSERT INTO vendor_document VALUES ('ven-1', ?)", kind)
        await it.flows.runs.tell("vendor.documents", "ven-1", None, "person:nadia")
        assert await it.do("assessor-1", {"risk": "none"}) == await it.do("assessor-1", {"risk": "low", "why": "known"})
        await it.until(run, held("admit"))
        await it.approve(await it.asked(run), "priya")
        assert await it.output(run) == {"supplier": "ven-1", "risk": "low"}
        assert it.sql("SELECT name, approved FROM supplier WHERE id = 'ven-1'") == [("V", 1)]
        assert it.sql("SELECT requests, verified_by FROM vendor_application") == [(1, "verifier-1")]


@pytest.mark.slow
async def test_onboarding_leaves_an_incomplete_vendor_to_a_person(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "onboarding") as it:
        it.sql(
            "INSERT INTO vendor_application (id, name, bank_account, email) VALUES ('ven-2', 'V', 'DE1', 'v@v.example')"
        )
        run = await it.start("vendor-onboarding", by="person:nadia", application_id="ven-2")
        await it.until(run, lambda state: "documents[incomplete]/arrive" in state.steps)
        await it.flows.runs.tell("vendor.documents", "ven-2", None, "person:nadia")
        [asked] = await it.excepted(run)
        assert (asked.command.kind, asked.command.role) == ("contract", "procurement-lead")


@pytest.mark.slow
async def test_onboarding_takes_on_customers_by_their_credit(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "onboarding") as it:
        for id, score in (("cus-1", 700), ("cus-2", 100)):
            it.sql("INSERT INTO customer_application VALUES (?, 'C', 'c@c.example', 1, ?, 'new')", id, score)
        sound, doubtful = [
            await it.start("customer-onboarding", by="person:nadia", application_id=id) for id in ("cus-1", "cus-2")
        ]
        assert await it.output(sound) == {"terms": "thirty-days"}
        await it.until(doubtful, held("create"))
        await it.approve(await it.asked(doubtful), "felix")
        assert await it.output(doubtful) == {"terms": "prepaid"}
        assert it.sql("SELECT count(*) FROM customer WHERE welcomed = 1") == [(2,)]


async def test_reconciliation_matches_what_agrees_and_asks_for_the_rest(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "reconciliation") as it:
        for id, reference, bank, ledger in (("1", "a", 500, 500), ("2", "b", 503, 500), ("3", "c", 90_000, 500)):
            it.sql("INSERT INTO bank_line (id, reference, amount_minor) VALUES (?, ?, ?)", id, reference, bank)
            it.sql("INSERT INTO ledger_entry (id, reference, amount_minor) VALUES (?, ?, ?)", id, reference, ledger)
        it.sql("INSERT INTO bank_line (id, reference, amount_minor) VALUES ('4', 'nobody knows', 1)")
        run = await it.start("reconcile", by="person:hanna")
        await it.until(run, held("each[1]/adjust"))
        await it.approve(await it.asked(run), "felix")
        assert await it.output(run) == {"routes": ["match", "adjust", "ask", "ask"]}
        assert it.sql("SELECT id FROM bank_line WHERE matched = 1 ORDER BY id") == [("1",), ("2",)]
        assert it.sql("SELECT adjusted_minor FROM ledger_entry WHERE id = '2'") == [(3,)]


async def test_figures_that_differ_are_for_the_finance_manager(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "reconciliation") as it:
        it.sql("INSERT INTO bank_line (id, reference, amount_minor) VALUES ('1', 'a', 500)")
        it.sql("INSERT INTO ledger_entry (id, reference, amount_minor) VALUES ('1', 'a', 480)")
        run = await it.start("cash-report", by="person:hanna")
        [asked] = await it.excepted(run)
        assert (asked.command.kind, asked.command.role) == ("conflict", "finance-manager")
        assert asked.command.detail == {"figures": {"bank": 500, "ledger": 480}}
        right = {"value": 500, "figures": {"bank": 500, "ledger": 480}}
        chosen = Chosen(0, asked.command.id, "edit", output=right, by="person:felix", reason="the bank is right")
        await it.flows.runs.choose(run, chosen, ["finance-manager"], anyway=False)
        assert await it.output(run) == {"cash": "5.00"}
        told = [leaf for leaf in it.works.leaves("run") if leaf["event"] in ("exception", "chosen")]
        assert [(leaf.get("exception"), leaf.get("choice")) for leaf in told] == [("conflict", None), (None, "edit")]


@pytest.mark.slow
async def test_an_invoice_that_agrees_with_its_order_is_paid(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "reconciliation") as it:
        [(invoice,)] = it.sql(
            "SELECT i.id FROM invoice i JOIN purchase_order o ON o.id = i.purchase_order_id WHERE i.status = 'open'"
            " AND i.amount_minor = o.amount_minor AND i.amount_minor < 900000 AND o.created_by != 'payables-1' LIMIT 1"
        )
        run = await it.start("settle-invoice", by="person:hanna", invoice_id=invoice)
        await it.until(run, held("pay"))
        await it.approve(await it.asked(run), "felix")
        await it.output(run)
        assert it.sql("SELECT status FROM invoice WHERE id = ?", invoice) == [("paid",)]


async def test_maintenance_orders_each_service_once_and_closes_the_loop(tmp_path: Path, database_url: str) -> None:
    async with company(tmp_path, database_url, "maintenance") as it:
        for id, critical, hours in (("eq-1", 1, 1_000), ("eq-2", 0, 960), ("eq-3", 0, 10)):
            it.sql("INSERT INTO equipment VALUES (?, ?, ?, ?, 1000, 1)", id, id, critical, hours)
        assert await it.output(await it.start("service-round", by="person:nadia")) == {"machines": ["eq-1", "eq-2"]}
        await it.some(lambda runs: [one for one in runs if one.workflow == "service"][1:])
        await it.output(await it.start("service-round", by="person:nadia"))
        await it.flows.engine.idle()
        services = {run.id: (await it.flows.desk.look(run.id)).state for run in await it.flows.runs.runs("service")}
        by_machine = {state.input["equipment_id"]: id for id, state in services.items()}  # type: ignore[index,call-overload]
        assert sorted(by_machine) == ["eq-1", "eq-2"] and len(services) == 2
        await it.approve(await it.asked(by_machine["eq-1"]), "omar")
        for run in by_machine.values():
            state = await it.until(run, lambda state: "serviced" in state.steps)
            order = state.steps["order"].output["rows"][0]["id"]  # type: ignore[index,call-overload]
            await it.flows.runs.tell("work_order.done", order, None, "person:nadia")
            assert await it.output(run) == {"work_order": order}
        assert it.sql("SELECT id, service_hours FROM equipment ORDER BY id") == [
            ("eq-1", 2_000),
            ("eq-2", 1_960),
            ("eq-3", 1_000),
        ]
