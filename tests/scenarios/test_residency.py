"""R118: what belongs to a place stays there: it is read there, leaves only there, waits rather than goes elsewhere, and
lies nowhere in the clear."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.cli.shell import autonomy
from tests.gate.works import Plant

from .shop import RESIDENCY, shop

CANARY = "Lyon-canary-of-a-customer"


def telling() -> Plant:
    """A customer file that holds the canary."""
    plant = Plant()
    plant.behaves["crm.customer"] = lambda *_: {"city": CANARY}
    return plant


async def test_what_lies_in_europe_is_read_by_agents_there_alone(tmp_path: Path, database_url: str) -> None:
    plant = telling()
    async with shop(tmp_path, database_url, plant, policy=RESIDENCY) as it:
        assert (await it.done("support-1", "crm.customer", n=7)) == {"city": CANARY}
        refused = await it.ask("support-us", "crm.customer", n=7)
        assert (refused.status, refused.policies) == ("denied", ("europe-reads-europe",))
        assert len(plant.calls) == 1


async def test_a_case_that_has_seen_it_acts_through_europe_alone(tmp_path: Path, database_url: str) -> None:
    async with shop(tmp_path, database_url, telling(), policy=RESIDENCY) as it:
        await it.done("support-1", "crm.customer", "case-7", n=7)
        refused = await it.ask("support-1", "mail.us", "case-7", n=7)
        assert (refused.status, refused.policies) == ("denied", ("europe-stays-in-europe",))
        assert (await it.ask("support-1", "mail.eu", "case-7", n=7)).status == "done"
        # It stays so through memory: another case has read only what this one wrote.
        item = await it.write("support-1", "cases", "customer seven moved", case="case-7")
        await it.done("support-1", "memory.read", "case-8", item=item)
        assert (await it.ask("support-1", "mail.us", "case-8", n=7)).policies == ("europe-stays-in-europe",)


async def test_where_the_place_is_gone_nobody_else_does_it(tmp_path: Path, database_url: str) -> None:
    """Failing over to another place is refused: the call fails and does not happen later."""
    plant = telling()
    async with shop(tmp_path, database_url, plant, site="us", policy=RESIDENCY, patience="deadline: 1s") as it:
        reply = await it.ask("support-1", "crm.customer", n=7)
        assert (reply.status, reply.code) == ("failed", "site.no_worker")
        written = await it.ask("support-1", "mail.eu", n=7)
        assert (written.status, written.code) == ("failed", "site.no_worker")
        assert plant.calls == []


async def test_neither_log_nor_copy_of_it_nor_database_nor_backup_holds_it_in_the_clear(tmp_path: Path) -> None:
    carried = tmp_path / "carried.jsonl"
    async with shop(tmp_path / "data", "", telling(), policy=RESIDENCY, forward=(f"file://{carried}",)) as it:
        await it.done("support-1", "crm.customer", "case-7", n=7)
        await it.write("support-1", "cases", f"moved to {CANARY}", case="case-7")
        await it.settle()
        await it.system.followers[0].carry()
    kept = tmp_path / "autonomy.backup"
    assert autonomy("backup", str(kept), "--data", str(tmp_path / "data")).code == 0
    with zipfile.ZipFile(kept) as archive:
        for name in archive.namelist():
            assert CANARY.encode() not in archive.read(name), name
    held = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert any(path.name == "autonomy.sqlite" for path in held)
    for path in (*held, carried):
        assert CANARY.encode() not in path.read_bytes(), path
    assert "crm.customer" in carried.read_text()
