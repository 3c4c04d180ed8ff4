"""Runs that are stopped, paused, undone: nothing more is begun, and what was done is undone, wherever it was done."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict
from autonomy.tasks import Held
from autonomy.workflow.model import State
from autonomy.workflow.units import Fence
from tests.gate.works import Door
from tests.tasks.team import Team, team, word
from tests.workflow.office import Office, office

INNER = """
steps:
  press: { tool: press, arguments: { n: input.n }, compensate: { tool: shout, arguments: { n: input.n } } }
  hear: { needs: [press], wait: { events: { it: { event: go } } } }
  after: { needs: [hear], tool: press, arguments: { n: input.n + 1 } }
"""
OUTER = "steps: { inner: { workflow: { name: inner }, arguments: { n: input.n } } }"
LATE = """
steps:
  late:
    tool: press
    arguments: { n: input.n }
    deadline: 1h
    compensate: { tool: shout, arguments: { n: input.n } }
    onException: [{ kinds: [overdue], then: skip }]
  beside: { wait: { events: { it: { event: go } } } }
"""
COUNTED = """
steps:
  count:
    task: { role: worker, goal: count, by: agent }
    compensate: { tool: shout, arguments: { n: input.n } }
  inner: { workflow: { name: inner }, arguments: { n: input.n }, compensate: { nothing: the test ends before } }
"""
FLOWS = {"inner": INNER, "outer": OUTER, "late": LATE}


def called(it: Office) -> list[str]:
    """The tools that were performed, in order."""
    return [name for name, _ in it.plant.calls]


async def child_of(it: Office, workflow: str = "inner") -> str:
    """The run inside, once its first step is done."""
    [child] = await it.some(lambda runs: [one for one in runs if one.workflow == workflow])
    await it.until(child.id, lambda state: "hear" in state.steps)
    return child.id


async def test_what_runs_inside_did_is_undone_with_the_run_around_them(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        run = await it.start("outer", n=1)
        child = await child_of(it)
        await it.flows.runs.cancel(run, "person:ada", "not any more", compensate=True)
        assert (await it.ended(run)).status == "compensated"
        assert (await it.ended(child)).status == "compensated"
        assert called(it) == ["press", "shout"]


async def test_runs_inside_rest_while_the_run_around_them_does(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        run = await it.start("outer", n=1)
        child = await child_of(it)
        await it.flows.runs.pause(run, "person:ada")
        await it.until(child, lambda state: state.above)
        await it.flows.runs.tell("go", None, {}, "person:ada")
        assert (await it.until(child, lambda state: bool(state.back))).back[0].id.startswith(f"{child}:after:")
        assert called(it) == ["press"]
        await it.flows.runs.resume(run, "person:ada")
        assert (await it.ended(run)).status == "done"
        assert called(it) == ["press", "press"]


async def test_a_run_inside_that_a_person_paused_stays_so_when_the_one_around_it_goes_on(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        run = await it.start("outer", n=1)
        child = await child_of(it)
        await it.flows.runs.pause(child, "person:bea")
        await it.flows.runs.pause(run, "person:ada")
        await it.until(child, lambda state: state.above)
        await it.flows.runs.resume(run, "person:ada")
        assert (await it.until(child, lambda state: not state.above)).paused


async def test_a_paused_run_that_is_undone_is_undone(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, **FLOWS) as it:
        run = await it.start("outer", n=1)
        child = await child_of(it)
        await it.flows.runs.pause(run, "person:ada")
        await it.until(child, lambda state: state.above)
        await it.flows.runs.cancel(run, "person:ada", compensate=True)
        assert (await it.ended(run)).status == "compensated"
        assert called(it) == ["press", "shout"]


async def test_an_action_that_is_skipped_for_its_time_and_done_after_it_is_undone(
    tmp_path: Path, database_url: str
) -> None:
    later = [0]
    async with office(tmp_path, database_url, clock=lambda: now() + later[0], **FLOWS) as it:
        door = it.plant.behaves["press"] = Door(it.plant.do)
        run = await it.start("late", n=1)
        await it.plant.called("press")
        later[0] = 3_600_000
        await it.until(run, lambda state: state.steps["late"].state == "stopping")
        await it.flows.runs.cancel(run, "person:ada", compensate=True)
        assert called(it) == ["press"], "it is not undone before it is known to be done"
        door.open()
        assert (await it.ended(run)).status == "compensated"
        assert called(it) == ["press", "shout"]


async def test_a_task_that_is_completed_while_its_run_begins_to_be_undone_is_undone(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url, counted=COUNTED, inner=INNER) as it:
        run = await it.start("counted", n=1)
        held = await it.next("w1")
        await child_of(it)
        done, _ = await asyncio.gather(_completes(it, held), it.flows.runs.cancel(run, "person:ada", compensate=True))
        state = await it.ended(run)
        assert (state.status, called(it).count("shout")) == ("compensated", _undone(state) + 1)
        assert (await it.state(held.task.id) == "done") == bool(_undone(state)) == done


async def _completes(it: Team, held: Held) -> bool:
    """Whether it was still in time; whoever is not hears that the task is theirs no more."""
    try:
        await it.tasks.complete(word(held), {})
    except Conflict as late:
        assert late.code == "task.lost"
        return False
    return True


def _undone(state: State) -> int:
    return sum(found.state == "undone" for found in state.steps.values())


async def test_a_run_that_cannot_be_moved_on_leaves_nothing_under_way(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, counted=COUNTED, inner=INNER) as it:
        run = await it.start("counted", n=1)
        held = await it.next("w1")
        child = await child_of(it)
        await it.flows.desk.stop(run, "cap.deliveries", Fence(f"{run}::0:time", None))
        state = (await it.flows.desk.look(run)).state
        assert (state.status, state.reason) == ("stopped", "cap.deliveries")
        assert (await it.ended(child)).status == "cancelled"

        async def nothing_left() -> bool:
            return (await it.flows.runs.show(run)).open == []

        await it.eventually(nothing_left)
        assert await it.state(held.task.id) == "withdrawn"
