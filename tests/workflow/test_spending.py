"""What runs inside a run spend together stays within what that one may."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from autonomy.kernel.clock import now
from autonomy.tools import Unsure
from autonomy.workflow.events import Chosen
from autonomy.workflow.store import command, definition, run
from tests.gate.works import fail
from tests.workflow.office import Office, office

HEAD = """
caps: { spend: 50.00 EUR }
steps: { inner: { workflow: { name: middle }, arguments: { n: input.n } } }
"""
MIDDLE = """
steps:
  early: { workflow: { name: buyer }, arguments: { n: "1" } }
  late: { workflow: { name: buyer }, arguments: { n: "2" } }
"""
BUYER = """
steps:
  ready: { wait: { events: { go: { event: go, key: string(input.n) } } } }
  first: { needs: [ready], tool: buy, arguments: { amount: "'30.00'" } }
  more: { needs: [first], wait: { events: { go: { event: more } } }, when: input.n == 1 }
  second: { needs: [first, more], tool: buy, arguments: { amount: "'31.00'" } }
"""


async def test_two_runs_inside_spend_what_is_left_once(tmp_path: Path, database_url: str) -> None:
    """Each alone would stay within it."""
    async with office(tmp_path, database_url, head=HEAD, middle=MIDDLE, buyer=BUYER) as it:
        head = await it.start("head", n=1)
        tell = it.flows.runs.tell

        async def inside() -> list[str]:
            return sorted(one.id for one in await it.flows.runs.runs("buyer"))

        async def ready() -> bool:
            states = [(await it.flows.desk.look(run)).state for run in await inside()]
            return len(states) == 2 and all("ready" in state.steps for state in states)

        await it.eventually(ready)
        await tell("go", "1", None, "person:sam")
        await it.until(head, lambda state: state.spent == 3_000)
        await tell("go", "2", None, "person:sam")
        state = await it.ended(head)
        assert (state.status, state.reason, state.spent) == ("stopped", "cap.spend", 6_000)
        for run in await inside():
            assert (await it.ended(run)).status in ("stopped", "cancelled")
        assert it.plant.executions() == 2, "what comes after the first of each is begun by nobody"


CAP = "caps: { spend: 50.00 EUR }"
ALONE = """
steps: { first: { tool: buy, arguments: { amount: "string(input.n) + '.00'" } } }
"""
AROUND = """
caps: { spend: 50.00 EUR }
steps: { inner: { workflow: { name: one }, arguments: { n: input.n } } }
"""
UNSURE = {"one": ALONE, "alone": CAP + ALONE, "around": AROUND}


@pytest.mark.parametrize("name", ["alone", "around"])
async def test_what_nobody_knows_to_have_happened_has_cost_nothing_yet(
    tmp_path: Path, database_url: str, name: str
) -> None:
    """In a run as in one inside another: no cap is reached by it, and a second try has all that the first one had."""
    async with office(tmp_path, database_url, **UNSURE) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        top = await it.start(name, n=30)
        [asked] = await it.some_excepted()
        await it.flows.engine.sweep()  # which hears of the action once more
        await it.flows.engine.idle()
        assert [(await it.flows.desk.look(one)).state.spent for one in {top, asked.run}] == [0] * len({top, asked.run})
        shown = await it.flows.runs.show(asked.run)
        [action] = [one.action for one in shown.open if one.action]
        await it.works.system.taking_up.resolve(action, "failed", "person:sam", "it was not bought")
        it.plant.behaves.clear()
        again = Chosen(now(), asked.command.id, "retry", by="person:bea")
        await it.flows.runs.choose(asked.run, again, ("boss",), False)
        state = await it.ended(top)
        assert (state.status, state.spent) == ("done", 3_000)


async def test_a_run_is_not_stopped_by_what_may_not_have_happened(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **UNSURE) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        top = await it.start("around", n=60)
        [asked] = await it.some_excepted()
        await it.flows.engine.sweep()
        await it.flows.engine.idle()
        assert (await it.flows.desk.look(top)).state.status == "running"
        assert [one.command.kind for one in await it.flows.runs.exceptions()] == ["unknown"]
        shown = await it.flows.runs.show(asked.run)
        [action] = [one.action for one in shown.open if one.action]
        await it.works.system.taking_up.resolve(action, "done", "person:sam", "it was bought")
        state = await it.ended(top)
        assert (state.status, state.reason, state.spent) == ("stopped", "cap.spend", 6_000)


BUYING = """
steps:
  first: { tool: buy, arguments: { amount: "'30.00'" } }
  hear: { needs: [first], wait: { events: { go: { event: go } } } }
