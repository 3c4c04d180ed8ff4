"""Two people at one incident at once: what stands at the end is what the last word said, of every run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from autonomy.incidents import About, Stopping, Told
from tests.incidents.driver import WAITING
from tests.workflow.office import Office, office

Act = Callable[[str, str], Awaitable[Any]]


def before(act: Act, other: Callable[[], Awaitable[Any]]) -> Act:
    """`act`, with the deed of somebody else between the first call of it and its answer."""
    waiting = [other]

    async def acting(run: str, by: str) -> Any:
        found = await act(run, by)
        if waiting:
            await waiting.pop()()
        return found

    return acting


async def begun(it: Office) -> tuple[list[str], str, Stopping]:
    """Two runs that wait, and an incident about their agent."""
    runs = [await it.start("waiting", n=number) for number in (1, 2)]
    trouble = it.works.system.trouble
    told = await asyncio.to_thread(trouble.incidents.open, About("agent", "w1"), "high", "person:sam")
    return runs, told.incident.id, trouble.stopping


def runs_of(told: Told) -> list[str]:
    return [stop.state for stop in told.stops if stop.kind == "run"]


async def test_who_reinstates_while_runs_are_being_paused_frees_them_all(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        desk = it.flows.runs
        it.flows.runs.pause = before(desk.pause, lambda: stopping.reinstate(incident, "person:olga", "false alarm"))  # type: ignore[method-assign]
        await stopping.contain(incident, "person:sam", "odd")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [False, False]
        told = await asyncio.to_thread(it.works.system.trouble.incidents.show, incident)
        assert (told.incident.state, runs_of(told)) == ("open", ["resumed", "resumed"])


async def test_who_contains_again_while_runs_are_let_go_stops_them_all(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await stopping.contain(incident, "person:sam", "odd")
        desk = it.flows.runs
        it.flows.runs.resume = before(desk.resume, lambda: stopping.contain(incident, "person:sam", "after all"))  # type: ignore[method-assign]
        await stopping.reinstate(incident, "person:olga", "false alarm")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [True, True]
        told = await asyncio.to_thread(it.works.system.trouble.incidents.show, incident)
        assert (told.incident.state, runs_of(told)) == ("contained", ["confirmed", "confirmed"])


async def test_an_incident_that_was_closed_contained_lets_everything_go_on_later(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await stopping.contain(incident, "person:sam", "odd")
        incidents = it.works.system.trouble.incidents
        await asyncio.to_thread(incidents.close, incident, "agent", "stays off", "person:sam", True)
        told = await stopping.reinstate(incident, "person:olga", "mended")
        assert (told.incident.state, told.incident.containment) == ("closed", None)
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [False, False]
        assert it.works.system.identity.agent("w1").state == "active"
