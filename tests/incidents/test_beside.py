"""A containment that is lifted beside the incident it was made for: the incident lets go of all that it holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.identity.model import Scope
from autonomy.incidents import About, Told
from tests.incidents.driver import WAITING
from tests.incidents.test_races import begun, runs_of, stand
from tests.workflow.office import Office, office


async def opened(it: Office) -> str:
    """A further incident about the same agent."""
    incidents = it.works.system.trouble.incidents
    return (await asyncio.to_thread(incidents.open, About("agent", "w1"), "high", "person:sam")).incident.id


def said_of(told: Told, kind: str) -> list[tuple[str, str]]:
    """State and detail of what is stopped of a kind."""
    return [(stop.state, stop.detail) for stop in told.stops if stop.kind == kind]


async def lifted(it: Office) -> None:
    """Somebody lets the agent go on, and asks no incident."""
    await asyncio.to_thread(it.works.system.identity.reinstate, "w1", "person:olga", "it is fine")


@pytest.mark.parametrize("closed", [False, True])
async def test_incidents_let_go_once_in_the_name_of_whoever_lifts_their_containment(
    tmp_path: Path, database_url: str, closed: bool
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, first, stopping = await begun(it)
        incidents, both = it.works.system.trouble.incidents, [first, await opened(it)]
        for one in both:
            await stopping.contain(one, "person:sam", "odd")
        if closed:
            await asyncio.to_thread(incidents.close, first, "agent", "stays off", "person:sam", True)
        await lifted(it)
        loops = [asyncio.create_task(stopping.run()) for _ in range(3)]  # as of three processes

        async def look() -> bool:
            found = [await asyncio.to_thread(incidents.show, one) for one in both]
            return all(runs_of(told) == ["resumed", "resumed"] for told in found)

        await it.eventually(look)
        for loop in loops:
            loop.cancel()
        for one, state in zip(both, ["closed" if closed else "open", "open"], strict=True):
            assert await stand(it, runs, one) == ([False, False], state, ["resumed", "resumed"])
            told = incidents.show(one)
            said = [(line.by, line.text) for line in told.timeline if line.event == "reinstated"]
            assert said == [("person:olga", "it is fine")] and told.incident.containment is None
            assert {stop.state for stop in told.stops if stop.kind in ("agent", "containment")} == {"resumed"}
        leaves = [leaf for leaf in it.works.leaves("incident") if leaf["event"] == "reinstated"]
        assert sorted(leaf["incident"] for leaf in leaves) == sorted(both)
        assert {(leaf["actor"], leaf["reason"]) for leaf in leaves} == {("person:olga", "it is fine")}


async def test_an_incident_whose_containment_was_lifted_lets_no_run_of_another_rest(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, first, stopping = await begun(it)
        await stopping.contain(first, "person:sam", "odd")
        await lifted(it)
        await it.flows.runs.resume(runs[0], "person:olga")  # the other still rests when the next one looks
        second = await opened(it)
        told = await stopping.contain(second, "person:sam", "odd again")
        assert runs_of(told) == ["confirmed", "confirmed"]
        await stopping.reinstate(second, "person:olga", "fine")
        assert await stand(it, runs, second) == ([False, False], "open", ["resumed", "resumed"])


async def test_an_incident_whose_containment_was_lifted_contains_again_at_once(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        await stopping.contain(incident, "person:sam", "odd")
        await lifted(it)
        told = await stopping.contain(incident, "person:sam", "after all")
        assert await stand(it, runs, incident) == ([True, True], "contained", ["confirmed", "confirmed"])
        assert [line.event for line in told.timeline] == ["opened", "contained", "reinstated", "contained"]
        await stopping.reinstate(incident, "person:olga", "fine")
        assert await stand(it, runs, incident) == ([False, False], "open", ["resumed", "resumed"])


@pytest.mark.parametrize("closed", [False, True])
async def test_what_a_person_contained_stays_so_after_all_incidents(
    tmp_path: Path, database_url: str, closed: bool
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, first, stopping = await begun(it)
        identity, incidents = it.works.system.identity, it.works.system.trouble.incidents
        made = await asyncio.to_thread(identity.contain, "agent", "w1", "person:olga", "stays off until reviewed")
        both = [first, await opened(it)]
        for one in both:
            told = await stopping.contain(one, "person:sam", "odd")
            assert told.incident.containment == made.id and told.is_stopped
            assert said_of(told, "containment") == [
                ("before", f"agent {identity.agent('w1').id}: contained before by `person:olga`")
            ]
            assert {state for state, _ in said_of(told, "agent") + said_of(told, "run")} == {"confirmed"}
        if closed:
            await asyncio.to_thread(incidents.close, first, "agent", "stays off", "person:sam", True)
        for one in both:
            told = await stopping.reinstate(one, "person:sam", "false alarm")
            assert (told.incident.containment, told.timeline[-1].event) == (None, "reinstated")
            assert identity.agent("w1").state == "contained"
            assert {state for state, _ in said_of(told, "containment") + said_of(told, "agent")} == {"before"}
        state = "closed" if closed else "open"
        assert await stand(it, runs, first) == ([False, False], state, ["resumed", "resumed"])
        assert identity.containments() == [made]
        await lifted(it)
        assert identity.agent("w1").state == "active"


async def test_what_a_person_contained_before_goes_on_in_their_name_when_they_lift_it(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        runs, incident, stopping = await begun(it)
        identity = it.works.system.identity
        await asyncio.to_thread(identity.contain, "agent", "w1", "person:olga", "stays off until reviewed")
        await stopping.contain(incident, "person:sam", "odd")
        await lifted(it)
        told = await stopping.reinstate(incident, "person:sam", "false alarm")  # before anybody has heard of it
        assert {state for state, _ in said_of(told, "containment") + said_of(told, "agent")} == {"resumed"}
        assert await stand(it, runs, incident) == ([False, False], "open", ["resumed", "resumed"])
        told = await stopping.contain(incident, "person:sam", "after all")
        assert ("confirmed", f"agent {identity.agent('w1').id}") in said_of(told, "containment")
        await stopping.reinstate(incident, "person:sam", "false alarm")
        assert identity.agent("w1").state == "active"


@pytest.mark.parametrize(("scope", "target"), [("agent", "w1"), ("unit", "works")])
async def test_an_agent_that_another_incident_contains_is_not_said_to_work_again(
    tmp_path: Path, database_url: str, scope: Scope, target: str
) -> None:
    async with office(tmp_path, database_url, living=False, waiting=WAITING) as it:
        _, first, stopping = await begun(it)
        second = await opened(it)
        await stopping.contain(first, "person:sam", "odd")
        await stopping.contain(second, "person:sam", "odd", scope, target)
        told = await stopping.reinstate(first, "person:olga", "fine")
        names = ("child", "w1")
        assert sorted(said_of(told, "agent")) == [
            ("resumed", f"{name} stays contained because of `{second}`") for name in names
        ]
        told = await stopping.reinstate(second, "person:olga", "fine")
        assert {("resumed", name) for name in names} <= set(said_of(told, "agent"))
