"""From hold to approval to one performance: decided again by what is true then, used once, never by who is behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autonomy.audit import commitment
from autonomy.gate import Request
from autonomy.identity.proof import Secret
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import HOUR, now
from autonomy.kernel.errors import AutonomyError, Conflict, Forbidden
from autonomy.tools import Unreachable, Unsure
from tests.gate.works import POLICY, TOOLS, Door, Works, agent, fail, fail_first, organisation, say, works
from tests.house import declare

BIG = {"payee": "x", "amount": "500.00"}


def decide(it: Works, action: str, person: str, verdict: str = "approve") -> None:
    shown = it.system.approvals.get(action).shown
    it.system.approvals.decide(action, person, verdict, shown, "because")  # type: ignore[arg-type]


async def carry_on(*systems: Works) -> None:
    """Every process looks for what is ready, at once, and carries it out."""
    await asyncio.gather(*(it.system.taking_up.look() for it in systems))
    await asyncio.gather(*(it.system.taking_up.idle() for it in systems))


async def test_what_people_approve_is_done_once_by_whichever_process_takes_it_up(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        held = [await it.ask("pay", case=f"c{n}", **BIG) for n in range(10)]
        for reply in held:
            decide(it, reply.action, "bea")
        await carry_on(it, other)
        await carry_on(other, it)
        results = [await it.result(reply.action) for reply in held]
        assert {result.status for result in results} == {"done"}
        assert it.plant.effects == Counter({reply.action: 1 for reply in held})
        for reply in held:
            assert it.story(reply.action) == ["hold", "approval", "intent", "outcome done"]
        intents = [leaf for leaf in it.leaves("intent") if leaf.get("approval")]
        assert all(leaf["decision"]["approvals"] == ["boss"] for leaf in intents)


@pytest.mark.parametrize("person", ["sam", "olga"])
async def test_who_sponsors_or_owns_the_agent_does_not_approve_for_it(
    tmp_path: Path, database_url: str, person: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        with pytest.raises(Forbidden):
            decide(it, held.action, person)
        await carry_on(it)
        assert it.plant.executions() == 0


async def test_who_answers_for_the_agent_behind_a_delegation_does_not_approve_either(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        identity = it.system.identity
        identity.delegate("clerk", "w1", ["pay"], HOUR, "person:ada")
        client = identity.issue_credential("w1", "client_secret", "person:ada")
        token = identity.token(Secret(client.id, client.secret), act_for="clerk").access_token
        held = await it.system.gate.perform(token, Request("pay", BIG))
        assert held.status == "held"
        for person in ("bea", "sam", "olga"):
            with pytest.raises(Forbidden):
                decide(it, held.action, person)
        await it.house.approve(held.action, "dora")
        assert (await it.result(held.action)).status == "done"
        assert it.leaves("intent")[-1]["act"] == [identity.agent("clerk").id]


async def test_a_child_agents_action_is_not_approved_by_who_answers_for_its_parent(
    tmp_path: Path, database_url: str
) -> None:
    files = organisation(
        agents="---".join((agent("w1"), agent("w2"), agent("clerk", sponsor="bea"), agent("child", parent="clerk")))
    )
    async with works(tmp_path, database_url, files=files) as it:
        held = await it.ask("pay", "child", **BIG)
        with pytest.raises(Forbidden):
            decide(it, held.action, "bea")
        await it.house.approve(held.action, "dora")
        assert (await it.result(held.action, "child")).status == "done"


async def test_facts_that_ask_for_more_people_bring_the_action_back_with_the_difference(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["level"] = say(1)
        held = await it.ask("heat", n=1)
        it.plant.behaves["level"] = say(2)
        first_seen = it.system.approvals.get(held.action).shown
        await it.house.approve(held.action, "bea")
        again = it.system.approvals.get(held.action)
        assert (again.state, again.round) == ("waiting", 1)
        assert "chief" in (again.difference or "") and again.shown != first_seen
        with pytest.raises(Conflict):
            it.system.approvals.decide(held.action, "carl", "approve", first_seen)
        await it.house.approve(held.action, "bea", "carl")
        assert (await it.result(held.action)).status == "done"
        assert it.plant.executions() == 1
        assert it.story(held.action) == [
            *("hold", "approval", "approval", "hold", "approval", "approval", "intent", "outcome done")
        ]


async def test_asking_people_again_is_on_record_as_a_decision_of_its_own(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["level"] = say(1)
        held = await it.ask("heat", n=1)
        it.plant.behaves["level"] = say(2)
        await it.house.approve(held.action, "bea")
        first, second = it.leaves("hold")
        assert [leaf["decision"]["policies"] for leaf in (first, second)] == [
            ["heat-boss"],
            ["heat-boss", "heat-chief"],
        ]
        assert [sorted(ask["role"] for ask in leaf["asks"]) for leaf in (first, second)] == [
            ["boss"],
            ["boss", "chief"],
        ]
        assert second["decision"]["bundle"] and second["epochs"] == first["epochs"]
        (part,) = second["commitments"]
        with it.system.database.reading() as connection:
            opened = it.system.vault.open(connection, held.action, part)
        assert opened is not None and opened.value == b'{"level":2}', "on what it was asked again"
        assert commitment(opened.salt, opened.value) == second["commitments"][part]


async def test_a_fact_that_fails_at_the_moment_does_not_undo_what_people_allowed(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["level"] = say(1)
        held = await it.ask("heat", n=1)
        it.plant.behaves["level"] = fail_first(1, Unreachable("no answer"), 1)
        await it.house.approve(held.action, "bea")
        assert (await it.result(held.action)).status == "done"
        assert it.plant.executions() == 1


async def test_a_fact_that_fails_again_and_again_leaves_nothing_but_the_ending_on_record(
    tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    passed = [0]

    def unanswered(*_: object) -> Json:
        passed[0] += 2_000  # each time it is asked two seconds later
        raise Unreachable("no answer")

    async with works(tmp_path, database_url, clock=lambda: now() + passed[0]) as it:
        it.plant.behaves["level"] = say(1)
        held = await it.ask("heat", n=1)
        tries = [unanswered, unanswered, say(1)]
        it.plant.behaves["level"] = lambda *asked: tries.pop(0)(*asked)
        await it.house.approve(held.action, "bea")
        assert it.story(held.action) == ["hold", "approval", "intent", "outcome done"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_facts_that_forbid_end_the_action_with_a_denial(tmp_path: Path, database_url: str) -> None:
    policy = POLICY + '@id("heat-never") @reason("too hot") @needs("time") forbid (principal, action == '
    policy += 'Action::"heat", resource) when { context.facts.level >= 9 };'
    async with works(tmp_path, database_url, files=organisation(policy=policy)) as it:
        it.plant.behaves["level"] = say(1)
        held = await it.ask("heat", n=1)
        it.plant.behaves["level"] = say(9)
        await it.house.approve(held.action, "bea")
        reply = await it.result(held.action)
        assert (reply.status, reply.code, reply.message) == ("denied", "policy.denied", "too hot")
        assert it.plant.executions() == 0 and "denial" in it.story(held.action)


async def test_an_action_whose_tool_was_declared_anew_is_not_what_was_approved(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        decide(it, held.action, "bea")
        files = organisation(tools=TOOLS.replace("description: pay", "description: pays anybody"))
        await asyncio.to_thread(declare, it.system, files)
        await carry_on(it)
        reply = await it.result(held.action)
        assert (reply.status, reply.code) == ("denied", "approval.other_action")
        assert it.plant.executions() == 0


@pytest.mark.parametrize("ending", ["contain", "suspend", "retire", "revoke", "tool"])
async def test_an_agent_that_may_no_longer_act_is_not_acted_for(tmp_path: Path, database_url: str, ending: str) -> None:
    async with works(tmp_path, database_url) as it:
        identity = it.system.identity
        held = await it.ask("pay", **BIG)
        decide(it, held.action, "bea")
        end: dict[str, Any] = {
            "contain": lambda: identity.contain("agent", "w1", "person:ada", "odd"),
            "suspend": lambda: identity.suspend("w1", "person:ada", "odd"),
            "retire": lambda: identity.retire("w1", "person:ada", "odd"),
            "revoke": lambda: identity.revoke("w1", "person:ada", "odd"),
            "tool": lambda: identity.contain("tool", "pay", "person:ada", "odd"),
        }
        await asyncio.to_thread(end[ending])
        await carry_on(it)
        assert it.system.approvals.get(held.action).state == "denied"
        assert it.plant.executions() == 0 and "intent" not in it.story(held.action)


async def test_an_approval_that_ran_out_is_not_used(tmp_path: Path, database_url: str) -> None:
    time = [1_800_000_000_000]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        held = await it.ask("pay", case="a", **BIG)
        decide(it, held.action, "bea")
        time[0] += 25 * HOUR
        await carry_on(it)
        assert it.plant.executions() == 0
        await asyncio.to_thread(it.system.approvals.sweep)
        assert (await it.result(held.action)).code == "approval.expired"


async def test_an_approved_action_whose_effect_is_in_doubt_is_unknown_and_not_tried_again(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["pay"] = fail(Unsure("broken"))
        held = await it.ask("pay", **BIG)
        await it.house.approve(held.action, "bea")
        await carry_on(it)
        assert (await it.result(held.action)).status == "unknown"
        assert [name for name, _ in it.plant.calls] == ["pay", "pay"], "once, and once more under the same key"


async def test_an_approved_action_waits_on_when_the_store_fails_as_it_is_taken_up(
    tmp_path: Path, database_url: str
) -> None:
    time = [1_800_000_000_000]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        held = await it.ask("pay", case="a", **BIG)
        decide(it, held.action, "bea")
        submit, it.system.queue.submit = it.system.queue.submit, refusing  # type: ignore[method-assign]
        await carry_on(it)
        assert it.system.approvals.get(held.action).state == "claimed"
        it.system.queue.submit = submit  # type: ignore[method-assign]
        time[0] += HOUR
        await carry_on(it)
        assert (await it.result(held.action)).status == "done" and it.plant.executions() == 1


def refusing(unit: object) -> asyncio.Future[object]:
    """A commit queue whose store does not answer."""
    from autonomy.kernel.errors import Unavailable

    raise Unavailable("the store does not answer", code="store.unavailable")


@pytest.mark.parametrize("races", [100, pytest.param(5_000, marks=pytest.mark.slow)])
async def test_races_for_approved_actions_end_each_of_them_exactly_once(
    tmp_path: Path, database_url: str, races: int
) -> None:
    """Approve, reject, withdraw and carry out at once through two processes, on each of the two databases."""
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        both = (it, other)
        for system in both:
            await system.house.meet("w1")
        held = []
        for start in range(0, races, 50):
            asked = (both[n % 2].ask("pay", case=f"c{n}", **BIG) for n in range(start, min(start + 50, races)))
            held += [reply.action for reply in await asyncio.gather(*asked)]
        moves = asyncio.Semaphore(16)

        async def act(number: int, action: str, what: str) -> None:
            approvals = both[number % 2].system.approvals
            async with moves:
                try:
                    if what == "withdraw":
                        await asyncio.to_thread(approvals.withdraw, action, "person:ada")
                    elif what == "take up":
                        await both[number % 2].system.taking_up.look()
                    else:
                        person = "bea" if what == "approve" else "dora"
                        await asyncio.to_thread(decide, both[number % 2], action, person, what)
                except AutonomyError as error:
                    assert isinstance(error, Conflict), error

        steps = [
            act(number, action, what)
            for number, action in enumerate(held)
            for what in ("approve", "reject" if number % 3 else "withdraw", "take up" if number % 5 == 0 else "approve")
        ]
        await asyncio.gather(*steps)
        for _ in range(races // 16 + 2):
            await carry_on(*both)
        states = Counter(it.system.approvals.get(action).state for action in held)
        assert set(states) <= {"performed", "rejected", "withdrawn"} and states["performed"] > 0
        performed = {action for action in held if it.system.approvals.get(action).state == "performed"}
        assert it.plant.effects == Counter({action: 1 for action in performed})
        told = Counter(leaf["action"] for leaf in it.leaves("intent"))
        assert told == Counter({action: 1 for action in performed})


async def test_a_dead_process_leaves_its_claims_to_others(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        held = await it.ask("pay", **BIG)
        decide(it, held.action, "bea")
        claims = await asyncio.to_thread(it.system.approvals.claim, it.system.lifeline.owner, 30_000)
        assert [claim.action for claim in claims] == [held.action]
        await it.system.lifeline.leave()
        await carry_on(other)
        assert (await other.result(held.action)).status == "done"


async def test_a_hold_survives_its_process(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        plant = it.plant
    async with works(tmp_path, database_url, plant) as it:
        await it.house.approve(held.action, "bea")
        assert (await it.result(held.action)).status == "done" and plant.executions() == 1


async def test_waiting_for_people_blocks_nobody_and_reserves_nothing(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        door = Door(it.plant.do)
        door.open()
        held = [await it.ask("pay", case=f"c{n}", payee="x", amount="99999.00") for n in range(5)]
        assert {reply.status for reply in held} == {"held"}
        assert (await it.ask("pay", payee="y", amount="99.00")).status == "done"
