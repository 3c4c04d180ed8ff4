"""Sites: what belongs to one is performed there and nowhere else, and the gate knows what it knows of any call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from autonomy.gate.store import action
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from autonomy.tools import Refused, Unreachable, Unsure
from autonomy.tools.errors import Stale
from autonomy.tools.sites import Counter, Ending, Performing, Worker, performing
from autonomy.tools.sites.model import Order
from autonomy.tools.sites.performing import secrets_in
from autonomy.tools.sites.store import assignment
from autonomy.wiring import Settings, open_system
from tests.gate.works import TOOLS, Plant, Works, fail, never, organisation, works
from tests.house import House, declare

AT_THE_FACTORY = TOOLS.replace(
    "spec: { use: { type: python, entryPoint: plant, timeout: 5s } }",
    "spec: { site: factory, use: { type: python, entryPoint: plant, timeout: 5s } }",
).replace("deadline: 50ms", "deadline: 400ms")


def no_secret(name: str) -> Any:
    raise AssertionError(f"nobody may ask for `{name}`")


@asynccontextmanager
async def worker(it: Works, plant: Plant, site: str = "factory") -> AsyncIterator[Worker]:
    """A worker of the site in this process."""
    performing = Performing(site, no_secret, it.house.folder, load={"plant": plant}.__getitem__)
    found = Worker(Counter(it.system.sites.office, site), performing.perform)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await performing.close()


@asynccontextmanager
async def factory(folder: Path, database: str) -> AsyncIterator[tuple[Works, Plant]]:
    """A control plane without a site; the plant stands at the factory, the one it could reach itself is another."""
    files = organisation(tools=AT_THE_FACTORY)
    async with works(folder, database, files=files) as it:
        yield it, Plant()


def rows(it: Works) -> int:
    with it.system.database.reading() as connection:
        return len(connection.execute(select(assignment.c.id)).all())


async def test_what_belongs_to_a_site_is_performed_there_and_the_log_says_where(
    tmp_path: Path, database_url: str
) -> None:
    async with factory(tmp_path, database_url) as (it, plant), worker(it, plant) as made:
        for tool in ("press", "post", "shout", "look"):
            reply = await it.ask(tool, n=7)
            assert (reply.status, reply.result) == ("done", {"ok": {"n": 7}}), reply
            if tool != "look":
                assert it.story(reply.action) == ["intent", "dispatch", "outcome done"]
        assert plant.executions() == 4 and it.plant.calls == []
        assert {(leaf["site"], leaf["worker"]) for leaf in it.leaves("dispatch")} == {("factory", made.name)}
        assert rows(it) == 0


async def test_a_fact_at_a_site_is_looked_up_there(tmp_path: Path) -> None:
    async with factory(tmp_path, "") as (it, plant), worker(it, plant):
        plant.behaves["level"] = lambda *_: 0
        assert (await it.ask("heat", n=1)).status == "done"
        plant.behaves["level"] = lambda *_: 1
        assert (await it.ask("heat", n=2)).status == "held"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (Refused("no"), "failed", "upstream.refused"),
        (Stale("old"), "failed", "record.stale"),
        (Unreachable("gone"), "failed", "upstream.unreachable"),
        (Unsure("who knows"), "unknown", "upstream.unsure"),
        (RuntimeError("broken"), "unknown", "upstream.unsure"),
    ],
)
async def test_what_a_connector_says_there_is_heard_here(
    tmp_path: Path, said: Exception, status: str, code: str
) -> None:
    async with factory(tmp_path, "") as (it, plant), worker(it, plant):
        plant.behaves["shout"] = fail(said)
        reply = await it.ask("shout", n=1)
        assert (reply.status, reply.code) == (status, code)


async def test_without_a_worker_nothing_happens_and_nothing_happens_later(tmp_path: Path, database_url: str) -> None:
    async with factory(tmp_path, database_url) as (it, plant):
        reply = await it.ask("hasty", n=1)
        assert (reply.status, reply.code) == ("failed", "site.no_worker")
        async with worker(it, plant, "office"):
            assert (await it.ask("hasty", n=2)).code == "site.no_worker"
        async with worker(it, plant):
            assert (await it.ask("press", n=3)).status == "done"
        assert plant.executions() == 1 and rows(it) == 0


async def test_a_worker_that_hangs_leaves_a_write_in_doubt_at_its_deadline(tmp_path: Path) -> None:
    async with factory(tmp_path, "") as (it, plant), worker(it, plant):
        plant.behaves["hasty"] = never
        reply = await it.ask("hasty", n=1)
        assert (reply.status, reply.code) == ("unknown", "upstream.unsure")


async def test_what_is_contained_is_cancelled_at_the_site(tmp_path: Path) -> None:
    async with factory(tmp_path, "") as (it, plant), worker(it, plant) as made:
        plant.behaves["shout"] = never
        asked = asyncio.create_task(it.ask("shout", n=1))
        await plant.called("shout")
        held = list(made._held.values())
        await it.system.containing.contain("agent", "w1", "person:ada", "odd")
        assert (await asked).status == "unknown"
        await asyncio.gather(*held)


async def test_what_another_process_has_taken_over_is_not_begun(tmp_path: Path, database_url: str) -> None:
    async with factory(tmp_path, database_url) as (it, _):
        asked = asyncio.create_task(it.ask("shout", n=1))
        while not rows(it):
            await asyncio.sleep(0.01)
        await it.system.queue.perform(lambda tx: tx.execute(update(action).values(owner="proc_other")))
        assert await it.system.sites.office.claim("factory", "wrk_1", 5) == []
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def test_an_assignment_is_claimed_once_and_ended_by_who_claimed_it(tmp_path: Path, database_url: str) -> None:
    async with factory(tmp_path, database_url) as (it, _):
        office = it.system.sites.office
        asked = asyncio.create_task(it.ask("shout", n=1))
        assert await office.waiting("factory", 60)
        assert not await office.waiting("elsewhere", 0.0)
        claims = await asyncio.gather(*(office.claim("factory", f"wrk_{n}", 5) for n in range(8)))
        ((winner, (one,)),) = [(n, found) for n, found in enumerate(claims) if found]
        assert one.order.arguments == {"n": 1} and 0 < one.seconds_left <= 10
        for site, name in (("factory", f"wrk_{winner + 1}"), ("elsewhere", f"wrk_{winner}")):
            with pytest.raises(Conflict):
                await office.end(site, name, one.id, Ending("done", 1))
        assert await office.beat("factory", f"wrk_{winner}", [one.id, "asg_other"]) == ["asg_other"]
        await office.end("factory", f"wrk_{winner}", one.id, Ending("done", {"it": "is done"}, 120, 7))
        reply = await asked
        assert reply.status == "done" and reply.result == {"it": "is done"}
        assert it.leaves("outcome")[-1]["cost"] == {"money": 120, "tokens": 7}
        with pytest.raises(Conflict) as late:
            await office.end("factory", f"wrk_{winner}", one.id, Ending("done", 2))
        assert late.value.code == "site.late"


async def test_what_waits_lies_sealed_in_the_store(tmp_path: Path) -> None:
    async with factory(tmp_path, "") as (it, _):
        asked = asyncio.create_task(it.ask("shout", n=123_454_321))
        while not rows(it):
            await asyncio.sleep(0.01)
        with it.system.database.reading() as connection:
            (row,) = connection.execute(select(assignment)).all()
        assert b"123454321" not in bytes(row.sealed_order) and b"plant" not in bytes(row.sealed_order)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def test_a_process_at_the_site_performs_by_itself_and_for_the_others(tmp_path: Path, database_url: str) -> None:
    plant = Plant()
    settings = replace(Settings(), data=tmp_path, database=database_url, site="factory")
    async with works(tmp_path, database_url, files=organisation(tools=AT_THE_FACTORY)) as it:
        there = await asyncio.to_thread(open_system, settings, functions={"plant": plant})
        await there.start()
        try:
            house = House(there, tmp_path, {})
            assert (await house.ask("w1", "press", {"n": 1})).status == "done"
            assert not it.leaves("dispatch")
            assert (await it.ask("press", n=2)).status == "done"
        finally:
            await there.stop()
        assert plant.executions() == 2 and it.plant.calls == []


async def test_a_connector_that_moves_to_a_site_is_performed_there_from_then_on(tmp_path: Path) -> None:
    async with works(tmp_path, "") as it:
        assert (await it.ask("press", n=1)).status == "done"
        await asyncio.to_thread(declare, it.system, organisation(tools=AT_THE_FACTORY))
        plant = Plant()
        async with worker(it, plant):
            assert (await it.ask("press", n=2)).status == "done"
        assert (it.plant.executions(), plant.executions()) == (1, 1)


async def test_a_key_opens_its_own_site_until_it_is_revoked_or_expires(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, clock=lambda: clock[0]) as it:
        keys = it.system.sites.keys
        issued = await asyncio.to_thread(keys.issue, "factory", "person:ada", DAY)
        other = await asyncio.to_thread(keys.issue, "office", "person:ada", DAY)
        assert await keys.site_of(issued.secret) == "factory" and await keys.site_of(other.secret) == "office"
        crossed = "_".join((*issued.secret.split("_", 2)[:2], other.secret.split("_", 2)[2]))
        for wrong in ("", "site", crossed, issued.secret + "x", issued.secret.replace("site_", "aos_"), "site_x_y"):
            with pytest.raises(Unauthenticated) as caught:
                await keys.site_of(wrong)
            assert caught.value.code == "site.key_invalid"
        await asyncio.to_thread(keys.revoke, issued.id, "person:ada")
        with pytest.raises(Unauthenticated):
            await keys.site_of(issued.secret)
        with pytest.raises(NotFound):
            await asyncio.to_thread(keys.revoke, issued.id, "person:ada")
        clock[0] += DAY
        with pytest.raises(Unauthenticated):
            await keys.site_of(other.secret)
        told = [leaf for leaf in it.leaves("identity") if leaf["event"].startswith("site.")]
        assert [leaf["event"] for leaf in told] == ["site.key_issued", "site.key_issued", "site.key_revoked"]
        assert issued.secret.split("_", 2)[2] not in str(told)
        with pytest.raises(Invalid):
            await asyncio.to_thread(keys.issue, "Factory!", "person:ada", DAY)


clock = [1_790_000_000_000]


def test_a_secret_of_a_site_is_a_file_that_nobody_else_can_read(tmp_path: Path) -> None:
    reveal, path = secrets_in(tmp_path), tmp_path / "erp-key"
    path.write_text("hidden-value\n")
    path.chmod(0o600)
    assert reveal("erp-key").reveal() == "hidden-value"
    path.chmod(0o644)
    with pytest.raises(Invalid) as caught:
        reveal("erp-key")
    assert caught.value.code == "secret.exposed" and "hidden" not in str(caught.value)
    (tmp_path / "erp").mkdir()
    (tmp_path / "erp" / "buyer-1").write_text("its-own-value")
    (tmp_path / "erp" / "buyer-1").chmod(0o600)
    assert reveal("erp/buyer-1").reveal() == "its-own-value"
    for name in ("none", "../erp-key", "erp/../erp-key", "erp/none", "erp", "/etc/passwd", ""):
        with pytest.raises(NotFound):
            reveal(name)


async def test_a_worker_keeps_so_many_connectors_and_meets_the_others_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performing, "KNOWN_CONNECTORS", 3)
    loaded: list[str] = []

    def load(name: str) -> Any:
        loaded.append(name)
        return lambda *_: {"from": name}

    there = Performing("factory", no_secret, tmp_path, load=load)
    try:
        for number in (1, 2, 3, 1, 4, 1, 2):
            use = {"type": "python", "entryPoint": f"plant-{number}", "timeout": "5s"}
            order = Order(
                f"c-{number}",
                f"d-{number}",
                {"site": "factory", "use": use},
                {"function": "f"},
                {},
                "act_1",
                "w1",
                False,
            )
            assert (await there.perform(order, 5.0)).value == {"from": f"plant-{number}"}
    finally:
        await there.close()
    assert loaded == [f"plant-{number}" for number in (1, 2, 3, 4, 2)], "the one asked longest ago was forgotten"
