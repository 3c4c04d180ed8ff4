"""Whoever a run comes from does not decide its checkpoints, by whatever way it came."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import now
from autonomy.kernel.errors import Forbidden
from autonomy.tasks.origin import MAX_ORIGIN
from autonomy.workflow.desk import Origin
from autonomy.workflow.events import Chosen
from tests.gate.test_several import MORE_STAFF
from tests.gate.test_several import TWO as TWO_OF_BOSS
from tests.gate.works import PEOPLE, STAFF
from tests.tasks.team import team
from tests.workflow.office import Office, office

ASKING = """
triggers:
  - { event: go, input: { n: trigger.data.n } }
  - { ended: resting, input: { n: trigger.output.n } }
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?" }, deadline: 1h }
"""
TELLING = "steps: { tell: { emit: { event: go, data: { n: input.n } } } }"
RESTING = "steps: { rest: { wait: { duration: 1ms } } }\nresult: { n: input.n }"
OUTER = "steps: { inner: { workflow: { name: telling }, arguments: { n: input.n } } }"
SUM = """
steps: { sum: { tool: pay, arguments: { payee: "'p'", amount: "'nothing'" } } }
result: { amount: steps.sum.output }
"""
LISTENING = """
steps:
  told: { wait: { events: { dear: { event: dear }, cheap: { event: cheap } } } }
  pay:
    needs: [told]
    tool: pay
    arguments: { payee: "'p'", amount: "steps.told.output.by == 'dear' ? '900.00' : '1.00'" }
"""
GUARDED = """
steps:
  gate:
    choose:
      branches:
        needed: { when: input.n == 1, steps: { sign: { approval: { roles: { boss: 1 }, question: "May it be?" } } } }
    deadline: 400ms
  press: { needs: [gate], tool: press, arguments: { n: input.n } }
"""
SIGNING = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?" }, onException: [{ then: fail }] }
"""
SIGNED_INSIDE = """
steps:
  sign: { workflow: { name: signing }, arguments: { n: input.n } }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""
ABOVE = """
steps:
  inner: { workflow: { name: sum }, arguments: { n: input.n } }
  pay: { needs: [inner], tool: pay, arguments: { payee: "'p'", amount: steps.inner.output.amount } }
"""
WAITING = """
steps:
  told: { wait: { events: { sum: { event: sum } } } }
  pay: { needs: [told], tool: pay, arguments: { payee: "'p'", amount: steps.told.output.data.amount } }
