"""What every engine does, whichever it is: the conformance suite of the port `Engine`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, update

from autonomy.db import Tx
from autonomy.kernel.clock import now
from autonomy.kernel.errors import Invalid
from autonomy.tools import Unsure
from autonomy.workflow.desk import Origin
from autonomy.workflow.embedded import CLAIMS
from autonomy.workflow.events import Started
from autonomy.workflow.journal import WOKEN
from autonomy.workflow.paths import derived
from autonomy.workflow.ports import Offer
from autonomy.workflow.store import command
from autonomy.workflow.units import Fence
from tests.gate.works import Door, Plant, fail, never
from tests.workflow.office import Office, office

PRESS = """
steps:
  first: { tool: press, arguments: { n: input.n } }
  second: { needs: [first], tool: press, arguments: { n: input.n + 1 } }
"""
REST = "steps: { rest: { wait: { duration: 400ms } } }"
LONG = "steps: { rest: { wait: { duration: 1h } } }"
PARENT = "steps: { child: { workflow: { name: pressing }, arguments: { n: input.n } } }"
OUTER = "steps: { child: { workflow: { name: long }, arguments: { n: input.n } } }"
PAY = """
steps:
  pay: { tool: pay, arguments: { payee: "'erika'", amount: "string(150 + input.n) + '.00'" } }
"""
BOTH = """
steps:
  a: { tool: buy, arguments: { amount: "'1.00'" } }
  b: { tool: press, arguments: { n: input.n } }
"""
FLOWS = {"pressing": PRESS, "paying": PAY, "resting": REST, "long": LONG, "parent": PARENT, "outer": OUTER}
KINDS = ("embedded on sqlite", "embedded on postgresql", "dbos on postgresql")


@dataclass(frozen=True)
class Engines:
    """Processes with one kind of engine on one store."""

    kind: str
    folder: Path
    url: str

    @asynccontextmanager
    async def process(self, plant: Plant, living: bool = True, runs: str = "here") -> AsyncIterator[Office]:
        """One more of them; `runs` `elsewhere` leaves what runs ask for to the others. One that does not live does
        nothing by itself."""
        engine = self.kind.split()[0]
        async with office(self.folder, self.url, plant, living=living, engine=engine, runs=runs, **FLOWS) as it:
            yield it
            if not living:
                it.flows.engine.let_go()
                await it.flows.engine.close()


@pytest.fixture(params=KINDS)
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Engines:
    return engines_of(request.param, tmp_path, request)


def engines_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Engines:
    """Engines of this kind on an empty database."""
    if kind.endswith("postgresql"):
        return Engines(kind, folder, request.getfixturevalue("migrated_postgres_url"))
    return Engines(kind, folder, f"sqlite:///{folder}/autonomy.sqlite")


@asynccontextmanager
async def pair(engines: Engines, living: bool = True) -> AsyncIterator[tuple[Office, Office]]:
    """A process that takes events in and carries nothing out, and one that carries out."""
    plant = Plant()
    async with engines.process(plant, runs="elsewhere") as front, engines.process(plant, living=living) as worker:
        yield front, worker


async def row_of(it: Office, run: str) -> tuple[str, str | None, int | None, int]:
    """The one action that a run asks for: its id, owner, when it is due, attempts."""
    columns = (command.c.id, command.c.owner, command.c.due, command.c.attempts)
    query = select(*columns).where(command.c.run == run, command.c.kind == "perform_tool")
    row = await it.works.system.database.read(lambda connection: connection.execute(query).one())
    return row.id, row.owner, row.due, row.attempts


async def change(it: Office, run: str, **values: object) -> None:
    """Write into the row of the action, or run inside, behind everybody's back."""

    def work(tx: Tx) -> None:
        kinds = command.c.kind.in_(("perform_tool", "start_child"))
        tx.execute(update(command).where(command.c.run == run, kinds).values(**values))

    await it.works.system.queue.perform(work)


def offers(engines: Engines) -> int:
    """How many offers the post has, where there is one."""
    if not engines.kind.startswith("dbos"):
        return 0
    with psycopg.connect(engines.url) as connection:
        [[count]] = connection.execute(
            "SELECT count(*) FROM dbos.workflow_status WHERE queue_name = 'autonomy-commands'"
        ).fetchall()
    return int(count)


async def test_what_a_run_asks_for_is_carried_out_where_it_moves(engines: Engines) -> None:
    async with engines.process(Plant()) as it:
        run = await it.start("pressing", n=1)
        assert (await it.ended(run)).status == "done"
        assert offers(engines) == 0, "nothing was free, so nothing was delivered"


