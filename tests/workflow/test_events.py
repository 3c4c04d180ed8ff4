"""An event reaches those that wait for it when it comes, and each of them once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from autonomy.kernel.errors import Unavailable
from autonomy.workflow.embedded import CLAIMS
from autonomy.workflow.hearing import Hearing
from autonomy.workflow.starting import Starting
from autonomy.workflow.store import command
from tests.workflow.office import Office, office
from tests.workflow.test_sources import hooked, post

SEQUENCE = """
steps:
  a: { wait: { events: { it: { event: paid } } } }
  b: { needs: [a], wait: { events: { it: { event: paid } } } }
result: { a: steps.a.output.data, b: steps.b.output.data }
"""
ROUNDS = """
steps:
  again:
    repeat:
      steps: { one: { wait: { events: { it: { event: paid } } } } }
      until: round >= 2
      most: 5
      result: { said: steps.one.output.data }
"""
BESIDE = SEQUENCE.replace("needs: [a], ", "")
DELIVERED = SEQUENCE.replace("event: paid", "event: hook.bank")
LISTENING = """
triggers: [{ event: paid, when: trigger.data.n > 0, input: { n: trigger.data.n } }]
steps: { look: { tool: look, arguments: { n: input.n } } }
"""
TELLING = "steps: { tell: { emit: { event: nobody.listens, data: { n: input.n } } } }"


async def tell(it: Office, **data: Any) -> str:
    """Tell `paid`, and wait until whoever waited for it has heard it."""
    event = await it.flows.runs.tell("paid", None, data, "person:ada")

    async def over() -> bool:
        return not [one for one in await open_commands(it) if one.startswith(event)]

    await it.eventually(over)
    return event


async def open_commands(it: Office) -> list[str]:
    def read(connection: Any) -> list[str]:
        return [id for (id,) in connection.exec_driver_sql("SELECT id FROM run_command")]

    return await it.works.system.database.read(read)


async def test_one_event_ends_one_wait_after_another_only_where_they_waited_when_it_came(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, sequence=SEQUENCE, rounds=ROUNDS, beside=BESIDE) as it:
        one, rounds, both = [await it.start(name, n=1) for name in ("sequence", "rounds", "beside")]
        await tell(it, instalment=1)
        assert (await it.ended(both)).output == {"a": {"instalment": 1}, "b": {"instalment": 1}}, "both waited"
        found = (await it.flows.desk.look(one)).state
        assert {path: step.state for path, step in found.steps.items()} == {"a": "done", "b": "running"}
        assert "again[1]/one" in (await it.flows.desk.look(rounds)).state.steps
        await tell(it, instalment=2)
        assert (await it.ended(one)).output == {"a": {"instalment": 1}, "b": {"instalment": 2}}
        assert not (await it.flows.desk.look(rounds)).state.ended, "three rounds are three events"
        await tell(it, instalment=3)
        assert (await it.ended(rounds)).steps["again"].output == {"said": {"instalment": 3}}


class Forgetful:
    """Lets the end of each event's way fail once: it is then brought again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failed = 0
        done = Starting._done

        async def forget(starting: Starting, work: Any) -> None:
            if not self.failed:
                self.failed += 1
                raise Unavailable("the store is away", code="test.away")
            await done(starting, work)

        monkeypatch.setattr(Starting, "_done", forget)


async def test_an_event_that_is_brought_again_is_heard_once(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, database_url, sequence=SEQUENCE) as it:
        run = await it.start("sequence", n=1)
        forgetful = Forgetful(monkeypatch)
        await tell(it, instalment=1)
        assert forgetful.failed
        assert (await it.flows.desk.look(run)).state.steps["b"].state == "running"
        assert "unheard" not in it.told("")


async def test_a_delivery_that_is_brought_again_is_heard_once(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hooked(tmp_path, database_url, sequence=DELIVERED) as it:
        run = await it.start("sequence", n=1)
        forgetful = Forgetful(monkeypatch)
        await post(it, {"instalment": 1})
        await it.until(run, lambda state: "b" in state.steps)

        async def over() -> bool:
            return bool(forgetful.failed) and not [id for id in await open_commands(it) if id.startswith("evt_")]

        await it.eventually(over)
        assert (await it.flows.desk.look(run)).state.steps["b"].state == "running"


async def test_where_an_event_is_given_up_those_who_were_to_hear_it_wait_for_the_next(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, database_url, sequence=SEQUENCE) as it:
        run = await it.start("sequence", n=1)

        async def dies(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(Hearing, "_bring", dies)
        event = await it.flows.runs.tell("paid", None, {"instalment": 1}, "person:ada")
        tried = update(command).where(command.c.id == f"{event}::0", command.c.attempts > 0, command.c.owner.is_(None))

        async def once_more() -> bool:
            again = tried.values(attempts=CLAIMS, due=0)
            return bool(await it.works.system.queue.perform(lambda tx: tx.execute(again).rowcount))

        await it.eventually(once_more)
        await it.eventually(lambda: given_up(it))
        monkeypatch.undo()
        await tell(it, instalment=2)
        assert (await it.flows.desk.look(run)).state.steps["a"].output == {"by": "it", "data": {"instalment": 2}}


async def given_up(it: Office) -> bool:
    return "given_up" in it.told("")


async def test_an_event_that_nobody_waits_for_and_that_starts_nothing_is_a_leaf(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, sequence=SEQUENCE, listening=LISTENING, telling=TELLING) as it:
        early = await tell(it, n=0)
        late = await it.start("sequence", n=1)
        assert (await it.flows.desk.look(late)).state.steps["a"].state == "running", "what came before it is gone"
        await tell(it, n=1)
        emitting = await it.start("telling", n=1)
        await it.ended(emitting)
        await it.eventually(lambda: told_twice(it))
        unheard = [leaf["command"] for leaf in it.works.leaves("run") if leaf["event"] == "unheard"]
        assert unheard == [f"{early}::0", f"{emitting}:tell:1"]


async def told_twice(it: Office) -> bool:
    return it.told("").count("unheard") == 2
