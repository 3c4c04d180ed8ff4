"""S8: support and billing answer the same customer: with the same words, and what billing knows stays with billing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .shop import shop

ANSWERS = {"amount": 1_200, "late": False}


async def test_whoever_is_asked_gives_the_customer_the_same_answer(tmp_path: Path, database_url: str) -> None:
    async with shop(tmp_path, database_url) as it:
        answers = [await it.done(agent, "decision.refund", "case-7", **ANSWERS) for agent in ("support-1", "billing-1")]
        assert answers[0] == answers[1] and answers[0]["outputs"] == {"answer": "refund"}
        # What one has found out the other finds, with its origin, and does not find out again.
        await it.done("billing-1", "crm.customer", "case-7", n=7)
        item = await it.write("billing-1", "cases", "customer seven paid twice: refund", case="case-7")
        found = await it.done("support-1", "memory.search", "case-7b", query="customer seven")
        assert [(one["item"], one["author"].partition("@")[0]) for one in found["items"]] == [(item, "billing-1")]


async def test_what_billing_knows_of_accounts_reaches_support_by_no_way(tmp_path: Path, database_url: str) -> None:
    async with shop(tmp_path, database_url) as it:
        assert (await it.ask("support-1", "ledger.account", n=7)).status == "denied", "its unit sees no accounts"
        await it.done("billing-1", "ledger.account", "case-7", n=7)
        # The case has seen accounts: what it writes says so, and the space both read does not take it.
        refused = await it.ask("billing-1", "memory.write", "case-7", space="cases", text="customer seven owes 900")
        assert (refused.status, refused.code) == ("failed", "memory.data")
        kept = await it.write("billing-1", "accounts", "customer seven owes 900", case="case-7")
        # Neither by its name nor by its words; nor what another case made of it in a space that everybody reads.
        assert (await it.ask("support-1", "memory.read", item=kept)).code == "memory.unknown_item"
        await it.done("billing-1", "memory.read", "case-8", item=kept)
        made = await it.write("billing-1", "company", "do not send customer seven anything", case="case-8")
        assert await it.found("support-1", "customer seven") == []
        for way in ("memory.read", "memory.link"):
            more = {"to": made, "relation": "see"} if way == "memory.link" else {}
            assert (await it.ask("support-1", way, item=made, **more)).code == "memory.unknown_item"
        assert sorted(await it.found("billing-1", "customer seven")) == [
            "customer seven owes 900",
            "do not send customer seven anything",
        ]
        told = await it.done("billing-1", "memory.read", item=made)
        assert (told["tags"], told["origins"]) == (["accounts"], ["accounts"])


@pytest.mark.parametrize("agent", ["support-us", "billing-us"])
async def test_what_is_kept_in_europe_is_not_there_for_agents_elsewhere(
    tmp_path: Path, database_url: str, agent: str
) -> None:
    async with shop(tmp_path, database_url) as it:
        await it.done("support-1", "crm.customer", "case-7", n=7)
        item = await it.write("support-1", "cases", "customer seven moved to Lyon", case="case-7")
        await it.done("support-1", "memory.read", "case-8", item=item)
        made = await it.write("support-1", "company", "write to Lyon from now on", case="case-8")
        assert await it.found(agent, "Lyon") == []
        for one in (item, made):
            reply = await it.ask(agent, "memory.read", item=one)
            assert reply.code == "memory.unknown_item" and "Lyon" not in json.dumps(reply.message)
        assert (await it.ask(agent, "memory.write", space="cases", text="x")).code == "memory.unknown_space"
