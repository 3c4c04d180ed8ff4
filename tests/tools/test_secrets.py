"""Secrets: stored so that only the key reads them, listed without values, changed with a record."""

from __future__ import annotations

import base64
import json
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from autonomy.db import CommitQueue, Database
from autonomy.kernel.errors import Corrupt, Invalid, NotFound, TooLarge, Unavailable
from autonomy.tools import Secrets
from autonomy.tools.credential import Credential
from autonomy.tools.key import load_key

KEY = bytes(range(32))
CANARY = "hunter2-canary-ünicode"


def made(database: Database, queue: CommitQueue, key: bytes = KEY) -> Secrets:
    return Secrets(database, queue, key, lambda: 1_000)


def leaves(database: Database) -> list[dict[str, Any]]:
    """What the log holds, as it would be exported."""
    with database.reading() as connection:
        return [json.loads(bytes(row[0])) for row in connection.execute(text("SELECT body FROM leaf ORDER BY idx"))]


def test_a_secret_is_revealed_as_it_was_set(database: Database, queue: CommitQueue) -> None:
    secrets = made(database, queue)
    assert secrets.set("erp-password", CANARY, "person:ada") == 1
    found = secrets.reveal("erp-password")
    assert (found.reveal(), found.name, found.version) == (CANARY, "erp-password", 1)


def test_rotation_replaces_the_value_and_forgets_the_old_one(database: Database, queue: CommitQueue) -> None:
    secrets = made(database, queue)
    secrets.set("erp", CANARY, "person:ada")
    assert secrets.rotate("erp", "another-value", "person:bob") == 2
    assert secrets.reveal("erp").reveal() == "another-value"
    assert [(item.version, item.created_by, item.retired_at) for item in secrets.list()] == [
        (1, "person:ada", 1_000),
        (2, "person:bob", None),
    ]
    with database.reading() as connection:
        old = connection.execute(text("SELECT ciphertext, nonce FROM secret WHERE version = 1")).one()
    assert bytes(old[0]) == bytes(old[1]) == b""


def test_what_the_system_renewed_is_told_from_what_a_person_stored(database: Database, queue: CommitQueue) -> None:
    secrets, seen = made(database, queue), []
    secrets.set("crm", "value-1", "ada")
    for change in (lambda: secrets.renew("crm", "value-2"), lambda: secrets.rotate("crm", "value-3", "ada")):
        seen.append(secrets.reveal("crm"))
        change()
    seen.append(secrets.reveal("crm"))
    assert [(one.version, one.given) for one in seen] == [(1, 1), (2, 1), (3, 3)]


def test_what_does_not_exist_is_neither_revealed_nor_rotated(database: Database, queue: CommitQueue) -> None:
    secrets = made(database, queue)
    for attempt in (lambda: secrets.reveal("erp"), lambda: secrets.rotate("erp", "value", "person:ada")):
        with pytest.raises(NotFound) as caught:
            attempt()
        assert caught.value.code == "secret.unknown"
    assert secrets.list() == ()


def test_another_key_reads_nothing(database: Database, queue: CommitQueue) -> None:
    made(database, queue).set("erp", CANARY, "person:ada")
    with pytest.raises(Corrupt):
        made(database, queue, bytes(32)).reveal("erp")


def test_a_ciphertext_moved_to_another_name_or_version_reads_nothing(database: Database, queue: CommitQueue) -> None:
    secrets = made(database, queue)
    secrets.set("erp", CANARY, "person:ada")
    for change in ("name = 'web'", "version = 7"):
        queue.run(lambda tx, change=change: tx.execute(text(f"UPDATE secret SET {change}")))  # type: ignore[misc]
        with pytest.raises(Corrupt):
            secrets.reveal("web")