"""
BEFORE = HEAD.replace("middle", "buying")


async def test_what_a_damaged_run_had_spent_stays_spent(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, head=BEFORE, buying=BUYING) as it:
        head = await it.start("head", n=1)
        await it.until(head, lambda state: state.spent == 3_000)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "buying"])
        await it.until(inner.id, lambda state: "hear" in state.steps)
        bad: Any = update(run).where(run.c.id == inner.id).values(state=b"x" * 40, ver=run.c.ver + 1)
        await it.works.system.queue.perform(lambda tx: tx.execute(bad))
        await it.flows.runs.tell("go", None, None, "person:sam")
        [asked] = await it.excepted(head)
        assert (await it.flows.desk.look(head)).state.spent == 3_000
        again = Chosen(now(), asked.command.id, "retry", by="person:bea")
        await it.flows.runs.choose(head, again, ("boss",), False)
        state = await it.ended(head)
        assert (state.status, state.spent) == ("stopped", 6_000)


HELD = """
steps: { first: { tool: pay, arguments: { payee: "'p'", amount: "'3000.00'" } } }
"""


async def test_what_was_done_for_a_run_whose_definition_is_damaged_is_heard_once(
    tmp_path: Path, database_url: str
) -> None:
    head = BEFORE.replace("50.00", "50000.00")
    async with office(tmp_path, database_url, head=head, buying=HELD) as first:
        top = await first.start("head", by="schedule:night", n=1)
        [inner] = await first.some(lambda runs: [one for one in runs if one.workflow == "buying"])
        hold = await first.asked(inner.id)
        digest = (await first.flows.desk.look(top)).state.digest
        worse = update(definition).where(definition.c.digest == digest).values(body=b"x" * 40)
        await first.works.system.queue.perform(lambda tx: tx.execute(worse))
    async with office(tmp_path, database_url, first.plant, head=head, buying=HELD) as it:
        approvals = it.works.system.approvals
        await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        assert (await it.ended(top)).reason.startswith("workflow.sealed")
        assert it.told(top)[-2:] == ["exception", "ended stopped"]
        await it.ended(inner.id)
        await it.eventually(lambda: _nothing_is_left(it, inner.id))


async def _nothing_is_left(it: Office, inner: str) -> bool:
    query = select(command.c.id).where(command.c.run == inner)
    return not await it.works.system.database.read(lambda connection: connection.execute(query).all())


OUTERMOST = """
caps: { spend: 50000.00 EUR }
steps: { m: { workflow: { name: between }, arguments: { n: input.n } } }
"""
BETWEEN = "steps: { c: { workflow: { name: payer }, arguments: { n: input.n } } }"
PAYER = """
steps:
  first: { tool: pay, arguments: { payee: "'p'", amount: "'3000.00'" } }
  rest: { needs: [first], wait: { duration: 1h } }
"""


async def test_the_cost_by_which_a_run_is_found_damaged_is_counted_around_it(tmp_path: Path, database_url: str) -> None:
    flows = {"outermost": OUTERMOST, "between": BETWEEN, "payer": PAYER}
    async with office(tmp_path, database_url, **flows) as it:  # type: ignore[arg-type]
        top = await it.start("outermost", by="schedule:night", n=1)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "payer"])
        [middle] = await it.some(lambda runs: [one for one in runs if one.workflow == "between"])
        hold = await it.asked(inner.id)
        digest = (await it.flows.desk.look(middle.id)).state.digest
        worse: Any = update(definition).where(definition.c.digest == digest).values(body=b"x" * 40)
        await it.works.system.queue.perform(lambda tx: tx.execute(worse))
    async with office(tmp_path, database_url, it.plant, **flows) as again:
        await asyncio.to_thread(again.works.system.approvals.decide, hold.action, "bea", "approve", hold.shown)
        assert (await again.ended(middle.id)).spent == 300_000
        await again.until(top, lambda state: state.spent == 300_000)


LIMITED = """
caps: { spend: 50.00 EUR }
steps: { inner: { workflow: { name: waiting }, arguments: { n: input.n } } }
"""
WAITING = """
steps:
  first: { tool: buy, arguments: { amount: "'30.00'" } }
  hear: { needs: [first], wait: { events: { go: { event: go } } } }
"""


async def test_a_run_inside_whose_beginning_cannot_be_read_ends_before_it_is_begun_again(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, limited=LIMITED, waiting=WAITING) as it:
        top = await it.start("limited", n=1)
        await it.until(top, lambda state: state.spent == 3000)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "waiting"])
        begun = (command.c.run == top) & (command.c.kind == "start_child")
        worse: Any = update(command).where(begun).values(body=b"x" * 40, due=now())
        await it.works.system.queue.perform(lambda tx: tx.execute(worse))
        await it.flows.engine.sweep()
        [asked] = await it.excepted(top)
        assert (await it.ended(inner.id)).status == "cancelled"
        await it.flows.runs.choose(top, Chosen(now(), asked.command.id, "retry", by="person:bea"), ("boss",), False)
        ended = await it.ended(top)
        assert (ended.status, ended.reason, ended.spent) == ("stopped", "cap.spend", 6000)


TWO_ONES = """
caps: { spend: 50.00 EUR }
steps:
  a: { workflow: { name: one }, arguments: { n: "1" } }
  b: { workflow: { name: one }, arguments: { n: "2" } }
  z: { wait: { duration: 1h } }
"""
ONE = """
steps:
  first: { tool: buy, arguments: { amount: "'30.00'" }, onException: [{ kinds: [unknown], then: skip }] }
