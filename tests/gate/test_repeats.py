"""The same call twice: under a key, while it is held, after it was done, after it was refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.gate import Reply, Request
from autonomy.gate.results import STOP_RETRYING
from autonomy.gate.store import action
from autonomy.identity.proof import Secret
from autonomy.kernel.clock import HOUR
from autonomy.kernel.errors import Conflict
from tests.gate.works import POLICY, TOOLS, Door, organisation, works
from tests.house import declare

BIG = {"payee": "x", "amount": "500.00"}


async def test_a_key_used_again_for_the_same_call_hears_what_the_first_call_heard(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        first = await it.ask("press", key="k1", n=1)
        again = await it.ask("press", key="k1", n=1)
        assert (again.action, again.status, again.result) == (first.action, "done", first.result)
        assert it.plant.executions() == 1


async def test_a_key_used_for_other_arguments_or_another_tool_is_refused(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        await it.ask("press", key="k1", n=1)
        for tool, number in (("press", 2), ("shout", 1)):
            with pytest.raises(Conflict) as refused:
                await it.ask(tool, key="k1", n=number)
            assert refused.value.code == "key.mismatch"
        assert it.plant.executions() == 1


async def test_a_key_used_for_one_agent_is_not_answered_for_another(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        identity = it.system.identity
        for principal in ("clerk", "w2"):
            identity.delegate(principal, "w1", ["press"], HOUR, "person:ada")
        client = identity.issue_credential("w1", "client_secret", "person:ada")
        for_clerk, for_w2 = (
            identity.token(Secret(client.id, client.secret), act_for=principal).access_token
            for principal in ("clerk", "w2")
        )
        request = Request("press", {"n": 1}, key="k1")
        first = await it.system.gate.perform(for_clerk, request)
        with pytest.raises(Conflict) as refused:
            await it.system.gate.perform(for_w2, request)
        assert refused.value.code == "key.mismatch"
        assert (await it.system.gate.perform(for_clerk, request)).action == first.action
        assert it.plant.executions() == 1


async def test_a_repeat_of_what_was_erased_is_told_not_to_be_sent_again(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        done = await it.ask("pay", key="k1", payee="erika", amount="5.00")
        await it.system.vault.erase("erika", "person:ada", "asked for it")
        call = Request("pay", {"payee": "erika", "amount": "5.00"}, key="k1")
        for first in (False, True):  # the key looked for, and met with
            with pytest.raises(Conflict) as refused:
                await it.system.gate.employ("w1", call, first)
            assert refused.value.code == "key.erased" and refused.value.hint == STOP_RETRYING
            assert refused.value.detail == {"action": done.action, "status": "done"}
        with pytest.raises(Conflict) as other:
            await it.ask("press", key="k1", n=1)
        assert other.value.code == "key.mismatch"
        assert (await it.result(done.action)).status == "done" and it.plant.executions() == 1


async def test_a_repeat_after_the_tool_was_worded_anew_hears_what_the_first_call_heard(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        request = Request("press", {"n": 1}, key="k1")
        first = await it.system.gate.employ("w1", request)
        reworded = TOOLS.replace("name: press, description: press", "name: press, description: press it")
        await asyncio.to_thread(declare, it.system, organisation(tools=reworded))
        again = await it.system.gate.employ("w1", request, first=True)
        assert (again.action, again.status, it.plant.executions()) == (first.action, "done", 1)


async def test_two_agents_may_choose_the_same_key(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        await it.ask("press", "w1", key="k1", n=1)
        assert (await it.ask("press", "w2", key="k1", n=2)).status == "done"
        assert it.plant.executions() == 2


async def test_a_key_whose_call_still_runs_is_answered_with_a_conflict_that_names_it(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        door = Door(it.plant.do)
        it.plant.behaves["press"] = door
        first = asyncio.create_task(it.ask("press", key="k1", n=1))
        await it.plant.called("press")
        with pytest.raises(Conflict) as refused:
            await it.ask("press", key="k1", n=1)
        door.open()
        done = await first
        assert refused.value.code == "key.in_flight" and refused.value.detail["action"] == done.action
        assert (await it.ask("press", key="k1", n=1)).result == done.result


@pytest.mark.parametrize("tool", ["press", "pay"])
async def test_of_many_calls_with_one_key_at_once_one_is_carried_out(
    tmp_path: Path, database_url: str, tool: str
) -> None:
    arguments = {"n": 1} if tool == "press" else BIG
    async with works(tmp_path, database_url) as it:
        calls = [it.ask(tool, key="k1", **arguments) for _ in range(20)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert {answer.code for answer in answers if isinstance(answer, Conflict)} <= {"key.in_flight"}
        replies = [answer for answer in answers if not isinstance(answer, Conflict)]
        assert len({reply.action for reply in replies}) == 1
        assert it.count(action) == 1 and it.plant.executions() == (tool == "press")


async def test_of_two_held_calls_with_one_key_and_other_arguments_one_is_a_mismatch(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        calls = [it.ask("pay", key="k1", payee="x", amount=f"{amount}.00") for amount in (500, 600)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        conflicts = [answer for answer in answers if isinstance(answer, Conflict)]
        assert [conflict.code for conflict in conflicts] == ["key.mismatch"]
        assert it.count(action) == 1


async def test_a_held_call_sent_again_gets_the_same_handle_in_the_same_case_only(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = [await it.ask("pay", case="a", **BIG) for _ in range(2)]
        other_case = await it.ask("pay", case="b", **BIG)
        other_agent = await it.ask("pay", "w2", case="a", **BIG)
        assert {reply.status for reply in (*held, other_case, other_agent)} == {"held"}
        assert held[0].action == held[1].action
        assert len({held[0].action, other_case.action, other_agent.action}) == 3


async def test_a_held_call_sent_again_at_once_is_asked_about_once(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        replies = await asyncio.gather(*(it.ask("pay", **BIG) for _ in range(20)))
        assert {reply.status for reply in replies} == {"held"}
        assert len({reply.action for reply in replies}) == 1
        assert len(it.leaves("hold")) == 1


async def test_an_approved_call_sent_again_within_a_day_gets_its_result_and_is_not_done_twice(
    tmp_path: Path, database_url: str
) -> None:
    time = [1_800_000_000_000]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        held = await it.ask("pay", case="a", **BIG)
        await it.house.approve(held.action, "bea")
        again = await it.ask("pay", case="a", **BIG)
        assert (again.action, again.status, again.result) == (held.action, "done", {"ok": BIG})
        assert it.plant.executions() == 1
        time[0] += 25 * HOUR
        later = await it.ask("pay", case="a", **BIG)
        assert later.status == "held" and later.action != held.action


async def test_what_people_were_asked_about_is_not_done_beside_their_answer_when_the_rules_loosen(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", case="a", **BIG)
        loose = POLICY.replace("context.cost >= 10000", "context.cost >= 90000000")
        await asyncio.to_thread(declare, it.system, organisation(policy=loose))
        again = await it.ask("pay", case="a", **BIG)
        assert (again.status, again.action) == ("held", held.action)
        assert (await it.ask("pay", case="another", **BIG)).status == "done", "the rules do allow it now"
        await it.house.approve(held.action, "bea")
        assert it.plant.executions() == 2
        assert (await it.ask("pay", case="a", **BIG)).action == held.action


async def test_an_approved_call_sent_again_gets_its_result_although_it_would_now_be_refused(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["level"] = lambda arguments, invocation: 1
        held = await it.ask("heat", case="a", n=1)
        await it.house.approve(held.action, "bea")
        it.plant.behaves["level"] = lambda arguments, invocation: 3
        again = await it.ask("heat", case="a", n=1)
        assert (again.action, again.status) == (held.action, "done")
        assert it.plant.executions() == 1


@pytest.mark.parametrize(("verdict", "code"), [("reject", "approval.rejected"), ("return", "approval.returned")])
async def test_a_rejected_call_is_told_so_with_the_reason_and_again_when_it_is_repeated(
    tmp_path: Path, database_url: str, verdict: str, code: str
) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", **BIG)
        hold = it.system.approvals.get(held.action)
        it.system.approvals.decide(held.action, "bea", verdict, hold.shown, "too much")  # type: ignore[arg-type]
        for reply in (await it.result(held.action), await it.ask("pay", **BIG)):
            assert (reply.action, reply.status, reply.code) == (held.action, "rejected", code)
            assert "too much" in (reply.message or "")


async def test_a_hold_that_ran_out_is_told_as_such(tmp_path: Path, database_url: str) -> None:
    time = [1_800_000_000_000]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        held = await it.ask("pay", case="a", **BIG)
        time[0] += 25 * HOUR
        it.system.approvals.sweep()
        reply = await it.result(held.action)
        assert (reply.status, reply.code) == ("rejected", "approval.expired")


async def test_identical_denials_within_a_second_share_a_leaf_and_its_name(tmp_path: Path, database_url: str) -> None:
    time = [1_800_000_000_000]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        first = await it.ask("pay", payee="x", amount="2000000.00")
        again = await it.ask("pay", payee="x", amount="2000000.00")
        other = await it.ask("pay", payee="y", amount="2000000.00")
        assert {reply.status for reply in (first, again, other)} == {"denied"}
        assert again.action == first.action != other.action
        time[0] += 1_001
        later = await it.ask("pay", payee="x", amount="2000000.00")
        time[0] -= 3_600_000  # a clock that was set back makes nothing young again
        last = await it.ask("pay", payee="x", amount="2000000.00")
        told = [leaf["action"] for leaf in it.leaves("denial")]
        assert told == [first.action, other.action, later.action, last.action]


async def test_an_unknown_agents_tool_and_a_missing_tool_are_refused_alike(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        missing = await it.ask("no.such.tool", n=1)
        assert (missing.status, missing.code) == ("denied", "tool.unknown")
        assert it.plant.calls == []


async def test_a_key_of_its_own_makes_a_held_call_another_one_until_people_say_no(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:

        async def pay(key: str | None) -> Reply:
            return await it.ask("pay", key=key, case="case-1", **BIG)

        first, second = await pay("k1"), await pay("k2")
        assert (first.status, second.status) == ("held", "held")
        assert first.action != second.action
        assert (await pay("k1")).action == first.action
        assert (await pay(None)).action in {first.action, second.action}, "without a key it is a repeat, as ever"
        for one in (first, second):
            await it.house.approve(one.action, "bea")
        assert it.plant.executions() == 2, "two yes are two payments"
        third = await pay("k3")
        assert third.status == "held", "a yes is used up"
        hold = it.system.approvals.get(third.action)
        it.system.approvals.decide(third.action, "bea", "reject", hold.shown, "enough")
        assert (await pay("k4")).status == "rejected", "a no answers all that are alike"
        assert len(it.leaves("hold")) == 3