"""
SIGNED = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?" }, deadline: 1h }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""
FLOWS = {"asking": ASKING, "telling": TELLING, "resting": RESTING, "outer": OUTER}


async def test_who_told_emitted_or_ended_what_began_a_run_is_not_asked(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        await it.flows.runs.tell("go", None, {"n": 1}, "person:bea")
        for name in ("telling", "resting", "outer"):
            await it.start(name, by="person:bea", n=1)
        runs = await asking(it, 4)
        for run in runs:
            hold = await it.asked(run)
            assert "bea" in hold.requesters
        with pytest.raises(Forbidden):
            await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "bea", "approve", hold.shown)
        await it.flows.runs.tell("go", None, {"n": 2}, "person:sam")
        [other] = set(await asking(it, 5)) - set(runs)
        hold = await it.asked(other)
        await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "bea", "approve", hold.shown)
        assert (await it.ended(other)).status == "done"


async def asking(it: Office, count: int) -> list[str]:
    found: list[str] = []

    async def look() -> bool:
        found[:] = [one.id for one in await it.flows.runs.runs("asking")]
        return len(found) == count

    await it.eventually(look)
    return found


def test_on_however_long_a_way_people_are_not_forgotten() -> None:
    way: tuple[str, ...] = ()
    for number in range(MAX_ORIGIN):
        by = "person:bea" if number == 0 else f"event:e{number}"
        way = Origin(by, "case", "works", before=way).of(f"w{number}")
    assert way[0] == "person:bea"
    assert len(way) == MAX_ORIGIN + 1
    assert way[-2:] == (f"event:e{MAX_ORIGIN - 1}", f"workflow:w{MAX_ORIGIN - 1}")


PAYING = "steps: { pay: { tool: pay, arguments: { payee: \"'p'\", amount: \"'200.00'\" } } }"
MENDING = "steps: { pay: { tool: pay, arguments: { payee: \"'p'\", amount: \"'nothing'\" } } }"
AROUND = "steps: { inner: { workflow: { name: paying }, arguments: { n: input.n } } }"
TWO = {"people": "---".join((PEOPLE, STAFF)) + MORE_STAFF, "policy": TWO_OF_BOSS}


async def test_who_began_a_run_decides_none_of_its_actions_either(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, more=TWO, paying=PAYING, around=AROUND) as it:
        approvals = it.works.system.approvals
        await it.start("around", by="person:bea", n=1)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "paying"])
        hold = await it.asked(inner.id)
        assert "bea" in hold.requesters
        with pytest.raises(Forbidden) as refused:
            await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        assert refused.value.code == "approval.own"
        assert "bea" not in await asyncio.to_thread(approvals.deciders, hold)
        await asyncio.to_thread(approvals.decide, hold.action, "dora", "approve", hold.shown)
        assert (await it.flows.desk.look(inner.id)).state.status == "running", "two are needed, and bea is none"
        await asyncio.to_thread(approvals.decide, hold.action, "emil", "approve", hold.shown)
        assert (await it.ended(inner.id)).status == "done"


async def test_whose_task_it_is_done_for_does_not_decide_an_action(tmp_path: Path, database_url: str) -> None:
    """Whatever case its agent names: it has the task. And who asks for the same once more has asked for it too."""
    async with team(tmp_path, database_url) as it:
        approvals = it.works.system.approvals
        first = await it.works.ask("pay", "w1", case="elsewhere", payee="p", amount="200.00")
        assert "bea" not in approvals.get(first.action).requesters
        await it.open()
        await it.next("w1")
        again = await it.works.ask("pay", "w1", case="elsewhere", payee="p", amount="200.00")
        other = await it.works.ask("pay", "w1", case="mine", payee="q", amount="300.00")
        assert again.action == first.action
        for reply in (again, other):
            hold = approvals.get(reply.action)
            assert "bea" in hold.requesters
            with pytest.raises(Forbidden):
                await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
            await asyncio.to_thread(approvals.decide, hold.action, "dora", "approve", hold.shown)


async def test_who_says_with_what_a_step_is_tried_again_does_not_decide_what_comes_of_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, mending=MENDING) as it:
        approvals = it.works.system.approvals
        run = await it.start("mending", by="schedule:night", n=1)
        [asked] = await it.excepted(run)
        event = Chosen(1, asked.command.id, "retry", arguments={"payee": "p", "amount": "200.00"}, by="person:bea")
        await it.flows.runs.choose(run, event, ("boss",), False)
        hold = await it.asked(run)
        with pytest.raises(Forbidden):
            await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        await asyncio.to_thread(approvals.decide, hold.action, "dora", "approve", hold.shown)
        assert (await it.ended(run)).status == "done"


async def test_who_says_what_a_step_of_a_run_inside_came_to_does_not_decide_what_comes_of_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, above=ABOVE, sum=SUM) as it:
        run = await it.start("above", by="schedule:night", n=1)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "sum"])
        [asked] = await it.excepted(inner.id)
        event = Chosen(now(), asked.command.id, "edit", output="200.00", by="person:bea")
        await it.flows.runs.choose(inner.id, event, ("boss",), False)
        await _only_dora_decides(it, run)


async def test_who_told_a_run_what_it_waited_for_does_not_decide_what_comes_of_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, waiting=WAITING) as it:
        run = await it.start("waiting", by="schedule:night", n=1)
        await it.until(run, lambda state: "told" in state.steps)
        await it.flows.runs.tell("sum", None, {"amount": "200.00"}, "person:bea")
        await _only_dora_decides(it, run)


async def test_who_told_a_run_which_of_two_events_it_was_does_not_decide_what_comes_of_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, listening=LISTENING) as it:
        run = await it.start("listening", by="schedule:night", n=1)
        await it.until(run, lambda state: "told" in state.steps)
        await it.flows.runs.tell("dear", None, None, "person:bea")
        await _only_dora_decides(it, run)


async def _only_dora_decides(it: Office, run: str) -> None:
    hold, approvals = await it.asked(run), it.works.system.approvals
    with pytest.raises(Forbidden):
        await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
    await asyncio.to_thread(approvals.decide, hold.action, "dora", "approve", hold.shown)
    assert (await it.ended(run)).status == "done"


@pytest.mark.parametrize(("choice", "output"), [("edit", {"approved": True}), ("skip", None)])
async def test_who_may_not_decide_a_checkpoint_does_not_pass_it_once_it_was_refused(
    tmp_path: Path, database_url: str, choice: str, output: Json
) -> None:
    async with office(tmp_path, database_url, signed=SIGNED) as it:
        run = await it.start("signed", by="person:bea", n=1)
        hold = await it.asked(run)
        await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "dora", "reject", hold.shown, "no")
        [asked] = await it.excepted(run)
        choose = it.flows.runs.choose
        with pytest.raises(Forbidden) as refused:
            await choose(run, Chosen(now(), asked.command.id, choice, output=output, by="person:bea"), ("boss",), True)  # type: ignore[arg-type]
        assert (refused.value.code, it.plant.executions()) == ("approval.own", 0)
        await choose(run, Chosen(now(), asked.command.id, choice, output=output, by="person:dora"), ("boss",), False)  # type: ignore[arg-type]
        assert (await it.ended(run)).status == "done"


async def test_who_may_not_decide_a_checkpoint_may_have_it_asked_again(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, signed=SIGNED) as it:
        run = await it.start("signed", by="person:bea", n=1)
        hold, decide = await it.asked(run), it.works.system.approvals.decide
        await asyncio.to_thread(decide, hold.action, "dora", "reject", hold.shown, "no")
        [asked] = await it.excepted(run)
        await it.flows.runs.choose(run, Chosen(now(), asked.command.id, "retry", by="person:bea"), ("boss",), False)
        again = await it.asked(run)
        with pytest.raises(Forbidden):
            await asyncio.to_thread(decide, again.action, "bea", "approve", again.shown)


async def test_who_may_not_decide_a_checkpoint_does_not_pass_the_step_around_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, guarded=GUARDED) as it:
        run = await it.start("guarded", by="person:bea", n=1)
        [asked] = await it.excepted(run)
        assert asked.command.kind == "overdue"
        await _only_dora_edits(it, run, asked.command.id)


async def test_who_may_not_decide_a_checkpoint_does_not_pass_the_run_that_asks(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, outside=SIGNED_INSIDE, signing=SIGNING) as it:
        run = await it.start("outside", by="person:bea", n=1)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "signing"])
        hold = await it.asked(inner.id)
        await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "dora", "reject", hold.shown, "no")
        [asked] = await it.excepted(run)
        await _only_dora_edits(it, run, asked.command.id)


async def _only_dora_edits(it: Office, run: str, asked: str) -> None:
    choose = it.flows.runs.choose
    with pytest.raises(Forbidden) as refused:
        await choose(run, Chosen(now(), asked, "edit", output={}, by="person:bea"), ("boss",), True)
    assert (refused.value.code, it.plant.executions()) == ("approval.own", 0)
    await choose(run, Chosen(now(), asked, "edit", output={}, by="person:dora"), ("boss",), False)
    assert (await it.ended(run)).status == "done" and it.plant.executions() == 1


PASSED = """
steps:
  sign: { workflow: { name: failing }, arguments: { n: input.n } }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""