async def test_what_nobody_has_is_delivered_to_whoever_carries_out(engines: Engines) -> None:
    async with pair(engines) as (front, worker):
        assert front.flows.engine.room() is None
        runs = await asyncio.gather(*(front.start("pressing", n=number) for number in range(10)))
        assert {(await front.ended(run)).status for run in runs} == {"done"}
        assert worker.plant.executions() == 20
        assert max(worker.plant.effects.values()) == 1


async def test_a_run_inside_another_is_answered_wherever_it_ends(engines: Engines) -> None:
    async with pair(engines) as (front, _):
        run = await front.start("parent", n=1)
        assert (await front.ended(run)).status == "done"


async def test_a_timer_is_delivered_when_it_is_due_and_not_before(engines: Engines) -> None:
    async with pair(engines) as (front, _):
        begun = now()
        run = await front.start("resting", n=1)
        assert (await front.ended(run)).status == "done"
        assert now() - begun >= 400


async def test_what_is_cancelled_is_withdrawn_and_never_delivered(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, runs="elsewhere") as front:
        runs = [await front.start(workflow, n=1) for workflow in ("pressing", "parent", "long")]
        for run in runs:
            await front.flows.runs.cancel(run, "person:ada")
        async with engines.process(plant):
            await front.eventually(lambda: nothing_open(front, runs))
        found = await front.flows.runs.runs()
        assert {(one.id, one.status) for one in found} == {(run, "cancelled") for run in runs}
        assert plant.executions() == 0


async def test_what_a_dead_process_had_taken_and_not_begun_is_not_begun_once_it_is_cancelled(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, living=False) as dead, engines.process(plant, runs="elsewhere") as front:
        await dead.works.system.lifeline.beat()
        runs = [await front.start(workflow, n=1) for workflow in ("pressing", "parent")]
        for run in runs:
            await change(front, run, owner=dead.flows.engine.owner, due=None, attempts=1)
            await front.flows.runs.cancel(run, "person:ada")
        async with engines.process(plant):
            await dead.works.system.lifeline.leave()
            await front.eventually(lambda: nothing_open(front, runs))
        assert {one.id for one in await front.flows.runs.runs()} == set(runs)
        assert plant.executions() == 0


async def test_what_nobody_has_begun_waits_while_its_run_is_paused(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, runs="elsewhere") as front:
        run = await front.start("pressing", n=1)
        await front.flows.runs.pause(run, "person:ada")
        async with engines.process(plant):
            state = await front.until(run, lambda state: bool(state.back))
            assert (state.paused, plant.executions()) == (True, 0)
            await front.flows.runs.resume(run, "person:ada")
            assert (await front.ended(run)).status == "done"
        assert plant.executions() == 2


async def nothing_open(it: Office, runs: list[str]) -> bool:
    return not any([(await it.flows.runs.show(run)).open for run in runs])


async def test_an_event_from_outside_is_delivered(engines: Engines) -> None:
    async with pair(engines) as (front, _):
        told = await front.flows.runs.tell("nobody.listens", None, {}, "person:ada")
        query = select(command.c.id).where(command.c.id.startswith(told))

        async def gone() -> bool:
            found = await front.works.system.database.read(lambda connection: connection.execute(query).first())
            return found is None

        await front.eventually(gone)


async def test_a_delivery_that_comes_twice_or_too_late_is_carried_out_once(engines: Engines) -> None:
    async with pair(engines, living=False) as (front, worker):
        run = await front.start("pressing", n=1)
        await front.eventually(lambda: due(front, run))
        worker.plant.behaves["press"] = door = Door(worker.plant.do)
        await asyncio.gather(*(takes(worker, front, run) for _ in range(5)))
        door.open()
        await worker.eventually(lambda: idle(worker))
        assert max(worker.plant.effects.values()) == 1
        assert (await front.ended(run)).status == "done"
        assert worker.plant.executions() == 2


async def due(it: Office, run: str) -> bool:
    return (await row_of(it, run))[2] is not None


async def idle(it: Office) -> bool:
    return it.flows.engine.under_way == 0


async def takes(worker: Office, front: Office, run: str) -> None:
    """The worker is given what the run asks for, in the way of its engine."""
    await worker.flows.engine.sweep()
    looking = asyncio.create_task(worker.flows.engine.run())
    await worker.eventually(lambda: taken(front, run))
    await worker.eventually(lambda: has_begun(worker, front, run))
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


async def has_begun(worker: Office, front: Office, run: str) -> bool:
    """Whether what was taken is in its hands, or is done already."""
    return worker.flows.engine.under_way > 0 or not await taken(front, run)


async def taken(it: Office, run: str) -> bool:
    return (await row_of(it, run))[1] is not None


