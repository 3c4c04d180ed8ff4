"""What becomes known late of runs inside others is counted around them, whatever has become of both since."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from autonomy.tools import Unsure
from autonomy.workflow.events import AnyEvent, ChildEnded
from autonomy.workflow.store import run as runs
from tests.gate.works import fail, organisation
from tests.house import declare
from tests.workflow.office import Office, office, workflow

AROUND = """
steps:
  a: { workflow: { name: inside }, arguments: { n: "1" } }
  z: { wait: { duration: 1h } }
"""
SKIPS = """
steps:
  first: { tool: buy, arguments: { amount: "'30.00'" }, onException: [{ kinds: [unknown], then: skip }] }
"""
CAPPED = """
caps: { spend: 50.00 EUR }
steps:
  inner: { workflow: { name: inside }, arguments: { n: input.n } }
  z: { wait: { duration: 1h } }
"""
TWICE = """
steps:
  first: { tool: buy, arguments: { amount: "'30.00'" } }
  hear: { needs: [first], wait: { events: { go: { event: go } } } }
  second: { needs: [hear], tool: buy, arguments: { amount: "'31.00'" } }
"""
SLOW = """
steps:
  a: { tool: buy, arguments: { amount: "'60.00'" } }
  hear: { wait: { events: { go: { event: go } } } }
"""
BOTH = """
steps:
  slow: { tool: buy, arguments: { amount: "'60.00'" } }
  fast: { tool: buy, arguments: { amount: "'30.00'" } }
  over: { needs: [fast], end: { status: failed, reason: enough } }
"""


async def inside(it: Office) -> str:
    [found] = await it.some(lambda found: [one for one in found if one.workflow == "inside"])
    return str(found.id)


def hold_back(it: Office, amount: str = "60.00") -> asyncio.Event:
    """Whatever costs so much waits until the event is set."""
    free = asyncio.Event()

    async def buy(arguments: Any, invocation: Any) -> Any:
        if arguments["amount"] == amount:
            await free.wait()
        return it.plant.do(arguments, invocation)

    it.plant.behaves["buy"] = buy
    return free


async def test_what_becomes_known_of_a_run_inside_counts_around_it_though_nothing_is_limited(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, around=AROUND, inside=SKIPS) as it:
        it.plant.behaves["buy"] = fail(Unsure("the connection broke"))
        around = await it.start("around", n=1)
        inner = await inside(it)
        await it.ended(inner)
        await it.until(around, lambda state: state.steps["a"].state == "done")
        [action] = [one.action for one in (await it.flows.runs.show(inner)).open if one.action]
        await it.works.system.taking_up.resolve(action, "done", "person:sam", "it was bought")
        await it.until(inner, lambda state: state.spent == 3_000)
        await it.until(around, lambda state: state.spent == 3_000)


async def test_a_cap_that_was_raised_by_moving_its_run_holds_for_the_runs_inside(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, around=CAPPED, inside=TWICE) as it:
        await it.start("around", n=1)
        inner = await inside(it)
        await it.until(inner, lambda state: "hear" in state.steps)
        named = {"around": CAPPED.replace("50.00", "500.00"), "inside": TWICE}
        text = "---\n".join(workflow(name, said) for name, said in named.items())
        await asyncio.to_thread(declare, it.works.system, organisation(workflows=text))
        moved = await it.flows.migrating.migrate("around", "person:sam")
        assert [one.obstacles for one in moved.runs] == [()]
        await it.flows.runs.tell("go", None, None, "person:sam")
        ended = await it.ended(inner)
        assert (ended.status, ended.reason, ended.spent) == ("done", "", 6_100)


async def test_what_is_under_way_in_a_run_whose_state_is_damaged_is_paid_for(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, around=CAPPED, inside=SLOW) as it:
        free = hold_back(it)
        around = await it.start("around", n=1)
        await it.plant.called("buy")
        inner = await inside(it)
        await it.until(inner, lambda state: "hear" in state.steps)
        damaged: Any = update(runs).where(runs.c.id == inner).values(state=b"x" * 40, ver=runs.c.ver + 1)
        await it.works.system.queue.perform(lambda tx: tx.execute(damaged))
        await it.flows.runs.tell("go", None, None, "person:sam")
        await it.ended(inner)
        await it.excepted(around)
        free.set()
        await it.until(inner, lambda state: state.spent == 6_000)
        await it.until(around, lambda state: state.spent == 6_000)


async def test_what_is_counted_while_the_end_of_a_run_inside_is_handed_in_stays_counted(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = AROUND.replace('n: "1" }', 'n: "1" }, onException: [{ then: skip }]').replace(
        "steps:", "caps: { spend: 500.00 EUR }\nsteps:"
    )
    async with office(tmp_path, database_url, around=text, inside=BOTH) as it:
        free, take_in = hold_back(it), it.flows.desk.take_in

        async def slowly(run: str, event: AnyEvent, *more: Any, **named: Any) -> Any:
            """As a process that looked at the end of the run inside and is slow to say so."""
            if isinstance(event, ChildEnded):
                free.set()
                await it.until(run, lambda state: state.spent == 9_000)
            return await take_in(run, event, *more, **named)

        monkeypatch.setattr(it.flows.desk, "take_in", slowly)
        around = await it.start("around", n=1)
        state = await it.until(around, lambda state: "a" in state.steps and state.steps["a"].state == "skipped")
        assert state.spent == 9_000
