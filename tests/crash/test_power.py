"""The power fails: what was synced is on the disk, of what was only written any part may be.

A run is recorded call by call, every acknowledgement in its place among writes and syncs of the database files. From
the record a disk is made as it may be found after a loss of power at any moment; a process starts on it, and the same
checker judges as after a kill.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.crash import driver
from tests.crash.checker import judge
from tests.crash.driver import Orders
from tests.crash.test_crashes import FORK, PATIENCE, Run
from tests.crash.test_sync import PROGRAM

HEARD = 250  # acknowledgements in a recorded run
SECTOR = 512  # bytes that a disk writes as one
DATABASE = ("autonomy.sqlite", "autonomy.sqlite-wal")

Kind = Literal["write", "truncate", "sync", "told", "executed", "witnessed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a file, or that somebody was told."""

    kind: Kind
    name: str
    place: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """Files as they are for certain, and what was written to them since, in order."""

    files: dict[str, bytes]
    unsynced: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def take(self, event: Event) -> None:
        if event.kind in ("write", "truncate"):
            self.unsynced[event.name].append(event)
        elif event.kind == "sync":
            self.files[event.name] = written(self.files.get(event.name, b""), self.unsynced.pop(event.name, []))

    def after_loss(self, luck: random.Random) -> dict[str, bytes]:
        """The files as they may be found: everything synced, any of the rest, whole or in part."""
        found = dict(self.files)
        for name, events in self.unsynced.items():
            kept = [torn(event, luck) for event in events if luck.random() < 0.5]
            if kept:
                found[name] = written(found.get(name, b""), kept)
        return found


