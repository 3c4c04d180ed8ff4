"""What a dead process began waits a while, in nobody's way, for a system of record that is down; what people allowed
waits for a record that another action is changing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from autonomy.gate import patience
from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation, Refused, Unreachable, Unsure
from tests.gate.works import POLICY, TOOLS, Behaviour, Door, Plant, Works, fail, never, organisation, works

DOWN = fail(Unreachable("nobody is there"))
SILENT = fail(Unsure("no answer"))
EDIT_BOSS = POLICY + '@id("edit-boss") @reason("edits need the boss") @outcome("require_approval") @escalate("boss") '
EDIT_BOSS += '@expires("1d") forbid (principal, action == Action::"edit", resource) '
EDIT_BOSS += 'when { principal.name == "w2" } unless { context.approvals.contains("boss") };'


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(patience, "LONGEST_SECONDS", 0.02)


@asynccontextmanager
async def left(
    tmp_path: Path, url: str, *tools: str, plant: Plant | None = None, **more: Any
) -> AsyncIterator[tuple[Works, list[str]]]:
    """A process, and the actions that another one had begun before it died."""
    plant = plant or Plant()
    async with works(tmp_path, url, plant, **more) as dead, works(tmp_path, url, plant, **more) as it:
        calls = []
        for tool in tools:
            plant.behaves[tool] = never
            calls.append(asyncio.create_task(dead.ask(tool, n=1)))
            await plant.called(tool)
        begun = [action for name, action in plant.calls if name in tools]
        await dead.system.lifeline.leave()
        yield it, begun
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_keyed_write_is_repeated_until_its_system_is_back(tmp_path: Path, database_url: str) -> None:
    async with left(tmp_path, database_url, "press") as (it, [action]):
        it.plant.behaves["press"] = SILENT
        await it.system.taking_up.look()
        await it.plant.called("press", 4)
        assert (await it.result(action)).status == "running", "nobody has to look yet"
        del it.plant.behaves["press"]
        await it.settle()
        assert (await it.result(action)).status == "done"
        assert it.plant.effects == {action: 1}


async def test_a_queryable_write_is_asked_about_until_its_system_is_back(tmp_path: Path, database_url: str) -> None:
    async with left(tmp_path, database_url, "post") as (it, [action]):
        it.plant.behaves["happened"] = DOWN
        await it.system.taking_up.look()
        await it.plant.called("happened", 4)
        it.plant.done[action] = {"ok": True}
        del it.plant.behaves["happened"]
        await it.settle()
        assert (await it.result(action)).result == {"ok": True}
        assert it.plant.executions() == 0


@pytest.mark.parametrize(("tool", "function"), [("press", "press"), ("post", "happened")])
async def test_what_is_not_answered_in_a_while_is_for_a_person(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, tool: str, function: str
) -> None:
    # Nineteen seconds of the minute there is pass from one look at the clock to the next, whatever this machine takes.
    monkeypatch.setattr(patience, "monotonic", count(0, 19).__next__)
    files = organisation(tools=TOOLS.replace("deadline: 700ms", "deadline: 5s"))
    async with left(tmp_path, database_url, tool, files=files) as (it, [action]):
        before = len(it.plant.calls)
        it.plant.behaves[function] = DOWN
        await it.system.taking_up.look()
        await it.settle()
        reply = await it.result(action)
        assert (reply.status, reply.code) == ("unknown", "action.interrupted")
        assert len(it.plant.calls) - before == 4, "as long as the minute lasts"


async def test_a_refused_repeat_is_for_a_person_at_once(tmp_path: Path, database_url: str) -> None:
    async with left(tmp_path, database_url, "press") as (it, [action]):
        it.plant.behaves["press"] = fail(Refused("the account is closed"))
        await it.system.taking_up.look()
        await it.settle()
        assert (await it.result(action)).status == "unknown"
        assert [name for name, _ in it.plant.calls] == ["press", "press"]


async def test_who_waits_stands_in_nobodys_way_and_is_left_to_others_at_the_end(
    tmp_path: Path, database_url: str
) -> None:
    plant = Plant()
    async with left(tmp_path, database_url, "press", "shout", plant=plant) as (it, [pressed, shouted]):
        plant.behaves["press"] = DOWN
        await it.system.taking_up.look()
        await plant.called("press", 3)
        await it.system.effects.idle()
        assert (await it.result(shouted)).status == "unknown", "it does not wait for the other"
        await it.system.taking_up.close()
        assert (await it.result(pressed)).status == "running"
        await it.system.lifeline.leave()
        del plant.behaves["press"]
        async with works(tmp_path, database_url, plant) as next_one:
            await next_one.system.taking_up.look()
            await next_one.settle()
            assert (await next_one.result(pressed)).status == "done"
    assert plant.effects == {pressed: 1}


async def test_an_approved_write_that_did_not_happen_is_done_only_when_it_cannot_arrive_any_more(
    tmp_path: Path, database_url: str
) -> None:
    """The time is counted from when it was begun, not from when people were asked."""
    rule = POLICY + '@id("post-boss") @reason("posts need the boss") @outcome("require_approval") @escalate("boss") '
    rule += '@expires("1d") forbid (principal, action == Action::"post", resource) '
    rule += 'unless { context.approvals.contains("boss") };'
    plant, files = Plant(), organisation(policy=rule)
    time = [1_800_000_000_000]
    async with (
        works(tmp_path, database_url, plant, files=files, clock=lambda: time[0]) as dead,
        works(tmp_path, database_url, plant, files=files, clock=lambda: time[0]) as it,
    ):
        held = await dead.ask("post", n=1)
        time[0] += 3_600_000
        plant.behaves["post"] = never
        shown = it.system.approvals.get(held.action).shown
        await asyncio.to_thread(it.system.approvals.decide, held.action, "bea", "approve", shown)
        await dead.system.taking_up.look()
        await plant.called("post")
        await dead.system.lifeline.leave()
        plant.behaves["happened"] = arrives_late(plant)
        await it.system.taking_up.look()
        await it.settle()
        assert (await it.result(held.action)).status == "done"
        assert [name for name, _ in plant.calls].count("post") == 1, "it is not done again"


def arrives_late(plant: Plant) -> Behaviour:
    """The call of the dead process arrives right after somebody has asked about it."""

    def happened(arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        answer = plant.done.get(invocation.action_id)
        plant.do(arguments, invocation)
        return answer

    return happened


async def test_what_people_allowed_is_done_as_soon_as_its_record_is_free(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url, files=organisation(policy=EDIT_BOSS)) as it:
        it.plant.behaves["version_of"] = lambda arguments, invocation: 1
        held = await it.ask("edit", "w2", doc="d", version=1)
        assert held.status == "held"
        door = it.plant.behaves["edit"] = Door(it.plant.do)
        busy = asyncio.create_task(it.ask("edit", doc="d", version=1))
        await it.plant.called("edit")
        resumed, before = when_resumed(it, 3), len(it.leaves())
        approving = asyncio.create_task(it.house.approve(held.action, "bea"))
        await resumed.wait()
        assert it.system.approvals.get(held.action).fence == 1, "under the claim it has"
        assert [leaf["kind"] for leaf in it.leaves()[before:]] == ["approval"], "waiting is no denial"
        door.open()
        await busy
        await approving
        assert (await it.result(held.action, "w2")).status == "done"


def when_resumed(it: Works, times: int) -> asyncio.Event:
    """Set as soon as the gate was asked so often to resume."""
    reached, resume, count = asyncio.Event(), it.system.gate.resume, [0]

    async def counted(claim: object) -> object:
        count[0] += 1
        if count[0] > times:
            reached.set()
        return await resume(claim)  # type: ignore[arg-type]

    it.system.gate.resume = counted  # type: ignore[method-assign,assignment]
    return reached


def test_pauses_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.5)
    monkeypatch.setattr(patience, "LONGEST_SECONDS", 8.0)
    assert list(islice(patience.pauses(), 7)) == [0.5, 1, 2, 4, 8, 8, 8]
