"""Runs live: through the gate, with people, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict, Forbidden, Invalid
from autonomy.tools import Refused, Unreachable
from autonomy.workflow.events import Chosen
from tests.gate.works import Door, fail, fail_first, never, organisation
from tests.house import declare
from tests.workflow.office import office, workflow

PRESS = """
steps:
  first: { tool: press, arguments: { n: input.n } }
  second: { needs: [first], tool: press, arguments: { n: input.n + 1 } }
result: { last: steps.second.output }
"""
ONCE = """
key: string(input.n)
steps:
  go: { wait: { events: { it: { event: go } } } }
"""
ASK = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?" }, deadline: 1h }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""
PAY = """
steps:
  pay: { tool: pay, arguments: { payee: "'erika'", amount: "'150.00'" } }
"""
PARENT = """
steps:
  child: { workflow: { name: pressing }, arguments: { n: input.n } }
result: { child: steps.child.output }
"""
TELL = """
steps:
  tell: { emit: { event: go, key: string(input.n), data: { n: input.n } } }
"""
HEAR = """
steps:
  hear: { wait: { events: { it: { event: go, key: string(input.n) } }, duration: 1h } }
result: { heard: steps.hear.output }
"""
STARTED = """
triggers: [{ event: go, input: { n: trigger.data.n } }]
steps:
  press: { tool: press, arguments: { n: input.n } }