def torn(event: Event, luck: random.Random) -> Event:
    """The event, or of a write now and then only the first sectors."""
    if event.kind == "truncate" or luck.random() < 0.7:
        return event
    sectors = luck.randrange(len(event.data) // SECTOR + 1)
    return replace(event, data=event.data[: sectors * SECTOR])


def written(before: bytes, events: list[Event]) -> bytes:
    """A file after writes and truncations."""
    found = bytearray(before)
    for event in events:
        if event.kind == "truncate":
            del found[event.place :]
            found.extend(bytes(event.place - len(found)))
        else:
            found.extend(bytes(max(0, event.place - len(found))))
            found[event.place : event.place + len(event.data)] = event.data
    return bytes(found)


CALL = re.compile(rb"(\w+)\((.*)\) += (-?\d+)")
NAMED = re.compile(rb"\d+<([^>]*)>(.*)", re.DOTALL)
TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')


def events(trace: bytes, folder: Path) -> Iterator[Event]:
    """What a record of system calls says, in the order in which the calls returned."""
    begun: dict[bytes, bytes] = {}
    for line in trace.splitlines():
        process, _, said = line.partition(b" ")
        said = said.strip()
        if said.endswith(b"<unfinished ...>"):
            begun[process] = said.removesuffix(b"<unfinished ...>")
            continue
        if said.startswith(b"<... "):
            said = begun.pop(process) + said.partition(b"resumed>")[2]
        match = CALL.fullmatch(said)
        if match and int(match[3]) >= 0:
            yield from _event(match[1], match[2], folder)


def _event(call: bytes, said: bytes, folder: Path) -> Iterator[Event]:
    if call.startswith(b"rename"):
        name = Path(os.fsdecode(_texts(said)[-1])).name
        if name.endswith(".note"):
            yield Event("witnessed", name)
        return
    match = NAMED.fullmatch(said)
    if match is None:
        return
    path, rest = Path(os.fsdecode(_plain(match[1]))), match[2]
    if path.parent == folder and path.name in DATABASE:
        yield _to_database(call, path.name, rest)
    elif call == b"write" and path.name == "upstream.journal":
        yield Event("executed", path.name, data=_texts(rest)[0])
    elif call == b"write" and said.startswith(b"1<"):
        yield Event("told", "", data=_texts(rest)[0])


def _to_database(call: bytes, name: str, rest: bytes) -> Event:
    if call in (b"fdatasync", b"fsync"):
        return Event("sync", name)
    place = int(rest.rsplit(b",", 1)[1])
    if call == b"ftruncate":
        return Event("truncate", name, place)
    assert call == b"pwrite64", f"{call!r} is not known to be done to a database"
    return Event("write", name, place, _texts(rest)[0])


def _texts(said: bytes) -> list[bytes]:
    return [_plain(text) for text in TEXT.findall(said)]


def _plain(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode()) if text.startswith(b"\\x") else text


@dataclass
class Recorded:
    """A run: its folder as it was when it began, and what happened."""

    before: Path
    events: list[Event]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded").resolve()
    (folder / "run").mkdir()
    run = Run(folder / "run", "")
    shutil.copytree(folder / "run", folder / "before")
    trace = folder / "trace"
    record(run, trace)
    found = list(events(trace.read_bytes(), folder / "run"))
    counted = Counter(event.kind for event in found)
    assert min(counted[kind] for kind in ("write", "sync", "told", "executed", "witnessed")) > 20, counted
    return Recorded(folder / "before", found)


def record(run: Run, trace: Path) -> None:
    """Let a driver work under the eyes of strace, then kill both."""
    strace = shutil.which("strace")
    assert strace, "this suite needs strace"
    calls = "trace=write,pwrite64,?pwritev,?pwritev2,ftruncate,fdatasync,fsync,?rename,?renameat,?renameat2"
    command = [strace, "-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-e", calls, "-o", str(trace)]
    work = [sys.executable, "-c", PROGRAM, str(run.orders.folder), run.key]
    with subprocess.Popen([*command, *work], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        for _ in range(HEARD):
            assert process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("losses", [12, pytest.param(300, marks=pytest.mark.slow)])
def test_after_a_loss_of_power_everything_acknowledged_is_there_and_nothing_is_done_twice(
    tmp_path: Path, recorded: Recorded, losses: int
) -> None:
    luck = random.Random(losses)
    seen: Counter[str] = Counter()
    for number, moment in enumerate(moments(recorded.events, losses, luck)):
        folder = tmp_path / str(number)
        told = find(recorded, moment, folder, luck)
        orders = Orders(folder, "", number)
        process = FORK.Process(target=driver.recover, args=(orders,))
        process.start()
        process.join(PATIENCE)
        assert process.exitcode == 0, f"recovery after a loss at {moment} ends by itself"
        found = judge(orders.export, orders.journal, folder / "witness", told)
        assert found.faults == [], f"lost at {moment}: {found.faults[:5]}"
        seen += found.seen
        shutil.rmtree(folder)
    assert seen["acknowledged"] > 20 * losses and seen["witnessed"] > 0


def moments(found: list[Event], count: int, luck: random.Random) -> list[int]:
    """After how many events the power fails: half of them right before or after a sync or an acknowledgement."""
    close = [place + after for place, event in enumerate(found) for after in (0, 1) if event.kind in ("sync", "told")]
    return [luck.choice(close) if number % 2 else luck.randrange(len(found)) for number in range(count)]


def find(recorded: Recorded, moment: int, folder: Path, luck: random.Random) -> list[dict[str, Any]]:
    """Make the disk as it may be after a loss at `moment`; returns what had been acknowledged before it. Upstream and
    witness are elsewhere and have what they were given."""
    shutil.copytree(recorded.before, folder)
    disk = Disk({DATABASE[0]: (folder / DATABASE[0]).read_bytes()})
    past = recorded.events[:moment]
    for event in past:
        disk.take(event)
    for name, content in disk.after_loss(luck).items():
        (folder / name).write_bytes(content)
    (folder / "upstream.journal").write_bytes(b"".join(event.data for event in past if event.kind == "executed"))
    witness = recorded.before.with_name("run") / "witness"
    (folder / "witness").mkdir(exist_ok=True)
    for event in past:
        if event.kind == "witnessed":
            shutil.copy(witness / event.name, folder / "witness")
    said = b"".join(event.data for event in past if event.kind == "told")
    return [json.loads(line) for line in said.splitlines()]


def test_a_disk_that_lies_about_its_syncs_is_found_out(tmp_path: Path, recorded: Recorded) -> None:
    """The same losses on a disk that had synced nothing: the checker has to find what is missing."""
    lying = [event for event in recorded.events if event.kind != "sync"]
    told = find(replace(recorded, events=lying), len(lying), tmp_path / "found", Never())
    orders = Orders(tmp_path / "found", "", 1)
    process = FORK.Process(target=driver.recover, args=(orders,))
    process.start()
    process.join(PATIENCE)
    faults = judge(orders.export, orders.journal, tmp_path / "found" / "witness", told).faults
    assert any("has no intent" in fault for fault in faults)


class Never(random.Random):
    """Nothing that was not synced is kept."""

    def random(self) -> float:
        return 1.0
