"""Tasks live: taken, held, handed on, brought to an end, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.tasks.team import person, team, word

CONTRACT = {"type": "object", "properties": {"nails": {"type": "integer"}}, "required": ["nails"]}


async def test_an_agent_takes_a_task_and_brings_it_to_its_end(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        waiting = asyncio.create_task(it.next("w1"))
        task = await it.open(input={"shelf": 7})
        held = await waiting
        assert (held.task.id, held.task.holder, held.body.input) == (task, "agent:w1", {"shelf": 7})
        assert held.body.constraints["boundaries"] == ["nothing else"]
        ended, breach = await it.tasks.complete(word(held), {"nails": 12})
        assert (ended.state, breach) == ("done", "")
        assert (await it.tasks.show(task)).body.output == {"nails": 12}
        assert it.events(task) == ["opened", "claimed", "done"]


async def test_of_two_who_claim_at_once_one_wins(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it, team(tmp_path, database_url) as other:
        one = asyncio.create_task(it.tasks.next(await it.caller("w1"), 2))
        two = asyncio.create_task(other.tasks.next(await other.caller("w2"), 2))
        task = await it.open()
        got = [held for held in await asyncio.gather(one, two) if held is not None]
        assert [held.task.id for held in got] == [task]
        assert it.events(task) == ["opened", "claimed"]


async def test_a_silent_holder_loses_the_task_with_its_context_and_its_late_answer_is_refused(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open()
        first = await it.next("w1", lease=1)
        await it.tasks.beat(word(first), "counted two shelves", {"nails": 5}, "does the cellar count?")
        second = await it.next("w2")
        assert (second.task.id, second.task.claim) == (task, 2)
        assert [(note.kind, note.data) for note in second.body.notes] == [("progress", {"nails": 5}), ("lost", None)]
        assert second.body.questions == ("does the cellar count?",)
        with pytest.raises(Conflict) as lost:
            await it.tasks.complete(word(first), {"nails": 5})
        assert lost.value.code == "task.lost"
        await it.tasks.complete(word(second), {"nails": 9})
        assert it.events(task) == ["opened", "claimed", "requeued", "claimed", "done"]


async def test_a_beat_keeps_a_task(tmp_path: Path, database_url: str) -> None:
    times = [now()]
    async with team(tmp_path, database_url, living=False, clock=lambda: times[0]) as it:
        task = await it.open()
        asking = asyncio.create_task(it.next("w1", lease=60))
        await it.eventually(lambda: _looked(it))
        held = await asking
        for _ in range(5):
            times[0] += 50_000
            await it.tasks.beat(word(held))
            assert await it.place.sweeping.sweep() == 0
        times[0] += 60_000
        assert await it.place.sweeping.sweep() == 1
        assert await it.state(task) == "open"


async def test_a_task_that_three_holders_fell_silent_over_is_a_persons(tmp_path: Path, database_url: str) -> None:
    times = [now()]
    async with team(tmp_path, database_url, living=False, clock=lambda: times[0]) as it:
        task = await it.open()
        for name in ("w1", "w2", "w1"):
            asking = asyncio.create_task(it.next(name, lease=1))
            await it.eventually(lambda: _looked(it))
            await asking
            times[0] += 1_000
            await it.place.sweeping.sweep()
        held = await it.tasks.show(task)
        assert (held.task.state, held.task.limit, held.task.role) == ("escalated", "limit.losses", "chief")
        assert await it.none_for("w1")


async def test_a_contained_holder_loses_its_task_and_another_goes_on(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open()
        held = await it.next("w1")
        identity = it.works.system.identity
        await asyncio.to_thread(identity.contain, "agent", "w1", "person:ada", "it acts strangely")
        other = await it.next("w2")
        assert (other.task.id, other.body.notes[-1].text) == (task, "stopped")
        with pytest.raises(Conflict, match="yours no more"):
            await it.tasks.complete(word(held), {})


async def test_a_result_that_breaks_its_contract_goes_back_once_and_then_to_a_person(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open(contract=CONTRACT)
        held = await it.next("w1")
        back, breach = await it.tasks.complete(word(held), {"nails": "many"})
        assert (back.state, "/nails" in breach) == ("returned", True)
        again = await it.next("w1")
        assert "/nails" in again.body.notes[-1].text
        up, _ = await it.tasks.complete(word(again), {"nails": "a lot"})
        assert (up.state, up.limit, up.role) == ("escalated", "limit.returns", "chief")
        taken = await it.tasks.take(task, person("carl"), anyway=False)
        assert taken.body.output == {"nails": "a lot"}
        assert (await it.tasks.complete(word(taken), {"nails": 3}))[0].state == "done"


async def test_two_agents_that_hand_a_task_to_and_fro_end_at_a_named_limit(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open()
        names, roles = ("w1", "checker"), ("worker", "checker")
        for turn in range(11):
            held = await it.next(names[turn % 2])
            moved = await it.tasks.hand_off(word(held), roles[(turn + 1) % 2], None, "not for me")
        assert (moved.id, moved.state, moved.limit) == (task, "escalated", "limit.handovers")
        assert await it.none_for("w1") and await it.none_for("checker")


async def test_a_task_handed_to_one_agent_comes_back_when_it_is_refused(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        await it.open()
        held = await it.next("w1")
        await it.tasks.hand_off(word(held), None, "w2", "you know shelves", {"nails": 5}, "which cellar?")
        assert await it.none_for("w1")
        theirs = await it.next("w2")
        assert (theirs.body.notes[-1].text, theirs.body.questions) == ("you know shelves", ("which cellar?",))
        with pytest.raises(Invalid, match="reason"):
            await it.tasks.refuse(word(theirs), " ")
        await it.tasks.refuse(word(theirs), "I am busy with screws")
        mine = await it.next("w1")
        assert mine.body.notes[-1].text == "I am busy with screws"
        with pytest.raises(Invalid, match="refused"):
            await it.tasks.hand_off(word(mine), None, "w2", "but please")


async def test_work_is_handed_only_to_who_may_have_it(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        await it.open(capability="count")
        held = await it.next("w1")
        for agent, why in (("w2", "capability"), ("clerk", "scope"), ("checker", "role")):
            with pytest.raises(Invalid, match=why):
                await it.tasks.hand_off(word(held), None, agent)
        with pytest.raises(NotFound, match="no role"):
            await it.tasks.hand_off(word(held), "pope", None)
        assert await it.state(held.task.id) == "claimed"


async def test_a_person_takes_over_with_the_whole_context_and_gives_back(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open()
        held = await it.next("w1")
        await it.tasks.beat(word(held), "half done", {"nails": 5})
        with pytest.raises(Forbidden):
            await it.tasks.take(task, person("dora"), anyway=False)
        taken = await it.tasks.take(task, person("carl"), anyway=False)  # the role above
        assert taken.body.notes[-1].data == {"nails": 5}
        with pytest.raises(Conflict, match="yours no more"):
            await it.tasks.beat(word(held))
        await it.tasks.give_back(word(taken), "the cellar counts")
        again = await it.next("w1")
        assert [note.text for note in again.body.notes] == ["half done", "the cellar counts"]
        assert it.events(task) == ["opened", "claimed", "taken_over", "given_back", "claimed"]


async def test_an_agent_escalates_what_it_may_not_decide(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open()
        held = await it.next("w1")
        moved = await it.tasks.escalate(word(held), "this costs too much", question="may I?")
        assert (moved.state, moved.role, moved.by) == ("escalated", "chief", "person")
        listed = await it.place.inbox.tasks(mine=person("carl"))
        assert [one.id for one in listed] == [task]
        taken = await it.tasks.take(task, person("carl"), anyway=False)
        await it.tasks.give_back(word(taken), "you may")
        again = await it.next("w1")
        assert (again.task.role, again.body.notes[-1].text) == ("worker", "you may")


async def test_nobody_outside_the_units_below_gets_a_task(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        await it.open(unit="office")
        assert await it.none_for("w1")
        assert (await it.next("clerk")).task.holder == "agent:clerk"
        await it.open(unit="acme")
        assert (await it.next("w1")).task.unit == "acme"


async def test_an_agent_has_no_more_tasks_than_it_may(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        for _ in range(3):
            await it.open()
        await it.next("w1")
        await it.next("w1")
        assert await it.none_for("w1")
        await it.next("w2")
        assert await it.none_for("w2")


async def test_a_task_that_no_agent_could_ever_do_is_a_persons_at_once(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open(by="agent", capability="fly")
        assert (await it.moved(task, "escalated")).task.limit == "limit.candidates"


async def test_what_many_others_could_have_hides_nothing(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autonomy.tasks.free.FREE", 3)
    monkeypatch.setattr("autonomy.tasks.sweeping.BATCH", 3)
    async with team(tmp_path, database_url) as it:
        for _ in range(5):
            await it.open(unit="office", by="agent")
            await it.open(capability="count", prefer=("w1",))
        mine = await it.open(goal="plain", priority="low")
        nobodys = await it.open(by="agent", capability="fly", priority="low")
        assert (await it.next("w2")).task.id == mine
        assert (await it.moved(nobodys, "escalated")).task.limit == "limit.candidates"
        assert (await it.next("clerk")).task.unit == "office"


async def test_an_agent_that_refused_many_tasks_gets_the_next(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autonomy.tasks.free.FREE", 2)
    async with team(tmp_path, database_url) as it:
        for _ in range(3):
            await it.open()
            await it.tasks.refuse(word(await it.next("w1")), "not this one")
        wanted = await it.open()
        assert (await it.next("w1")).task.id == wanted


async def test_a_task_handed_to_an_agent_that_is_stopped_is_its_roles_again(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open()
        held = await it.next("w1")
        await it.tasks.hand_off(word(held), None, "w2", "yours")
        identity = it.works.system.identity
        await asyncio.to_thread(identity.contain, "agent", "w2", "person:ada", "it acts strangely")
        again = await it.next("w1")
        assert (again.task.id, [note.kind for note in again.body.notes]) == (task, ["handed_off", "lost"])


async def test_a_task_that_nobody_takes_in_time_is_a_persons(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = await it.open(due=now() + 1)
        assert (await it.moved(task, "escalated")).task.limit == "limit.time"


async def test_what_goes_with_a_task_is_neither_in_the_log_nor_readable_in_the_store(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        await it.open(goal="count the golden nails", input={"owner": "erika"})
        held = await it.next("w1")
        await it.tasks.escalate(word(held), "erika is cross")
        told = repr(it.works.leaves())
        assert not any(secret in told for secret in ("golden", "erika"))
        with it.works.system.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM task").all()
        assert not any(secret in repr(rows) for secret in ("golden", "erika"))


async def _looked(it: object) -> bool:
    return bool(await it.place.waiting.look())  # type: ignore[attr-defined]
