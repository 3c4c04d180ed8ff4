"""What an action carried goes when its time is over, however it ended; what waits or runs keeps what it carries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from autonomy.audit.store import payload
from autonomy.gate import Housekeeping
from autonomy.kernel.clock import DAY, HOUR, now
from tests.gate.works import POLICY, Works, organisation, works

PATIENT = POLICY.replace('@expires("1d")', '@expires("9d")')


def decide(verdict: str) -> Callable[[Works, str], object]:
    def end(it: Works, action: str) -> object:
        shown = it.system.approvals.get(action).shown
        return it.system.approvals.decide(action, "bea", verdict, shown, "because")  # type: ignore[arg-type]

    return end


ENDS: dict[str, Callable[[Works, str], object]] = {
    "rejected": decide("reject"),
    "returned": decide("return"),
    "withdrawn": lambda it, action: it.system.approvals.withdraw(action, "agent:w1"),
    "expired": lambda it, action: it.system.approvals.sweep(),
}


@pytest.mark.parametrize("end", ENDS)
async def test_what_a_held_action_carried_goes_when_people_did_not_allow_it(
    tmp_path: Path, database_url: str, end: str
) -> None:
    time = [now()]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        held = await it.ask("pay", payee="x", amount="500.00")
        time[0] += 25 * HOUR if end == "expired" else HOUR
        await asyncio.to_thread(ENDS[end], it, held.action)
        assert it.system.approvals.get(held.action).state == end
        keeping = Housekeeping(it.system.queue, 1, lambda: time[0])
        assert (await it.system.queue.perform(keeping.tidy), it.count(payload)) == (0, 1)
        time[0] += 2 * DAY
        await it.system.queue.perform(keeping.tidy)
        assert it.count(payload) == 0
        assert (await it.result(held.action)).code == f"approval.{end}", "how it ended can still be told"


async def test_what_people_may_still_allow_keeps_what_it_carries(tmp_path: Path, database_url: str) -> None:
    time = [now()]
    async with works(tmp_path, database_url, files=organisation(policy=PATIENT), clock=lambda: time[0]) as it:
        held = await it.ask("pay", payee="x", amount="500.00")
        time[0] += 8 * DAY
        keeping = Housekeeping(it.system.queue, 1, lambda: time[0])
        await it.system.queue.perform(keeping.tidy)
        assert it.count(payload) == 1
        await it.house.approve(held.action, "bea")
        assert (await it.result(held.action)).status == "done"
