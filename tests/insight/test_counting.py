"""The figures equal what the log says, however it was cut into batches, whoever counted, wherever they were stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from autonomy.db import CommitQueue, Database
from autonomy.insight.cells import figure, figure_case
from autonomy.insight.counting import CASE_MS, Counting, Memory, Said, needs_of
from autonomy.insight.reckoning import Reckoning, behind_of
from autonomy.insight.recompute import Recompute, Result
from autonomy.insight.tidying import Tidying
from autonomy.insight.today import running
from autonomy.kernel.clock import DAY
from tests.insight.leaves import HOUR, START, Leaf, logs, write

QUIET = [HealthCheck.function_scoped_fixture]


async def counted_in_turns(database: Database, queue: CommitQueue, sizes: list[int]) -> None:
    """The log, counted by processes that take turns and go on by so many leaves each."""
    following = [Reckoning(database, queue, "one", lambda: 0, size) for size in sizes]
    while sum([await one.count() for one in following]):
        pass


async def counted_anew(database: Database, queue: CommitQueue, mend: bool = False, at: int = 0) -> Result:
    """What comes of counting the whole log anew."""
    again = Recompute(database, queue, lambda: at)
    again.begin(mend)
    while again.result.state == "running":
        await asyncio.sleep(0.005)
    return again.result


@given(log=logs, sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=12, suppress_health_check=QUIET, deadline=None)
def test_however_the_log_is_cut_counting_it_anew_gives_the_same(
    database: Database, queue: CommitQueue, log: list[Leaf], sizes: list[int]
) -> None:
    write(queue, log)
    asyncio.run(counted_in_turns(database, queue, sizes))
    found = asyncio.run(counted_anew(database, queue))
    assert (found.state, found.differences) == ("equal", ())
    assert found.leaves == queue.run(lambda tx: tx.size)


@pytest.mark.slow
@given(log=logs, sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=150, suppress_health_check=QUIET, deadline=None)
def test_however_the_log_is_cut_counting_it_anew_gives_the_same_for_long(
    database: Database, queue: CommitQueue, log: list[Leaf], sizes: list[int]
) -> None:
    write(queue, log)
    asyncio.run(counted_in_turns(database, queue, sizes))
    assert asyncio.run(counted_anew(database, queue)).state == "equal"


def _who(agent: str, **more: Any) -> dict[str, Any]:
    return {"agent_name": agent, "agent": agent, "revision": f"r-{agent}", "unit": "works", "case": "c1"} | more


A_LIFE: list[Leaf] = [
    ("intent", START, "act_1", _who("w1")),
    ("outcome", START + 500, "act_1", {"status": "done", "case": "c1", "cost": {"money": 250, "tokens": 7}}),
    ("hold", START + HOUR, "act_2", _who("w1")),
    (
        "approval",
        START + HOUR + 60_000,
        "act_2",
        {"event": "approve", "state": "ready", "actor": "person:bea", "agent": "w1"},
    ),
    ("intent", START + HOUR + 61_000, "act_2", _who("w1", approval="act_2")),
    ("outcome", START + HOUR + 62_000, "act_2", {"status": "failed", "case": "c1"}),
    ("intent", START + 2 * HOUR, "act_3", _who("w2", run="run_1", workflow="order")),
    ("outcome", START + 2 * HOUR + 9, "act_3", {"status": "unknown", "case": "c1"}),
    (
        "reconcile",
        START + 3 * HOUR,
        "act_3",
        {"status": "done", "case": "c1", "by": "person:bea", "cost": {"money": 50}},
    ),
    ("denial", START + 3 * HOUR, "act_4", _who("w2")),
    ("label", START + 50 * HOUR, "act_1", {"verdict": "right", "of": START, "stands": True, "agent_name": "w1"}),
    (
        "label",
        START + 60 * HOUR,
        "act_1",
        {"verdict": "wrong", "before": "right", "of": START, "stands": True, "agent_name": "w1", "actor": "person:bea"},
    ),
    ("label", START + 61 * HOUR, "act_1", {"verdict": "right", "before": "wrong", "of": START, "stands": False}),
]


def sums(database: Database, dimension: str, key: str, span: str = "day") -> Counter[str]:
    """All sums of one, added up."""
    query = select(figure).where(figure.c.dimension == dimension, figure.c.key == key, figure.c.span == span)
    found: Counter[str] = Counter()
    with database.reading() as connection:
        for row in connection.execute(query).mappings():
            found.update({name: value for name, value in row.items() if isinstance(value, int) and name != "start"})
    return +found


def test_a_life_comes_to_what_one_counts_by_hand(database: Database, queue: CommitQueue) -> None:
    write(queue, A_LIFE)
    asyncio.run(counted_in_turns(database, queue, [5]))
    everything = sums(database, "all", "all")
    assert everything == sums(database, "all", "all", "hour")
    assert everything == {
        "begun": 3,
        "done": 2,
        "done_alone": 1,
        "failed": 1,
        "unknown": 1,
        "reconciled": 1,
        "denied": 1,
        "held": 1,
        "waited": 1,
        "action_ms": 500 + 1_000 + HOUR,
        "money": 300,
        "tokens": 7,
        "cases": 1,
        "cases_alone": 1,
        "case_ms": 3 * HOUR,
        "approved": 1,
        "deeds": 3,
        "human_ms": 60_000 + 120_000 + 120_000,
        "wrong": 1,
    }
    assert sums(database, "agent", "w1")["money"] == 250
    assert sums(database, "agent", "w2")["cases"] == 1
    assert sums(database, "workflow", "order") == sums(database, "agent", "w2") - Counter(denied=1)


def test_what_waits_for_people_waits_until_it_has_begun(database: Database, queue: CommitQueue) -> None:
    held = []
    for stop in (3, 4, 5):
        write(queue, A_LIFE[stop - 1 : stop] if stop > 3 else A_LIFE[:3])
        asyncio.run(counted_in_turns(database, queue, [1]))
        with database.reading() as connection:
            held.append(running(connection).held)
    assert held == [1, 1, 0]


def test_an_approved_action_waits_for_nobody_once_it_is_begun() -> None:
    counting = Counting(Memory({}, {}, {}, {}))
    begun = Said("intent", START + 2, "act_1", approval="act_1")
    for said in (Said("hold", START, "act_1"), Said("approval", START + 1, "act_1", event="approve", state="ready")):
        counting.take(said)
    assert counting.memory.open["hold:act_1"] is not None
    counting.take(begun)
    assert counting.memory.open["hold:act_1"] is None
    assert needs_of([begun]).open == {"hold:act_1"}


def test_work_of_people_is_never_longer_than_they_had_or_than_its_limit(database: Database, queue: CommitQueue) -> None:
    said = {"event": "approve", "state": "ready", "agent": "w1"}
    log: list[Leaf] = [("hold", START, f"act_{number}", _who("w1")) for number in range(3)]
    log += [
        ("approval", START + 3 * HOUR, "act_0", said | {"actor": "person:bea"}),
        ("approval", START + 3 * HOUR + 5_000, "act_1", said | {"actor": "person:bea"}),
        ("approval", START + 3 * HOUR + 5_000, "act_2", said | {"actor": "person:carl"}),
        ("approval", START + 3 * HOUR + 6_000, "act_2", said | {"actor": "system"}),
        ("approval", START + 4 * HOUR, "act_2", said | {"actor": "person:carl", "looked": 7_000}),
    ]
    write(queue, log)
    asyncio.run(counted_in_turns(database, queue, [3]))
    assert sums(database, "all", "all")["human_ms"] == 600_000 + 5_000 + 600_000 + 7_000


def test_what_was_changed_by_hand_is_found_and_mended(database: Database, queue: CommitQueue) -> None:
    write(queue, A_LIFE)
    asyncio.run(counted_in_turns(database, queue, [100]))
    agent = (figure.c.dimension == "agent") & (figure.c.key == "w1") & (figure.c.span == "day")
    queue.run(lambda tx: tx.execute(update(figure).where(agent, figure.c.money > 0).values(money=251)).rowcount)
    queue.run(lambda tx: tx.execute(delete(figure_case)).rowcount)
    found = asyncio.run(counted_anew(database, queue, mend=True))
    assert (found.state, found.mended, found.differing) == ("different", True, 2)
    assert {(one.table, one.column, one.shown, one.counted) for one in found.differences} == {
        ("figure", "money", "251", "250"),
        ("figure_case", "", None, "a row"),
    }
    with database.reading() as connection:
        assert behind_of(connection).counted == 0
    asyncio.run(counted_in_turns(database, queue, [4]))
    assert asyncio.run(counted_anew(database, queue)).state == "equal"


def test_of_processes_that_count_at_once_one_does(database: Database, queue: CommitQueue) -> None:
    write(queue, A_LIFE)
    time = [0]
    one, other = (Reckoning(database, queue, name, lambda: time[0], 4) for name in ("one", "other"))

    async def both() -> list[int]:
        found = [await one.count(), await other.count()]
        time[0] = 6_000  # the first one is silent for longer than it has said
        return [*found, await other.count(), await one.count()]

    assert asyncio.run(both()) == [4, 0, 4, 0]
    time[0] = 20_000
    asyncio.run(counted_in_turns(database, queue, [2, 3]))
    assert asyncio.run(counted_anew(database, queue)).state == "equal"


@pytest.mark.parametrize("point", ["figures.written:2", pytest.param("group.committed:3", marks=pytest.mark.slow)])
def test_who_is_killed_while_counting_leaves_nothing_out_and_nothing_twice(
    database: Database, queue: CommitQueue, point: str
) -> None:
    write(queue, A_LIFE)
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.insight.counter", url, "one"]
    killed = subprocess.run(command, env=os.environ | {"AUTONOMY_FAILPOINT": point}, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    with database.reading() as connection:
        assert 0 < behind_of(connection).counted < len(A_LIFE)
    assert asyncio.run(counted_anew(database, queue)).state == "equal"
    subprocess.run(command, timeout=60, check=True)
    found = asyncio.run(counted_anew(database, queue))
    assert (found.state, found.leaves) == ("equal", len(A_LIFE))


def test_a_case_that_rested_for_long_is_forgotten_and_counts_anew_whether_it_was_deleted_or_not(
    database: Database, queue: CommitQueue
) -> None:
    write(queue, [("intent", START, "act_1", _who("w1", case="c1")), ("intent", START, "act_2", _who("w1", case="c2"))])
    later = START + CASE_MS + 3 * DAY
    write(queue, [("intent", later, "act_3", _who("w1", case="c3"))])
    asyncio.run(counted_in_turns(database, queue, [5]))
    tidying = Tidying(queue, lambda: later)
    assert queue.run(tidying.tidy) == 2 and queue.run(tidying.tidy) == 0
    write(queue, [("intent", later, "act_4", _who("w1", case="c1"))])
    asyncio.run(counted_in_turns(database, queue, [5]))
    assert sums(database, "all", "all")["cases"] == 4
    assert asyncio.run(counted_anew(database, queue, at=later)).state == "equal"
    with database.reading() as connection:
        assert set(connection.execute(select(figure_case.c.id)).scalars()) == {"c1", "c3"}


def test_no_case_is_forgotten_while_leaves_of_its_time_are_still_to_be_counted(
    database: Database, queue: CommitQueue
) -> None:
    write(queue, [("intent", START, "act_1", _who("w1", case="c1"))])
    asyncio.run(counted_in_turns(database, queue, [5]))
    write(queue, [("intent", START + 1, "act_2", _who("w2", case="c1"))])
    assert queue.run(Tidying(queue, lambda: START + 2 * CASE_MS).tidy) == 0
