"""What starts runs by itself: clocks, deliveries at hooks, the end of other runs; each once, in whichever process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autonomy.kernel.clock import DAY, HOUR, MINUTE, now
from autonomy.kernel.errors import Invalid
from autonomy.tools.hooks import Taken
from autonomy.tools.signatures import key_of, sign
from tests.gate.works import Door, organisation
from tests.house import declare
from tests.workflow.office import Office, office, workflow

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOKS = """
apiVersion: autonomy/v1
kind: Hook
metadata: { name: bank }
spec: { credential: bank-key, key: invoice }
"""
NOTHING = "input: { type: object, properties: {} }\n"
DAILY = NOTHING + (
    "triggers: [{ schedule: 0 6 * * *, zone: Europe/Berlin }]\nsteps: { press: { tool: press, arguments: { n: 1 } } }"
)
PUNCTUAL = DAILY.replace("zone: Europe/Berlin", "missed: skip")
PAID = """
input: { type: object, properties: { invoice: { type: integer } }, required: [invoice] }
triggers: [{ webhook: bank, when: trigger.type == 'paid', input: { invoice: trigger.data.invoice } }]
steps: { press: { tool: press, arguments: { n: input.invoice } } }
"""
WAITING = """
steps: { paid: { wait: { events: { it: { event: hook.bank, key: string(input.n) } } } } }
result: { said: steps.paid.output.data }
"""
FIRST = "steps: { press: { tool: press, arguments: { n: input.n } } }\nresult: { pressed: input.n }"
AFTER = """
triggers: [{ ended: first, when: trigger.status == 'done', input: { n: trigger.output.pressed + 1 } }]
steps: { look: { tool: look, arguments: { n: input.n } } }
"""
ROUND = """
caps: { depth: 3 }
triggers: [{ ended: round, input: { n: input_of } }]
steps: { look: { tool: look, arguments: { n: input.n } } }
result: { n: input.n }
""".replace("input_of", "trigger.output.n + 1")


class Clock:
    """A clock that is set by hand."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


@asynccontextmanager
async def hooked(folder: Path, database: str, **more: Any) -> AsyncIterator[Office]:
    async with office(folder, database, more={"hooks": HOOKS}, **more) as it:
        await asyncio.to_thread(it.works.system.secrets.set, "bank-key", KEY, "person:ada")
        yield it


