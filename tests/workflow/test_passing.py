"""Whoever is behind a run says about none of its steps what would let it past a checkpoint, wherever that is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Forbidden
from autonomy.workflow.events import Chosen
from tests.gate.works import organisation
from tests.house import declare
from tests.workflow.office import Office, office, workflow

AROUND = """
steps:
  sign: { workflow: { name: inside }, arguments: { n: input.n } }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""
TWO_SIGNS = """
steps:
  first: { approval: { roles: { boss: 1 }, question: "May it be begun?" } }
  draft: { needs: [first], tool: pay, arguments: { payee: "'p'", amount: "'nothing'" }, onException: [{ then: fail }] }
  second: { needs: [draft], approval: { roles: { boss: 1 }, question: "May it be paid?" } }
"""
CONTINUES = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?", refusal: continue } }
  over: { needs: [sign], when: "!steps.sign.output.approved", end: { status: failed, reason: refused } }
"""
SIGNING = """
steps:
  sign: { when: input.n > 5, approval: { roles: { boss: 1 }, question: "May it be?" }, onException: [{ then: fail }] }
"""
BEFORE = """
steps:
  other: { wait: { duration: 1ms } }
  draft: { tool: pay, arguments: { payee: "'p'", amount: "'nothing'" } }
  sign: { needs: [draft], approval: { roles: { boss: 1 }, question: "May it be?" } }
  press: { needs: [other, sign], tool: press, arguments: { n: input.n } }
"""
EACH = """
steps:
  all:
    foreach:
      items: "[1, 2]"
      most: 2
      atOnce: 1
      steps:
        note: { tool: press, arguments: { n: index }, compensate: { tool: press, arguments: { n: index } } }
        slow: { needs: [note], when: index == 1, wait: { duration: 1h } }
        sign: { needs: [note, slow], approval: { roles: { boss: 1 }, question: "May it be?" } }
    deadline: 3s
  press: { needs: [all], tool: press, arguments: { n: input.n } }
"""
RESTING = "steps: { rest: { wait: { duration: 1ms } } }"
AGAIN = """
steps:
  sign: { workflow: { name: inside }, arguments: { n: "int('none')" } }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""


async def decide(it: Office, run: str, verdict: Any) -> None:
    hold = await it.asked(run)
    await asyncio.to_thread(it.works.system.approvals.decide, hold.action, "dora", verdict, hold.shown, "seen")


async def inner(it: Office) -> str:
    [found] = await it.some(lambda runs: [one for one in runs if one.workflow == "inside"])
    return found.id


async def refused(it: Office, run: str, choice: Any = "edit", **more: Any) -> None:
    """Bea, who began the run, may not; dora may."""
    [asked] = await it.excepted(run)
    pressed = it.plant.executions()
    with pytest.raises(Forbidden) as error:
        await it.flows.runs.choose(
            run, Chosen(now(), asked.command.id, choice, by="person:bea", **more), ("boss",), True
        )
    assert (error.value.code, it.plant.executions()) == ("approval.own", pressed)
    await it.flows.runs.choose(run, Chosen(now(), asked.command.id, choice, by="person:dora", **more), ("boss",), False)
    await it.ended(run)
    assert it.plant.executions() == pressed + 1


async def test_one_checkpoint_that_was_passed_opens_no_other(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=TWO_SIGNS) as it:
        run = await it.start("around", by="person:bea", n=1)
        await decide(it, await inner(it), "approve")
        await refused(it, run, output={})


async def test_a_checkpoint_that_was_refused_was_not_passed_though_its_run_went_on(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=CONTINUES) as it:
        run = await it.start("around", by="person:bea", n=1)
        await decide(it, await inner(it), "reject")
        await refused(it, run, output={})


async def test_checkpoints_of_items_that_were_not_begun_are_none_that_were_passed(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, each=EACH) as it:
        run = await it.start("each", by="person:bea", n=9)
        await decide(it, run, "approve")
        await refused(it, run, output=[1, 2])


