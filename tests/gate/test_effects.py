"""What becomes of an effect whose answer is an error, late, a lie, or never comes; and what is written about it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autonomy.gate.store import record_state
from autonomy.kernel.errors import Overdue, Unavailable
from autonomy.tools import Refused, Unreachable, Unsure
from tests.gate.works import Door, Plant, Works, fail, never, say, works


def once(plant: Plant, error: Exception, effective: bool):
    """The first call breaks, before or after its effect; the others go well."""
    left = [error]

    def behaviour(arguments, invocation):
        if left and not effective:
            raise left.pop()
        answer = plant.do(arguments, invocation)
        if left:
            raise left.pop()
        return answer

    return behaviour


@pytest.mark.parametrize("effective", [True, False])
async def test_a_keyed_write_without_an_answer_is_repeated_under_its_key(
    tmp_path: Path, database_url: str, effective: bool
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["press"] = once(it.plant, Unsure("broken"), effective)
        reply = await it.ask("press", n=1)
        assert (reply.status, reply.result) == ("done", {"ok": {"n": 1}})
        assert [name for name, key in it.plant.calls if key == reply.action] == ["press", "press"]
        assert it.plant.executions() == 1
        assert it.story(reply.action) == ["intent", "outcome done"]


@pytest.mark.parametrize(("effective", "status"), [(True, "done"), (False, "failed")])
async def test_a_queryable_write_without_an_answer_is_asked_about_and_never_repeated(
    tmp_path: Path, database_url: str, effective: bool, status: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["post"] = once(it.plant, Unsure("broken"), effective)
        reply = await it.ask("post", n=1)
        assert reply.status == status
        assert Counter(name for name, _ in it.plant.calls)["post"] == 1
        assert it.plant.executions() == effective
        assert it.story(reply.action) == ["intent", f"outcome {status}"]


async def test_a_queryable_write_that_nobody_can_be_asked_about_is_unknown(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves |= {"post": fail(Unsure("broken")), "happened": fail(Unreachable("gone"))}
        reply = await it.ask("post", n=1)
        assert (reply.status, it.story(reply.action)) == ("unknown", ["intent", "outcome unknown"])


async def test_any_other_write_without_an_answer_is_unknown_and_never_tried_again(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["shout"] = once(it.plant, Unsure("broken"), True)
        reply = await it.ask("shout", n=1)
        assert reply.status == "unknown" and "a person has to look" in (reply.message or "")
        await it.system.taking_up.look()
        await it.system.taking_up.idle()
        assert it.plant.calls == [("shout", reply.action)]


@pytest.mark.parametrize(("state", "left"), [("done", 10_000), ("failed", 0)])
async def test_a_person_says_how_an_unknown_action_ended_once_in_any_process(
    tmp_path: Path, database_url: str, state: str, left: int
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        it.plant.behaves |= {"pay": fail(Unsure("broken"))}
        reply = await it.ask("pay", payee="x", amount="99.99")
        assert reply.status == "unknown"
        await other.system.taking_up.resolve(reply.action, state, "person:bea", "looked it up")  # type: ignore[arg-type]
        assert (await it.result(reply.action)).status == state
        assert it.story(reply.action) == ["intent", "outcome unknown", f"reconcile {state}"]
        with pytest.raises(Exception, match="not of unknown ending"):
            await it.system.taking_up.resolve(reply.action, "failed", "person:bea", "no")


async def test_a_record_of_unknown_state_stays_closed_until_a_person_has_looked(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves |= {"version_of": say(1), "edit": fail(Unsure("broken"))}
        reply = await it.ask("edit", doc="d", version=1)
        assert reply.status == "unknown"
        assert (await it.ask("edit", "w2", doc="d", version=1)).code == "record.busy"
        await it.system.taking_up.resolve(reply.action, "failed", "person:bea", "it is not there")
        del it.plant.behaves["edit"]
        assert (await it.ask("edit", "w2", doc="d", version=1)).status == "done"


@pytest.mark.parametrize("error", [Refused("no such thing"), Unreachable("gone")])
async def test_what_certainly_did_not_happen_has_failed(tmp_path: Path, database_url: str, error: Exception) -> None:
    async with works(tmp_path, database_url) as it:
        for tool in ("look", "press", "post", "shout"):
            it.plant.behaves[tool] = fail(error)
            reply = await it.ask(tool, n=1)
            assert (reply.status, it.story(reply.action)) == ("failed", ["intent", "outcome failed"])
        assert len(it.plant.calls) == 4


async def test_a_connector_that_breaks_in_a_way_nobody_declared_leaves_a_write_in_doubt(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves |= {name: fail(ZeroDivisionError("secret text")) for name in ("look", "shout")}
        assert (await it.ask("look", n=1)).status == "failed"
        reply = await it.ask("shout", n=1)
        assert reply.status == "unknown" and "secret text" not in str(reply.as_dict())


async def test_an_answer_that_is_no_json_leaves_a_write_in_doubt(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["shout"] = lambda arguments, invocation: {1, 2}
        assert (await it.ask("shout", n=1)).status == "unknown"


async def test_a_write_that_does_not_answer_by_its_deadline_is_unknown(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["hasty"] = never
        reply = await it.ask("hasty", n=1)
        assert (reply.status, it.story(reply.action)) == ("unknown", ["intent", "outcome unknown"])


async def test_an_upstream_that_is_down_is_left_alone_after_a_few_failures(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["press"] = fail(Unreachable("gone"))
        replies = [await it.ask("press", n=number) for number in range(20)]
        assert {reply.status for reply in replies} == {"failed"}
        assert replies[-1].code == "upstream.resting" and len(it.plant.calls) <= 10


async def test_a_caller_that_gives_up_during_the_call_gets_the_call_cancelled_and_its_ending_recorded(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves |= {name: never for name in ("look", "press", "post", "shout")}
        for tool, told in (("look", "failed"), ("press", "unknown"), ("post", "failed"), ("shout", "unknown")):
            call = asyncio.create_task(it.ask(tool, n=1))
            await it.plant.called(tool)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            action = it.plant.calls[-1][1] if tool != "post" else next(a for n, a in it.plant.calls if n == "post")
            await it.settle()
            assert it.story(action) == ["intent", f"outcome {told}"], tool


async def test_a_caller_that_gives_up_while_its_intent_is_written_leaves_an_action_that_failed(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        await it.ask("press", n=0)
        given_up = 0
        for turns in range(1, 12):
            call = asyncio.create_task(it.ask("press", n=turns))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            given_up += isinstance((await asyncio.gather(call, return_exceptions=True))[0], asyncio.CancelledError)
        await it.settle()
        intents = [leaf["action"] for leaf in it.leaves("intent")]
        assert given_up > 0
        assert all(len(it.story(action)) == 2 for action in intents), "every intent has its outcome"
        outcomes = {leaf["action"]: leaf["status"] for leaf in it.leaves("outcome")}
        assert set(it.plant.effects) <= {action for action, status in outcomes.items() if status != "failed"}


async def test_a_caller_that_gives_up_while_the_ending_is_written_finds_it_afterwards(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        door = Door(it.plant.do)
        it.plant.behaves["press"] = door
        call = asyncio.create_task(it.ask("press", n=1, key="k"))
        await it.plant.called("press")
        door.open()
        for _ in range(3):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await it.settle()
        again = await it.ask("press", n=1, key="k")
        assert again.status in ("done", "unknown") and len(it.story(again.action)) == 2
        assert it.plant.executions() <= 1


async def test_an_ending_that_the_store_does_not_take_is_written_when_it_does_and_the_caller_is_not_told_otherwise(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        door = Door(it.plant.do)
        it.plant.behaves["press"] = door
        call = asyncio.create_task(it.ask("press", n=1))
        await it.plant.called("press")
        with stuck(it):
            door.open()
            with pytest.raises(Overdue) as told:
                await call
        assert told.value.code == "action.unrecorded"
        action = str(told.value.detail["action"])
        await it.settle()
        assert (await it.result(action)).status == "done"
        assert it.story(action) == ["intent", "outcome done"]


async def test_a_lease_is_given_back_whatever_became_of_the_write(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves |= {"version_of": say(1)}
        for error in (Refused("no"), Unreachable("gone")):
            it.plant.behaves["edit"] = fail(error)
            assert (await it.ask("edit", doc="d", version=1)).status == "failed"
        del it.plant.behaves["edit"]
        assert (await it.ask("edit", doc="d", version=1)).status == "done"
        with it.system.database.reading() as connection:
            assert connection.execute(record_state.select()).one().holder is None


@contextmanager
def stuck(it: Works) -> Iterator[None]:
    """While this lasts the writer thread waits, and everything written waits behind it."""
    there, go = threading.Event(), threading.Event()

    def work(tx: object) -> None:
        there.set()
        go.wait()

    busy = threading.Thread(target=lambda: it.system.queue.run(work))
    busy.start()
    there.wait()
    try:
        yield
    finally:
        go.set()
        busy.join()


async def test_a_process_that_cannot_tell_whether_it_was_taken_for_dead_sends_nothing_and_leaves_nothing_open(
    tmp_path: Path, database_url: str
) -> None:
    async def gone(_action: str) -> bool:
        raise Unavailable("the store does not answer", code="store.unavailable")

    async with works(tmp_path, database_url) as it:
        it.system.lifeline.holds = gone
        reply = await it.ask("press", n=1)
        assert (reply.status, reply.code) == ("failed", "store.unavailable")
        assert it.plant.executions() == 0


async def test_a_process_that_was_taken_over_sends_nothing(tmp_path: Path, database_url: str) -> None:
    async def lost(_action: str) -> bool:
        return False

    async with works(tmp_path, database_url) as it:
        it.system.lifeline.holds = lost
        with pytest.raises(Overdue) as refused:
            await it.ask("press", n=1)
        assert refused.value.code == "action.taken_over"
        assert it.plant.executions() == 0
