"""Two processes on one store: what one of them declares, revokes or contains, the other obeys at its next call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.errors import NotFound, Unauthenticated
from autonomy.tools import Unsure
from tests.gate.works import POLICY, TOOLS, Door, Works, fail, never, organisation, works
from tests.house import declare

NO_PRESSING = POLICY + '@id("no-pressing") @reason("not today") @needs("another day") '
NO_PRESSING += 'forbid (principal, action == Action::"press", resource);'


async def test_a_changed_rule_is_obeyed_by_the_next_call_of_the_other_process(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        for rule, status in ((NO_PRESSING, "denied"), (POLICY, "done"), (NO_PRESSING, "denied")):
            await asyncio.to_thread(declare, it.system, organisation(policy=rule))
            assert (await other.ask("press", n=1)).status == status


async def test_a_tool_declared_anew_or_gone_is_seen_by_the_next_call_of_the_other_process(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        assert (await other.ask("press", n=1)).status == "done"
        narrower = TOOLS.replace("n: { type: integer }", "n: { type: integer, maximum: 5 }")
        await asyncio.to_thread(declare, it.system, organisation(tools=narrower))
        assert (await other.ask("press", n=6)).code == "arguments.invalid"


@pytest.mark.parametrize("way", ["revoke", "suspend", "retire", "offboard"])
async def test_an_agent_that_is_ended_is_refused_at_the_next_call_of_the_other_process(
    tmp_path: Path, database_url: str, way: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        identity = it.system.identity
        key = it.house.key("w1")
        other.house.keys["w1"] = key
        assert (await other.ask("press", n=1)).status == "done"
        end = {
            "revoke": lambda: identity.revoke("w1", "person:ada"),
            "suspend": lambda: identity.suspend("w1", "person:ada", "odd"),
            "retire": lambda: identity.retire("w1", "person:ada", "odd"),
            "offboard": lambda: identity.offboard("sam", "person:ada", "left"),
        }[way]
        await asyncio.to_thread(end)
        with pytest.raises(Unauthenticated):
            await other.ask("press", n=2)
        assert it.plant.executions() == 1


@pytest.mark.parametrize(
    ("scope", "target", "stopped", "free"),
    [
        ("agent", "w1", ("w1", "child"), ("w2", "clerk")),
        ("unit", "works", ("w1", "w2", "child"), ("clerk",)),
        ("unit", "acme", ("w1", "w2", "child", "clerk"), ()),
        ("everything", "*", ("w1", "w2", "child", "clerk"), ()),
    ],
)
async def test_a_containment_is_obeyed_by_the_next_call_of_every_process_until_a_person_lifts_it(
    tmp_path: Path, database_url: str, scope: str, target: str, stopped: tuple[str, ...], free: tuple[str, ...]
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        for agent in (*stopped, *free):
            assert (await other.ask("look", agent, n=1)).status == "done"
        stop = await it.system.containing.contain(scope, target, "person:ada", "odd")  # type: ignore[arg-type]
        before = it.plant.calls[:]
        for process in (other, it):
            for agent in stopped:
                assert await refused(process, agent), agent
            assert it.plant.calls == before
            for agent in free:
                assert (await process.ask("look", agent, n=1)).status == "done"
            before = it.plant.calls[:]
        await asyncio.to_thread(it.system.identity.reinstate, stop.containment.id, "person:ada", "looked into")
        for process in (other, it):
            for agent in stopped:
                assert (await process.ask("look", agent, n=2)).status == "done", agent


async def refused(it: Works, agent: str) -> bool:
    """Whether the agent is turned away, at admission or with a denial."""
    try:
        reply = await it.ask("look", agent, n=3)
    except Unauthenticated as error:
        return error.code in ("agent.contained", "agent.parent")
    return (reply.status, reply.code) == ("denied", "contained")


async def test_a_contained_tool_is_refused_everywhere_and_others_are_not(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        await it.system.containing.contain("tool", "press", "person:ada", "odd")
        assert (await other.ask("press", n=1)).code == "contained"
        assert (await other.ask("look", n=1)).status == "done"


async def test_a_tool_that_nobody_declared_is_not_contained_in_vain(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        for wrong, hint in (("pres", "did you mean `press`?"), ("nosuch.tool", "`autonomy get tools` lists them")):
            with pytest.raises(NotFound) as refused:
                await it.system.containing.contain("tool", wrong, "person:ada", "odd")
            assert (refused.value.code, refused.value.hint) == ("tool.unknown", hint)
        assert it.system.identity.containments() == []


async def test_containment_cancels_calls_under_way_in_both_processes_and_says_which(
    tmp_path: Path, database_url: str
) -> None:
    async with (
        works(tmp_path, database_url, living=True) as it,
        works(tmp_path, database_url, it.plant, living=True) as other,
    ):
        for process in (it, other):
            process.house.key("w1"), process.house.key("w2")
        it.plant.behaves |= {name: never for name in ("look", "press", "post", "shout")}
        door = Door(it.plant.do)
        it.plant.behaves["hear"] = door
        calls = {
            (tool, number): asyncio.create_task(process.ask(tool, "w1", n=number))
            for tool in ("look", "press", "post", "shout")
            for number, process in enumerate((it, other))
        }
        free = asyncio.create_task(other.ask("hear", "w2", n=1))
        for tool in ("look", "press", "post", "shout"):
            await it.plant.called(tool, 2)
        await it.plant.called("hear")
        stop = await it.system.containing.contain("agent", "w1", "person:ada", "odd")
        replies = {name: await call for name, call in calls.items()}
        ended = {"look": "failed", "press": "unknown", "post": "failed", "shout": "unknown"}
        assert {name: reply.status for name, reply in replies.items()} == {
            (tool, number): ended[tool] for tool in ended for number in (0, 1)
        }
        assert set(stop.in_flight) == {reply.action for reply in replies.values()}
        assert set(stop.confirmed) == set(stop.in_flight)
        assert {reply.code for reply in replies.values()} == {"action.stopped"}
        door.open()
        assert (await free).status == "done", "who is not contained goes on"


async def test_stopping_twice_while_the_system_of_record_is_asked_does_not_lose_the_ending(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        asking = Door(lambda arguments, invocation: None)
        it.plant.behaves |= {"post": never, "happened": asking}
        call = asyncio.create_task(it.ask("post", n=1))
        await it.plant.called("post")
        await asyncio.to_thread(it.system.identity.contain, "agent", "w1", "person:ada", "odd")
        await it.system.watch.refresh()
        assert len(it.system.containing.cancel()) == 1
        await it.plant.called("happened")
        assert it.system.containing.cancel() == []
        call.cancel()
        asking.open()
        await asyncio.gather(call, return_exceptions=True)
        await it.settle()
        assert it.story(it.plant.calls[0][1]) == ["intent", "outcome failed"]


async def test_what_a_dead_process_had_begun_is_ended_by_another_as_its_effect_allows(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        doors = {name: Door(fail(Unsure("too late"))) for name in ("look", "press", "shout")}
        it.plant.behaves |= doors
        after = Door(lambda arguments, invocation: None)

        async def done_but_unanswered(arguments, invocation):
            it.plant.do(arguments, invocation)
            return await after(arguments, invocation)

        it.plant.behaves["post"] = done_but_unanswered
        calls = [asyncio.create_task(it.ask(tool, n=1)) for tool in ("look", "press", "post", "shout")]
        for tool in ("look", "press", "post", "shout"):
            await it.plant.called(tool)
        names = {name: action for name, action in it.plant.calls}
        it.plant.behaves = {}
        await it.system.lifeline.leave()  # to the others it is dead now
        await other.system.taking_up.look()
        await other.settle()
        states = {tool: (await other.result(names[tool])).status for tool in names}
        assert states == {"look": "failed", "press": "done", "post": "done", "shout": "unknown"}
        for door in (*doors.values(), after):
            door.open()
        await asyncio.gather(*calls, return_exceptions=True)
        await it.settle()
        assert {tool: len(it.story(names[tool])) for tool in names} == dict.fromkeys(names, 2), "one outcome each"
        assert it.plant.effects == {names["press"]: 1, names["post"]: 1}


async def test_what_a_permit_hides_stays_hidden_in_a_result_that_another_process_recovers(
    tmp_path: Path, database_url: str
) -> None:
    masked = POLICY.replace("permit (principal in", '@obligation_mask("secret") permit (principal in', 1)
    tools = TOOLS.replace("name: press, description: press", "name: press, description: press", 1)
    tools = tools.replace("  call: { function: press }\n", "  call: { function: press }\n  mask: [secret]\n", 1)
    async with (
        works(tmp_path, database_url, files=organisation(policy=masked, tools=tools)) as it,
        works(tmp_path, database_url, it.plant) as other,
    ):
        it.plant.behaves["press"] = never
        call = asyncio.create_task(it.ask("press", n=1))
        await it.plant.called("press")
        it.plant.behaves["press"] = lambda arguments, invocation: {"open": 1, "secret": 2}
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        await other.settle()
        reply = await other.result(it.plant.calls[0][1])
        assert (reply.status, reply.result) == ("done", {"open": 1, "secret": "•••"})
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def test_what_was_begun_under_another_wording_is_ended_under_that_wording(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        it.plant.behaves["shout"] = never
        call = asyncio.create_task(it.ask("shout", n=1))
        await it.plant.called("shout")
        repeatable = TOOLS.replace("name: shout, description: shout", "name: shout, description: louder")
        at = repeatable.index("name: shout")
        repeatable = repeatable[:at] + repeatable[at:].replace("write-neither", "write-keyed", 1)
        await asyncio.to_thread(declare, other.system, organisation(tools=repeatable))
        await other.system.watch.refresh()
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        await other.settle()
        assert (await other.result(it.plant.calls[0][1])).status == "unknown", "it was not keyed when it was begun"
        assert len(it.plant.calls) == 1
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


async def test_what_was_begun_about_somebody_erased_since_is_unknown_and_can_be_resolved(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        it.plant.behaves["pay"] = never
        call = asyncio.create_task(it.ask("pay", payee="erika", amount="5.00"))
        await it.plant.called("pay")
        action = it.plant.calls[0][1]
        await other.system.vault.erase("erika", "person:ada", "asked for it")
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        await other.settle()
        assert (await other.result(action)).status == "unknown"
        await other.system.taking_up.resolve(action, "failed", "person:bea", "never arrived")
        assert (await other.result(action)).status == "failed"
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
