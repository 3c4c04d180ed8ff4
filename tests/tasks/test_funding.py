"""Work is given to who could pay for it: budgets of tools and of workflows count as those of units and agents do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.gate.works import POLICY, organisation, works
from tests.tasks.team import AGENTS, Team, word, worker
from tests.workflow.office import workflow

BUYER = """
apiVersion: autonomy/v1
kind: Role
metadata: { name: shopper }
spec:
  scope: { tools: [buy] }
  responsibilities: [buys]
  decisionBoundaries: [nothing else]
  escalationTargets: [boss]
  expectations: [{ measure: errors, target: none }]
"""
BUDGETS = """
apiVersion: autonomy/v1
kind: Budget
metadata: { name: buying }
spec: { scope: { tool: buy }, measure: money, period: month, limit: 30.00 EUR }
---
apiVersion: autonomy/v1
kind: Budget
metadata: { name: spending }
spec: { scope: { workflow: spending }, measure: money, period: month, limit: 20.00 EUR }
"""
SPENDING = """
input: { type: object, properties: { amount: { type: string } } }
steps:
  buy: { tool: buy, arguments: { amount: input.amount } }
  count: { needs: [buy], task: { role: worker, goal: count, by: agent } }
"""
COUNTING = "steps: { count: { task: { role: worker, goal: count, by: agent } } }"


@asynccontextmanager
async def shop(folder: Path, database: str) -> AsyncIterator[Team]:
    """The small organisation with little money."""
    agents = "---".join((AGENTS, worker("shopper", roles="[shopper]")))
    flows = "---\n".join(workflow(name, text) for name, text in (("spending", SPENDING), ("counting", COUNTING)))
    rules = POLICY + '@id("shoppers-buy") permit (principal in Role::"shopper", action, resource);'
    files = organisation(
        policy=rules, agents=agents, shoppers=BUYER, budgets=BUDGETS, workflows=flows, checker=_checker()
    )
    async with works(folder, database, files=files, living=True) as found:
        yield Team(found)


def _checker() -> str:
    return BUYER.replace("name: shopper", "name: checker").replace("[buy]", "[look]")


async def test_who_has_no_money_left_for_any_tool_of_theirs_gets_no_task(tmp_path: Path, database_url: str) -> None:
    async with shop(tmp_path, database_url) as it:
        first = await it.open("shopper")
        await it.tasks.complete(word(await it.next("shopper")), {})
        assert await it.state(first) == "done"
        assert (await it.works.ask("buy", "shopper", amount="30.00")).status == "done"
        await it.open("shopper")
        assert await it.none_for("shopper")
        await it.open("worker")
        assert (await it.next("w1")).task.role == "worker", "w1 has tools that cost nothing"


async def test_a_task_of_a_workflow_that_has_spent_its_budget_waits(tmp_path: Path, database_url: str) -> None:
    async with shop(tmp_path, database_url) as it:
        run = await it.start("spending", amount="20.00")
        await it.task_of(run, "open")
        assert await it.none_for("w1")
        other = await it.start("counting", n=1)
        await it.task_of(other, "open")
        assert (await it.next("w1")).task.run == other
