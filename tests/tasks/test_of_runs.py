"""Tasks as steps of runs, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict
from autonomy.workflow.events import Chosen
from tests.tasks.team import Team, person, team, word

COUNT = """
steps:
  look: { tool: look, arguments: { n: input.n } }
  count:
    needs: [look]
    task: { role: worker, goal: count the nails, input: { shelf: input.n } }
    output: { type: object, properties: { nails: { type: integer } }, required: [nails] }
  press: { needs: [count], tool: press, arguments: { n: steps.count.output.nails } }
result: { nails: steps.count.output.nails }
"""
PREFER = """
steps:
  count: { task: { role: worker, goal: count, by: agent, prefer: [w2] } }
"""
UNDO = """
steps:
  press:
    tool: press
    arguments: { n: input.n }
    compensate: { task: { role: boss, goal: unpress, by: person, input: { n: input.n } } }
  wait: { needs: [press], wait: { duration: 1h } }
"""
PERSON = """
steps:
  sign: { task: { role: boss, goal: sign here, by: person }, deadline: 1h }
"""
LOOP = """
caps: { attempts: 3 }
steps:
  count: { task: { role: worker, goal: count } }
"""


async def test_a_task_of_a_run_goes_to_an_agent_with_what_came_before_and_its_result_goes_on(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url, counting=COUNT) as it:
        run = await it.start("counting", n=7)
        held = await it.next("w1")
        assert (held.task.run, held.task.path, held.task.case) == (run, "count", run)
        assert held.body.results == {"look": {"ok": {"n": 7}}}
        assert held.body.sources == ({"step": "look", "tool": "look", "agent": "w1"},)
        await it.eventually(lambda: is_idle(it))  # who waits for an agent costs rows, no task
        await it.tasks.complete(word(held), {"nails": 12})
        state = await it.ended(run)
        assert (state.status, state.output) == ("done", {"nails": 12})
        assert it.told(run) == ["started", "ended done"]


async def is_idle(it: Team) -> bool:
    return it.flows.engine.under_way == 0


async def test_a_result_that_breaks_the_contract_goes_back_once_and_then_a_person_decides(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url, counting=COUNT) as it:
        run = await it.start("counting", n=7)
        held = await it.next("w1")
        back, _ = await it.tasks.complete(word(held), {"nails": "many"})
        assert back.state == "returned"
        again = await it.next("w1")
        assert (again.task.id, "/nails" in again.body.notes[-1].text) == (held.task.id, True)
        await it.tasks.complete(word(again), {"nails": "a lot"})
        [asked] = await it.excepted(run)
        assert (asked.command.kind, asked.command.role) == ("contract", "boss")
        assert await it.state(held.task.id) == "failed"
        choice = Chosen(now(), asked.command.id, "retry", arguments={"shelf": 8}, by="person:bea")
        await it.flows.runs.choose(run, choice, ("boss",), anyway=False)
        third = await it.next("w2")
        assert third.body.input == {"shelf": 8}
        await it.tasks.complete(word(third), {"nails": 3})
        assert (await it.ended(run)).output == {"nails": 3}


async def test_who_is_preferred_gets_it_when_several_wait(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, preferring=PREFER) as it:
        callers = [await it.caller(name) for name in ("w1", "w2")]
        waiting = [asyncio.create_task(it.tasks.next(caller, 10)) for caller in callers]
        await it.start("preferring", n=1)
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        [held] = [one.result() for one in done]
        assert held is not None
        assert held.task.holder == "agent:w2"
        for one in others:
            one.cancel()


async def test_a_compensation_may_be_a_persons_task(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, undoing=UNDO) as it:
        run = await it.start("undoing", n=7)
        await it.until(run, lambda state: "wait" in state.steps)
        await it.flows.runs.cancel(run, "person:ada", compensate=True)
        task = (await it.task_of(run)).task.id
        taken = await it.tasks.take(task, person("dora"), anyway=False)
        assert (taken.body.goal, taken.body.input) == ("unpress", {"n": 7})
        assert taken.body.constraints["undoes"] is True
        await it.tasks.complete(word(taken), {})
        assert (await it.ended(run)).status == "compensated"


async def test_a_person_finds_the_task_of_a_run_in_the_inbox_and_does_it(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, signing=PERSON) as it:
        run = await it.start("signing", n=7)
        task = (await it.task_of(run)).task.id
        assert [one.id for one in await it.place.inbox.tasks(mine=person("bea"))] == [task]
        assert await it.place.inbox.tasks(mine=person("carl")) == []
        taken = await it.tasks.take(task, person("bea"), anyway=False)
        with pytest.raises(Conflict, match="belongs to a run"):
            await it.tasks.withdraw(task, "person:ada")
        await it.tasks.complete(word(taken), {"signed": True})
        assert (await it.ended(run)).steps["sign"].output == {"signed": True}


async def test_a_cancelled_run_takes_its_task_from_whoever_has_it(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, counting=COUNT) as it:
        run = await it.start("counting", n=7)
        held = await it.next("w1")
        await it.flows.runs.cancel(run, "person:ada")
        await it.moved(held.task.id, "withdrawn")
        with pytest.raises(Conflict, match="it is withdrawn"):
            await it.tasks.complete(word(held), {"nails": 12})


async def test_a_task_that_agents_push_to_and_fro_ends_at_the_workflows_cap(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, looping=LOOP) as it:
        run = await it.start("looping", n=7)
        for turn in range(4):
            held = await it.next(("w1", "checker")[turn % 2])
            await it.tasks.hand_off(word(held), ("checker", "worker")[turn % 2], None, "not for me")
        held = await it.task_of(run)
        assert (held.task.state, held.task.limit) == ("escalated", "limit.handovers")
        taken = await it.tasks.take(held.task.id, person("dora"), anyway=True)
        assert len([note for note in taken.body.notes if note.kind == "handed_off"]) == 4
        await it.tasks.complete(word(taken), {})
        assert (await it.ended(run)).status == "done"


async def test_a_run_that_becomes_urgent_takes_its_tasks_along(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, counting=COUNT) as it:
        one, two = await it.start("counting", n=1), await it.start("counting", n=2)
        await it.task_of(one)
        task = (await it.task_of(two)).task.id
        await it.flows.runs.prioritise(two, "urgent", "person:ada")

        async def is_urgent() -> bool:
            return (await it.tasks.show(task)).task.priority == 0

        await it.eventually(is_urgent)
        assert (await it.next("w1")).task.run == two


async def test_a_result_that_came_back_keeps_its_context_while_its_run_is_paused(
    tmp_path: Path, database_url: str
) -> None:
    times = [0]
    async with team(tmp_path, database_url, clock=lambda: now() + times[0], counting=COUNT) as it:
        run = await it.start("counting", n=1)
        held = await it.next("w1")
        await it.tasks.beat(word(held), "a day of work", {"found": 7}, "which cellar?")
        await it.flows.runs.pause(run, "person:ada")
        await it.tasks.complete(word(held), {"nails": "many"})
        times[0] += 8 * 86_400_000
        assert await it.place.sweeping.sweep() == 0
        await it.flows.runs.resume(run, "person:ada")
        again = await it.next("w1")
        assert (again.task.id, again.body.questions) == (held.task.id, ("which cellar?",))
        assert again.body.notes[0].data == {"found": 7}


async def test_a_result_that_came_back_to_a_run_that_ended_is_wanted_no_more(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, counting=COUNT) as it:
        run = await it.start("counting", n=1)
        held = await it.next("w1")
        await it.flows.runs.pause(run, "person:ada")
        await it.tasks.complete(word(held), {"nails": "many"})
        await it.flows.runs.cancel(run, "person:ada")
        assert (await it.moved(held.task.id, "withdrawn")).task.run == run