@pytest.mark.parametrize("choice", ["edit", "skip"])
async def test_the_checkpoint_of_a_run_that_could_not_be_begun_is_there_all_the_same(
    tmp_path: Path, database_url: str, choice: str
) -> None:
    async with office(tmp_path, database_url, around=AGAIN, inside=SIGNING) as it:
        run = await it.start("around", by="person:bea", n=9)
        if choice == "edit":
            await refused(it, run, "edit", output={})
            return
        [asked] = await it.excepted(run)
        with pytest.raises(Forbidden):
            await it.flows.runs.choose(run, Chosen(now(), asked.command.id, "skip", by="person:bea"), ("boss",), True)


async def test_a_run_that_asks_nobody_and_could_not_be_begun_is_no_checkpoint(
    tmp_path: Path, database_url: str
) -> None:
    async with office(
        tmp_path, database_url, around=AGAIN, inside="steps: { rest: { wait: { duration: 1ms } } }"
    ) as it:
        run = await it.start("around", by="person:bea", n=9)
        [asked] = await it.excepted(run)
        event = Chosen(now(), asked.command.id, "edit", output={}, by="person:bea")
        await it.flows.runs.choose(run, event, ("boss",), False)
        assert (await it.ended(run)).status == "done"


async def test_a_run_inside_is_not_begun_again_so_that_it_need_not_ask(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=SIGNING) as it:
        run = await it.start("around", by="person:bea", n=9)
        await decide(it, await inner(it), "reject")
        await refused(it, run, "retry", arguments={"n": 1})


async def test_what_comes_before_a_checkpoint_is_not_skipped_so_that_it_is_skipped_too(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, before=BEFORE) as it:
        run = await it.start("before", by="person:bea", n=9)
        await refused(it, run, "skip")


async def test_what_comes_before_a_checkpoint_may_be_said_for_it_is_still_asked(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, before=BEFORE) as it:
        run = await it.start("before", by="person:bea", n=9)
        [asked] = await it.excepted(run)
        event = Chosen(now(), asked.command.id, "edit", output={}, by="person:bea")
        await it.flows.runs.choose(run, event, ("boss",), False)
        hold = await it.asked(run)
        assert "bea" in hold.requesters
        await decide(it, run, "approve")
        assert (await it.ended(run)).status == "done"


OVER_MID = """
steps:
  mid: { workflow: { name: mid }, arguments: { n: input.n }, deadline: 2s }
  press: { needs: [mid], tool: press, arguments: { n: input.n } }
"""
MID = "steps: { low: { workflow: { name: inside }, arguments: { n: input.n } } }"
ASKS = 'steps: { sign: { approval: { roles: { boss: 1 }, question: "May it be?" } } }'


async def test_a_checkpoint_further_inside_stands_though_its_workflow_is_declared_anew_without(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, top=OVER_MID, mid=MID, inside=ASKS) as it:
        run = await it.start("top", by="person:bea", n=1)
        await it.asked(await inner(it))
        await it.excepted(run)
        named = {"top": OVER_MID, "mid": MID, "inside": RESTING}
        text = "---\n".join(workflow(name, said) for name, said in named.items())
        await asyncio.to_thread(declare, it.works.system, organisation(workflows=text))
        await refused(it, run, output={})


COUNTS = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?", refusal: continue } }
result: { ok: steps.sign.output.approved, per: 10 / input.n }
"""
IF_SIGNED = """
steps:
  sign: { workflow: { name: inside }, arguments: { n: input.n } }
  press: { needs: [sign], when: steps.sign.output.ok, tool: press, arguments: { n: input.n } }
"""


async def test_what_a_run_inside_comes_to_after_a_refusal_is_not_said_by_who_is_behind_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, around=IF_SIGNED, inside=COUNTS) as it:
        run = await it.start("around", by="person:bea", n=0)
        inside = await inner(it)
        await decide(it, inside, "reject")
        [asked] = await it.excepted(inside)
        said: dict[str, Any] = {"ok": True, "per": 0}
        event = Chosen(now(), asked.command.id, "edit", output=said, by="person:bea")
        with pytest.raises(Forbidden) as error:
            await it.flows.runs.choose(inside, event, ("boss",), True)
        assert error.value.code == "approval.own"
        event = Chosen(now(), asked.command.id, "edit", output=said | {"ok": False}, by="person:dora")
        await it.flows.runs.choose(inside, event, ("boss",), False)
        assert ((await it.ended(run)).status, it.plant.executions()) == ("done", 0)
