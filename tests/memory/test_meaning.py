"""Items are found by what they mean, as far as their space lets its endpoint know, and nobody waits for that."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from autonomy.catalog import read
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.catalog.rules import check
from autonomy.kernel.clock import HOUR, MINUTE, now
from autonomy.memory import waiting
from autonomy.memory.meaning import LEASE
from autonomy.wiring.instruments import read_stored
from tests.house import declare
from tests.memory.meanings import LIES, connector, embedding, make, meaning_team, organisation, rows, serving
from tests.memory.team import TOOLS, Team, team
from tests.memory.team import organisation as team_files

LATE, CAR = "Acme is late with every invoice", "Borealis bought a red car"


async def answer(it: Team, agent: str, query: str, case: str = "", **more: Any) -> dict[str, Any]:
    """What a search answers: texts for its items."""
    found = await it.done(agent, "memory.search", case, query=query, **more)
    return found | {"items": [each["text"] for each in found["items"]]}


async def test_what_shares_no_word_with_the_question_is_found_by_what_it_means(
    tmp_path: Path, database_url: str
) -> None:
    async with meaning_team(tmp_path, database_url) as (it, server):
        for text in (LATE, CAR):
            await it.write("seller", "customers", text)
        assert (await it.system.database.read(read_stored)).meanings == 2
        before = await answer(it, "helper", "automobile", by="text")
        assert before == {"items": [], "by": "text"}
        await make(it.system)
        assert (await it.system.database.read(read_stored)).meanings == 0
        assert server.texts[-2:] == [LATE, CAR], "sent together"
        assert server.credentials == {"/v1/embeddings Bearer sesame"}
        asked = {"by": "both", "newest": {"customers": 2000}}
        assert await answer(it, "helper", "automobile", limit=1) == {"items": [CAR]} | asked
        assert await answer(it, "helper", "delayed bill", limit=1) == {"items": [LATE]} | asked
        assert await answer(it, "helper", "vehicle", limit=1, by="meaning") == {"items": [CAR]} | asked | {
            "by": "meaning"
        }
        assert server.asked[-1] == {"model": "bag", "input": ["vehicle"]}
        assert (await answer(it, "helper", "invoice"))["items"][0] == LATE


async def test_who_may_not_read_finds_nothing_by_meaning_either(tmp_path: Path, database_url: str) -> None:
    said = embedding('["*"]')
    async with meaning_team(tmp_path, database_url, hiring=said, company=said) as (it, _):
        await it.write("recruiter", "hiring", "candidate seven drives a car", tags=["hr"])
        await it.write("recruiter", "company", "the firm has a car", tags=["hr"])
        await make(it.system)
        assert (await answer(it, "recruiter", "automobile"))["items"] == [
            "the firm has a car",
            "candidate seven drives a car",
        ]
        assert (await answer(it, "helper", "automobile"))["items"] == []
        assert (await answer(it, "helper", "automobile", by="meaning"))["items"] == []
        assert await answer(it, "abroad", "automobile", space="europe") == {"items": [], "by": "text"}
        for space in ("hiring", "no-such-space"):
            hidden = await it.ask("helper", "memory.search", query="x", space=space, by="meaning")
            assert (hidden.status, hidden.code) == ("failed", "memory.no_meaning")


async def test_what_the_space_does_not_declare_for_its_endpoint_is_never_sent_there(
    tmp_path: Path, database_url: str
) -> None:
    """Neither an item of another class or origin, nor the question of who has seen such things."""
    said = embedding("[customers]")
    async with meaning_team(tmp_path, database_url, company=said) as (it, server):
        await it.write("seller", "customers", "plain")
        await it.write("seller", "customers", "of a customer", tags=["customers"])
        await it.write("seller", "customers", "of a sale", tags=["sales"])
        secret = await it.write("recruiter", "hiring", "candidate seven asks for much")
        await it.write("recruiter", "company", "the new colleague is expensive", links=[secret])
        await make(it.system)
        assert server.texts == ["plain", "of a customer"]
        await it.done("recruiter", "memory.read", case="c", item=secret)
        withheld = await answer(it, "recruiter", "seven costs", case="c", space="company")
        assert withheld == {"items": [], "by": "text", "missing": "memory.not_sent"}
        await it.done("seller", "crm.read", case="d", n=1)
        assert (await answer(it, "seller", "secret sale", case="d"))["missing"] == "memory.not_sent"
        assert server.texts == ["plain", "of a customer"]
        assert (await answer(it, "seller", "secret sale", case="e"))["by"] == "both"


async def test_what_was_made_of_a_space_goes_to_the_endpoint_that_space_declares_too(tmp_path: Path) -> None:
    said = embedding('["*"]')
    async with meaning_team(tmp_path, hiring=said, company=said) as (it, server):
        secret = await it.write("recruiter", "hiring", "candidate seven asks for much")
        await it.write("recruiter", "company", "the new colleague is expensive", links=[secret])
        await make(it.system)
        assert "the new colleague is expensive" in server.texts


async def test_what_is_forgotten_has_no_vector_any_more(tmp_path: Path, database_url: str) -> None:
    async with meaning_team(tmp_path, database_url) as (it, _):
        await it.write("helper", "customers", LATE)
        for way in ("item", "source", "subject", "before"):
            item = await it.write("seller", "customers", CAR, subject="borealis")
            await make(it.system)
            assert len(await rows(it.system)) == 2
            which = {"item": item, "source": f"act_{item[4:]}", "subject": "borealis", "before": now() + HOUR}
            assert await it.done("seller", "memory.forget", space="customers", **{way: which[way]}) == {"forgotten": 1}
            assert len(await rows(it.system)) == 1
        assert (await answer(it, "helper", "automobile"))["items"] == [LATE], "there is nothing nearer"


async def test_an_erased_subject_takes_its_vectors_along_and_what_was_sealed_shows_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with meaning_team(tmp_path, database_url) as (it, _):
        for subject in ("borealis", "other"):
            await it.write("seller", "customers", CAR, subject=subject)
        await make(it.system)
        first, second = await rows(it.system)
        assert first.box != second.box and len({first.subject, second.subject}) == 2
        await it.settle()
        await it.system.vault.erase("borealis", "person:ada", "asked for it")
        await it.system.watch.refresh()
        assert [row.item for row in await rows(it.system)] == [second.item]
        assert (await answer(it, "helper", "automobile"))["items"] == [CAR]


async def test_an_item_that_is_forgotten_while_its_vector_is_made_leaves_none(tmp_path: Path) -> None:
    async with meaning_team(tmp_path) as (it, server):
        item = await it.write("seller", "customers", CAR)
        server.mode = "silent"
        looking = asyncio.create_task(it.system.own.memory.meaning.look())
        async with asyncio.timeout(60):
            while not server.asked:
                await asyncio.sleep(0.005)
        await it.done("seller", "memory.forget", space="customers", item=item)
        other = await it.write("seller", "customers", LATE)
        server.free.set()
        await looking
        assert [(row.item, row.box) for row in await rows(it.system)] == [(other, None)]


async def test_an_endpoint_that_fails_or_lies_hurts_no_write_tells_nobody_and_is_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    time, failing = [now()], {"down": "texts", "prose": "texts", "infinite": "texts", "locked": "endpoint"}
    codes = dict.fromkeys(("fewer", *LIES), "vectors") | failing | {"flood": "endpoint"}
    async with meaning_team(tmp_path, "", lambda: time[0]) as (it, server):
        for mode, code in codes.items():
            server.mode = mode
            await it.write("seller", "customers", f"{mode} {CAR}")
            await make(it.system)
            it.system.connectors.forget("vectors")  # with its breaker
            found = await answer(it, "helper", mode)
            assert found == {"items": [f"{mode} {CAR}"], "by": "text", "missing": f"memory.{code}"}
            time[0] += MINUTE
        assert {row.box for row in await rows(it.system)} == {None}
        assert "Borealis" not in caplog.text
        it.system.connectors.forget("vectors")
        server.mode = "honest"
        time[0] += 6 * HOUR
        await make(it.system)
        assert len((await answer(it, "helper", "vehicle", limit=50))["items"]) == len(codes)


async def test_an_endpoint_that_says_nothing_holds_up_neither_writes_nor_searches(tmp_path: Path) -> None:
    async with meaning_team(tmp_path, customers=embedding(timeout="100ms")) as (it, server):
        server.mode = "silent"
        await it.write("seller", "customers", CAR)
        found = await answer(it, "helper", "red automobile")
        assert found == {"items": [CAR], "by": "text", "missing": "memory.endpoint"}


async def test_without_what_compares_vectors_words_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with meaning_team(tmp_path) as (it, server):
        await it.write("seller", "customers", CAR)
        await make(it.system)
        asked = len(server.asked)
        monkeypatch.setitem(sys.modules, "numpy", None)
        found = await answer(it, "helper", "red automobile")
        assert found == {"items": [CAR], "by": "text", "missing": "memory.extra"}
        assert len(server.asked) == asked, "nothing is sent for nothing"


async def test_vectors_in_another_order_or_with_huge_numbers_are_understood(tmp_path: Path) -> None:
    async with meaning_team(tmp_path) as (it, server):
        for mode in ("shuffled", "huge"):
            server.mode = mode
            for text in (LATE, CAR):
                await it.write("seller", "customers", text)
            await make(it.system)
            assert (await answer(it, "helper", "automobile", limit=1))["items"] == [CAR]
        assert (await answer(it, "helper", "automobile", limit=2))["items"] == [CAR, CAR]


async def test_a_text_that_the_endpoint_refuses_stands_in_nobodys_way(tmp_path: Path) -> None:
    time = [now()]
    async with meaning_team(tmp_path, "", lambda: time[0]) as (it, server):
        for text in (LATE, "the poison pill", CAR):
            await it.write("seller", "customers", text)
        await make(it.system)
        assert sorted(row.tries for row in await rows(it.system) if row.box is None) == [2]
        assert (await answer(it, "helper", "automobile", limit=1))["items"] == [CAR]
        asked = len(server.asked)
        await make(it.system)
        assert len(server.asked) == asked, "it rests"


async def test_what_a_dead_process_had_taken_is_taken_by_another(tmp_path: Path, database_url: str) -> None:
    """Nothing stands between an item and its row but one transaction, and between row and vector but a lease."""
    time = [now()]
    with serving() as server:
        files = organisation(server.port)
        async with team(tmp_path, database_url, lambda: time[0], **files) as it:
            it.system.secrets.set("vectors-key", "sesame", "person:ada")
            await it.write("seller", "customers", CAR)
            makers = [row.maker for row in await rows(it.system)]
            due = await it.system.database.read(lambda reader: waiting.due(reader, makers, time[0]))
            at = time[0]
            assert await it.system.queue.perform(lambda tx: waiting.claim(tx, due, at, at + LEASE)) == due
            assert await it.system.queue.perform(lambda tx: waiting.claim(tx, due, at, at + LEASE)) == []
        async with team(tmp_path, database_url, lambda: time[0], **files) as other:
            await make(other.system)
            assert server.texts == []
            time[0] += LEASE
            await make(other.system)
            assert (await answer(other, "helper", "vehicle"))["items"] == [CAR]


async def test_a_space_may_declare_change_and_take_back_its_endpoint(tmp_path: Path, database_url: str) -> None:
    async with meaning_team(tmp_path, database_url, customers="") as (it, server):
        for text in (LATE, CAR):
            await it.write("seller", "customers", text)
        await make(it.system)
        assert await rows(it.system) == []

        async def change(said: str) -> set[str]:
            declare(it.system, team_files(**organisation(server.port, customers=said)))
            await it.system.watch.refresh()
            await make(it.system)
            return {row.maker for row in await rows(it.system) if row.box is not None}

        first = await change(embedding())
        assert len(first) == 1 and (await answer(it, "helper", "automobile", limit=1))["items"] == [CAR]
        second = await change(embedding(itemPrefix="'passage: '", queryPrefix="'query: '"))
        assert len(second) == 1 and first != second
        assert sorted(server.texts[-2:]) == ["passage: " + LATE, "passage: " + CAR]
        await answer(it, "helper", "automobile")
        assert server.texts[-1] == "query: automobile"
        assert await change(embedding(newest=1)) == first
        assert len(await rows(it.system)) == 1
        assert await answer(it, "helper", "invoice car", by="meaning") == {
            "items": [CAR],
            "by": "meaning",
            "newest": {"customers": 1},
        }
        assert await change("") == set()
        assert await rows(it.system) == []


async def test_what_is_less_like_the_question_than_declared_is_no_answer(tmp_path: Path) -> None:
    async with meaning_team(tmp_path, customers=embedding(leastSimilarity="30%")) as (it, _):
        for text in (LATE, CAR):
            await it.write("seller", "customers", text)
        await make(it.system)
        assert (await answer(it, "helper", "automobile", by="meaning"))["items"] == [CAR]


async def test_a_living_system_makes_vectors_by_itself(tmp_path: Path) -> None:
    async with meaning_team(tmp_path, living=True) as (it, _):
        await it.write("seller", "customers", CAR)
        async with asyncio.timeout(60):
            while not all(row.box for row in await rows(it.system)):
                await asyncio.sleep(0.01)
        assert (await answer(it, "helper", "vehicle"))["items"] == [CAR]


def problems(**declared: str) -> dict[str, str]:
    """What is wrong with an organisation: field → message."""
    found = [one.manifest for one in read(team_files(**declared)).declared if one.manifest.kind != "Policy"]
    revisions = [Revision(one.kind, one.metadata.name, one.metadata.unit or "acme", "", "", one.spec) for one in found]
    return {each.field: each.message for each in check(Organisation(1, revisions)) if each.name == "customers"}


def test_an_endpoint_is_one_the_system_may_ask_about_what_the_space_holds_where_the_space_may_be() -> None:
    sound = organisation(1)
    assert problems(**sound) == {}
    wrong = problems(**organisation(1, customers=embedding("[hr]", path="'/v1/{x}'", timeout="0s")))
    assert set(wrong) == {"spec.embedding.data[0]", "spec.embedding.path", "spec.embedding.timeout"}
    for changed, message in (
        (
            ("credential: vectors-key", "credential: 'vectors/{agent}'"),
            "it shows a secret of whoever acts, and nobody does",
        ),
        (("name: vectors }", "name: others }"), "there is no connector `vectors`"),
        (("name: vectors }", "name: vectors, unit: front }"), "the connector `vectors` belongs to the unit `front`"),
    ):
        found = problems(**sound | {"tools": sound["tools"].replace(*changed)})
        assert found["spec.embedding.connector"].startswith(message)
    python = problems(**organisation(1, customers=embedding(connector="plant")))
    assert python["spec.embedding.connector"] == "it is of the type `python`"


def test_a_space_that_is_kept_to_places_has_its_endpoint_there() -> None:
    at_home = embedding() + "  residency: [eu]\n"
    anywhere = problems(**organisation(1, customers=at_home))
    assert anywhere == {"spec.embedding.connector": "the space is kept to `eu`; this performs anywhere"}
    for site, sound in (("eu", True), ("us", False)):
        files = organisation(1, customers=at_home)
        files["tools"] = f"{TOOLS}---{connector(1, site)}"
        assert (problems(**files) == {}) is sound


async def test_who_is_elsewhere_does_not_ask_an_endpoint_that_performs_only_at_its_place(tmp_path: Path) -> None:
    with serving() as server:
        files = organisation(server.port, customers=embedding() + "  residency: [eu]\n")
        files["tools"] = f"{TOOLS}---{connector(server.port, 'eu')}"
        async with team(tmp_path, **files) as it:
            await it.write("seller", "customers", CAR)
            await make(it.system)
            found = await answer(it, "helper", "red car")
            assert (found["by"], found["missing"], server.asked) == ("text", "memory.endpoint", [])