"""


@pytest.mark.parametrize("rest", ["", "  z: { wait: { duration: 1h } }"], ids=["ended", "live"])
async def test_what_turns_out_to_be_done_in_runs_inside_counts_around_them(
    tmp_path: Path, database_url: str, rest: str
) -> None:
    async with office(tmp_path, database_url, head=TWO_ONES, one=ONE + rest) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        top = await it.start("head", n=1)
        found = await it.some(lambda runs: runs if len(runs) == 3 else [])
        inner = [one.id for one in found if one.workflow == "one"]
        for one in inner:
            await it.until(one, lambda state: bool(state.unsure))
        for one in inner:
            for action in [open.action for open in (await it.flows.runs.show(one)).open if open.action]:
                await it.works.system.taking_up.resolve(action, "done", "person:sam", "it was bought")
        ended = await it.ended(top)
        assert (ended.status, ended.reason, ended.spent) == ("stopped", "cap.spend", 6_000)


PAYS = "steps: { pay: { tool: pay, arguments: { payee: \"'p'\", amount: \"'200.00'\" } } }"


async def test_what_is_held_for_a_command_that_cannot_be_read_is_done_once_and_heard(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, pays=PAYS) as it:
        one = await it.start("pays", by="schedule:night", n=1)
        hold = await it.asked(one)
        worse: Any = update(command).where(command.c.run == one, command.c.kind == "perform_tool")
        await it.works.system.queue.perform(lambda tx: tx.execute(worse.values(body=b"x" * 40, due=now())))
        await it.flows.engine.sweep()
        await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "bea", "approve", hold.shown)
        ended = await it.ended(one)
        assert (ended.status, ended.spent, it.plant.executions()) == ("done", 20_000, 1)


TOP = """
steps:
  d: { workflow: { name: alone, detached: true }, arguments: { n: input.n } }
  z: { wait: { duration: 1h } }
"""
ALONE = "steps: { z: { wait: { duration: 1h } } }"


async def test_a_detached_run_goes_on_though_what_began_it_cannot_be_read(tmp_path: Path, database_url: str) -> None:
    """Its row is as a process leaves it that dies between beginning the run and dropping the command."""
    async with office(tmp_path, database_url, top=TOP, alone=ALONE) as it:
        top = await it.start("top", n=1)
        [inner] = await it.some(lambda runs: [one for one in runs if one.workflow == "alone"])
        await it.until(top, lambda state: "z" in state.steps)
        await it.eventually(lambda: _nothing_is_left_of(it, top, "start_child"))
        row = {"id": f"{top}:d:1", "run": top, "kind": "start_child", "priority": 1, "attempts": 1, "body": b"x" * 40}
        await it.works.system.queue.perform(lambda tx: tx.execute(insert(command).values(**row, due=now(), at=now())))
        await it.flows.engine.sweep()
        await it.eventually(lambda: _nothing_is_left_of(it, top, "start_child"))
        assert (await it.flows.desk.look(inner.id)).state.status == "running"


async def _nothing_is_left_of(it: Office, run: str, kind: str) -> bool:
    query = select(command.c.id).where(command.c.run == run, command.c.kind == kind)
    return await it.works.system.database.read(lambda connection: connection.execute(query).first() is None)


OUTERMOST_SKIPS = """
caps: { spend: 50.00 EUR }
steps:
  a:
    workflow: { name: mid }
    arguments: { n: "1" }
    deadline: 1s
    onException: [{ kinds: [overdue], then: skip }]
  z: { wait: { duration: 1h } }
"""
MID = "steps: { c: { workflow: { name: low }, arguments: { n: '1' } } }"
LOW = "steps: { first: { tool: buy, arguments: { amount: \"'60.00'\" } } }"


async def test_what_turns_out_to_be_done_counts_through_a_run_that_had_ended_before(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, outermost=OUTERMOST_SKIPS, mid=MID, low=LOW) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        top = await it.start("outermost", n=1)
        [low] = await it.some(lambda runs: [one for one in runs if one.workflow == "low"])
        await it.ended(low.id)
        await it.until(top, lambda state: state.steps["a"].state == "skipped")
        [action] = [open.action for open in (await it.flows.runs.show(low.id)).open if open.action]
        await it.works.system.taking_up.resolve(action, "done", "person:sam", "it was bought")
        ended = await it.ended(top)
        assert (ended.status, ended.reason, ended.spent) == ("stopped", "cap.spend", 6_000)


async def test_an_ended_run_is_not_looked_at_again_and_again_for_what_nobody_knows(tmp_path: Path) -> None:
    async with office(tmp_path, f"sqlite:///{tmp_path}/autonomy.sqlite", one=ONE) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        one = await it.start("one", n=1)
        await it.ended(one)
        await it.flows.engine.idle()
        before = (await it.flows.desk.look(one)).ver
        row = select(command.c.id, command.c.attempts, command.c.due).where(command.c.run == one)
        waiting = await it.works.system.database.read(lambda connection: connection.execute(row).all())
        for _ in range(5):
            await it.flows.engine.sweep()
            await it.flows.engine.idle()
        assert await it.works.system.database.read(lambda connection: connection.execute(row).all()) == waiting
        assert (await it.flows.desk.look(one)).ver == before