"""


async def test_a_run_goes_from_its_first_step_to_its_last(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it:
        run = await it.start("pressing", n=1)
        state = await it.ended(run)
        assert (state.status, state.output) == ("done", {"last": {"ok": {"n": 2}}})
        assert it.plant.executions() == 2
        assert it.told(run) == ["started", "ended done"]
        assert (await it.flows.runs.show(run)).open == []


async def test_steps_that_do_not_need_each_other_are_under_way_together(tmp_path: Path, database_url: str) -> None:
    beside = """
    steps:
      one: { tool: press, arguments: { n: input.n } }
      two: { tool: press, arguments: { n: input.n + 1 } }
      both: { needs: [one, two], tool: look, arguments: { n: input.n } }
    """
    async with office(tmp_path, database_url, beside=beside) as it:
        door = it.plant.behaves["press"] = Door(it.plant.do)
        run = await it.start("beside", n=1)
        await it.plant.called("press", 2)
        assert all(name != "look" for name, _ in it.plant.calls)
        door.open()
        assert (await it.ended(run)).status == "done"


async def test_an_input_that_does_not_fit_begins_nothing(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it:
        with pytest.raises(Invalid, match="input"):
            await it.start("pressing", n="one")
        assert await it.flows.runs.runs() == []


async def test_two_triggers_with_the_same_key_are_one_run_while_it_is_live(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, once=ONCE) as it, office(tmp_path, database_url, it.plant) as other:
        runs = {await started for place in (it, other, it, other) for started in [place.start("once", n=1)]}
        together = await asyncio.gather(*(place.start("once", n=2) for place in (it, other) * 10))
        assert len(runs) == 1
        assert len(set(together)) == 1
        await it.flows.runs.cancel(runs.pop(), "person:ada")
        assert await it.start("once", n=1) not in {*runs, *together}


async def test_a_checkpoint_waits_for_its_people_and_costs_no_task(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, asking=ASK) as it:
        run = await it.start("asking", n=1)
        hold = await it.asked(run)
        assert (hold.consequence, hold.is_checkpoint) == ("May it be?", True)
        await it.flows.engine.idle()  # what waits for people is nothing under way
        approvals = it.works.system.approvals
        with pytest.raises(Forbidden):  # who started the run is behind it
            await asyncio.to_thread(approvals.decide, hold.action, "sam", "approve", hold.shown)
        await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        state = await it.ended(run)
        assert (state.status, state.steps["sign"].output["by"]) == ("done", "bea")  # type: ignore[index]


async def test_two_equal_payments_of_a_run_are_two_questions_and_two_payments(
    tmp_path: Path, database_url: str
) -> None:
    twice = PAY + """  two: { needs: [pay], tool: pay, arguments: { payee: "'erika'", amount: "'150.00'" } }\n"""
    async with office(tmp_path, database_url, twice=twice) as it:
        run = await it.start("twice", n=1)
        for path in ("pay", "two"):
            await it.until(run, lambda state: path in state.steps and state.steps[path].state == "held")  # noqa: B023
            await it.works.house.approve((await it.asked(run)).action, "bea")
        state = await it.ended(run)
        assert (state.status, it.plant.executions()) == ("done", 2)


async def test_a_held_action_goes_on_when_people_allow_it_and_is_refused_when_they_do_not(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, paying=PAY) as it:
        approvals = it.works.system.approvals
        run = await it.start("paying", n=1)
        hold = await it.asked(run)
        await it.until(run, lambda state: state.steps["pay"].state == "held")
        await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        assert (await it.ended(run)).status == "done"
        assert it.plant.executions() == 1
        refused = await it.start("paying", n=2)
        hold = await it.asked(refused)
        await asyncio.to_thread(approvals.decide, hold.action, "bea", "reject", hold.shown, "too dear")
        [asked] = await it.excepted(refused)
        assert (asked.command.kind, "too dear" in asked.command.reason) == ("denied", True)


async def test_an_exception_waits_for_a_person_and_goes_on_as_they_choose(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it:
        it.plant.behaves["press"] = fail(Refused("broken"))
        run = await it.start("pressing", n=1)
        [asked] = await it.excepted(run)
        assert (asked.command.kind, asked.command.path, asked.command.role) == ("failed", "first", "boss")
        it.plant.behaves.clear()
        choice = Chosen(now(), asked.command.id, "retry", by="person:ada")
        with pytest.raises(Forbidden):
            await it.flows.runs.choose(run, choice, ["worker"], anyway=False)
        await it.flows.runs.choose(run, choice, ["boss"], anyway=False)
        assert (await it.ended(run)).status == "done"
        assert it.told(run) == ["started", "exception", "chosen", "ended done"]
        assert (await it.flows.runs.show(run)).open == []


async def test_a_choice_that_does_not_fit_leaves_the_question_open(tmp_path: Path, database_url: str) -> None:
    fits = PRESS.replace("first: {", "first: { output: { type: object, properties: { ok: { type: object } } },")
    async with office(tmp_path, database_url, pressing=fits) as it:
        it.plant.behaves["press"] = fail(Refused("broken"))
        run = await it.start("pressing", n=1)
        [asked] = await it.excepted(run)
        edit = Chosen(now(), asked.command.id, "edit", output={"ok": "no"}, by="person:ada")
        with pytest.raises(Conflict, match="does not fit"):
            await it.flows.runs.choose(run, edit, [], anyway=True)
        assert [one.command.id for one in await it.excepted(run)] == [asked.command.id]


async def test_what_ended_while_nobody_was_there_is_heard_of_afterwards(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, asking=ASK, paying=PAY) as it:
        asking, paying = await it.start("asking", n=1), await it.start("paying", n=1)
        holds = [await it.asked(run) for run in (asking, paying)]
    async with office(tmp_path, database_url, it.plant, living=False) as away:
        decide = away.works.system.approvals.decide
        await asyncio.to_thread(decide, holds[0].action, "bea", "approve", holds[0].shown)
        await asyncio.to_thread(decide, holds[1].action, "bea", "reject", holds[1].shown, "no")
    async with office(tmp_path, database_url, it.plant) as back:
        assert (await back.ended(asking)).status == "done"
        [asked] = await back.excepted(paying)
        assert asked.command.kind == "denied"


async def test_a_run_inside_another_answers_it(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS, parent=PARENT) as it:
        run = await it.start("parent", n=1)
        assert (await it.ended(run)).output == {"child": {"last": {"ok": {"n": 2}}}}
        runs = await it.flows.runs.runs()
        assert {one.case for one in runs} == {run}


async def test_cancelling_a_run_cancels_the_runs_inside_it(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=ONCE, parent=PARENT) as it:
        run = await it.start("parent", n=1)
        [child] = await it.some(lambda runs: [one for one in runs if one.parent])
        await it.flows.runs.cancel(run, "person:ada")
        assert (await it.ended(child.id)).status == "cancelled"
        assert (await it.ended(run)).status == "cancelled"


async def test_an_event_reaches_who_waits_for_it_and_starts_what_it_triggers(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, telling=TELL, hearing=HEAR, starting=STARTED) as it:
        heard, other = await it.start("hearing", n=1), await it.start("hearing", n=2)
        await it.start("telling", n=1)
        assert (await it.ended(heard)).output == {"heard": {"by": "it", "data": {"n": 1}}}
        [begun] = await it.some(lambda runs: [one for one in runs if one.workflow == "starting"])
        assert (await it.ended(begun.id)).status == "done"
        assert (await it.flows.desk.look(other)).state.status == "running"
        await it.flows.runs.tell("go", "2", {"n": 2}, "person:ada")
        assert (await it.ended(other)).output == {"heard": {"by": "it", "data": {"n": 2}}}


async def test_a_timer_fires_in_whichever_process_is_there(tmp_path: Path, database_url: str) -> None:
    waiting = "steps: { rest: { wait: { duration: 1s } } }"
    async with office(tmp_path, database_url, living=False, waiting=waiting) as it:
        run = await it.start("waiting", n=1)
        async with office(tmp_path, database_url, it.plant) as other:
            assert (await other.ended(run)).status == "done"


async def test_a_paused_run_begins_nothing_until_it_is_resumed(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it:
        door = it.plant.behaves["press"] = Door(it.plant.do)
        run = await it.start("pressing", n=1)
        await it.plant.called("press")
        await it.flows.runs.pause(run, "person:ada")
        with pytest.raises(Conflict, match="paused already"):
            await it.flows.runs.pause(run, "person:ada")
        door.open()
        state = await it.until(run, lambda state: state.steps["first"].state == "done")
        assert (len(state.back), it.plant.executions()) == (1, 1)
        await it.flows.runs.resume(run, "person:ada")
        assert (await it.ended(run)).status == "done"


async def test_what_a_dead_process_was_carrying_out_is_carried_out_by_another_once(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, pressing=PRESS) as it:
        it.plant.behaves["press"] = never
        run = await it.start("pressing", n=1)
        await it.plant.called("press")
        it.plant.behaves.clear()
        await it.works.system.lifeline.leave()  # to the others it is dead now
        async with office(tmp_path, database_url, it.plant) as other:
            assert (await other.ended(run)).status == "done"
            assert max(it.plant.effects.values()) == 1
            assert it.plant.executions() == 2
        it.flows.engine.let_go()


async def test_a_fact_that_fails_at_the_moment_is_no_reason_to_ask_people(tmp_path: Path, database_url: str) -> None:
    heat = "steps: { heat: { tool: heat, arguments: { n: input.n } } }"
    async with office(tmp_path, database_url, heating=heat) as it:
        it.works.plant.behaves["level"] = fail_first(2, Unreachable("no answer"), 0)
        run = await it.start("heating", n=1)
        assert (await it.ended(run)).status == "done"
        assert it.told(run) == ["started", "ended done"]


async def test_a_suspended_agent_is_a_refusal_that_a_person_sees(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, pressing=PRESS) as it:
        await asyncio.to_thread(it.works.system.identity.suspend, "w1", "person:ada", "odd")
        run = await it.start("pressing", n=1)
        [asked] = await it.excepted(run)
        assert asked.command.kind == "denied"


async def test_live_runs_move_to_the_newest_wording_and_what_cannot_is_named(tmp_path: Path, database_url: str) -> None:
    waiting = "steps: { go: { wait: { events: { it: { event: go, key: string(input.n) } } } } }"
    changed = waiting[:-2] + ", press: { needs: [go], tool: press, arguments: { n: input.n } } }"
    other = "steps: { gone: { wait: { events: { it: { event: go } } } } }"
    async with office(tmp_path, database_url, waiting=waiting) as it:
        run, second = await it.start("waiting", n=1), await it.start("waiting", n=2)
        move = it.flows.migrating.migrate
        assert (await move("waiting", "person:ada")).runs == ()
        await asyncio.to_thread(declare, it.works.system, organisation(workflows=workflow("waiting", other)))
        stays = await move("waiting", "person:ada")
        reasons = {one.run: [str(found) for found in one.obstacles] for one in stays.runs}
        told = "`go`: it is running, and no longer there"
        assert reasons == {run: [told], second: [told]}
        await asyncio.to_thread(declare, it.works.system, organisation(workflows=workflow("waiting", changed)))
        looked = await move("waiting", "person:ada", dry=True, count=1)
        assert ([one.obstacles for one in looked.runs], looked.after) == ([()], min(run, second))
        assert it.told(run) == ["started"]
        moved = await move("waiting", "person:ada", count=1)
        moved = await move("waiting", "person:ada", count=1, after=moved.after)
        assert (await move("waiting", "person:ada")).runs == ()
        assert it.told(run) == ["started", "migrated"]
        assert (await it.flows.desk.look(run)).state.digest == moved.definition
        await it.flows.runs.tell("go", "1", None, "person:ada")
        assert (await it.ended(run)).steps["press"].output == {"ok": {"n": 1}}
