"""Goals, from the words of a person to the end of the run that an agent's plan became, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.workflow.events import Chosen
from autonomy.workflow.graph import mermaid
from autonomy.workflow.store import definition, run
from tests.tasks.team import person, word

from .firm import GOOD, TWICE, Firm, firm

WRONG: dict[str, Any] = {"steps": {"fly": {"tool": "fly", "agent": "w1"}}}


async def test_a_goal_is_planned_by_an_agent_and_its_plan_is_run_like_any_other(
    tmp_path: Path, database_url: str
) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.hand_in()
        assert (await it.goal(id)).state == "planning"
        held = await it.next("planner-1")
        assert held.body.input["goal"] == "the shelf is full of nails"
        assert held.body.input["given"] == {"n": 3}
        assert await it.answer(held, GOOD) == ""
        working = await it.in_state(id, "working")
        assert working.plan == GOOD
        assert working.planner == "planner-1"
        assert working.run is not None
        count = await it.task_of(working.run, "open")
        assert count.task.case == id, "what is done for a goal is one case"
        await it.tasks.complete(word(await it.next("w2")), {"nails": 12})
        done = await it.in_state(id, "done")
        assert done.output == {"counted": {"nails": 12}}
        assert [name for name, _ in it.plant.calls] == ["look", "press"]
        assert it.told(id) == ["started", "ended done"]
        assert it.told(working.run) == ["started", "ended done"]


async def test_whoever_plans_hears_what_a_plan_may_be_made_of(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        await it.hand_in()
        known = (await it.next("planner-1")).body.input["vocabulary"]
        agents = {one["agent"]: one for one in known["agents"]}
        assert sorted(agents) == ["planner-1", "w1", "w2"], "the clerk belongs to another unit"
        assert "press" in agents["w1"]["tools"]
        assert "goal.propose" not in agents["planner-1"]["tools"]
        press = next(one for one in known["tools"] if one["tool"] == "press")
        assert press["input"]["required"] == ["n"]
        assert [one["workflow"] for one in known["workflows"]] == ["check"]
        assert [one["decision"] for one in known["decisions"]] == ["size"]
        assert {"role": "boss", "held_by": ["person"]}.items() <= next(
            one for one in known["roles"] if one["role"] == "boss"
        ).items()


async def test_a_plan_that_changes_much_waits_for_people_who_see_its_graph(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.planned(TWICE)
        held = await it.in_state(id, "held")
        assert held.graph is not None
        assert held.run is None
        hold = await it.asked(id)
        record = it.works.system.results
        shown = await record.waiting(hold.action)
        assert shown.request.arguments["plan"] == TWICE
        assert not it.plant.calls
        await it.works.house.approve(hold.action, "bea")
        assert (await it.in_state(id, "done")).planner == "planner-1"
        assert [name for name, _ in it.plant.calls] == ["press", "press"]


async def test_a_plan_that_people_or_rules_do_not_want_is_refused_and_nothing_is_done(
    tmp_path: Path, database_url: str
) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.planned(TWICE)
        await it.in_state(id, "held")
        hold = await it.asked(id)
        await asyncio.to_thread(
            it.works.system.approvals.decide, hold.action, "bea", "reject", hold.shown, "once is enough"
        )
        assert (await it.in_state(id, "refused")).run is None
        loud = await it.planned({"agent": "w1", "steps": {"shout": {"tool": "shout", "arguments": {"n": "1"}}}})
        assert "no plan shouts" in (await it.in_state(loud, "refused")).reason
        assert not it.plant.calls


async def test_a_wrong_plan_goes_back_once_with_every_reason_and_then_a_person_decides(
    tmp_path: Path, database_url: str
) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.hand_in()
        first = await it.next("planner-1")
        told = await it.answer(first, WRONG)
        assert "spec.steps.fly.tool: there is no tool `fly`" in told
        again = await it.next("planner-1")
        assert again.body.notes[-1].text == told
        assert await it.answer(again, WRONG) == told
        [asked] = await it.excepted(id)
        assert (asked.command.kind, asked.command.role) == ("contract", "boss")
        assert (await it.goal(id)).state == "asking"
        choice = Chosen(now(), asked.command.id, "edit", output={"plan": GOOD}, by="person:bea")
        await it.flows.runs.choose(id, choice, ("boss",), anyway=False)
        assert (await it.in_state(id, "working")).planner == "planner-1"


async def test_a_person_plans_where_no_agent_does(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.hand_in()
        task = await it.task_of(id, "open")
        held = await it.next("planner-1")
        await it.tasks.escalate(word(held), "this is beyond me")
        taken = await it.tasks.take(task.task.id, person("bea"), anyway=False)
        assert "there is no tool `fly`" in await it.answer(taken, WRONG)
        await it.moved(task.task.id, "open")
        mended = await it.tasks.take(task.task.id, person("bea"), anyway=False)
        assert await it.answer(mended, GOOD) == ""
        working = await it.in_state(id, "working")
        proposed = [leaf for leaf in it.works.leaves("intent") if leaf["tool"] == "goal.propose"]
        assert (len(proposed), working.planner) == (1, None)


async def test_a_goal_that_is_cancelled_ends_with_what_it_became(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.planned(GOOD)
        run = (await it.in_state(id, "working")).run
        assert run is not None
        await it.task_of(run, "open")
        await it.flows.goals.cancel(id, "person:sam", "no need any more")
        assert (await it.in_state(id, "cancelled")).reason
        assert (await it.ended(run)).status == "cancelled"
        with pytest.raises(Conflict):
            await it.flows.goals.cancel(id, "person:sam")


async def test_what_a_goal_has_done_is_undone_where_that_is_wanted(tmp_path: Path, database_url: str) -> None:
    press = {"tool": "press", "arguments": {"n": "1"}, "compensate": {"tool": "press", "arguments": {"n": "-1"}}}
    plan = {"agent": "w1", "steps": {"press": press, "rest": {"needs": ["press"], "wait": {"duration": "1h"}}}}
    async with firm(tmp_path, database_url) as it:
        id = await it.planned(plan)
        run = (await it.in_state(id, "working")).run
        assert run is not None
        await it.until(run, lambda state: "rest" in state.steps)
        await it.flows.goals.cancel(id, "person:sam", "no need any more", compensate=True)
        assert (await it.ended(run)).status == "compensated"
        assert (await it.until(id, lambda state: state.ended)).status == "compensated"
        assert list(it.plant.done.values()) == [{"ok": {"n": 1}}, {"ok": {"n": -1}}]


async def test_the_plan_stays_as_it_was_admitted_whatever_is_declared_since(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.planned(GOOD)
        run = (await it.in_state(id, "working")).run
        assert run is not None
        state = (await it.flows.desk.look(run)).state
        pinned = mermaid(*await it.flows.runs.drawn(run))
        assert state.workflow.startswith("goal.")
        assert "press" in pinned
        assert it.works.system.catalog.organisation().get("Workflow", state.workflow) is None


async def test_what_a_goal_may_cost_binds_the_run_that_it_becomes(tmp_path: Path, database_url: str) -> None:
    dear = {"agent": "w1", "steps": {"buy": {"tool": "buy", "arguments": {"amount": "'60.00'"}}}}
    async with firm(tmp_path, database_url) as it:
        id = await it.planned({**dear, "caps": {"spend": "100.00 EUR"}}, spend="50.00 EUR")
        ended = await it.in_state(id, "failed", "stopped")
        assert "cap.spend" in ended.reason


NOBODYS: list[tuple[dict[str, Any], str]] = [
    ({"role": "nobody"}, "task.unknown_role"),
    ({"unit": "nowhere"}, "task.unknown_unit"),
    ({"role": "boss"}, "goal.nobody"),
    ({"unit": "office"}, "goal.nobody"),
    ({"goal": " "}, "goal.field"),
    ({"given": {"much": "x" * 70_000}}, "goal.field"),
    ({"spend": "much"}, "money.invalid"),
]


async def test_a_goal_that_nobody_could_plan_is_refused(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        for changed, code in NOBODYS:
            with pytest.raises((Invalid, NotFound)) as caught:
                await it.hand_in(**changed)
            assert caught.value.code == code
        assert await it.flows.goals.goals() == []


async def test_no_agent_proposes_a_plan_past_its_goal(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.hand_in()
        reply = await it.works.ask("goal.propose", "planner-1", goal=id, plan=GOOD)
        assert (reply.status, reply.code) == ("failed", "goal.not_asked")
        lost = await it.works.ask("goal.propose", "planner-1", goal="run_0", plan=GOOD)
        assert lost.status == "denied"
        assert (await it.goal(id)).state == "planning"


async def test_goals_are_listed_newest_first_and_other_runs_are_none(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        first, second = await it.hand_in("one"), await it.hand_in("two")
        other = await it.start("check", n=1)
        listed = await it.flows.goals.goals()
        assert [(one.id, one.goal) for one in listed] == [(second, "two"), (first, "one")]
        assert [one.id for one in await it.flows.goals.goals(1, second)] == [first]
        for id in (other, "run_0"):
            with pytest.raises(NotFound):
                await it.goal(id)


async def test_a_goal_that_cannot_be_read_any_more_hides_no_other(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        good, lost, unworded = [await it.hand_in(name) for name in ("one", "two", "three")]
        digest = (await it.flows.desk.look(unworded)).state.digest
        spoilt: Any = {"state": b"x" * 40, "ver": run.c.ver + 1}
        await it.works.system.queue.perform(lambda tx: tx.execute(update(run).where(run.c.id == lost).values(spoilt)))
        worse = update(definition).where(definition.c.digest == digest).values(body=b"x" * 40)
        await it.works.system.queue.perform(lambda tx: tx.execute(worse))
    async with firm(tmp_path, database_url) as other:
        listed = await other.flows.goals.goals()
        assert [(one.id, one.state, one.goal, one.role) for one in listed] == [
            (unworded, "planning", "three", ""),
            (lost, "stopped", "", "planner"),
            (good, "planning", "one", "planner"),
        ]
        assert [(await other.goal(one.id)).goal for one in listed] == ["three", "", "one"]


async def test_another_process_takes_a_goal_over(tmp_path: Path, database_url: str) -> None:
    async with firm(tmp_path, database_url) as it:
        id = await it.hand_in()
    async with firm(tmp_path, database_url) as other:
        assert await other.answer(await other.next("planner-1"), GOOD) == ""
        assert (await _working(other, id)).planner == "planner-1"


async def _working(it: Firm, id: str) -> Any:
    return await it.in_state(id, "working")