async def test_the_lease_of_a_dead_process_ends_and_another_carries_out_what_it_had(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, living=False) as dead, engines.process(plant, runs="elsewhere") as front:
        plant.behaves["press"] = never
        run = await dead.start("pressing", n=1)
        await plant.called("press")
        plant.behaves.clear()
        await dead.works.system.lifeline.leave()  # to the others it is dead now
        async with engines.process(plant):
            assert (await front.ended(run)).status == "done"
        assert max(plant.effects.values()) == 1


async def test_who_lost_its_lease_does_not_answer(engines: Engines) -> None:
    async with engines.process(Plant()) as it:
        it.plant.behaves["press"] = door = Door(it.plant.do)
        run = await it.start("pressing", n=1)
        await it.plant.called("press")
        id, owner, _, _ = await row_of(it, run)
        assert owner == it.flows.engine.owner
        await change(it, run, owner="proc_another")
        door.open()
        await it.eventually(lambda: idle(it))
        assert await row_of(it, run) == (id, "proc_another", None, 1), "the row is as the other left it"
        assert not await it.flows.desk.settle(Fence(id, owner))
        assert (await it.flows.desk.look(run)).state.steps["first"].state == "running"


async def test_what_was_begun_too_often_is_given_up_and_a_person_looks(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, living=False) as dead, engines.process(plant, runs="elsewhere") as front:
        plant.behaves["press"] = never
        run = await dead.start("pressing", n=1)
        await plant.called("press")
        plant.behaves.clear()
        await change(front, run, attempts=CLAIMS)
        await dead.works.system.lifeline.leave()
        async with engines.process(plant):
            [asked] = await front.excepted(run)
            assert asked.command.kind == "unknown"
            assert f"limit.claims: it was begun {CLAIMS} times" in asked.command.reason


async def test_a_process_that_stops_takes_nothing_more_and_ends_what_it_has(engines: Engines) -> None:
    async with pair(engines) as (front, worker):
        worker.plant.behaves["press"] = door = Door(worker.plant.do)
        run = await front.start("pressing", n=1)
        await worker.plant.called("press")
        closing = asyncio.create_task(worker.flows.engine.close())
        await worker.eventually(lambda: closed(worker))
        assert not closing.done()
        door.open()
        await closing
        state = (await front.flows.desk.look(run)).state
        assert state.steps["first"].state == "done", "what it had has its answer"
        assert (await row_of(front, run))[1] is None, "what came of it is anybody's"


async def closed(it: Office) -> bool:
    return it.flows.engine.room() is None


async def test_a_process_that_looks_after_runs_says_that_it_does(engines: Engines) -> None:
    async with engines.process(Plant()) as it:
        await it.flows.engine.alive()


@pytest.mark.parametrize(
    "lost", ["DELETE FROM dbos.workflow_status", "UPDATE dbos.workflow_status SET status = 'PENDING'"]
)
async def test_a_delivery_that_was_lost_is_made_again(
    tmp_path: Path, migrated_postgres_url: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autonomy.workflow.distributed.LOST_MS", 0)
    engines = Engines(KINDS[2], tmp_path, migrated_postgres_url)
    plant = Plant()
    async with engines.process(plant, living=False, runs="elsewhere") as front:
        run = await front.start("pressing", n=1)
        assert offers(engines) == 1
        with psycopg.connect(engines.url) as connection:
            connection.execute(lost.encode())
        async with engines.process(plant):
            assert (await front.ended(run)).status == "done"


async def test_a_delivery_and_what_it_is_of_are_durable_together_or_not_at_all(
    tmp_path: Path, migrated_postgres_url: str
) -> None:
    engines = Engines(KINDS[2], tmp_path, migrated_postgres_url)
    async with engines.process(Plant(), living=False, runs="elsewhere") as front:
        await front.start("pressing", n=1)
        assert offers(engines) == 1

        def broken(tx: Tx) -> None:
            tx.hand_over([Offer("run_1:first:1", now(), 2)])
            raise Invalid("no", code="test.no")

        with pytest.raises(Invalid):
            await front.works.system.queue.perform(broken)
        assert offers(engines) == 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"engine": "dbos"}, "workflow.engine"),
        ({"engine": "cron"}, "workflow.engine"),
        ({"runs": "no"}, "workflow.runs"),
    ],
)
async def test_an_engine_that_cannot_be_had_is_refused_at_the_start(
    tmp_path: Path, settings: dict[str, str], code: str
) -> None:
    make: Callable[[], AbstractAsyncContextManager[Office]] = lambda: office(tmp_path, "", **settings)  # type: ignore[arg-type]  # noqa: E731
    with pytest.raises(Invalid) as refused:
        async with make():
            pass
    assert refused.value.code == code


