"""Somebody is forgotten: their words are gone from every file, every proof holds, and the erasure is on record."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path

import pytest

from autonomy.audit.verify import verify_export
from autonomy.insight.evidence import Evidence
from tests.gate.test_secrets import dump
from tests.gate.works import Works, works

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
            report = verify_export(BytesIO(data), keys=keys, witness_notes=seen)
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