async def post(it: Office, body: Any, id: str = "msg_1") -> Taken:
    text = json.dumps(body).encode()
    return await it.works.system.hooks.receive("bank", sign(key_of(KEY), id, now() // 1000, text), text)


def begun(it: Office, workflow: str) -> list[str]:
    """The runs of a workflow that the log says have begun."""
    started = [leaf for leaf in it.works.leaves("run") if leaf["event"] == "started"]
    return [leaf["run"] for leaf in started if leaf["workflow"] == workflow]


async def settle(*offices: Office) -> None:
    """Let every process look, and everything that comes of it be done."""
    for it in offices:
        await it.flows.sources.look()
        await it.flows.engine.look()
        await it.flows.engine.idle()


async def test_a_time_of_a_schedule_begins_one_run_by_the_clock_of_its_zone(tmp_path: Path, database_url: str) -> None:
    clock = Clock(moment("2026-07-01T03:59:00"))
    async with (
        office(tmp_path, database_url, clock=clock, living=False, daily=DAILY) as it,
        office(tmp_path, database_url, it.plant, clock=clock, living=False) as other,
    ):
        await settle(it, other)
        assert begun(it, "daily") == []
        clock.at += MINUTE  # six in Berlin, in summer
        await asyncio.gather(it.flows.sources.look(), other.flows.sources.look())
        await settle(it, other)
        [run] = begun(it, "daily")
        assert (await it.flows.desk.look(run)).state.trigger == {"at": clock.at}
        clock.at += DAY
        await settle(other, it)
        assert len(begun(it, "daily")) == 2


async def test_times_that_passed_while_nothing_ran_begin_one_run_or_none(tmp_path: Path, database_url: str) -> None:
    clock = Clock(moment("2026-07-01T07:00:00"))
    async with office(tmp_path, database_url, clock=clock, living=False, daily=DAILY, punctual=PUNCTUAL) as it:
        await settle(it)
        clock.at += 5 * DAY + HOUR
        await settle(it)
        await settle(it)
        assert (len(begun(it, "daily")), begun(it, "punctual")) == (1, [])
        [left] = [leaf for leaf in it.works.leaves("run") if leaf["event"] == "not_begun"]
        assert (left["workflow"], left["code"]) == ("punctual", "workflow.missed")
        clock.at = moment("2026-07-07T06:00:30")
        await settle(it)
        assert (len(begun(it, "daily")), len(begun(it, "punctual"))) == (2, 1)


async def test_a_wording_that_runs_only_now_and_then_is_still_there_for_the_next_one(
    tmp_path: Path, database_url: str
) -> None:
    clock = Clock(moment("2026-07-01T03:59:00"))
    async with office(tmp_path, database_url, clock=clock, living=False, daily=DAILY) as it:
        await settle(it)
        clock.at += 4_000 * DAY  # longer than anything is kept that nobody needs
        await settle(it)
        clock.at += 4_000 * DAY
        queue, tidying = it.works.system.queue, it.flows.tidying
        assert await queue.perform(tidying.tidy) == 1  # the run that ended long ago, and its wording with it
        await settle(it)
        async with office(tmp_path, database_url, it.plant, clock=clock, living=False) as other:
            assert "press" in (await other.flows.runs.drawn(begun(it, "daily")[-1]))[0].steps


async def test_a_schedule_counts_from_when_it_is_declared_and_no_longer_than_it_is(
    tmp_path: Path, database_url: str
) -> None:
    clock = Clock(moment("2026-07-01T07:00:00"))
    async with office(tmp_path, database_url, clock=clock, living=False, daily=DAILY) as it:
        await settle(it)
        noon = workflow("daily", DAILY.replace("0 6", "0 12"))
        await asyncio.to_thread(declare, it.works.system, organisation(workflows=noon))
        await settle(it)
        clock.at = moment("2026-07-02T05:00:00")  # past six in Berlin, which nobody declares any more
        await settle(it)  # but noon of the day before has passed
        assert len(begun(it, "daily")) == 1


async def test_a_delivery_at_a_hook_begins_one_run_however_often_it_comes(tmp_path: Path, database_url: str) -> None:
    async with hooked(tmp_path, database_url, paid=PAID) as it, hooked(tmp_path, database_url, paid=PAID) as other:
        taken = [await post(place, {"type": "paid", "invoice": 7}) for place in (it, other, it)]
        await post(it, {"type": "sent", "invoice": 8}, "msg_2")
        assert [one.repeated for one in taken] == [False, True, True]
        [run] = await it.some(lambda runs: [one for one in runs if one.workflow == "paid"])
        state = await it.ended(run.id)
        assert (state.input, run.started_by) == ({"invoice": 7}, "webhook:bank")
        await settle(it, other)
        assert begun(it, "paid") == [run.id]


async def test_a_delivery_nobody_looked_at_begins_its_run_when_a_process_comes(
    tmp_path: Path, database_url: str
) -> None:
    async with hooked(tmp_path, database_url, living=False, paid=PAID) as it:
        await it.flows.sources.look()
        await post(it, {"type": "paid", "invoice": 7})
    async with hooked(tmp_path, database_url, plant=it.plant, paid=PAID) as later:
        [run] = await later.some(lambda runs: runs)
        assert (await later.ended(run.id)).status == "done"


async def test_a_delivery_reaches_the_run_that_waits_for_what_it_is_about(tmp_path: Path, database_url: str) -> None:
    async with hooked(tmp_path, database_url, waiting=WAITING) as it:
        run, other = await it.start("waiting", n=7), await it.start("waiting", n=8)
        await post(it, {"invoice": 7, "note": "thank you"})
        assert (await it.ended(run)).output == {"said": {"invoice": 7, "note": "thank you"}}
        assert (await it.flows.desk.look(other)).state.status == "running"
        with pytest.raises(Invalid, match="by its hook alone"):
            await it.flows.runs.tell("hook.bank", "8", {}, "person:ada")


async def test_the_end_of_a_run_begins_another_with_what_came_of_it(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, first=FIRST, after=AFTER) as it:
        run = await it.start("first", n=1)
        [begun] = await it.some(lambda runs: [one for one in runs if one.workflow == "after"])
        state = await it.ended(begun.id)
        assert (state.input, begun.started_by) == ({"n": 2}, "ended:first")
        assert state.trigger["run"] == run  # type: ignore[index,call-overload]
        door = it.plant.behaves["press"] = Door(it.plant.do)
        cancelled = await it.start("first", n=5)
        await it.plant.called("press", 2)
        await it.flows.runs.cancel(cancelled, "person:ada")
        door.open()
        await it.ended(cancelled)
        await settle(it)
        assert len(await it.flows.runs.runs("after")) == 1


async def test_runs_that_begin_each_other_come_to_an_end_with_a_reason(tmp_path: Path, database_url: str) -> None:
    async with office(tmp_path, database_url, round=ROUND) as it:
        await it.start("round", n=0)

        async def refused() -> bool:
            return any(leaf["event"] == "not_begun" and leaf["code"] == "cap.depth" for leaf in it.works.leaves("run"))

        await it.eventually(refused)
        inputs = [(await it.flows.desk.look(run)).state.input for run in begun(it, "round")]
        assert inputs == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize("trust", ["untrusted", "trusted"])
async def test_what_strangers_wrote_stays_untrusted_in_every_run_it_comes_to(
    tmp_path: Path, database_url: str, trust: str
) -> None:
    after = "triggers: [{ ended: paid, input: { n: 1 } }]\nsteps: { out: { tool: tell, arguments: { n: input.n } } }"
    heard = "steps: { wait: { wait: { events: { it: { event: hook.bank } } } }, " + (
        "out: { needs: [wait], tool: tell, arguments: { n: input.n } } }"
    )
    async with office(
        tmp_path,
        database_url,
        more={"hooks": HOOKS.replace("key: invoice", f"trust: {trust}")},
        paid=PAID,
        after=after,
        heard=heard,
    ) as it:
        await asyncio.to_thread(it.works.system.secrets.set, "bank-key", KEY, "person:ada")
        waiting = await it.start("heard", n=1)
        await post(it, {"type": "paid", "invoice": 7})
        [second] = await it.some(lambda runs: [one for one in runs if one.workflow == "after"])
        for run in (waiting, second.id):
            if trust == "trusted":
                assert (await it.ended(run)).status == "done"
            else:
                [asked] = await it.excepted(run)
                assert asked.command.kind == "denied"
