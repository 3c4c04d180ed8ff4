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

    def leap_now() -> None:  # in its turn among the threads: whoever comes before it finds the time as it was
        clock.ahead += 3_600_000
        approvals.sweep()

    async def leap() -> None:
        await asyncio.to_thread(leap_now)

    work = [approve(hold) for hold in holds]
    work.insert(random.randrange(len(work) + 1), leap())
    await asyncio.gather(*work)
    return [(await asyncio.to_thread(approvals.get, hold.action)).state for hold in holds]


async def settled(it: Office, run: str, won: str) -> list[str]:
    """One continuation: the run is done, or its people are asked what to do. What the log must say of it."""
    if won == "performed":
        assert (await it.ended(run)).status == "done"
        return ["started", "ended done"]
    state = await it.until(run, lambda state: state.steps["sign"].state == "blocked")
    assert state.steps["sign"].trouble == "overdue"
    return ["started", "exception"]


@pytest.mark.parametrize("rounds", [3, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])])
async def test_of_an_approval_and_the_end_of_its_time_one_counts(
    tmp_path: Path, database_url: str, rounds: int
) -> None:
    clock = Leaping()
    async with office(tmp_path, database_url, clock=clock, asking=ASK) as it:
        wanted: dict[str, list[str]] = {}
        for number in range(rounds):
            runs = [await it.start("asking", n=10 * number + each) for each in range(10)]
            for run, won in zip(runs, await races(it, clock, runs), strict=True):
                wanted[run] = await settled(it, run, won)
        assert it.all_told() == wanted, "of each run one continuation, and nothing else"
