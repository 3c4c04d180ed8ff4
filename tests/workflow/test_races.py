"""A checkpoint is approved at the very moment at which its time is over: one of the two counts, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from autonomy.kernel.clock import now
from autonomy.kernel.errors import Conflict
from tests.workflow.office import Office, office

ASK = """
steps:
  sign: { approval: { roles: { boss: 1 }, question: "May it be?" }, deadline: 1h }
  press: { needs: [sign], tool: press, arguments: { n: input.n } }
"""


class Leaping:
    """A clock that can be set ahead."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now() + self.ahead


async def race(it: Office, clock: Leaping, run: str) -> str:
    """Approve while the time runs out; how the hold ended."""
    hold, approvals = await it.asked(run), it.works.system.approvals

    async def approve() -> None:
        try:
            await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        except Conflict as error:
            assert error.code in ("approval.expired", "approval.decided", "approval.moved")

    async def leap() -> None:
        clock.ahead += 3_600_000
        await asyncio.to_thread(approvals.sweep)

    await asyncio.gather(*((approve(), leap()) if hash(run) % 2 else (leap(), approve())))
    return (await asyncio.to_thread(approvals.get, hold.action)).state


@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.slow)])
async def test_of_an_approval_and_the_end_of_its_time_one_counts(
    tmp_path: Path, database_url: str, rounds: int
) -> None:
    clock = Leaping()
    async with office(tmp_path, database_url, clock=clock, asking=ASK) as it:
        for number in range(rounds):
            run = await it.start("asking", n=number)
            if await race(it, clock, run) == "performed":
                assert (await it.ended(run)).status == "done"
                assert it.told(run) == ["started", "ended done"]
            else:
                [asked] = await it.excepted(run)
                assert asked.command.kind == "overdue"
                assert it.told(run) == ["started", "exception"]