async def test_what_is_free_is_offered_anew_with_the_priority_that_its_run_has_now(engines: Engines) -> None:
    async with engines.process(Plant(), living=False, runs="elsewhere") as front:
        run = await front.start("pressing", n=1)
        id, owner, due, _ = await row_of(front, run)
        await front.flows.runs.prioritise(run, "urgent", "person:sam")
        now_due = (await row_of(front, run))[2]
        assert (owner, due is not None, now_due is not None) == (None, True, True)
        if engines.kind.startswith("dbos"):
            assert priority_of_offer(engines, f"{id}:{now_due}") == 1, "urgent is the first that DBOS takes"


async def test_a_run_inside_begins_with_the_priority_that_its_run_has_by_then(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, living=False, runs="elsewhere") as front:
        run = await front.start("parent", n=1)
        await front.flows.runs.prioritise(run, "urgent", "person:sam")
    async with engines.process(plant) as it:
        assert (await it.ended(run)).status == "done"
        assert [one.priority for one in await it.flows.runs.runs("pressing")] == ["urgent"]


async def test_a_run_inside_that_another_process_was_just_beginning_hears_of_the_new_priority(engines: Engines) -> None:
    plant = Plant()
    async with engines.process(plant, runs="elsewhere") as front:
        await front.start("long", n=7)  # so that the wording is kept
        run = await front.start("outer", n=1)
        await change(front, run, owner=front.flows.engine.owner, due=None)  # it lives, and is about to begin it
        await front.flows.runs.prioritise(run, "urgent", "person:sam")
        first = await _due(front, run, "reprioritise")
        async with engines.process(plant) as it:

            async def stays() -> bool:
                return (await _due(it, run, "reprioritise")) not in (first, None)

            await it.eventually(stays)
            asked = f"{run}:child:1"
            definition, _ = await it.flows.runs.live("long")
            began = Started(now(), {"n": 1}, {"run": run}, depth=1, priority="normal")
            origin = Origin("person:sam", run, "works", asked)
            await front.flows.desk.begin(definition, derived("run", asked), began, origin)

            async def urgent() -> bool:
                return [one.priority for one in await it.flows.runs.runs("long") if one.parent] == ["urgent"]

            await it.eventually(urgent)


async def _due(it: Office, run: str, kind: str) -> int | None:
    """When the run's command of this kind is to be carried out."""
    query = select(command.c.due).where(command.c.run == run, command.c.kind == kind)
    return await it.works.system.database.read(lambda connection: connection.execute(query).scalar())


async def test_the_end_of_a_run_inside_an_urgent_one_is_offered_as_urgent(
    tmp_path: Path, migrated_postgres_url: str
) -> None:
    engines = Engines(KINDS[2], tmp_path, migrated_postgres_url)
    async with engines.process(Plant()) as it:
        run = (await it.flows.runs.start("parent", {"n": 1}, "person:sam", "urgent")).run
        assert (await it.ended(run)).status == "done"
        assert priority_of_offer(engines, f"{run}:child:1:{WOKEN}") == 1


def priority_of_offer(engines: Engines, id: str) -> int:
    with psycopg.connect(engines.url) as connection:
        query = "SELECT priority FROM dbos.workflow_status WHERE workflow_uuid = %s"
        [[priority]] = connection.execute(query, [id]).fetchall()
    return int(priority)


async def test_of_what_nobody_knows_the_run_hears_once_and_again_when_it_is_known(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, database_url, both=BOTH) as it:
        for name in ("buy", "press"):
            it.plant.behaves[name] = fail(Unsure("the connection broke"))
        run = await it.start("both", n=1)
        await it.until(run, lambda state: [one.trouble for one in state.steps.values()] == ["unknown"] * 2)
        for _ in range(3):
            await it.flows.engine.sweep()
        await it.eventually(lambda: idle(it))
        settle, settled = it.flows.desk.settle, []

        async def counted(fence: Fence, *more: Any) -> bool:
            settled.append(fence)
            return await settle(fence, *more)

        monkeypatch.setattr(it.flows.desk, "settle", counted)
        for _ in range(8):
            await it.flows.engine.sweep()
            await it.eventually(lambda: idle(it))
        # What the log has just told may be heard as well, once.
        assert all(settled.count(fence) <= 1 for fence in settled), settled
        for one in (await it.flows.runs.show(run)).open:
            if one.action:
                await it.works.system.taking_up.resolve(one.action, "done", "person:sam", "it was")
        assert (await it.ended(run)).status == "done"
