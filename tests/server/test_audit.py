"""The record over HTTP: leaves, checkpoints, proofs, exports that verify offline, and forgetting."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

from sqlalchemy import update

from autonomy.audit import merkle, note
from autonomy.audit.store import leaf
from autonomy.cli.evidence import verified
from autonomy.cli.examination import look_at_log
from autonomy.wiring import Settings
from tests.audit.test_page import findings
from tests.server.desk import Desk
from tests.server.test_deliveries import hooked, tell

COMMITTING = {"intent", "outcome", "denial", "hold", "label", "delivery"}
"""Kinds of leaves that commit to something, beside `reconcile`, which the writer of `outcome` writes too."""


def test_the_log_is_read_page_by_page(office: Desk) -> None:
    office.act("look", n=1)
    aldo, found, after = office.person("aldo"), [], -1
    while True:
        page = aldo.get(f"/api/audit/leaves?limit=3&after={after}").json
        found += page["leaves"]
        if page["next"] is None:
            break
        after = page["next"]
    assert [one["index"] for one in found] == list(range(len(found)))
    kinds = {one["leaf"]["kind"] for one in found}
    assert {"change", "identity", "intent", "outcome"} <= kinds
    downwards = aldo.get("/api/audit/leaves?newest_first=true&limit=3").json
    below = aldo.get(f"/api/audit/leaves?newest_first=true&limit=3&after={downwards['next']}").json
    assert downwards["leaves"] + below["leaves"] == found[::-1][:6]
    only = aldo.get("/api/audit/leaves?kind=intent").json["leaves"]
    assert [one["leaf"]["tool"] for one in only] == ["look"]


def test_a_leaf_is_proven_under_a_signed_checkpoint(office: Desk) -> None:
    office.act("look", n=1)
    suzi = office.person("suzi")
    newest = suzi.get("/api/audit/checkpoint").json
    key = note.Verifier.parse(newest["key"])
    for index in (0, newest["size"] - 1):
        proof = suzi.get(f"/api/audit/proof/{index}").json
        signed = note.parse(proof["checkpoint"]["note"], [key])
        leaf = merkle.leaf_hash(proof["body"].encode())
        assert leaf.hex() == proof["hash"] and signed.size == proof["size"]
        path = [b64decode(part) for part in proof["path"]]
        assert merkle.verify_inclusion(leaf, index, signed.size, path, signed.root)
    assert suzi.get("/api/audit/proof/999999").code == "audit.no_leaf"


def test_every_leaf_of_an_action_is_proven_to_who_may_see_it(office: Desk) -> None:
    action = office.act("look", n=1)["action"]
    proofs = office.person("vera").get(f"/api/actions/{action}/proofs").json["proofs"]
    assert [json.loads(one["body"])["kind"] for one in proofs] == ["intent", "outcome"]
    for one in proofs:
        signed = note.parse(one["checkpoint"]["note"], [note.Verifier.parse(one["checkpoint"]["key"])])
        path = [b64decode(part) for part in one["path"]]
        leaf = merkle.leaf_hash(one["body"].encode())
        assert merkle.verify_inclusion(leaf, one["index"], signed.size, path, signed.root)


def test_a_leaf_that_no_checkpoint_holds_yet_gets_one(office: Desk) -> None:
    suzi = office.person("suzi")
    before = suzi.get("/api/audit/checkpoint").json["size"]
    office.act("look", n=1)
    assert suzi.get(f"/api/audit/proof/{before}").json["size"] > before


def test_an_export_verifies_offline_with_payloads_and_without(office: Desk, tmp_path: Path) -> None:
    office.act("pay", payee="acme", amount="12.00")
    office.act("pay", payee="acme", amount="2000000.00")
    aldo = office.person("aldo")
    plain, full = aldo.get("/api/audit/export"), aldo.get("/api/audit/export?payloads=true")
    assert plain.headers["Content-Type"] == "application/jsonl" and b'"payload"' not in plain.body
    assert full.body.count(b'{"payload"') == 3  # the arguments of both, the result of one
    for name, answer in (("plain", plain), ("full", full)):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(answer.body)
        report = verified(path, None, None, False).report
        assert report.ok, report.findings
        assert report.leaves > 5
    tampered = tmp_path / "tampered.jsonl"
    tampered.write_bytes(full.body.replace(b'\\"12.00\\"', b'\\"13.00\\"', 1))
    assert tampered.read_bytes() != full.body and not verified(tampered, None, None, False).ok


def test_a_leaf_that_the_tables_hide_from_its_action_is_found_by_the_doctor(
    office: Desk, tmp_path: Path, database_url: str
) -> None:
    action, settings = office.act("look", n=1)["action"], replace(Settings(), data=tmp_path, database=database_url)
    office.person("suzi").post(f"/api/actions/{action}/label", {"verdict": "wrong"})
    aldo = office.person("aldo")
    shown = aldo.get(f"/api/actions/{action}").json["leaves"]
    assert aldo.get("/api/audit/checkpoint").status == 200
    assert look_at_log(settings).state == "ok"
    with office.system.database.writer_engine().begin() as connection:
        connection.execute(update(leaf).where(leaf.c.kind == "label").values(action=None))
    assert len(aldo.get(f"/api/actions/{action}").json["leaves"]) == len(shown) - 1
    found = look_at_log(settings)
    assert found.state == "fail" and f"leaf {shown[-1]['index']} " in found.told


def test_an_export_shows_what_every_kind_of_leaf_commits_to(office: Desk, tmp_path: Path) -> None:
    hooked(office)
    assert tell(office, "msg_1", {"type": "order.placed", "data": {"n": 7}})[0] == 202
    office.held()
    office.act("pay", payee="acme", amount="2000000.00")
    judged, said = office.act("look", n=1)["action"], {"verdict": "wrong", "reason": "two"}
    assert office.person("suzi").post(f"/api/actions/{judged}/label", said).status == 200

    full = office.person("aldo").get("/api/audit/export?payloads=true")
    lines = [json.loads(line) for line in full.body.splitlines()]
    leaves = {line["index"]: line["leaf"] for line in lines if "leaf" in line}
    shown = {(line["payload"]["index"], line["payload"]["name"]) for line in lines if "payload" in line}
    assert shown == {(index, name) for index, leaf in leaves.items() for name in leaf.get("commitments", ())}
    assert {leaves[index]["kind"] for index, _ in shown} == COMMITTING
    path = tmp_path / "full.jsonl"
    path.write_bytes(full.body)
    assert verified(path, None, None, False).report.findings == ()
    assert findings(full.body) == []  # the page that verifies itself thinks so too


def test_what_actions_carried_leaves_only_with_those_who_may_read_it(office: Desk) -> None:
    answer = office.person("ada").get("/api/audit/export?payloads=true")
    assert (answer.status, answer.code) == (403, "permission.missing")
    assert office.person("ada").get("/api/audit/export").status == 200


def test_after_forgetting_nothing_can_be_read_and_everything_still_verifies(office: Desk, tmp_path: Path) -> None:
    action = office.act("pay", payee="ann-other", amount="12.00")["action"]
    kept = office.act("pay", payee="acme", amount="13.00")["action"]
    ada, aldo = office.person("ada"), office.person("aldo")
    erased = ada.post("/api/audit/erase", {"subject": "ann-other", "reason": "request 7"})
    assert erased.json == {"payloads": 2}
    found = aldo.get(f"/api/actions/{action}/explain").json
    assert found["explanation"]["what"]["arguments"]["state"] == "erased"
    assert "`arguments` was erased; the log keeps only a commitment to it" in found["explanation"]["unexplained"]
    assert aldo.get(f"/api/actions/{kept}/explain").json["explanation"]["what"]["arguments"]["state"] == "shown"
    export = aldo.get("/api/audit/export?payloads=true").body
    assert b"ann-other" not in export
    path = tmp_path / "after.jsonl"
    path.write_bytes(export)
    assert verified(path, None, None, False).ok
    assert ada.post("/api/audit/erase", {"subject": "ann-other", "reason": "again"}).code == "erase.nothing"


def test_nothing_that_was_told_in_confidence_is_in_the_log(office: Desk) -> None:
    canary = f"canary-{4711}"
    office.invited("ada", f"{canary} password")
    office.stranger.post("/api/session", {"name": "ada", "password": f"{canary} password"})
    office.stranger.post("/api/session", {"name": "ada", "password": f"{canary} wrong"})
    office.act("pay", payee=canary, amount="250.00")
    leaves = office.person("aldo").get("/api/audit/leaves?limit=500").json
    assert canary not in json.dumps(leaves)
