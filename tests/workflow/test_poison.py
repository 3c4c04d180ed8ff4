"""A stored command that cannot be read stands in nobody's way, and says its name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, update

from autonomy.db import Tx
from autonomy.kernel import canonical
from autonomy.kernel.sealing import Seal
from autonomy.tools.key import load_key
from autonomy.workflow.embedded import CLAIMS
from autonomy.workflow.store import command
from tests.gate.works import Plant
from tests.workflow.office import Office
from tests.workflow.test_engine import KINDS, Engines, change, engines_of, row_of


@pytest.fixture(params=KINDS)
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Engines:
    return engines_of(request.param, tmp_path, request)


@pytest.fixture
def embedded(request: pytest.FixtureRequest, tmp_path: Path) -> Engines:
    return engines_of(KINDS[0], tmp_path, request)


async def test_a_damaged_command_is_an_exception_of_its_run_and_all_others_go_on(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, runs="elsewhere") as front:
        bad = await front.start("pressing", n=1)
        await change(front, bad, body=b"x" * 40)
        good = [await front.start("pressing", n=number) for number in range(3)]
        async with engines.process(plant):
            assert {(await front.ended(run)).status for run in good} == {"done"}
            [asked] = await front.excepted(bad)
            assert (asked.command.kind, asked.command.path) == ("failed", "first"), "nobody had begun it"
            assert asked.command.reason.startswith("workflow.sealed: ")
            assert max(plant.effects.values()) == 1


async def test_words_of_a_newer_process_are_left_for_it_and_stop_no_batch(embedded: Engines) -> None:
    plant = Plant()
    async with embedded.process(plant, runs="elsewhere") as front:
        newer = await front.start("pressing", n=1)
        id, *_ = await row_of(front, newer)
        await change(front, newer, body=of_a_newer_process(embedded, id))
        good = await front.start("pressing", n=2)
        async with embedded.process(plant) as worker:
            assert (await front.ended(good)).status == "done"

            async def left() -> bool:
                row = await row_of(front, newer)
                return row[3] > 0 and row[1] is None

            await front.eventually(left)
            assert await worker.flows.runs.exceptions() == [], "a process that knows the word may come"
            assert (await front.flows.runs.show(newer)).open[-1].kind in ("perform_tool", "set_timer")
            await change(front, newer, attempts=CLAIMS, due=0)
            await front.flows.runs.prioritise(newer, "high", "person:sam")  # it is offered anew
            [asked] = await front.excepted(newer)
            assert asked.command.kind == "unknown", "another process may have begun it"
            assert asked.command.reason.startswith("workflow.command: ")


async def test_an_event_that_cannot_be_read_is_given_up_and_the_log_says_so(embedded: Engines) -> None:
    async with embedded.process(Plant(), runs="elsewhere") as front:
        told = await front.flows.runs.tell("stock.low", None, {}, "person:ada")

        def damage(tx: Tx) -> None:
            mine = command.c.id.startswith(told)
            tx.execute(update(command).where(mine).values(body=b"", attempts=CLAIMS))

        await front.works.system.queue.perform(damage)
        async with embedded.process(Plant()):
            await front.eventually(lambda: gone(front, told))
    [leaf] = [leaf for leaf in front.works.leaves("run") if leaf["event"] == "given_up"]
    assert leaf["command"] == f"{told}::0"


async def test_an_exception_that_cannot_be_read_hides_no_other_one(embedded: Engines) -> None:
    async with embedded.process(Plant()) as it:
        it.plant.behaves["press"] = refuse
        runs = [await it.start("pressing", n=number) for number in range(2)]
        for run in runs:
            await it.excepted(run)
        mine = (command.c.run == runs[0], command.c.kind == "raise_exception")
        await it.works.system.queue.perform(lambda tx: tx.execute(update(command).where(*mine).values(body=b"x" * 40)))
        kinds = {one.run: (one.command.kind, one.command.path) for one in await it.flows.runs.exceptions()}
        assert kinds == {runs[0]: ("unreadable", "first"), runs[1]: ("unknown", "first")}


def refuse(*_: object) -> None:
    raise ValueError("no")


def of_a_newer_process(embedded: Engines, id: str) -> bytes:
    """The command in words that no process knows yet."""
    master = load_key(next(embedded.folder.rglob("master.key")))
    seal = Seal(canonical.derive(master, b"autonomy runs"), "test.sealed")
    return seal.seal(id, msgspec.msgpack.encode({"command": "teleport", "id": id}))


async def gone(it: Office, event: str) -> bool:
    query = select(command.c.id).where(command.c.id.startswith(event))
    return await it.works.system.database.read(lambda connection: connection.execute(query).first()) is None


async def test_what_waits_and_cannot_be_read_does_not_keep_others_from_being_heard(embedded: Engines) -> None:
    """Held actions are heard of when people have answered; one of them is damaged meanwhile."""
    async with embedded.process(Plant()) as it:
        runs = [await it.start("paying", n=number) for number in range(2)]
        holds = [await it.asked(run) for run in runs]
        await change(it, runs[0], body=b"x" * 40)
        for hold in holds:
            await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "bea", "approve", hold.shown)
        assert (await it.ended(runs[1])).status == "done"
        assert (await it.ended(runs[0])).status == "done", "what has become of its action can still be told"
