"""The workflow of the starter organisation, on its business database."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.gate.works import Plant, Works
from tests.house import house
from tests.workflow.office import Office


async def test_an_item_is_ordered_again_by_three_agents(tmp_path: Path, database_url: str) -> None:
    async with house(tmp_path, database_url, living=True) as found:
        it = Office(Works(found, Plant()))
        run = await it.start("reorder", by="person:nadia", sku="sku-0007", cost_center="cc-optics")
        state = await it.ended(run)
        assert state.status == "done", (state.reason, state.steps)
        assert state.output["order"]["rows"][0]["sku"] == "sku-0007"  # type: ignore[index,call-overload]


async def test_a_dear_order_waits_for_its_people_and_the_run_waits_with_it(tmp_path: Path, database_url: str) -> None:
    async with house(tmp_path, database_url, living=True) as found:
        it = Office(Works(found, Plant()))
        run = await it.start("reorder", by="person:nadia", sku="sku-0012", cost_center="cc-service")
        hold = await it.asked(run)
        await asyncio.to_thread(found.system.approvals.decide, hold.action, "priya", "approve", hold.shown)
        assert (await it.ended(run)).status == "done"
