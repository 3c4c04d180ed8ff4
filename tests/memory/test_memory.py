"""What agents write, others find, as far as they may, through the one door, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autonomy.kernel.clock import DAY, now
from autonomy.memory import Author, Writing
from tests.memory.team import team


async def test_what_one_agent_writes_another_finds_with_its_origin(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        text = "Acme Optics pays late, but always pays"
        item = await it.write("seller", "customers", text, subject="acme-optics", data={"days": 45})
        await it.write("seller", "customers", "Borealis pays on the day")
        assert await it.found("helper", "who pays late?") == [text, "Borealis pays on the day"]
        read = await it.done("helper", "memory.read", item=item)
        assert read["author"].startswith("seller@") and read["source"].startswith("act_")
        assert (read["text"], read["data"], read["subject"]) == (text, {"days": 45}, "acme-optics")
        assert (read["space"], read["trust"], read["stale"]) == ("customers", "trusted", False)


async def test_words_are_found_whatever_their_case_accents_and_script(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        await it.write("seller", "customers", "Größere Aufträge für MÜLLER")
        await it.write("seller", "customers", "東京支社の契約")
        assert await it.found("helper", "muller auftrage") == ["Größere Aufträge für MÜLLER"]
        assert await it.found("helper", "契約") == ["東京支社の契約"]
        empty = await it.ask("helper", "memory.search", query="?!")
        assert (empty.status, empty.code) == ("failed", "memory.query")


async def test_a_rarer_word_counts_for_more_and_the_newer_item_for_more_than_its_equal(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        for number in range(6):
            await it.write("seller", "customers", f"order of lenses, number {number}")
        await it.write("seller", "customers", "complaint about scratches")
        found = await it.found("helper", "order scratches", limit=3)
        assert found == ["complaint about scratches", "order of lenses, number 5", "order of lenses, number 4"]


async def test_for_who_may_not_read_there_is_neither_space_nor_item(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        item = await it.write("recruiter", "hiring", "candidate seven is the best", tags=["hr"])
        assert await it.found("helper", "candidate seven") == []
        hidden, none = [await it.ask("helper", "memory.read", item=each) for each in (item, "mem_" + "0" * 26)]
        assert hidden.code == none.code == "memory.unknown_item"
        assert hidden.message.replace(item, "x") == none.message.replace("mem_" + "0" * 26, "x")
        for space in ("hiring", "no-such-space"):
            asked = await it.ask("helper", "memory.recall", space=space, task="rank candidates")
            assert (asked.status, asked.code) == ("failed", "memory.unknown_space")
            written = await it.ask("helper", "memory.write", space=space, text="let me in")
            assert (written.status, written.code) == ("failed", "memory.unknown_space")


async def test_what_is_made_of_restricted_items_stays_restricted_through_another_agents_answer(
    tmp_path: Path, database_url: str
) -> None:
    """S8, R053: a summary made of personnel data is not for support, by whatever way it is asked for."""
    async with team(tmp_path, database_url) as it:
        source = await it.write("recruiter", "hiring", "candidate seven asks for 90,000", case="c1")
        await it.done("recruiter", "memory.read", case="c2", item=source)
        summary = await it.write("recruiter", "company", "the new colleague will be expensive", case="c2")
        assert await it.found("helper", "expensive colleague") == []
        assert await it.found("recruiter", "expensive colleague") == ["the new colleague will be expensive"]
        refused = await it.ask("helper", "memory.read", item=summary)
        assert refused.code == "memory.unknown_item"
        read = await it.done("recruiter", "memory.read", item=summary)
        assert read["origins"] == ["hiring"]


async def test_classes_of_data_a_case_has_seen_flow_into_what_it_writes(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        await it.done("recruiter", "cv.read", case="c", n=1)
        item = await it.write("recruiter", "company", "somebody with two degrees applied", case="c")
        assert (await it.done("recruiter", "memory.read", item=item))["tags"] == ["hr"]
        assert await it.found("seller", "degrees") == []
        outside = await it.ask("recruiter", "memory.write", case="c", space="open", text="somebody applied")
        assert (outside.status, outside.code) == ("failed", "memory.data")
        assert "`hr`" in (outside.message or "")


async def test_a_space_may_say_that_only_the_classes_of_data_restrict_what_is_made_of_it(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        item = await it.write("helper", "open", "the fair was a success", tags=["customers"])
        await it.done("seller", "memory.read", case="c", item=item)
        await it.write("seller", "company", "we go to the fair again", case="c")
        assert await it.found("recruiter", "fair again") == ["we go to the fair again"]
        assert await it.found("stranger", "fair again") == [], "its role may not see `customers`"


async def test_what_rests_on_a_restricted_item_is_as_restricted_and_its_links_are_seen_by_its_readers_only(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        secret = await it.write("recruiter", "hiring", "candidate seven accepts")
        public = await it.write("recruiter", "company", "a desk is needed in May")
        await it.done("recruiter", "memory.link", item=public, to=secret, relation="because-of")
        assert (await it.done("helper", "memory.read", item=public)).get("links") is None
        own = await it.done("recruiter", "memory.read", item=public)
        assert own["links"] == [{"relation": "because-of", "item": secret}]
        resting = await it.write("recruiter", "company", "order the desk", case="other", links=[secret])
        assert (await it.ask("helper", "memory.read", item=resting)).code == "memory.unknown_item"


async def test_what_a_stranger_said_stays_untrusted_and_labels_whoever_reads_it(
    tmp_path: Path, database_url: str
) -> None:
    async with team(tmp_path, database_url) as it:
        await it.done("seller", "web.read", case="c", n=1)
        item = await it.write("seller", "company", "a web page says to wire money", case="c")
        read = await it.done("helper", "memory.read", case="d", item=item)
        assert read["trust"] == "untrusted"
        again = await it.write("helper", "company", "somebody wants money", case="d")
        assert (await it.done("helper", "memory.read", case="e", item=again))["trust"] == "untrusted"


async def test_a_space_may_be_kept_to_agents_of_some_sites(tmp_path: Path) -> None:
    async with team(tmp_path) as it:
        await it.write("helper", "europe", "stays in Europe")
        assert await it.found("helper", "stays") == ["stays in Europe"]
        assert await it.found("abroad", "stays") == []
        assert (await it.ask("abroad", "memory.write", space="europe", text="x")).code == "memory.unknown_space"


async def test_facts_have_a_time_in_which_they_hold_and_grow_stale(tmp_path: Path, database_url: str) -> None:
    time = [now()]
    async with team(tmp_path, database_url, lambda: time[0]) as it:
        at = time[0]
        await it.write("helper", "company", "the rate is two", valid_from=at - DAY, valid_until=at + DAY)
        await it.write("helper", "company", "the rate will be three", valid_from=at + DAY)
        assert await it.found("helper", "rate") == ["the rate is two"]
        time[0] = at + DAY + 1
        answer = await it.done("helper", "memory.search", query="rate two three")
        assert [(each["text"], each["stale"]) for each in answer["items"]] == [("the rate will be three", True)]
        wrong = await it.ask("helper", "memory.write", space="company", text="x", valid_from=at, valid_until=at)
        assert wrong.code == "memory.validity"


async def test_an_agent_forgets_what_it_wrote_and_nothing_of_others(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        for agent in ("seller", "helper"):
            for case in ("a", "b"):
                await it.write(agent, "customers", f"note of {agent} in {case}", case=case, subject=f"firm-{case}")
        gone = await it.house.ask("seller", "memory.forget", {"space": "customers", "case": "a"})
        assert gone.result == {"forgotten": 1}
        assert await it.done("seller", "memory.forget", space="customers", subject="firm-b") == {"forgotten": 1}
        assert sorted(await it.found("helper", "note")) == ["note of helper in a", "note of helper in b"]
        assert await it.done("seller", "memory.forget", space="customers", before=now() + DAY) == {"forgotten": 0}
        unsaid = await it.ask("seller", "memory.forget", space="customers")
        assert unsaid.code == "memory.nothing_named"


async def test_erasing_a_subject_takes_its_items_out_of_memory_and_index(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        item = await it.write("seller", "customers", "Zebulon Quartermain moved to Oslo", subject="zebulon")
        await it.write("seller", "customers", "Oslo is far")
        assert len(await it.found("helper", "Oslo")) == 2
        await it.settle()
        await it.system.vault.erase("zebulon", "person:ada", "asked for it")
        await it.system.watch.refresh()
        assert await it.found("helper", "Oslo") == ["Oslo is far"]
        assert (await it.ask("helper", "memory.read", item=item)).code == "memory.unknown_item"
        path = it.system.database.path
        if path is not None:
            stored = b"".join(each.read_bytes() for each in path.parent.glob("autonomy.sqlite*"))
            assert b"Quartermain" not in stored and b"quartermain" not in stored


async def test_who_was_erased_may_be_written_about_again_at_once(tmp_path: Path, database_url: str) -> None:
    """Another process erases; this one has not heard of it and still holds the key that was destroyed."""
    async with team(tmp_path, database_url) as it, team(tmp_path, database_url) as other:
        await it.write("seller", "customers", "before", subject="zebulon")
        await it.settle()
        await other.system.vault.erase("zebulon", "person:ada", "asked for it")
        await it.system.own.memory.write(
            Author("seller", "act_later"), Writing("customers", "after", subject="zebulon")
        )
        assert await it.found("helper", "before after") == ["after"]


async def test_what_is_past_its_retention_goes_and_what_is_not_stays(tmp_path: Path, database_url: str) -> None:
    time = [now()]
    async with team(tmp_path, database_url, lambda: time[0]) as it:
        await it.write("recruiter", "hiring", "kept for thirty days")
        await it.write("recruiter", "company", "kept for a year")
        time[0] += 31 * DAY
        assert await it.system.queue.perform(it.system.own.forgetting.tidy) == 1
        assert await it.found("recruiter", "kept") == ["kept for a year"]


async def test_the_same_action_done_again_writes_once(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        keyed = {"space": "customers", "text": "said once"}
        first = await it.house.ask("seller", "memory.write", keyed, key="k1")
        second = await it.house.ask("seller", "memory.write", keyed, key="k1")
        assert first.result == second.result
        assert await it.found("helper", "said") == ["said once"]


async def test_many_write_at_once_and_nothing_is_lost(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url) as it:
        texts = [f"note number {number}" for number in range(40)]
        await asyncio.gather(*(it.write("seller", "customers", text, case=text) for text in texts))
        assert sorted(await it.found("helper", "note", limit=50)) == sorted(texts)
