"""Work that was done is not done again: it is found, waited for, or begun by one alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import select

from autonomy.kernel.clock import DAY, MINUTE, now
from autonomy.memory import store
from tests.memory.team import Team, team

WORK: Any = {"space": "company", "task": "rate the supplier", "inputs": {"supplier": "sup-1", "year": 2026}}


async def finish(it: Team, agent: str, text: str = "rated A", case: str = "") -> str:
    """The agent writes the result of WORK."""
    return await it.write(agent, "company", text, case=case, task=WORK["task"], inputs=WORK["inputs"])


def saved(it: Team, space: str = "company") -> tuple[int, int]:
    """How often work was found done, and how often it was begun."""
    with it.system.database.reading() as connection:
        row = connection.execute(select(store.reuse).where(store.reuse.c.space == space)).one()
        return row.saved, row.begun


async def test_who_asks_first_does_it_and_the_others_find_the_result(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        mine = await it.done("helper", "memory.recall", **WORK)
        assert mine["answer"] == "yours"
        other = await it.done("seller", "memory.recall", **WORK)
        assert (other["answer"], other["by"]) == ("taken", "helper")
        item = await finish(it, "helper")
        found = await it.done("seller", "memory.recall", **WORK)
        assert (found["answer"], found["item"]["item"], found["item"]["text"]) == ("found", item, "rated A")
        same = WORK | {"inputs": {"year": 2026, "supplier": "sup-1"}}
        assert (await it.done("recruiter", "memory.recall", **same))["answer"] == "found", "the order says nothing"
        assert saved(it) == (2, 1)
        assert (await it.done("helper", "memory.read", item=item))["reused"] == 2


async def test_other_inputs_and_other_spaces_are_other_work(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        await finish(it, "helper")
        for other in (WORK | {"inputs": {"supplier": "sup-2"}}, WORK | {"task": "rate"}, WORK | {"space": "europe"}):
            assert (await it.done("helper", "memory.recall", **other))["answer"] == "yours"


async def test_of_many_who_ask_at_once_one_works_and_all_others_get_its_result(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:

        async def work(agent: str, number: int) -> str:
            answer = await it.done(agent, "memory.recall", f"c{number}", **WORK, wait=20)
            if answer["answer"] == "yours":
                await finish(it, agent, f"rated by {number}", case=f"c{number}")
                return f"rated by {number}"
            return str(answer["item"]["text"])

        agents = ["helper", "seller", "seller-2", "recruiter"]
        await it.house.meet(*agents)
        told = await asyncio.gather(*(work(agents[number % 4], number) for number in range(12)))
        assert len(set(told)) == 1
        assert saved(it) == (11, 1)


async def test_the_claim_of_who_died_ends_and_a_released_one_at_once(tmp_path: Path, database_url: str) -> None:
    time = [now()]
    async with team(tmp_path, database_url, lambda: time[0]) as it:
        assert (await it.done("helper", "memory.recall", **WORK, lease=60))["answer"] == "yours"
        assert (await it.done("seller", "memory.recall", **WORK))["answer"] == "taken"
        time[0] += MINUTE + 1
        assert (await it.done("seller", "memory.recall", **WORK, lease=60))["answer"] == "yours"
        assert (await it.done("helper", "memory.recall", **WORK))["answer"] == "taken"
        time[0] += MINUTE // 2
        again = await it.done("seller", "memory.recall", **WORK, lease=60)
        assert (again["answer"], again["until"]) == ("yours", time[0] + MINUTE), "asking again prolongs it"
        assert await it.done("seller", "memory.release", **WORK) == {"released": True}
        assert (await it.done("helper", "memory.recall", **WORK))["answer"] == "yours"
        assert await it.done("seller", "memory.release", **WORK) == {"released": False}


async def test_a_claim_is_its_cases_and_no_other_case_of_the_agent_ends_it(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        assert (await it.done("seller", "memory.recall", case="a", **WORK))["answer"] == "yours"
        assert await it.done("seller", "memory.release", case="b", **WORK) == {"released": False}
        assert (await it.done("helper", "memory.recall", **WORK))["answer"] == "taken"
        assert await it.done("seller", "memory.release", case="a", **WORK) == {"released": True}


async def test_a_stale_result_is_not_reused(tmp_path: Path, database_url: str) -> None:
    time = [now()]
    async with team(tmp_path, database_url, lambda: time[0]) as it:
        await finish(it, "helper")
        time[0] += DAY // 2
        assert (await it.done("seller", "memory.recall", **WORK))["answer"] == "found"
        fresh = await it.done("seller", "memory.recall", **WORK, max_age=MINUTE, claim=False)
        assert fresh == {"answer": "unclaimed"}
        time[0] += DAY
        assert (await it.done("seller", "memory.recall", **WORK))["answer"] == "yours"


async def test_who_may_not_read_what_comes_of_it_hears_nothing_of_who_is_at_it(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        await it.done("recruiter", "cv.read", case="c", n=1)
        assert (await it.done("recruiter", "memory.recall", case="c", **WORK))["answer"] == "yours"
        assert (await it.done("helper", "memory.recall", **WORK))["answer"] == "yours", "as if nobody were at it"
        await finish(it, "recruiter", "rated by what a letter said", case="c")
        await it.done("helper", "memory.release", **WORK)
        assert (await it.done("helper", "memory.recall", **WORK))["answer"] == "yours"
        assert (await it.done("recruiter", "memory.recall", **WORK))["answer"] == "found"


async def test_who_may_only_read_finds_and_claims_nothing(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        work = WORK | {"space": "open"}
        assert (await it.ask("recruiter", "memory.recall", **work)).code == "memory.unknown_space"
        assert (await it.done("helper", "memory.recall", **work, claim=False))["answer"] == "unclaimed"
