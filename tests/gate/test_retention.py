"""What an action carried goes when its time is over, however it ended; what waits or runs keeps what it carries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from autonomy.audit.store import payload
from autonomy.db import Tx
from autonomy.gate import Housekeeping
from autonomy.gate.store import action, record_state
from autonomy.identity.store import invitation, session
from autonomy.kernel.clock import DAY, HOUR, now
from autonomy.kernel.ids import new_id
from autonomy.notices import outbox
from autonomy.notices.model import Notice
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
        assert [vote.reason for vote in it.system.approvals.get(held.action).votes if vote.reason] == []
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


async def test_which_records_were_changed_is_forgotten_with_what_the_change_carried(
    tmp_path: Path, database_url: str
) -> None:
    """An erasure that comes later would not find it any more. What was changed again since stays known."""
    time = [now()]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        it.plant.behaves["version_of"] = lambda arguments, invocation: 1
        for doc in ("old", "both"):
            assert (await it.ask("edit", doc=doc, version=1)).status == "done"
        time[0] += 3 * DAY
        assert (await it.ask("edit", doc="both", version=1)).status == "done"
        keeping = Housekeeping(it.system.queue, 1, lambda: time[0])
        await it.system.queue.perform(keeping.tidy)
        assert (len(it.leaves("outcome")), it.count(record_state)) == (3, 1)
        assert (await it.ask("edit", doc="old", version=1)).status == "done"
        time[0] += 3 * DAY
        await it.system.queue.perform(keeping.tidy)
        assert (it.count(payload), it.count(record_state)) == (0, 0)
        with it.system.database.reading() as connection:
            assert set(connection.execute(select(action.c.record)).scalars()) == {None}


async def test_sessions_invitations_and_notices_go_a_month_after_they_are_over(
    tmp_path: Path, database_url: str
) -> None:
    time = [now()]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        identity, queue = it.system.identity, it.system.queue
        token = await asyncio.to_thread(identity.invite, "bea")
        await asyncio.to_thread(identity.accept_invitation, token, "a long sentence nobody guesses")
        await asyncio.to_thread(identity.sign_in, "bea", "a long sentence nobody guesses")
        sent, waiting = (Notice(new_id("ntc", time[0]), "webhook", "", "approval.asked", "{}", 1) for _ in range(2))

        def told(tx: Tx) -> None:
            for one in (sent, waiting):
                outbox.add(tx, one, due=time[0])
            outbox.mark_sent(tx, sent, time[0])

        await queue.perform(told)
        keeping = Housekeeping(queue, 365, lambda: time[0])
        time[0] += 30 * DAY
        assert await queue.perform(keeping.tidy) == 0
        time[0] += 9 * DAY
        await queue.perform(keeping.tidy)
        assert (it.count(session), it.count(invitation), it.count(outbox.notice)) == (0, 0, 1)
