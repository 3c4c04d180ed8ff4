"""What was decided once goes out by what is so now, and to where it was meant to go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from autonomy.gate.units import Committed, Intent
from autonomy.insight import Insight
from autonomy.insight.sentences import sentences
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import HOUR
from autonomy.tools import Invocation
from tests.gate.works import POLICY, TOOLS, Plant, Works, never, organisation, works
from tests.house import House, declare, house

ASKING = (
    POLICY
    + """
@id("post-boss") @outcome("require_approval") @escalate("boss") @expires("1d")
forbid (principal, action == Action::"post", resource)
unless { context.approvals.contains("boss") };
"""
)
LASTING = (
    TOOLS.replace("timeout: 5s", "timeout: 5m")
    .replace("deadline: 700ms", "deadline: 1m")
    .replace("{ function: press }", "{ function: press }\n  deadline: 1m")
)
"""A call that gets no answer lasts for longer than a busy machine needs for the rest of a test."""
MOVED = organisation(tools=LASTING.replace("entryPoint: plant", "entryPoint: elsewhere"))


def leaving(it: Works) -> None:
    """The next caller is gone in the very tick in which its intent was written."""
    queue = it.system.queue
    submit = queue.submit

    def submitted(unit: Any, told: Any = None) -> asyncio.Future[Any]:
        answer, caller = submit(unit, told), asyncio.current_task()

        def leave(given: asyncio.Future[Any]) -> None:
            if caller is not None and isinstance(given.result(), Committed) and isinstance(unit, Intent):
                queue.submit = submit  # type: ignore[method-assign]
                caller.cancel()

        answer.add_done_callback(leave)
        return answer

    queue.submit = submitted  # type: ignore[method-assign]


async def test_who_is_gone_as_the_intent_is_written_leaves_an_action_that_has_ended(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["version_of"] = lambda _arguments, _invocation: 1
        await it.house.meet("w1")
        leaving(it)
        with pytest.raises(asyncio.CancelledError):
            await it.ask("edit", doc="d1", version=1)
        await it.settle()
        [intent] = it.leaves("intent")
        assert it.story(intent["action"]) == ["intent", "outcome failed"]
        assert it.plant.executions() == 0
        assert (await it.ask("edit", doc="d1", version=1)).status == "done", "the record is free again"


async def dead_in_the_middle(
    stack: AsyncExitStack, folder: Path, url: str, time: list[int] | None = None
) -> tuple[Works, Works, list[str]]:
    """A process that will be dead, one that lives, and two actions of the first whose calls never came there: a keyed
    one, and one that people had approved and that can be asked about. That was an hour ago."""
    stands = time or [1_800_000_000_000]
    files = organisation(policy=ASKING, tools=LASTING)
    it = await stack.enter_async_context(works(folder, url, files=files, clock=lambda: stands[0]))
    other = await stack.enter_async_context(works(folder, url, it.plant, clock=lambda: stands[0]))
    it.plant.behaves |= {"press": never, "post": never}
    held = await it.ask("post", n=1)
    hold = it.system.approvals.get(held.action)
    it.system.approvals.decide(held.action, "bea", "approve", hold.shown)
    await it.system.taking_up.look()
    stack.callback(let_go, it)
    stack.push_async_callback(_end, asyncio.create_task(it.ask("press", n=1)))
    await it.plant.called("press")
    await it.plant.called("post")
    pressed = next(action for name, action in it.plant.calls if name == "press")
    stands[0] += HOUR
    return it, other, [pressed, held.action]


def let_go(it: Works) -> None:
    """End the calls that a process still has out."""
    for action in list(it.system.effects.under_way):
        it.system.effects.stop(action)


async def _end(call: asyncio.Task[Any]) -> None:
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def taken_over(it: Works, other: Works) -> None:
    """The first process is dead; the second one ends what it left."""
    it.plant.behaves = {}
    await it.system.lifeline.leave()
    await other.system.taking_up.look()
    await other.settle()


async def test_recovery_begins_nothing_that_is_contained(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        it, other, [pressed, posted] = await dead_in_the_middle(stack, tmp_path, database_url)
        await asyncio.to_thread(other.system.identity.contain, "everything", "*", "person:ada", "odd")
        await taken_over(it, other)
        assert it.plant.executions() == 0
        assert other.story(pressed)[-1] == "outcome unknown"  # it may have happened: a person has to look
        assert other.story(posted)[-1] == "outcome failed"  # the system of record says that it did not


async def test_recovery_begins_nothing_on_the_word_of_somebody_who_has_left(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        it, other, [_, posted] = await dead_in_the_middle(stack, tmp_path, database_url)
        await asyncio.to_thread(other.system.identity.offboard, "bea", "person:ada", "left")
        await taken_over(it, other)
        assert other.story(posted)[-1] == "outcome failed"
        assert posted not in it.plant.effects


@pytest.mark.parametrize("way", ["suspend", "revoke"])
async def test_recovery_begins_nothing_of_an_agent_that_may_not_act_any_more(
    tmp_path: Path, database_url: str, way: str
) -> None:
    async with AsyncExitStack() as stack:
        it, other, [pressed, posted] = await dead_in_the_middle(stack, tmp_path, database_url)
        identity = other.system.identity
        await asyncio.to_thread(
            (lambda: identity.suspend("w1", "person:ada", "odd"))
            if way == "suspend"
            else lambda: identity.revoke("w1", "person:ada")
        )
        await taken_over(it, other)
        assert it.plant.executions() == 0
        assert other.story(pressed)[-1] == "outcome unknown"
        assert other.story(posted)[-1] == "outcome failed"


@pytest.mark.parametrize(
    ("added", "pressed_ends", "posted_ends"),
    [
        ("// nothing but a remark", "done", "done"),
        ('@id("no") forbid (principal, action == Action::"press", resource);', "unknown", "done"),
        ('@id("no") forbid (principal, action == Action::"post", resource);', "done", "failed"),
    ],
)
async def test_where_rules_were_declared_anew_recovery_asks_them_again(
    tmp_path: Path, database_url: str, added: str, pressed_ends: str, posted_ends: str
) -> None:
    async with AsyncExitStack() as stack:
        it, other, [pressed, posted] = await dead_in_the_middle(stack, tmp_path, database_url)
        await asyncio.to_thread(declare, other.system, organisation(policy=f"{ASKING}\n{added}\n", tools=LASTING))
        await taken_over(it, other)
        assert other.story(pressed)[-1] == f"outcome {pressed_ends}"
        assert other.story(posted)[-1] == f"outcome {posted_ends}"
        assert it.plant.executions() == (pressed_ends, posted_ends).count("done")


async def test_a_repeat_that_is_out_is_stopped_by_a_containment(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        time = [1_800_000_000_000]
        it, other, [pressed, _] = await dead_in_the_middle(stack, tmp_path, database_url, time)
        await it.system.lifeline.leave()
        await other.system.taking_up.look()
        await it.plant.called("press", 2)  # it is out again, and gets no answer again
        stopped = await other.system.containing.contain("everything", "*", "person:ada", "odd")
        assert pressed in stopped.confirmed
        time[0] += HOUR  # the post, which was out again as well, cannot be on its way any more
        await other.settle()
        assert other.story(pressed) == ["intent", "outcome unknown"]
        assert it.plant.executions() == 0


async def moved(only: House) -> None:
    await asyncio.to_thread(declare, only.system, MOVED)
    await only.system.watch.refresh()


@pytest.mark.parametrize("tool", ["press", "post"])
async def test_what_was_begun_at_one_system_is_never_sent_to_another(
    tmp_path: Path, database_url: str, tool: str
) -> None:
    here, there = Plant(), Plant()
    functions = {"plant": here, "elsewhere": there}

    async def done_but_silent(arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        here.do(arguments, invocation)
        return await asyncio.Event().wait()

    here.behaves[tool] = done_but_silent
    async with (
        house(tmp_path, database_url, organisation(tools=LASTING), functions=functions) as first,
        house(tmp_path, database_url, functions=functions) as second,
    ):
        it, other = Works(first, here), Works(second, there)
        call = asyncio.create_task(it.ask(tool, n=1))
        await here.called(tool)
        await moved(second)
        await taken_over(it, other)
        action = here.calls[0][1]
        assert other.story(action) == ["intent", "outcome unknown"]
        assert (here.executions(), there.calls) == (1, [])
        await _end(call)


async def test_a_call_that_finds_its_system_declared_anew_asks_nobody_else_what_became_of_it(
    tmp_path: Path, database_url: str
) -> None:
    here, there = Plant(), Plant()
    async with house(tmp_path, database_url, organisation(), functions={"plant": here, "elsewhere": there}) as only:
        it = Works(only, here)
        here.behaves["post"] = never
        call = asyncio.create_task(it.ask("post", n=1))  # it may take seven tenths of a second
        await here.called("post")
        await moved(only)
        assert (await call).status == "unknown"
        assert there.calls == []


async def test_what_people_approved_for_one_system_is_not_done_at_another(tmp_path: Path, database_url: str) -> None:
    here, there = Plant(), Plant()
    async with house(tmp_path, database_url, organisation(), functions={"plant": here, "elsewhere": there}) as only:
        it = Works(only, here)
        held = await it.ask("pay", payee="x", amount="500.00")
        hold = only.system.approvals.get(held.action)
        only.system.approvals.decide(held.action, "bea", "approve", hold.shown)
        await moved(only)
        await only.system.taking_up.look()
        await only.system.taking_up.idle()
        refused = await it.result(held.action)
        assert (refused.status, refused.code) == ("denied", "approval.other_action")
        assert (here.executions(), there.executions()) == (0, 0)


async def test_a_retry_under_its_key_hears_of_the_first_call_wherever_the_system_is_now(
    tmp_path: Path, database_url: str
) -> None:
    here, there = Plant(), Plant()
    async with house(tmp_path, database_url, organisation(), functions={"plant": here, "elsewhere": there}) as only:
        first = await only.ask("w1", "press", {"n": 1}, key="k")
        await moved(only)
        again = await only.ask("w1", "press", {"n": 1}, key="k")
        assert (again.action, again.status, there.calls) == (first.action, "done", [])


async def test_the_log_says_why_what_people_approved_was_not_done(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        held = await it.ask("pay", payee="x", amount="500.00")
        await asyncio.to_thread(it.system.identity.suspend, "w1", "person:ada", "odd")
        await it.house.approve(held.action, "bea")
        last = [leaf for leaf in it.leaves("approval") if leaf["action"] == held.action][-1]
        assert (last["event"], last["state"], last["code"]) == ("finish", "denied", "agent.suspended")
        insight = Insight(it.system.database, it.system.vault, it.system.catalog)
        told = sentences(insight.explain(insight.record(held.action, may_read=False)))
        assert any("agent.suspended" in line for line in told)
