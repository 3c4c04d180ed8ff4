"""The log is carried on, whole and in order, to files and to a real syslog server, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import socket
import ssl
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import mul
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from py_ocsf_models.events.base_event import BaseEvent
from py_ocsf_models.objects.api import API

from autonomy.audit import record
from autonomy.audit.forward import Follower, Target, read_target, rules
from autonomy.audit.forward import target as target_module
from autonomy.audit.forward.follower import HOLD_MS
from autonomy.audit.forward.target import MAX_DATAGRAM
from autonomy.audit.merkle import leaf_hash
from autonomy.audit.store import leaves
from autonomy.db import CommitQueue, Database
from autonomy.kernel.errors import Invalid, Unavailable
from tests.forward.receiver import certificates, receiver, tls_peer
from tests.gate.works import works

ORIGIN = "autonomy.example/log"


@dataclass
class Time:
    """A clock that stands until it is moved."""

    at: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.at


@dataclass(frozen=True)
class Gathered(Target):
    """A target in memory that may refuse."""

    got: list[bytes] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)

    def deliver(self, records: Sequence[bytes]) -> None:
        if self.broken:
            raise self.broken.pop()
        self.got.extend(records)

    def indices(self) -> list[int]:
        return [json.loads(each)["unmapped"]["index"] for each in self.got]


def gathered(*broken: Exception) -> Gathered:
    return Gathered("file", Path("/gathered"), broken=list(broken))


def append(queue: CommitQueue, count: int, **said: Any) -> None:
    for number in range(count):
        fields = {"actor": "person:ada", "event": "person_invited", "person": f"p{number}"} | said
        queue.run(lambda tx, fields=fields: record(tx, "identity", 1_700_000_000_000, **fields))


def follower(database: Database, queue: CommitQueue, target: Target, owner: str, clock: Time) -> Follower:
    return Follower(database, queue, target, ORIGIN, owner, clock)


async def test_every_leaf_arrives_once_and_in_order_and_the_next_process_goes_on(
    database: Database, queue: CommitQueue
) -> None:
    target, clock = gathered(), Time()
    await asyncio.to_thread(append, queue, 3)
    first = follower(database, queue, target, "proc_1", clock)
    assert await first.carry() == 3 and await first.carry() == 0
    await first.let_go()
    await asyncio.to_thread(append, queue, 2)
    second = follower(database, queue, target, "proc_2", clock)
    assert await second.carry() == 2
    assert target.indices() == [0, 1, 2, 3, 4]
    assert second.lag == 0


async def test_one_process_carries_and_another_takes_over_when_it_is_silent(
    database: Database, queue: CommitQueue
) -> None:
    target, clock = gathered(), Time()
    await asyncio.to_thread(append, queue, 2)
    first, second = (follower(database, queue, target, name, clock) for name in ("proc_1", "proc_2"))
    assert await first.carry() == 2
    await asyncio.to_thread(append, queue, 1)
    assert await second.carry() == 0 and second.lag is None
    clock.at += HOLD_MS + 1
    assert await second.carry() == 1
    await asyncio.to_thread(append, queue, 1)
    assert await first.carry() == 0, "it has lost the cursor and finds out before it sends"
    assert await second.carry() == 1
    assert target.indices() == [0, 1, 2, 3]


async def test_what_was_sent_but_not_noted_comes_again_with_the_same_number(
    database: Database, queue: CommitQueue
) -> None:
    target, clock = gathered(), Time()
    await asyncio.to_thread(append, queue, 2)
    dying = follower(database, queue, target, "proc_1", clock)
    await dying._hold()
    found = await database.read(lambda connection: list(leaves(connection, 0, 2)))
    target.deliver(dying._records(found))  # and here the process dies
    clock.at += HOLD_MS + 1
    assert await follower(database, queue, target, "proc_2", clock).carry() == 2
    assert target.indices() == [0, 1, 0, 1]
    assert target.got[:2] == target.got[2:], "a repeat is the same to the byte"


async def test_a_target_that_refuses_loses_nothing(database: Database, queue: CommitQueue) -> None:
    target, clock = gathered(Unavailable("full", code="forward.unavailable")), Time()
    await asyncio.to_thread(append, queue, 2)
    it = follower(database, queue, target, "proc_1", clock)
    with pytest.raises(Unavailable):
        await it.carry()
    assert it.lag == 2
    assert await it.carry() == 2
    assert target.indices() == [0, 1]


async def test_a_process_that_lost_its_cursor_while_it_sent_does_not_move_it(
    database: Database, queue: CommitQueue
) -> None:
    clock = Time()
    await asyncio.to_thread(append, queue, 2)
    slow = gathered()
    first = follower(database, queue, slow, "proc_1", clock)
    await first._hold()
    clock.at += HOLD_MS + 1
    second = follower(database, queue, slow, "proc_2", clock)
    assert await second.carry() == 2
    first._held_until = clock.at + HOLD_MS  # it was frozen, and believes it holds it still
    assert await first.carry() == 0
    assert await second.carry() == 0, "nothing is sent a third time"


def test_a_file_gets_whole_lines_even_after_a_line_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "audit.jsonl"
    target = read_target(f"file://{path}")
    target.deliver([b'{"a":1}', b'{"b":2}'])
    with path.open("ab") as file:
        file.write(b'{"cut')
    target.deliver([b'{"cut":3}'])
    assert path.read_text().splitlines() == ['{"a":1}', '{"b":2}', '{"cut', '{"cut":3}']
    assert path.stat().st_mode & 0o007 == 0, "not for everybody"
    path.rename(tmp_path / "rotated")
    target.deliver([b"{}"])
    assert path.read_text() == "{}\n"


def test_the_name_of_a_new_file_is_on_the_disk_before_its_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, int]] = []
    path = tmp_path / "deep" / "deeper" / "audit.jsonl"
    target, real = read_target(f"file://{path}"), os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        found = os.fstat(descriptor)
        name = next(each for each in (path, *path.parents) if each.exists() and os.path.samestat(each.stat(), found))
        synced.append((name.name, path.stat().st_size if path.exists() else -1))

    monkeypatch.setattr(os, "fsync", fsync)
    target.deliver([b"{}"])
    assert synced == [(tmp_path.name, -1), ("deep", -1), ("deeper", 0), ("audit.jsonl", 3)]
    synced.clear()
    target.deliver([b"{}"])
    assert synced == [("audit.jsonl", 6)], "what has lines has its name on the disk"
    synced.clear()
    path.rename(tmp_path / "rotated")
    target.deliver([b"{}"])
    assert synced == [("deeper", 0), ("audit.jsonl", 3)]


def test_a_place_that_takes_nothing_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for text in (f"file://{tmp_path}/taken/audit.jsonl", f"unix://{tmp_path}/none", "tcp://127.0.0.1:1"):
        with pytest.raises(Unavailable) as refused:
            read_target(text).deliver([b"{}"])
        assert refused.value.code == "forward.unavailable"


@pytest.mark.parametrize(
    "text",
    ["", "audit.jsonl", "file:relative", "file://host/x", "http://siem", "tcp://", "tcp://h:99999", "udp://h/x",
     "tcp://me:canary-pass@siem:601", "tls://siem?x=1"],
)  # fmt: skip
def test_a_target_that_is_none_is_refused_and_no_password_is_repeated(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_target(text)
    assert refused.value.code == "forward.target"
    assert "canary" not in str(refused.value)


def test_targets_are_read_with_their_usual_ports() -> None:
    assert read_target("udp://siem.example") == Target("udp", host="siem.example", port=514)
    assert read_target("tcp://[::1]:7").name == "tcp:::1:7"
    assert read_target("tls://siem.example").port == 6514


async def test_a_leaf_that_has_no_room_in_a_datagram_comes_as_a_shortened_event_with_its_hash(
    database: Database, queue: CommitQueue
) -> None:
    await asyncio.to_thread(append, queue, 1, reason="\u00fc" * 9_000)
    await asyncio.to_thread(append, queue, 1)
    ((_, long), _) = await database.read(lambda connection: list(leaves(connection, 0, 2)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.bind(("127.0.0.1", 0))
        receiving.settimeout(10)
        target = Target("udp", host="127.0.0.1", port=receiving.getsockname()[1])
        assert await follower(database, queue, target, "proc_1", Time()).carry() == 2
        cut, whole = (receiving.recv(65_536).decode() for _ in range(2))
    assert cut.startswith("<109>1 2023-11-14T") and '[autonomy@32473 index="0" kind="identity"' in cut
    said = json.loads(cut.partition("] ")[2])
    BaseEvent.model_validate(said)
    assert said["unmapped"] == {"index": 0, "truncated": True, "hash": leaf_hash(long).hex()}
    assert said["metadata"]["uid"] == f"{ORIGIN}#0" and said["actor"]["user"]["uid"] == "person:ada"
    assert json.loads(whole.partition("] ")[2])["unmapped"]["leaf"]["person"] == "p0"


async def test_a_leaf_that_no_local_socket_takes_comes_shortened_and_holds_nothing_up(
    tmp_path: Path, database: Database, queue: CommitQueue
) -> None:
    await asyncio.to_thread(append, queue, 1, reason="x" * 300_000)
    await asyncio.to_thread(append, queue, 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiving:
        receiving.bind(str(tmp_path / "log"))
        receiving.settimeout(10)
        target = read_target(f"unix://{tmp_path}/log")
        assert await follower(database, queue, target, "proc_1", Time()).carry() == 2
        cut, whole = (receiving.recv(400_000).decode() for _ in range(2))
    assert json.loads(cut.partition("] ")[2])["unmapped"]["truncated"] is True
    assert json.loads(whole.partition("] ")[2])["unmapped"]["leaf"]["person"] == "p0"


async def test_a_defect_is_counted_like_any_failure(database: Database, queue: CommitQueue) -> None:
    await asyncio.to_thread(append, queue, 1)
    it = follower(database, queue, Gathered("file", Path("/x"), broken=[ZeroDivisionError()]), "proc_1", Time())
    with pytest.raises(ZeroDivisionError):
        await it.run()
    assert it.failures.counts == {("forward.unavailable",): 0, ("forward.defect",): 1}


@pytest.mark.parametrize("end", ["keeps it unread", "closes"])
def test_a_server_that_says_it_is_through_before_the_leaves_are_there_has_nothing(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_module, "SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as aside:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_304)

        def polite() -> socket.socket:
            connection, _ = listening.accept()
            connection.shutdown(socket.SHUT_WR)  # it has said its farewell, and reads nothing any more
            if end == "closes":
                select.select([connection], [], [], 10)
                connection.close()
            return connection

        peer = aside.submit(polite)
        with pytest.raises(Unavailable):
            Target("tcp", host="127.0.0.1", port=listening.getsockname()[1]).deliver([b"x" * 60_000])
        peer.result(10).close()


NAMES = ("action", "case", "agent", "agent_name", "actor", "tool", "status", "code", "event", "operation", "site",
         "person", "target", "name", "reason")  # fmt: skip


@settings(deadline=None)
@given(
    some.sampled_from(("intent", "identity", "change", "containment", "kind" * 99)),
    some.dictionaries(some.sampled_from(NAMES), some.builds(mul, some.text(max_size=9), some.integers(0, 2_000))),
)
@example("intent", dict.fromkeys(NAMES, "\U0001f600" * 9_000))
@example("identity", dict.fromkeys(NAMES, "\U0001f600" * 9_000))
@example("containment", dict.fromkeys(NAMES, "]" * 9_000))
def test_whatever_a_leaf_says_its_datagram_is_whole(kind: str, words: dict[str, str]) -> None:
    leaf = {"kind": kind, "at": 1_700_000_000_000, "rows": [1]} | words
    said = rules.datagram(2**53, leaf, b"\xff" * 32, ORIGIN, "1.0", "h" * 300, MAX_DATAGRAM)
    assert len(said) <= MAX_DATAGRAM
    told = json.loads(said[said.index(b"] {") + 2 :])
    assert told["unmapped"].get("truncated", False) is ("leaf" not in told["unmapped"])
    assert told["unmapped"]["index"] == told["metadata"]["sequence"] == 2**53


@pytest.mark.slow
async def test_rsyslog_reads_every_message_over_each_transport(
    tmp_path: Path, database: Database, queue: CommitQueue
) -> None:
    await asyncio.to_thread(append, queue, 3, reason='he said "no]" \\ \u00fcber\n<34>1 forged')
    with receiver(tmp_path / "rsyslog") as it:
        for count, place in enumerate(
            (f"tcp://127.0.0.1:{it.tcp}", f"udp://127.0.0.1:{it.udp}", f"unix://{it.folder}/log")
        ):
            target = read_target(place)
            assert await follower(database, queue, target, "proc_1", Time()).carry() == 3
            told = await asyncio.to_thread(it.wait_for, 3 * (count + 1))
            check(told[-3:])


def check(told: list[dict[str, Any]]) -> None:
    assert [re.search(r'index="(\d)"', each["structured-data"])[1] for each in told] == ["0", "1", "2"]  # type: ignore[index]
    for each in told:
        assert (each["protocol-version"], each["app-name"], each["msgid"]) == ("1", "autonomy", "identity")
        assert (each["syslogfacility"], each["syslogseverity"]) == ("13", "5")
        assert each["timestamp"].startswith("2023-11-14T")
        assert (
            each["structured-data"].startswith("[autonomy@32473 index=")
            and 'actor="person:ada"' in each["structured-data"]
        )
        event = json.loads(each["msg"])
        assert event["unmapped"]["leaf"]["reason"] == 'he said "no]" \\ \u00fcber\n<34>1 forged'
        assert event["class_uid"] == 3001 and event["metadata"]["log_name"] == ORIGIN


@pytest.mark.slow
async def test_rsyslog_reads_it_over_tls_and_a_stranger_with_another_certificate_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database, queue: CommitQueue
) -> None:
    await asyncio.to_thread(append, queue, 3, reason='he said "no]" \\ \u00fcber\n<34>1 forged')
    made = certificates(tmp_path / "certificates")
    with receiver(tmp_path / "rsyslog", made) as it:
        target = read_target(f"tls://127.0.0.1:{it.tcp}")
        with pytest.raises(Unavailable):
            await follower(database, queue, target, "proc_1", Time()).carry()
        assert it.told() == []
        monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
        assert await follower(database, queue, target, "proc_1", Time()).carry() == 3
        check(await asyncio.to_thread(it.wait_for, 3))


@pytest.mark.parametrize("end", ["with a farewell", "without a farewell"])
def test_a_tls_server_that_reads_to_the_end_has_the_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    def reads(connection: ssl.SSLSocket) -> bytes:
        read = b"".join(iter(lambda: connection.recv(4_096), b""))
        if end == "with a farewell":
            connection.unwrap().close()
        return read

    with tls_peer(tmp_path, monkeypatch, reads) as (target, read):
        target.deliver([b"one", b"two"])
        assert read.result(10) == b"3 one3 two"


def test_a_tls_server_that_resets_the_connection_without_reading_has_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resets(connection: ssl.SSLSocket) -> bytes:
        select.select([connection], [], [], 10)  # the batch lies there unread
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return b""

    with tls_peer(tmp_path, monkeypatch, resets) as (target, _), pytest.raises(Unavailable) as refused:
        target.deliver([b"one", b"two"])
    assert refused.value.code == "forward.unavailable"


@pytest.mark.slow
async def test_a_syslog_server_that_dies_and_comes_back_has_every_leaf(
    tmp_path: Path, database: Database, queue: CommitQueue
) -> None:
    clock = Time()
    await asyncio.to_thread(append, queue, 2)
    with receiver(tmp_path / "rsyslog") as it:
        target = read_target(f"tcp://127.0.0.1:{it.tcp}")
        carrier = follower(database, queue, target, "proc_1", clock)
        assert await carrier.carry() == 2
        await asyncio.to_thread(it.wait_for, 2)
    await asyncio.to_thread(append, queue, 2)
    with pytest.raises(Unavailable):
        await carrier.carry()
    with receiver(tmp_path / "rsyslog") as again:
        object.__setattr__(target, "port", again.tcp)
        assert await carrier.carry() == 2
        told = await asyncio.to_thread(again.wait_for, 4)
    assert indices(told) == [0, 1, 2, 3]


def indices(told: list[dict[str, Any]]) -> list[int]:
    return [int(re.search(r'index="(\d+)"', each["structured-data"])[1]) for each in told]  # type: ignore[index]


async def test_what_a_running_system_does_arrives_as_events_of_the_schema(tmp_path: Path, database_url: str) -> None:
    path = tmp_path / "audit.jsonl"
    settings = {"forward": (f"file://{path}",)}
    async with works(tmp_path / "data", database_url, living=True, **settings) as it:
        await it.ask("look", n=1)
        await it.ask("pay", payee="acme", amount="250.00")
        await it.ask("pay", payee="acme", amount="1000000.00")
        await asyncio.to_thread(it.system.identity.issue_credential, "w1", "api_key", "person:ada")
        await it.settle()
        await it.system.followers[0].carry()
        size = len(it.leaves())
        told = it.leaves()
    carried = [json.loads(line) for line in path.read_text().splitlines()]
    known = {each["metadata"]["uid"]: each for each in carried}
    assert all(known[each["metadata"]["uid"]] == each for each in carried), "carried twice, they are the same"
    events = list(known.values())  # it carries in the background, too, and each leaf at least once
    assert [each["unmapped"]["leaf"] for each in events][:size] == told
    for each in events:
        BaseEvent.model_validate(each)
        assert each["type_uid"] == each["class_uid"] * 100 + each["activity_id"]
        assert each["category_uid"] == each["class_uid"] // 1000
        assert each["class_uid"] != 6003 or (API.model_validate(each["api"]) and each["src_endpoint"])
        assert each["class_uid"] != 3004 or each["entity"]["name"]
        assert each["class_uid"] != 3001 or each["user"]["name"]
        assert each["actor"]["user"]["name"] and each["message"] and 1 <= each["severity_id"] <= 4
    assert {"intent", "outcome", "hold", "denial", "identity", "change"} <= {
        each["metadata"]["event_code"] for each in events
    }
