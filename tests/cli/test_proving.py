"""`audit show` believes a server nothing about a leaf: it shows what it proved, and where it did not, nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from autonomy.audit import note
from autonomy.audit.store import leaf
from tests.sdk.test_wire import answer, peer
from tests.server.desk import Desk, desk

from .shell import Ran, autonomy


@pytest.fixture
def office(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A server that the command asks as an auditor."""
    with desk(tmp_path, database_url) as found:
        monkeypatch.setenv("AUTONOMY_URL", found.url)
        monkeypatch.setenv("AUTONOMY_TOKEN", found.person("aldo").token)
        yield found


def signed(office: Desk) -> str:
    """The id of an action that was done and is under a checkpoint."""
    action = str(office.act("look", n=1)["action"])
    assert autonomy("audit", "show", action).code == 0
    return action


def change(office: Desk, subject: str, kind: str, **columns: Any) -> None:
    """Write other values into the columns of the leaf of this kind, as who can write the database does."""
    with office.system.database.writer_engine().begin() as connection:
        of_kind = leaf.c.action == subject, leaf.c.kind == kind
        assert connection.execute(update(leaf).where(*of_kind).values(**columns)).rowcount == 1


def test_what_is_shown_was_proven_by_the_key_that_was_given(office: Desk) -> None:
    action = signed(office)
    Path("log.key").write_text(autonomy("audit", "key").out)
    for shown in (autonomy("audit", "show", "0", "--key", "log.key"), autonomy("audit", "show", action)):
        assert shown.code == 0 and "as signed" in shown.out
    one = autonomy("audit", "show", "0", "--key", "log.key", "--json").json
    assert (one["index"], one["key"], one["leaf"]) == (0, "given", json.loads(one["body"]))
    all_of_it = autonomy("audit", "show", action, "--key", "log.key", "--json").json
    assert [(each["leaf"]["kind"], each["key"]) for each in all_of_it] == [("intent", "given"), ("outcome", "given")]
    assert autonomy("audit", "show", "99999").error == "audit.no_leaf"


def test_without_a_key_it_says_whose_word_the_key_is(office: Desk) -> None:
    Path("log.key").write_text(autonomy("audit", "key").out)
    for id in ("0", signed(office)):
        assert "the server's own word; check it with `--key`" in autonomy("audit", "show", id).out
        assert "check it with" not in autonomy("audit", "show", id, "--key", "log.key").out
    assert autonomy("audit", "show", "0", "--json").json["key"] == "from the server"


def test_what_another_key_signed_is_not_shown(office: Desk) -> None:
    name = note.Verifier.parse(autonomy("audit", "key").out.strip()).name
    other = str(note.Signer.from_seed(name, bytes(32)).verifier)
    for id in ("0", signed(office)):
        said = autonomy("audit", "show", id, "--key", other)
        assert (said.code, said.error, said.out) == (1, "audit.proof", "")
    assert autonomy("audit", "show", "0", "--key", "nonsense").error == "note.key"


def test_a_leaf_that_was_changed_is_not_shown(office: Desk) -> None:
    action = signed(office)
    intent = autonomy("audit", "show", action, "--json").json[0]
    forged = intent["body"].replace('"tool":"look"', '"tool":"pay"')
    assert forged != intent["body"]
    change(office, action, "intent", body=forged.encode())
    for id in (str(intent["index"]), action):
        said = autonomy("audit", "show", id)
        assert (said.code, said.error, said.out) == (1, "audit.proof", "")
        assert f"leaf {intent['index']} is not proven" in said.err


def test_a_leaf_of_another_action_is_not_shown_as_one_of_this(office: Desk) -> None:
    action, other = signed(office), signed(office)
    change(office, other, "outcome", action=action)
    said = autonomy("audit", "show", action)
    assert (said.code, said.error) == (1, "audit.proof") and "it is about another action" in said.err


def asked(monkeypatch: pytest.MonkeyPatch, id: str, status: int, told: Any) -> Ran:
    """What the command says where a server answers `told`."""
    with peer(answer(status, json.dumps(told).encode(), b"Content-Type: application/json")) as server:
        monkeypatch.setenv("AUTONOMY_URL", server.url)
        monkeypatch.setenv("AUTONOMY_TOKEN", "aos_a_token")
        return autonomy("audit", "show", id)


def test_a_server_that_is_too_old_or_refuses_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    none = {"error": {"code": "route.unknown", "message": "there is nothing here"}}
    old = asked(monkeypatch, "act_1", 404, none)
    assert (old.code, old.error) == (1, "route.unknown") and "too old to prove an action" in old.err
    may_not = {"error": {"code": "permission.missing", "message": "you may not"}}
    assert asked(monkeypatch, "0", 403, may_not).error == "permission.missing"
    for id, told in (("0", {"index": 0}), ("act_1", {"leaves": []}), ("act_1", {"proofs": [1]})):
        assert asked(monkeypatch, id, 200, told).error == "server.answer"
    assert asked(monkeypatch, "act_1", 200, {"proofs": []}).error == "audit.proof"


def test_a_leaf_is_not_shown_in_the_place_of_another_or_twice(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    action = signed(office)
    first = autonomy("audit", "show", action, "--json").json[0]
    proof = {name: first[name] for name in ("index", "size", "body", "hash", "path", "checkpoint")}
    in_its_place = asked(monkeypatch, "0", 200, proof)
    assert (in_its_place.error, in_its_place.out) == ("audit.proof", "")
    assert "in its place" in in_its_place.err
    assert asked(monkeypatch, action, 200, {"proofs": [proof]}).code == 0
    assert "or twice" in asked(monkeypatch, action, 200, {"proofs": [proof, proof]}).err
    half = proof | {"body": "\ud800"}
    assert asked(monkeypatch, action, 200, {"proofs": [half]}).error == "audit.proof"
