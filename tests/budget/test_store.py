"""The accounts in the database, through the commit queue's own planner, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from autonomy.audit import Log
from autonomy.budget import Balance, Charge, Refusal, Usage, charges, judge, limits_for, spend
from autonomy.budget.rules import reserve, settle
from autonomy.budget.store import READ_ACCOUNTS, UPSERT_ACCOUNT
from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Plan
from autonomy.kernel.clock import DAY
from tests.budget.organisations import budget, organisation

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z

COMPANY = organisation(
    budget("company-month", {"unit": "larkspur"}, "100.00", period="month"),
    budget("buyer-calls", {"agent": "buyer-1"}, 700, "calls"),
)


@dataclass(frozen=True, slots=True)
class Take:
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    charges: tuple[Charge, ...]
    actual: Usage


class Group:
    """The smallest group that spends: it reads its accounts once and judges each unit in order."""

    def __init__(self, units: Sequence[Any]) -> None:
        self.units = units

    def reads(self) -> list[tuple[str, tuple[Any, ...]]]:
        keys = sorted({each.account for unit in self.units for each in unit.charges})
        return [(READ_ACCOUNTS(len(keys)), tuple(keys))]

    def judge(self, rows: list[list[tuple[Any, ...]]], _page: object) -> Plan:
        balances = {key: Balance(settled, reserved) for key, settled, reserved, _ in rows[0]}
        answers: list[Refusal | None] = []
        for unit in self.units:
            refusal = judge(unit.charges, balances) if isinstance(unit, Take) else None
            answers.append(refusal)
            if isinstance(unit, Finish):
                balances.update(settle(balances, unit.charges, unit.actual).balances)
            elif refusal is None:
                balances.update(reserve(balances, unit.charges))
        written = [(key, key.split("|")[0], held.settled, held.reserved) for key, held in balances.items()]
        return Plan(answers, [(UPSERT_ACCOUNT, written)])


def open_queue(database: Database) -> CommitQueue:
    return CommitQueue(database, Log(), Group)


def asked(agent: str, money: int) -> tuple[Charge, ...]:
    return charges(limits_for(COMPANY, agent, "procurement", "order.create"), NOON, money)


def test_a_thousand_spends_at_once_use_the_limit_up_and_never_pass_it(database: Database) -> None:
    queues = [open_queue(database), open_queue(database)]

    async def race() -> list[Refusal | None]:
        takes = [Take(asked("buyer-1" if number % 2 else "buyer-2", 13)) for number in range(1_000)]
        return list(await asyncio.gather(*(queues[number % 2].submit(take) for number, take in enumerate(takes))))

    answers = asyncio.run(race())
    for queue in queues:
        queue.close()
    granted = sum(answer is None for answer in answers)
    assert granted == 10_000 // 13
    assert all(answer is None or answer.settled + answer.reserved + answer.asked > answer.limit for answer in answers)
    assert spent(database, COMPANY)["company-month"] == Balance(0, granted * 13)


def test_what_was_promised_before_a_restart_is_settled_after_it(database: Database) -> None:
    charge = asked("buyer-1", 500)

    async def submit(unit: object) -> Refusal | None:
        queue = open_queue(database)
        try:
            answer: Refusal | None = await queue.submit(unit)
            return answer
        finally:
            queue.close()

    assert asyncio.run(submit(Take(charge))) is None
    assert spent(database, COMPANY) == {"buyer-calls": Balance(0, 1), "company-month": Balance(0, 500)}
    asyncio.run(submit(Finish(charge, Usage(money=420, calls=1))))
    assert spent(database, COMPANY) == {"buyer-calls": Balance(1, 0), "company-month": Balance(420, 0)}


def test_spend_shows_every_limit_with_what_is_left_in_the_period(database: Database) -> None:
    async def take() -> None:
        queue = open_queue(database)
        await queue.submit(Take(asked("buyer-1", 2_500)))
        queue.close()

    asyncio.run(take())
    with database.reading() as connection:
        today = spend(connection, COMPANY, NOON)
        tomorrow = spend(connection, COMPANY, NOON + DAY)
    assert [(row.limit.name, row.left) for row in today] == [("buyer-calls", 699), ("company-month", 7_500)]
    assert [(row.limit.name, row.left) for row in tomorrow] == [("buyer-calls", 700), ("company-month", 7_500)]
    assert today[0].since == NOON - NOON % DAY


@pytest.mark.parametrize("count", [0, 1_200])
def test_spend_reads_any_number_of_limits(database: Database, count: int) -> None:
    company = organisation(*(budget(f"b{number}", {"tool": f"t{number}"}, "5") for number in range(count)))
    with database.reading() as connection:
        assert Counter(row.left for row in spend(connection, company, NOON)) == ({500: count} if count else {})


def spent(database: Database, company: Organisation) -> dict[str, Balance]:
    with database.reading() as connection:
        return {row.limit.name: row.balance for row in spend(connection, company, NOON)}
