"""What a strict review had found broken at the gate, each as it has to be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, event

from autonomy.audit import make_leaf
from autonomy.audit.log import LogPage
from autonomy.audit.merkle import Frontier
from autonomy.audit.store import payload
from autonomy.budget import Charge, Usage
from autonomy.db import Database
from autonomy.gate import Containing, Housekeeping, Journal, Permits, Watch
from autonomy.gate.store import window_bucket
from autonomy.gate.units import ANY_EPOCHS, Committed, Denial, Ending
from autonomy.kernel.clock import DAY, HOUR, MINUTE, now
from autonomy.kernel.errors import Corrupt, Unauthenticated, Unavailable
from autonomy.tools.quarantine import quarantined
from tests.gate.works import TOOLS, never, organisation, works
from tests.house import declare


@contextmanager
def statements_of_this_thread() -> Iterator[list[str]]:
    """What SQLAlchemy is asked for in the thread of the event loop."""
    here, found = threading.get_ident(), []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if threading.get_ident() == here:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_the_event_loop_never_reads_the_store_itself(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        for agent in ("w1", "w2", "clerk"):
            await it.ask("press", agent, n=1)
        with statements_of_this_thread() as found:
            await asyncio.to_thread(other.system.identity.suspend, "w2", "person:ada", "odd")
            assert (await it.ask("press", n=2)).status == "done"
            await asyncio.to_thread(other.system.identity.suspend, "clerk", "person:ada", "odd")
            with pytest.raises(Unauthenticated):
                await it.ask("press", "w2", n=3)
            await other.system.containing.contain("agent", "child", "person:ada", "odd")
            await it.system.watch.refresh()
            it.system.containing.cancel()
            assert (await it.ask("pay", payee="x", amount="500.00")).status == "held"
        assert found == []


class Blind(Database):
    """A database nobody on the event loop can read."""

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        raise Unavailable("it is dark", code="store.unavailable")


async def test_a_containment_needs_no_look_at_what_is_under_way(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["press"] = never
        call = asyncio.create_task(it.ask("press", n=1))
        await it.plant.called("press")
        system, blind = it.system, Blind(it.system.database.url)
        watch = Watch(blind, system.catalog.organisation, quarantined, system.identity.acquaint)
        permits = Permits(blind, system.identity, system.approvals, watch, system.catalog.ruled_anew)
        containing = Containing(blind, system.identity, system.effects, watch, permits)
        stopped = await containing.contain("agent", "w1", "person:ada", "odd")
        reply = await call
        assert stopped.in_flight == (reply.action,) and stopped.confirmed == () and not stopped.looked
        assert reply.status in ("failed", "unknown", "running")
        with pytest.raises(Unauthenticated):
            await it.ask("press", n=2)
        blind.close()


def ending(action: str, charges: tuple[Charge, ...], leaf: Callable[..., Any]) -> Ending:
    return Ending(
        action, "me", "done", Usage(5, 1, 0), charges, (), None, "case", frozenset(), 5, 1, None, None, leaf, ()
    )


def outcome(_overruns: object) -> Any:
    return make_leaf("outcome", 1)


def no_leaf(_overruns: object) -> Any:
    raise ValueError("no")


def test_a_unit_that_cannot_be_judged_is_told_so_and_changes_nothing_for_its_neighbours() -> None:
    account = Charge("buying|2026", "buying", "money", 100, 10)
    lost = replace(account, account="lost|2026")
    endings = [ending("a", (lost,), outcome), ending("b", (account,), no_leaf), ending("c", (account,), outcome)]
    denial = Denial(*ANY_EPOCHS, make_leaf("denial", 1), ())
    journal = Journal([*endings, denial])
    page = LogPage(0, Frontier().encode(), 0, 0, 0, None, None)
    states = [(action, "intent", "me") for action in "abc"]
    plan = journal.judge([states, [("buying|2026", 0, 10, 0)]], page)
    assert [type(answer) for answer in plan.answers] == [Corrupt, ValueError, Committed, Committed]
    assert page.size == 2
    written = dict(plan.writes)
    (accounts,) = (rows for sql, rows in written.items() if "account" in sql)
    (ended,) = (rows for sql, rows in written.items() if "UPDATE action" in sql)
    assert accounts == [("buying|2026", "buying", 5, 0)] and [row[-1] for row in ended] == ["c"]


ALMOST = 10 * ["99.00"]  # of 1,000.00


def declared_over(span: str) -> dict[str, str]:
    changed = TOOLS.replace("payee_day: { over: 24h", f"payee_day: {{ over: {span}")
    assert span == "24h" or changed != TOOLS
    return organisation(tools=changed)


@pytest.mark.parametrize("spans", [("24h", "12h"), ("12h", "24h"), ("24h", "23h"), ("24h", "1h")])
async def test_a_window_declared_anew_over_another_time_does_not_forget(
    tmp_path: Path, database_url: str, spans: tuple[str, str]
) -> None:
    first, second = spans
    async with works(tmp_path, database_url, files=declared_over(first)) as it:
        for amount in ALMOST:
            assert (await it.ask("pay", payee="x", amount=amount)).status == "done"
        await asyncio.to_thread(declare, it.system, declared_over(second))
        assert (await it.ask("pay", payee="y", amount="20.00")).status == "done"
        assert (await it.ask("pay", payee="x", amount="20.00")).status == "held"


async def test_what_is_as_old_as_a_narrower_window_still_counts_in_it(tmp_path: Path, database_url: str) -> None:
    width = 24 * MINUTE  # of a bucket of the wide window
    time = [now() // width * width + width - 1]
    async with works(tmp_path, database_url, files=declared_over("24h"), clock=lambda: time[0]) as it:
        for amount in ALMOST:
            assert (await it.ask("pay", payee="x", amount=amount)).status == "done"
        await asyncio.to_thread(declare, it.system, declared_over("12h"))
        time[0] += 12 * HOUR - 1_000
        assert (await it.ask("pay", payee="x", amount="20.00")).status == "held"
        time[0] += HOUR
        assert (await it.ask("pay", payee="x", amount="30.00")).status == "done"


async def test_a_clock_set_ahead_by_an_hour_deletes_nothing_young(tmp_path: Path, database_url: str) -> None:
    time = [now()]
    async with works(tmp_path, database_url, clock=lambda: time[0]) as it:
        await it.ask("pay", payee="x", amount="5.00")
        await it.settle()
        keeping = Housekeeping(it.system.queue, 1, lambda: time[0])
        kept = it.count(payload), it.count(window_bucket)
        assert kept == (2, 1)
        time[0] += 24 * HOUR + 30 * MINUTE  # it is half an hour less than a day later
        assert await it.system.queue.perform(keeping.tidy) == 0
        assert (it.count(payload), it.count(window_bucket)) == kept
        time[0] += DAY + HOUR
        assert await it.system.queue.perform(keeping.tidy) == 3
        assert (it.count(payload), it.count(window_bucket)) == (0, 0)
