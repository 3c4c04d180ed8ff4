"""Tasks that are full, or cannot be read, stand in nobody's way."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from autonomy.kernel.clock import now
from autonomy.kernel.errors import TooLarge
from autonomy.tasks.store import task as table
from tests.gate.works import say
from tests.tasks.team import Team, team, word

MANY = 6
STEPS = "".join(f"  s{n}: {{ tool: look, arguments: {{ n: {n} }} }}\n" for n in range(MANY))
NEEDS = ", ".join(f"s{n}" for n in range(MANY))
BIG = f"steps:\n{STEPS}  count: {{ needs: [{NEEDS}], task: {{ role: worker, goal: count }} }}\n"
COUNT = "steps: { count: { task: { role: worker, goal: count, by: agent } } }"


async def test_a_task_that_its_holder_filled_up_moves_on_like_every_other(tmp_path: Path, database_url: str) -> None:
    times = [now()]
    async with team(tmp_path, database_url, living=False, clock=lambda: times[0]) as it:
        full, other = await it.open(goal="a"), await it.open(goal="b")
        first, second = await it.given("w1"), await it.given("w2")
        assert (first.task.id, second.task.id) == (full, other)
        await it.tasks.beat(word(first), "found early", {"nails": 1})
        with pytest.raises(TooLarge):
            for _ in range(5):
                await it.tasks.beat(word(first), "found", "x" * 250_000)
        times[0] += 60_000
        assert await it.place.sweeping.sweep() == 2
        assert (await it.state(full), await it.state(other)) == ("open", "open")
        again = await it.given("w1")
        assert [note.kind for note in again.body.notes][-1] == "lost"
        assert again.body.notes[0].data == {"nails": 1}
        done, _ = await it.tasks.complete(word(again), "y" * 250_000)
        assert done.state == "done"


async def test_a_task_that_cannot_be_read_fails_by_name_and_the_others_are_given_out(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url, living=False) as it:
        bad = await it.open(goal="bad")
        good = await it.open(goal="good")
        await _spoil(it, bad)
        assert (await it.given("w1")).task.id == good
        held = await it.place.inbox.tasks(role="worker", states=["failed"])
        assert [(one.id, one.limit) for one in held] == [(bad, "limit.body")]
        assert it.events(bad) == ["opened", "failed"]


async def test_a_run_hears_that_its_task_cannot_be_read(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, counting=COUNT) as it:
        run = await it.start("counting", n=1)
        held = await it.next("w1", lease=1)
        await _spoil(it, held.task.id)
        [found] = await it.excepted(run)
        assert "limit.body" in found.command.reason


async def test_of_many_results_those_that_find_no_room_are_named_and_the_task_is_opened(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url, big=BIG) as it:
        it.plant.behaves["look"] = say({"t": "x" * 60_000})
        run = await it.start("big", n=1)
        held = await it.next("w1")
        assert (held.task.run, list(held.body.results)) == (run, ["s0", "s1", "s2", "s3"])
        assert [source.get("too_large", False) for source in held.body.sources] == [False] * 4 + [True] * 2


async def _spoil(it: Team, task: str) -> None:
    spoilt = update(table).where(table.c.id == task).values(body=b"x" * 50)
    await it.works.system.queue.perform(lambda tx: tx.execute(spoilt))