FAILING = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?" } }
  over: { needs: [sign], end: { status: failed, reason: sorry } }
"""


async def test_who_began_a_run_says_what_it_comes_to_once_somebody_else_has_let_its_checkpoint_pass(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, passed=PASSED, failing=FAILING) as it:
        run = await it.start("passed", by="person:bea", n=1)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "failing"])
        hold = await it.asked(inner.id)
        await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "dora", "approve", hold.shown)
        [asked] = await it.excepted(run)
        event = Chosen(now(), asked.command.id, "edit", output={}, by="person:bea")
        await it.flows.runs.choose(run, event, ("boss",), False)
        assert (await it.ended(run)).status == "done"


SAYING = "steps: { tell: { emit: { event: sum, data: { amount: \"'200.00'\" } } } }"


async def test_what_a_run_was_told_by_another_comes_from_that_workflow_too(tmp_path: Path, database_url: str) -> None:
    """Rules ask for it: whatever came of a goal says so, by whichever way it came."""
    async with office(tmp_path, database_url, saying=SAYING, waiting=WAITING) as it:
        run = await it.start("waiting", by="schedule:night", n=1)
        await it.until(run, lambda state: "told" in state.steps)
        await it.start("saying", by="schedule:night", n=1)
        await it.asked(run)
        assert "workflow:saying" in (await it.flows.desk.look(run)).origin
