"""Somebody is forgotten: their words are gone from every file, every proof holds, and the erasure is on record."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path

import pytest

from autonomy.audit.verify import verify_export
from autonomy.audit.witness import Copy
from autonomy.gate import Request
from autonomy.gate.store import record_state
from autonomy.insight.evidence import Evidence
from tests.gate.test_secrets import dump
from tests.gate.works import TOOLS, Works, organisation, tool, works

ERIKA = "erika-mustermann-4711"
OTHER = "john-doe-0815"


async def export(it: Works) -> bytes:
    """The whole log, with what is kept beside it, under a fresh checkpoint."""
    size = int((await it.system.checkpoints.sign()).splitlines()[1])
    evidence = Evidence(it.system.database, it.system.vault)
    return b"".join(evidence.export_lines(it.system.checkpoints.signer, size, reveal=True))


def witnessed(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted((folder / "witness").glob("*.note"))]


async def test_after_an_erasure_every_proof_holds_and_the_words_are_in_no_file(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        for payee in (ERIKA, OTHER):
            for amount in ("5.00", "6.00", "500.00"):
                await it.ask("pay", payee=payee, amount=amount)
        before = await export(it)
        assert before.count(ERIKA.encode()) == 5, "three arguments and two results are revealed"
        proofs = [Evidence(it.system.database, it.system.vault).proof(index) for index in range(len(it.leaves()))]

        copies = witnessed(tmp_path)
        assert await it.system.vault.erase(ERIKA, "person:ada", "asked for it") == 5
        after = await export(it)
        assert ERIKA.encode() not in after and after.count(OTHER.encode()) == before.count(OTHER.encode())
        keys = [it.system.checkpoints.verifier]
        for data, seen in ((before, copies), (after, witnessed(tmp_path))):
            report = verify_export(BytesIO(data), keys=keys, witness_copies=map(Copy, seen))
            assert report.findings == () and report.witness == "matched"
        now = [Evidence(it.system.database, it.system.vault).proof(index) for index in range(len(proofs))]
        assert [proof.body for proof in now if proof] == [proof.body for proof in proofs if proof]
        assert [leaf["payloads"] for leaf in it.leaves("erasure")] == [5]
        assert ERIKA.encode() not in b"".join(dump(it.system.database))
        on_disk = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
        assert not any(ERIKA.encode() in data for data in on_disk), "the running system's files, its WAL included"
    assert not any(ERIKA.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


async def test_what_was_erased_cannot_be_read_with_an_old_copy_of_its_rows(tmp_path: Path, database_url: str) -> None:
    """The boxes may survive in a backup; the key that opens them is overwritten in the store's own files."""
    async with works(tmp_path, database_url) as it:
        await it.ask("pay", payee=ERIKA, amount="5.00")
        key = await it.system.vault.key(ERIKA, it.system.watch.identity)
        engine = it.system.database.writer_engine()
        with engine.connect() as connection:
            query = "SELECT wrapped FROM subject_key WHERE subject = '" + key.subject + "'"
            wrapped = bytes(connection.exec_driver_sql(query).scalar_one())
        engine.dispose()
        await it.system.vault.erase(ERIKA, "person:ada", "asked for it")
        if it.system.database.path:
            assert not any(wrapped in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert wrapped not in b"".join(dump(it.system.database))


async def test_who_was_erased_may_come_back_under_a_new_key(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        held = await it.ask("pay", payee=ERIKA, amount="500.00")
        assert held.status == "held"
        await it.system.vault.erase(ERIKA, "person:ada", "asked for it")
        hold = it.system.approvals.get(held.action)
        await asyncio.to_thread(it.system.approvals.decide, held.action, "bea", "approve", hold.shown)
        await it.system.taking_up.look()
        await it.system.taking_up.idle()
        assert (await it.result(held.action)).code == "approval.erased", "what was forgotten is not done"
        for process in (other, it):
            assert (await process.ask("pay", payee=ERIKA, amount="5.00")).status == "done"
        assert it.plant.executions() == 2


AMEND = tool(
    "amend",
    "write-keyed",
    "doc: { type: string }",
    "  trust: trusted\n  subject: doc\n  record: { kind: doc, key: doc }\n"
    "  windows: { doc_day: { over: 24h, by: [record] }, agent_day: { over: 24h } }\n",
)


async def windows(it: Works, name: str, **arguments: str) -> dict[str, int]:
    """The windows as a dry run of `w1` finds them."""
    reply = await it.system.gate.employ("w1", Request(name, arguments, dry_run=True))
    found = reply.detail["windows"]
    assert isinstance(found, dict)
    return {key: int(str(value)) for key, value in found.items()}


async def test_nobody_is_told_of_somebody_erased_what_was_before(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        for payee in (ERIKA, ERIKA, OTHER):
            await it.ask("pay", payee=payee, amount="40.00")
        assert await windows(it, "pay", payee=ERIKA, amount="1.00") == {"payee_day": 81_00}
        await it.system.vault.erase(ERIKA, "person:ada", "asked for it")
        await it.system.watch.refresh()  # a dry run commits nothing, so it may be a look behind
        assert await windows(it, "pay", payee=ERIKA, amount="1.00") == {"payee_day": 1_00}
        assert await windows(it, "pay", payee=OTHER, amount="1.00") == {"payee_day": 41_00}
        told = []
        for payee in (ERIKA, OTHER):
            held = await it.ask("pay", payee=payee, amount="500.00")
            told.append(it.system.approvals.get(held.action).consequence)
        assert "never used `pay`" in told[0] and "once" in told[1]


async def test_which_records_somebody_erased_had_changed_is_forgotten(tmp_path: Path, database_url: str) -> None:
    files = organisation(tools=f"{TOOLS}---{AMEND}")
    async with works(tmp_path, database_url, files=files) as it:
        for doc in (ERIKA, OTHER):
            assert (await it.ask("amend", doc=doc)).status == "done"
        assert it.count(record_state) == 2
        await it.system.vault.erase(ERIKA, "person:ada", "asked for it")
        assert it.count(record_state) == 1
        await it.system.watch.refresh()
        assert await windows(it, "amend", doc=ERIKA) == {"doc_day": 1, "agent_day": 3}, "the agent's own still counts"
        assert (await it.ask("amend", doc=ERIKA)).status == "done"
        assert await windows(it, "amend", doc=OTHER) == {"doc_day": 2, "agent_day": 4}


@pytest.mark.parametrize("part", ["arguments", "result"])
async def test_a_changed_payload_is_told_as_such_and_never_shown(tmp_path: Path, database_url: str, part: str) -> None:
    async with works(tmp_path, database_url) as it:
        reply = await it.ask("pay", payee=OTHER, amount="5.00")
        engine = it.system.database.writer_engine()
        with engine.connect() as connection:
            where = f"WHERE action = '{reply.action}' AND part = '{part}'"
            connection.exec_driver_sql(f"UPDATE payload SET generation = generation, at = at {where}")
            box = bytes(connection.exec_driver_sql(f"SELECT box FROM payload {where}").scalar_one())
            spoilt = (box[:-1] + bytes([box[-1] ^ 1])).hex()
            literal = f"X'{spoilt}'" if it.system.database.path else f"'\\x{spoilt}'::bytea"
            connection.exec_driver_sql(f"UPDATE payload SET box = {literal} {where}")
        engine.dispose()
        shown = await export(it)
        assert shown.count(OTHER.encode()) == 1, "the other part is still there"
