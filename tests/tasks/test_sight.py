"""What a holder has seen goes with the task, and nobody gets a task whose case has seen what they may not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.gate.cases import labels_of
from autonomy.identity import Caller, PersonCaller
from autonomy.identity.permissions import permissions_of
from autonomy.kernel.errors import Forbidden, Invalid
from autonomy.tasks import Held, Tasks, Wanted
from tests.memory.team import Team as Sharing
from tests.memory.team import team as sharing
from tests.tasks.team import team, word
from tests.workflow.office import office

TELLING = """
steps:
  count:
    task: { role: worker, goal: count, by: agent, prefer: [w1] }
    output: { type: object, properties: { n: { type: integer } }, required: [n] }
  tell: { needs: [count], tool: tell, agent: w2, arguments: { n: steps.count.output.n } }
"""
PARENT = """
caps: { spend: 50.00 EUR }
steps: { shop: { workflow: { name: buyer }, arguments: { n: input.n } } }
"""
BUYER = """
steps:
  a: { tool: buy, arguments: { amount: "'60.00'" } }
  b: { needs: [a], tool: buy, arguments: { amount: "'61.00'" } }
"""
BUYING = """
caps: { spend: 50.00 EUR }
steps:
  shop: { task: { role: worker, goal: buy nails, by: agent } }
"""


async def test_what_a_holder_heard_elsewhere_its_task_has_heard(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, telling=TELLING) as it:
        run = await it.start("telling", n=1)
        held = await it.next("w1")
        assert (await it.works.ask("hear", "w1", case="elsewhere", n=5)).status == "done"
        await it.tasks.complete(word(held), {"n": 5})
        [found] = await it.excepted(run)
        assert (found.command.path, [call[0] for call in it.plant.calls]) == ("tell", ["hear"])
        with it.works.system.database.reading() as connection:
            assert labels_of(connection, run) == {"untrusted"}


async def test_a_task_that_has_seen_what_an_agent_may_not_is_not_handed_to_it(
    tmp_path: Path, database_url: str
) -> None:
    async with sharing(tmp_path, database_url, living=True) as it:
        item = await it.write("recruiter", "hiring", "Ms Vale earns 91000", tags=["hr"])
        held = await _held(it)
        await it.done("recruiter", "memory.read", "mine", item=item)
        with pytest.raises(Invalid, match="may not see"):
            await _tasks(it).hand_off(word(held), "helper", "helper", "as I read", {"salary": 91000})
        await _tasks(it).hand_off(word(held), "helper", None, "as I read", {"salary": 91000})
        assert await _tasks(it).next(await _caller(it, "helper"), 1) is None
        with pytest.raises(Forbidden, match="may not see"):
            await _tasks(it).take(held.task.id, _person("bea", "boss"), anyway=False)
        assert (await _tasks(it).take(held.task.id, _person("bea", "boss"), anyway=True)).task.state == "claimed"


async def test_what_a_holder_buys_counts_for_its_task_though_it_names_none(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, buying=BUYING) as it:
        run = await it.start("buying", n=1)
        held = await it.next("w1")
        assert (await it.works.ask("buy", "w1", case="elsewhere", amount="60.00")).status == "done"
        await it.tasks.complete(word(held), {})
        state = await it.ended(run)
        assert (state.status, state.spent) == ("stopped", 6_000)


async def test_a_run_inside_another_stops_where_the_money_of_that_ends(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, buyer=BUYER, parent=PARENT) as it:
        state = await it.ended(await it.start("parent", n=1))
        assert (state.status, state.spent, it.plant.executions()) == ("stopped", 6_000, 1)


def _tasks(it: Sharing) -> Tasks:
    return it.system.workflows.workplace.tasks


async def _caller(it: Sharing, name: str) -> Caller:
    return await it.system.gate.admission.admit(await asyncio.to_thread(it.house.key, name))


async def _held(it: Sharing) -> Held:
    await _tasks(it).open(Wanted(role="recruiter", goal="look", unit="acme"), "person:bea")
    held = await _tasks(it).next(await _caller(it, "recruiter"), 5)
    assert held is not None
    return held


def _person(name: str, role: str) -> PersonCaller:
    return PersonCaller(name, name, (role,), ("approver",), permissions_of(["approver"]))
