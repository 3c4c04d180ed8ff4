"""The workflow that the guide shows, from its first step to its last."""

from __future__ import annotations

import pytest

from autonomy.catalog import read, rules
from autonomy.catalog.starter import organisation as starter
from autonomy.workflow import define
from autonomy.workflow.model import AskApproval, Emit, OpenTask, PerformTool
from autonomy.workflow.triggers import input_of, key_of
from tests.catalog.company import organisation
from tests.docs.pages import ROOT, blocks_of

from .works import Run

PAGE = ROOT / "docs" / "guides" / "declare-workflows.md"
SHOWN, *OTHERS = [block.text for block in blocks_of(PAGE) if block.language == "yaml"]
COMPANY = organisation(read({**starter(), "workflows/replenish.yaml": "---\n".join((SHOWN, *OTHERS))}))
REPLENISH = define(COMPANY, COMPANY.all("Workflow")["replenish"])
ROWS = {"rows": [{"sku": "sensor-9", "unit_price_minor": 1_250}]}


def test_what_the_guide_shows_stands_on_the_starter_organisation() -> None:
    assert rules.check(COMPANY) == []


@pytest.mark.parametrize(("total", "dear"), [(125_000, False), (2_500_000, True)])
def test_low_stock_becomes_one_order_and_what_is_dear_is_signed(total: int, dear: bool) -> None:
    input = input_of(REPLENISH.triggers[0], {"data": {"sku": "sensor-9"}}, 1_000)
    assert key_of(REPLENISH, input) == "sensor-9"
    run = Run(REPLENISH, input)
    assert {command.agent for command in run.commands(PerformTool)} == {"stock-watcher", "buyer-1"}
    run.done("item", ROWS)
    run.done("contracts", ROWS)
    assert run.command("choose_supplier", OpenTask).input["item"] == ROWS["rows"][0]
    run.done("choose_supplier", {"supplier": "s-1", "quantity": 100, "total_minor": total})
    assert run.command("budget").arguments["amount"] == f"{total // 100}.00"
    run.done("budget")
    if dear:
        assert run.command("sign", AskApproval).roles == {"finance-manager": 1}
        run.approve("sign")
    assert run.status("sign") == ("done" if dear else "skipped")
    assert run.command("order").arguments == {
        "supplier_id": "s-1",
        "sku": "sensor-9",
        "quantity": 100,
        "amount": f"{total // 100}.00",
        "cost_center": "cc-optics",
    }
    run.done("order")
    assert [one.event for one in run.told if isinstance(one, Emit)] == ["stock.ordered"]
    assert run.output == {"quantity": 100}
