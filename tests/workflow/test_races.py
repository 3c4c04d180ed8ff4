"""A checkpoint is approved at the very moment at which its time is over: one of the two counts, once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from autonomy.approvals import Hold
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


async def races(it: Office, clock: Leaping, runs: list[str]) -> list[str]:
    """Approve each while the time of all runs out at some moment between; how each hold ended."""
    approvals, holds = it.works.system.approvals, [await it.asked(run) for run in runs]

    async def approve(hold: Hold) -> None:
        try:
            await asyncio.to_thread(approvals.decide, hold.action, "bea", "approve", hold.shown)
        except Conflict as error:
            assert error.code in ("approval.expired", "approval.decided", "approval.moved")

    async def leap() -> None:
        clock.ahead += 3_600_000
        await asyncio.to_thread(approvals.sweep)

    work = [approve(hold) for hold in holds]
    work.insert(random.randrange(len(work) + 1), leap())
    await asyncio.gather(*work)
    return [(await asyncio.to_thread(approvals.get, hold.action)).state for hold in holds]


async def settled(it: Office, run: str, won: str) -> None:
    """One continuation: the run is done, or its people are asked what to do, and nothing else."""
    if won == "performed":
        assert (await it.ended(run)).status == "done"
        assert it.told(run) == ["started", "ended done"]
    else:
        [asked] = await it.excepted(run)
        assert asked.command.kind == "overdue"
        assert it.told(run) == ["started", "exception"]


@pytest.mark.parametrize("rounds", [3, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])])
async def test_of_an_approval_and_the_end_of_its_time_one_counts(
    tmp_path: Path, database_url: str, rounds: int
) -> None:
    clock = Leaping()
    async with office(tmp_path, database_url, clock=clock, asking=ASK) as it:
        for number in range(rounds):
            runs = [await it.start("asking", n=10 * number + each) for each in range(10)]
            for run, won in zip(runs, await races(it, clock, runs), strict=True):
                await settled(it, run, won)
