"""Tryton gone in mid-write, late, answering twice, refusing: what the agent hears and what Tryton's tables hold."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.tryton.server import Tryton

from .between import Forward, Spoil, between
from .company import company, confirm, draft, orders, quoted, reserve, rows

POST = "POST /erp/rest/model/purchase.purchase"


def spoiling(fits: Callable[[str], bool], how: Callable[[bytes], bytes | None]) -> Spoil:
    """Spoils the answers to the requests that fit; every other answer arrives as it is."""

    async def spoil(asked: str, forward: Forward) -> bytes | None:
        answer = await forward()
        return how(answer) if fits(asked) else answer

    return spoil


def lost(_: bytes) -> bytes | None:
    return None


def is_draft(asked: str) -> bool:
    return asked.startswith(f"{POST}?")


async def test_an_order_whose_answer_is_lost_is_found_by_its_reference_and_not_placed_again(
    tryton: Tryton, tmp_path: Path
) -> None:
    async with between(tryton.url, spoiling(is_draft, lost)) as url, company(tmp_path, tryton, url=url) as it:
        reply = await draft(it, "sku-0011")
        assert reply.status == "done"
        assert orders(tryton, reply.action) == [(reply.result["purchase_order_id"], "draft")]


@pytest.mark.parametrize(
    ("sku", "answer"),
    [
        ("sku-0014", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
        ("sku-0016", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"),
        ("sku-0017", b"??"),
    ],
)
async def test_an_answer_that_is_cut_off_or_makes_no_sense_is_asked_about(
    tryton: Tryton, tmp_path: Path, sku: str, answer: bytes
) -> None:
    spoil = spoiling(is_draft, lambda _: answer)
    async with between(tryton.url, spoil) as url, company(tmp_path, tryton, url=url, deadline="2s") as it:
        reply = await draft(it, sku)
        assert reply.status == "done"
        assert len(orders(tryton, reply.action)) == 1


async def test_a_confirmation_whose_answer_is_lost_is_found_by_the_orders_state(tryton: Tryton, tmp_path: Path) -> None:
    spoil = spoiling(lambda asked: "/confirm?" in asked, lost)
    async with between(tryton.url, spoil) as url, company(tmp_path, tryton, url=url) as it:
        order = await quoted(it, "sku-0012")
        await reserve(it, order)
        reply = await confirm(it, order)
        assert (reply.status, reply.result["state"]) == ("done", "processing")
        assert len(rows(tryton, "SELECT id FROM account_invoice WHERE state = 'draft' AND reference IS NULL")) == 1


async def test_a_write_that_never_reached_tryton_is_known_not_to_have_happened(tryton: Tryton, tmp_path: Path) -> None:
    async def spoil(asked: str, forward: Forward) -> bytes | None:
        return None if is_draft(asked) else await forward()

    async with between(tryton.url, spoil) as url, company(tmp_path, tryton, url=url, deadline="1s") as it:
        reply = await draft(it, "sku-0013")
        assert (reply.status, reply.code) == ("failed", "upstream.unsure")
        assert orders(tryton, reply.action) == []


async def test_nothing_is_decided_while_tryton_does_not_say_what_is_so(tryton: Tryton, tmp_path: Path) -> None:
    spoil = spoiling(lambda asked: "/party.party?" in asked, lost)
    async with between(tryton.url, spoil) as url, company(tmp_path, tryton, url=url) as it:
        reply = await draft(it, "sku-0018")
        assert (reply.status, reply.code) == ("denied", "fact.unavailable")
        assert orders(tryton, reply.action) == []


async def test_an_answer_after_the_deadline_comes_too_late_and_the_order_is_there_once(
    tryton: Tryton, tmp_path: Path
) -> None:
    given_up = asyncio.Event()

    async def spoil(asked: str, forward: Forward) -> bytes | None:
        answer = await forward()
        if is_draft(asked):
            await given_up.wait()
        return answer

    async with between(tryton.url, spoil) as url, company(tmp_path, tryton, url=url, deadline="1s") as it:
        reply = await draft(it, "sku-0019")
        given_up.set()
        assert reply.status == "done"
        assert orders(tryton, reply.action) == [(reply.result["purchase_order_id"], "draft")]


async def test_an_answer_that_comes_twice_is_nobody_elses(tryton: Tryton, tmp_path: Path) -> None:
    spoil = spoiling(lambda _: True, lambda answer: answer * 2)
    async with between(tryton.url, spoil) as url, company(tmp_path, tryton, url=url) as it:
        for number in (1, 2, 3, 4):
            reply = await it.ask("stock-watcher", "stock.get", {"sku": f"sku-000{number}"})
            assert reply.status == "done"
            assert [one["sku"] for one in reply.result["rows"]] == [f"sku-000{number}"]
        made = await draft(it, "sku-0020")
        assert len(orders(tryton, made.action)) == 1


async def test_what_tryton_refuses_is_told_in_its_words_and_leaves_nothing(tryton: Tryton, tmp_path: Path) -> None:
    async with company(tmp_path, tryton) as it:
        reply = await draft(it, "sku-0021", address_id=1)  # the address of somebody else
        assert (reply.status, reply.code) == ("failed", "upstream.refused")
        assert reply.message is not None and "Invoice Address" in reply.message
        assert orders(tryton, reply.action) == []


async def test_tryton_gone_in_mid_write_leaves_it_unknown_until_a_person_has_looked(
    own_tryton: Tryton, tmp_path: Path
) -> None:
    async def spoil(asked: str, forward: Forward) -> bytes | None:
        if not is_draft(asked):
            return await forward()
        sent = asyncio.create_task(forward())
        await asyncio.sleep(0)
        own_tryton.stop(signal.SIGKILL)
        await asyncio.gather(sent, return_exceptions=True)
        return None

    async with (
        between(own_tryton.url, spoil) as url,
        company(tmp_path, own_tryton, url=url, deadline="1s") as it,
    ):
        reply = await draft(it, "sku-0011")
        assert reply.status == "unknown"
    own_tryton.start()
    found = orders(own_tryton, reply.action)
    assert len(found) <= 1
    async with company(tmp_path / "afterwards", own_tryton) as it:
        # Nothing was made of an unknown order: the next one is refused exactly where Tryton holds the first.
        again = await draft(it, "sku-0011")
        assert (again.status == "denied") == bool(found), again


async def test_tryton_that_comes_back_is_asked_what_became_of_the_write(own_tryton: Tryton, tmp_path: Path) -> None:
    async def spoil(asked: str, forward: Forward) -> bytes | None:
        answer = await forward()
        if not is_draft(asked):
            return answer
        own_tryton.stop(signal.SIGKILL)  # it had done it
        await asyncio.to_thread(own_tryton.start)
        return None

    async with (
        between(own_tryton.url, spoil) as url,
        company(tmp_path, own_tryton, url=url, deadline="60s") as it,
    ):
        reply = await draft(it, "sku-0011")
        assert reply.status == "done"
        assert orders(own_tryton, reply.action) == [(reply.result["purchase_order_id"], "draft")]