def test_every_change_is_recorded_without_the_value(database: Database, queue: CommitQueue) -> None:
    secrets = made(database, queue)
    secrets.set("erp", CANARY, "person:ada")
    secrets.rotate("erp", CANARY + "2", "person:bob")
    with pytest.raises(NotFound):
        secrets.rotate("web", CANARY, "person:eve")
    found = [
        (leaf["kind"], leaf["actor"], leaf["operation"], leaf["name"], leaf["version"]) for leaf in leaves(database)
    ]
    assert found == [("secret", "person:ada", "set", "erp", 1), ("secret", "person:bob", "rotate", "erp", 2)]


def test_the_value_is_nowhere_in_the_database(database: Database, queue: CommitQueue, tmp_path: Path) -> None:
    made(database, queue).set("erp", CANARY, "person:ada")
    with database.reading() as connection:
        rows = str(connection.execute(text("SELECT * FROM secret")).all()) + str(leaves(database))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for spelling in (CANARY.encode(), base64.b64encode(CANARY.encode()), CANARY.encode().hex().encode()):
        assert spelling not in files and spelling.decode() not in rows


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("ERP", "value", Invalid),
        ("", "value", Invalid),
        ("a" * 64, "value", Invalid),
        ("erp", "abc", Invalid),
        ("erp", "with\0nul", Invalid),
        ("erp", "half \ud800 char", Invalid),
        ("erp", "x" * 65_537, TooLarge),
    ],
)
def test_a_bad_name_or_value_is_refused_without_being_shown(
    database: Database, queue: CommitQueue, name: str, value: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        made(database, queue).set(name, value, "person:ada")
    assert value not in str(caught.value) or value == "value"


def test_two_that_set_at_once_leave_one_in_force(database: Database, queue: CommitQueue) -> None:
    secrets = made(database, queue)
    setters = [
        threading.Thread(target=secrets.set, args=("erp", f"value-{number}", "person:ada")) for number in range(8)
    ]
    for setter in setters:
        setter.start()
    for setter in setters:
        setter.join()
    assert [item.version for item in secrets.list()] == list(range(1, 9))
    assert [item.version for item in secrets.list() if item.retired_at is None] == [8]


def test_a_credential_shows_itself_to_nobody() -> None:
    credential = Credential("erp", 1, CANARY)
    assert CANARY not in f"{credential} {credential!r} {vars(Credential)}"
    with pytest.raises(TypeError):
        pickle.dumps(credential)


@given(st.text(min_size=4, max_size=20), st.text(max_size=20))
def test_a_credential_is_scrubbed_from_text_in_every_usual_spelling(value: str, around: str) -> None:
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        return
    credential = Credential("erp", 1, value)
    for spelling in (value, json.dumps(value)[1:-1], base64.b64encode(raw).decode(), raw.hex()):
        if spelling not in around and spelling not in "[credential]":
            assert spelling not in credential.scrub(f"{around}|{spelling}|{spelling}").replace("[credential]", "")


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_key(path, {})
    assert len(key) == 32 and load_key(path, {}) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    loaders = [threading.Thread(target=lambda: keys.append(load_key(tmp_path / "key", {}))) for _ in range(16)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
    assert len(keys) == 16 and len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    load_key(path, {})
    path.chmod(mode)
    with pytest.raises(Invalid) as caught:
        load_key(path, {})
    assert caught.value.code == "key.exposed"


@pytest.mark.parametrize(
    "content", [b"", b"short", base64.b64encode(bytes(31)), base64.b64encode(bytes(33)), b"\xff" * 44]
)
def test_a_key_that_is_none_is_refused_without_being_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Invalid) as caught:
        load_key(path, {})
    assert caught.value.code == "key.invalid"


def test_the_environment_comes_first(tmp_path: Path) -> None:
    stated = base64.b64encode(KEY).decode()
    assert load_key(tmp_path / "key", {"AUTONOMY_KEY": stated + "\n"}) == KEY
    assert not (tmp_path / "key").exists()
    with pytest.raises(Invalid):
        load_key(tmp_path / "key", {"AUTONOMY_KEY": ""})


def test_a_key_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    load_key(tmp_path / "key", {})
    for name in ("folder", "link", "no/such/folder"):
        with pytest.raises((Unavailable, Invalid)):
            load_key(tmp_path / name, {})
