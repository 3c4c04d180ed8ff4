"""Two people at one incident at once: what stands at the end is what the last word said, of every run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from autonomy.incidents import About, Stopping, Told
from autonomy.kernel.errors import Conflict
from tests.incidents.driver import WAITING
from tests.workflow.office import Office, office

Act = Callable[[str, str, Any], Awaitable[Any]]


def before(act: Act, other: Callable[[], Awaitable[Any]]) -> Act:
    """`act`, with the deed of somebody else between the first call of it and its answer."""
    waiting = [other]

    async def acting(run: str, by: str, wish: Any) -> Any:
        found = await act(run, by, wish)
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


async def stand(it: Office, runs: list[str], incident: str) -> tuple[list[bool], str, list[str]]:
    """Whether the runs rest, the state of the incident, and what it says of its runs."""
    told = await asyncio.to_thread(it.works.system.trouble.incidents.show, incident)
    return [(await it.flows.desk.look(run)).state.paused for run in runs], told.incident.state, runs_of(told)


async def test_who_reinstates_while_runs_are_being_paused_frees_them_all(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        desk = it.flows.runs
        it.flows.runs.pause = before(desk.pause, lambda: stopping.reinstate(incident, "person:olga", "false alarm"))  # type: ignore[method-assign]
        await stopping.contain(incident, "person:sam", "odd")
        assert await stand(it, runs, incident) == ([False, False], "open", ["resumed", "resumed"])


async def test_who_contains_again_while_runs_are_let_go_stops_them_all(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await stopping.contain(incident, "person:sam", "odd")
        desk = it.flows.runs
        it.flows.runs.resume = before(desk.resume, lambda: stopping.contain(incident, "person:sam", "after all"))  # type: ignore[method-assign]
        await stopping.reinstate(incident, "person:olga", "false alarm")
        assert await stand(it, runs, incident) == ([True, True], "contained", ["confirmed", "confirmed"])


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


class Killed(Exception):
    """The process is gone: it does nothing more of what it was about to do."""


async def test_a_process_that_dies_right_after_pausing_leaves_no_run_paused(tmp_path: Path, database_url: str) -> None:
    """Who reinstates is done before the dying process pauses the run."""
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        desk = it.flows.runs

        async def dying(run: str, by: str, wish: Any) -> Any:
            it.flows.runs.pause = desk_pause  # type: ignore[method-assign]
            await stopping.reinstate(incident, "person:olga", "false alarm")
            with suppress(Conflict):
                await desk_pause(run, by, wish)
            raise Killed

        desk_pause = desk.pause
        it.flows.runs.pause = dying  # type: ignore[method-assign]
        with pytest.raises(Killed):
            await stopping.contain(incident, "person:sam", "odd")
        await stopping.carry(incident)  # another process finds nothing left to do
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [False, False]


async def test_a_process_that_dies_right_after_letting_go_leaves_no_run_at_work(
    tmp_path: Path, database_url: str
) -> None:
    """Who contains again is done before the dying process lets the run go on."""
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await stopping.contain(incident, "person:sam", "odd")
        resume = it.flows.runs.resume

        async def dying(run: str, by: str, wish: Any) -> Any:
            it.flows.runs.resume = resume  # type: ignore[method-assign]
            await stopping.contain(incident, "person:sam", "after all")
            with suppress(Conflict):
                await resume(run, by, wish)
            raise Killed

        it.flows.runs.resume = dying  # type: ignore[method-assign]
        with pytest.raises(Killed):
            await stopping.reinstate(incident, "person:olga", "false alarm")
        await stopping.carry(incident)
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [True, True]


async def test_a_run_that_two_incidents_stop_goes_on_when_the_last_lets_it(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, first, stopping = await begun(it)
        told = await asyncio.to_thread(
            it.works.system.trouble.incidents.open, About("agent", "w1"), "high", "person:sam"
        )
        second = told.incident.id
        await stopping.contain(first, "person:sam", "odd")
        told = await stopping.contain(second, "person:suzi", "this too")
        assert runs_of(told) == ["confirmed", "confirmed"]
        told = await stopping.reinstate(first, "person:olga", "that was not it")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [True, True]
        assert {stop.detail for stop in told.stops if stop.kind == "run"} == {f"goes on resting because of `{second}`"}
        assert [stop.detail for stop in told.stops if stop.kind == "containment"] == [f"goes on because of `{second}`"]
        assert it.works.system.identity.agent("w1").state == "contained"
        told = await stopping.reinstate(second, "person:olga", "nor was that")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [False, False]
        assert runs_of(told) == ["resumed", "resumed"]
        assert it.works.system.identity.agent("w1").state == "active"


async def test_a_run_that_a_person_paused_rests_after_all_incidents(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await it.flows.runs.pause(runs[0], "person:suzi")
        told = await stopping.contain(incident, "person:sam", "odd")
        assert sorted(runs_of(told)) == ["before", "confirmed"]
        await stopping.reinstate(incident, "person:olga", "false alarm")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [True, False]


async def test_a_run_that_a_person_pauses_while_others_are_being_paused_rests_after_the_incident(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        pause = it.flows.runs.pause
        it.flows.runs.pause = before(pause, lambda: pause(runs[1], "person:suzi"))  # type: ignore[method-assign]
        told = await stopping.contain(incident, "person:sam", "odd")
        assert sorted(runs_of(told)) == ["before", "confirmed"]
        await stopping.reinstate(incident, "person:olga", "false alarm")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [False, True]


async def test_a_run_that_an_incident_paused_and_then_a_person_rests_after_the_incident(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await stopping.contain(incident, "person:sam", "odd")
        await it.flows.runs.pause(runs[0], "person:suzi")
        with pytest.raises(Conflict, match="paused already"):
            await it.flows.runs.pause(runs[0], "person:olga")
        told = await stopping.reinstate(incident, "person:olga", "false alarm")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [True, False]
        said = {stop.target: stop.detail for stop in told.stops if stop.kind == "run"}
        assert said == {runs[0]: "`person:suzi` paused the run", runs[1]: "resumed"}
        assert not (await it.flows.runs.resume(runs[0], "person:olga")).paused


async def test_a_run_that_a_person_let_go_on_and_paused_again_rests_after_all_incidents(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, first, stopping = await begun(it)
        told = await asyncio.to_thread(
            it.works.system.trouble.incidents.open, About("agent", "w1"), "high", "person:sam"
        )
        await stopping.contain(first, "person:sam", "odd")
        await it.flows.runs.resume(runs[0], "person:suzi")
        await it.flows.runs.pause(runs[0], "person:suzi")
        again = await stopping.contain(told.incident.id, "person:sam", "this too")
        assert sorted(runs_of(again)) == ["before", "confirmed"]
        await stopping.reinstate(told.incident.id, "person:olga", "false alarm")
        left = await stopping.reinstate(first, "person:olga", "false alarm")
        assert [(await it.flows.desk.look(run)).state.paused for run in runs] == [True, False]
        assert "`person:suzi` paused the run" in [stop.detail for stop in left.stops if stop.kind == "run"]
