"""What goes with a task besides words: what its case has seen, where it came from, what it costs, how deep it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select

from autonomy.gate.cases import labels_of
from autonomy.gate.store import case_holder
from tests.gate.works import POLICY, organisation, works
from tests.tasks.team import AGENTS, CHECKER, Team, team, word
from tests.workflow.office import workflow

HEARD = """
steps:
  hear: { tool: hear, agent: w2, arguments: { n: input.n } }
  count: { needs: [hear], task: { role: worker, goal: count, prefer: [w1] } }
"""
TELLING = "steps: { tell: { tool: tell, arguments: { n: input.n } } }"
BUYING = """
caps: { spend: 50.00 EUR }
steps:
  shop: { task: { role: worker, goal: buy nails, by: agent } }
"""
RULES = (
    POLICY
    + """
@id("no-pressing-for-counters")
@reason("who counts does not press")
@needs("another case")
forbid (principal, action == Action::"press", resource)
when { context.origin.contains("workflow:heard") && context.origin.contains("task:worker") };

@id("no-looking-for-sam")
@reason("what sam began looks at nothing")
@needs("somebody else")
forbid (principal, action == Action::"look", resource)
when { context.origin.contains("person:sam") && context.origin.contains("workflow:outer") };
"""
)


@asynccontextmanager
async def ruled(folder: Path, database: str, **workflows: str) -> AsyncIterator[Team]:
    """The small organisation with rules about where work comes from."""
    text = "---\n".join(workflow(name, said) for name, said in workflows.items())
    files = organisation(agents=AGENTS, checker=CHECKER, workflows=text, policy=RULES)
    async with works(folder, database, files=files, living=True) as found:
        yield Team(found)


async def test_who_has_a_task_acts_under_the_labels_of_its_case_wherever_they_act(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url, heard=HEARD) as it:
        assert (await it.works.ask("tell", case="before", n=1)).status == "done"
        run = await it.start("heard", n=1)
        held = await it.next("w1")
        assert held.task.case == run
        refused = await it.works.ask("tell", case="elsewhere", n=2)
        assert (refused.status, refused.code) == ("denied", "policy.denied")
        assert (await it.works.ask("press", case="elsewhere", n=3)).status == "done"
        assert (await it.works.ask("tell", "w2", case="w2's", n=4)).status == "done", "w2 has no task"
        await it.tasks.complete(word(held), {})
        assert (await it.works.ask("tell", case="elsewhere", n=5)).status == "denied", "what it did there it knew"
        assert (await it.works.ask("tell", case="afresh", n=6)).status == "done"
        with it.works.system.database.reading() as connection:
            assert labels_of(connection, "elsewhere") == {"untrusted"}
            assert labels_of(connection, "before") == frozenset()


async def test_a_task_taken_over_or_lost_binds_nobody_any_more(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, heard=HEARD) as it:
        await it.start("heard", n=1)
        held = await it.next("w1")
        await it.tasks.hand_off(word(held), "checker", None)
        await it.next("checker")
        assert (await it.works.ask("tell", case="free", n=1)).status == "done"
        query = select(func.count()).select_from(case_holder).where(case_holder.c.until.is_(None))
        with it.works.system.database.reading() as connection:
            assert connection.execute(query).scalar_one() == 1


async def test_what_a_run_asks_of_an_agent_is_not_what_that_agent_knows(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, heard=HEARD, telling=TELLING) as it:
        await it.start("heard", n=1)
        await it.next("w1")
        other = await it.start("telling", n=2)
        assert (await it.ended(other)).status == "done"
        with it.works.system.database.reading() as connection:
            assert labels_of(connection, other) == frozenset()


async def test_rules_may_ask_where_work_came_from(tmp_path: Path, database_url: str) -> None:
    outer = 'steps: { inner: { workflow: { name: looking }, arguments: { n: "1" } } }'
    looking = "steps: { look: { tool: look, arguments: { n: input.n } } }"
    async with ruled(tmp_path, database_url, heard=HEARD, outer=outer, looking=looking) as it:
        await it.start("heard", n=1)
        held = await it.next("w1")
        refused = await it.works.ask("press", case="elsewhere", n=1)
        assert refused.message == "who counts does not press"
        await it.tasks.complete(word(held), {})
        assert (await it.works.ask("press", case="elsewhere", n=2)).status == "done"
        run = await it.start("outer", n=1)
        child = await it.some(lambda runs: [one for one in runs if one.workflow == "looking"])
        [asked] = await it.excepted(child[0].id)
        assert asked.command.reason == "what sam began looks at nothing"
        [denial] = [leaf for leaf in it.works.leaves("denial") if leaf.get("workflow") == "looking"]
        assert denial["origin"] == ["person:sam", "workflow:looking", "workflow:outer"]
        assert asked.run != run
        assert (await it.ended(await it.start("looking", n=3))).status == "done"


async def test_what_agents_spend_on_a_task_counts_into_the_cap_of_its_run(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, buying=BUYING) as it:
        run = await it.start("buying", n=1)
        held = await it.next("w1")
        asked = {"amount": "30.00"}
        stranger = await it.works.house.ask("clerk", "buy", asked, task=held.task.id)
        assert stranger.status == "done", "whoever has not got the task spends nothing on it"
        assert (await it.works.house.ask("w1", "buy", asked, task=held.task.id)).status == "done"
        await it.tasks.complete(word(held), {})
        first = await it.ended(run)
        assert (first.status, first.spent) == ("done", 3_000)
        dear = await it.start("buying", n=2)
        held = await it.next("w1")
        for _ in range(2):
            await it.works.house.ask("w1", "buy", asked, task=held.task.id)
        await it.tasks.complete(word(held), {})
        stopped = await it.ended(dear)
        assert (stopped.status, stopped.reason, stopped.spent) == ("stopped", "cap.spend", 6_000)


async def test_what_was_spent_before_a_result_came_back_is_counted_once(tmp_path: Path, database_url: str) -> None:
    contract = BUYING.replace(
        "by: agent } }",
        "by: agent }, output: { type: object, properties: { nails: { type: integer } }, required: [nails] } }",
    )
    async with team(tmp_path, database_url, buying=contract) as it:
        run = await it.start("buying", n=1)
        held = await it.next("w1")
        await it.works.house.ask("w1", "buy", {"amount": "20.00"}, task=held.task.id)
        await it.tasks.complete(word(held), {})
        again = await it.next("w1")
        assert again.task.id == held.task.id
        await it.works.house.ask("w1", "buy", {"amount": "10.00"}, task=held.task.id)
        await it.tasks.complete(word(again), {"nails": 1})
        assert (await it.ended(run)).spent == 3_000


async def test_tasks_that_lead_to_tasks_end_with_a_person(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        task = first = await it.open()
        for depth in range(1, 11):
            task = await it.open(parent=task)
            held = await it.tasks.show(task)
            assert (held.task.depth, held.task.case, held.task.state) == (depth, first, "open")
        deep = (await it.tasks.show(await it.open(parent=task))).task
        assert (deep.state, deep.limit, deep.role, deep.by) == ("escalated", "limit.depth", "chief", "person")
        assert it.events(deep.id) == ["opened", "escalated"]
        assert deep.origin == ("person:bea", "task:worker")
