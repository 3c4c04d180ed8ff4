"""What is asked for twice under one key is done once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Conflict
from autonomy.tasks import Wanted
from tests.workflow.office import office
from tests.workflow.test_races import Leaping

PRESS = "steps: { press: { tool: press, arguments: { n: input.n } } }"
LISTEN = "triggers: [{ event: alarm, input: { n: trigger.data.n } }]\nkey: string(input.n)\n" + PRESS
REST = "key: string(input.n)\nsteps: { rest: { wait: { duration: 1h } } }"


async def test_a_run_begun_twice_under_one_key_is_one_run_in_whichever_process_and_after_its_end(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it, office(tmp_path, database_url, it.plant) as other:
        places = (it.flows.runs, other.flows.runs) * 5
        begun = await asyncio.gather(*(one.start("pressing", {"n": 1}, "person:sam", once="k1") for one in places))
        assert len({one.run for one in begun}) == 1
        assert {one.joined for one in begun} == {False}
        await it.ended(begun[0].run)
        assert await it.flows.runs.start("pressing", {"n": 1}, "person:sam", once="k1") == begun[0]
        assert (await it.flows.runs.start("pressing", {"n": 1}, "person:ada", once="k1")).run != begun[0].run, (
            "a key counts for whoever used it"
        )
        with pytest.raises(Conflict) as refused:
            await it.flows.runs.start("pressing", {"n": 2}, "person:sam", once="k1")
        assert refused.value.code == "key.mismatch"


async def test_a_key_that_joined_a_live_run_leads_to_it_for_good(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, resting=REST) as it:
        runs = it.flows.runs
        live = await it.start("resting", n=1)
        joined = await runs.start("resting", {"n": 1}, "person:sam", once="k1")
        await runs.cancel(live, "person:ada")
        assert (joined.run, joined.joined) == (live, True)
        assert await runs.start("resting", {"n": 1}, "person:sam", once="k1") == joined


async def test_an_event_told_twice_under_one_key_is_told_once_and_the_key_is_free_again_one_day(
    tmp_path: Path, database_url: str
) -> None:
    clock = Leaping()
    async with office(tmp_path, database_url, clock=clock, listening=LISTEN) as it:
        runs = it.flows.runs
        first = await runs.tell("alarm", "1", {"n": 1}, "person:ada", "k1")
        [run] = await it.some(lambda found: found)
        await it.ended(run.id)
        assert await runs.tell("alarm", "1", {"n": 1}, "person:ada", "k1") == first
        with pytest.raises(Conflict):
            await runs.tell("alarm", "1", {"n": 2}, "person:ada", "k1")
        assert it.told("").count("told") == 1
        clock.ahead = 4_000 * DAY
        await it.works.system.queue.perform(it.flows.tidying.tidy)
        assert await runs.tell("alarm", "1", {"n": 2}, "person:ada", "k1") != first


async def test_a_task_opened_twice_under_one_key_in_whichever_process_is_one_task(
    tmp_path: Path, database_url: str
) -> None:
    wanted = Wanted(role="boss", goal="count the nails", by="person")
    async with office(tmp_path, database_url) as it, office(tmp_path, database_url, it.plant) as other:
        places = [one.flows.workplace.tasks for one in (it, other)] * 4
        opened = await asyncio.gather(*(one.open(wanted, "person:sam", "k1") for one in places))
        assert len(set(opened)) == 1
        assert len(await it.flows.workplace.inbox.tasks()) == 1
        with pytest.raises(Conflict) as refused:
            await it.flows.runs.tell("alarm", None, None, "person:sam", "k1")
        assert refused.value.code == "key.mismatch"
