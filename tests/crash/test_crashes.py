"""The process is killed at any moment and at every named place; what was acknowledged is there, nothing is done twice.

Drivers are forked from a server that has everything loaded, so that a kill costs a fraction of a second.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from autonomy.kernel import failpoint
from tests.crash import driver
from tests.crash.checker import Judgement, judge
from tests.crash.driver import Orders

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.crash.driver"])

PATIENCE = 20.0  # seconds for a driver to say something; it says hundreds of things a second


class Run:
    """A store, the drivers that work on it one life after another, and everything they acknowledged."""

    def __init__(self, folder: Path, database: str, seed: int = 1) -> None:
        self.orders = Orders(folder, database, seed)
        self.luck = random.Random(seed)
        self.acknowledged: list[dict[str, Any]] = []
        self.lives = 0
        self.key = _answer(driver.prepare, self.orders)

    def begin(self, point: str = "", passes: int = 1) -> Life:
        """Another life on the same store."""
        self.lives += 1
        orders = replace(self.orders, seed=self.luck.randrange(2**30), failpoint=point, passes=passes)
        return Life(self, orders)

    def judge(self) -> Judgement:
        """Recover, export, and let the checker look. Fails where it finds a fault."""
        process = FORK.Process(target=driver.recover, args=(self.orders,))
        process.start()
        process.join(PATIENCE)
        assert process.exitcode == 0, "recovery ends by itself"
        folder = self.orders.folder
        found = judge(self.orders.export, self.orders.journal, folder / "witness", self.acknowledged)
        assert found.faults == [], f"{len(found.faults)} faults, the first: {found.faults[:5]}"
        return found


class Life:
    """One driver process, until it is killed."""

    def __init__(self, run: Run, orders: Orders) -> None:
        self._run = run
        self._rest = b""
        self._pipe, theirs = os.pipe()
        self.process: BaseProcess = FORK.Process(target=_drive, args=(orders, run.key, Handed(theirs)))
        self.process.start()
        os.close(theirs)

    def hear(self, count: int) -> None:
        """Take note of the next `count` acknowledgements."""
        heard = 0
        while heard < count and (data := os.read(self._pipe, 65_536)):
            heard += self._take(data)

    def kill(self) -> None:
        """Kill it now; what it had said before counts."""
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, signal.SIGKILL)
        self.end()

    def end(self) -> int | None:
        """Hear it out until it is dead; returns its exit code."""
        while data := os.read(self._pipe, 65_536):
            self._take(data)
        os.close(self._pipe)
        self.process.join(PATIENCE)
        return self.process.exitcode

    def _take(self, data: bytes) -> int:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._run.acknowledged += [json.loads(line) for line in lines]
        return len(lines)


class Handed:
    """A file descriptor on its way to a child."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        from multiprocessing.reduction import DupFd

        return _detached, (DupFd(self.number),)


def _detached(found: Any) -> int:
    number: int = found.detach()
    return number


def _drive(orders: Orders, key: str, pipe: Any) -> None:
    driver.drive(orders, key, pipe)


def _answer(work: Callable[[Orders], str], orders: Orders) -> str:
    """What `work` returns in a forked process, so that nothing of the store is open here."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=_send, args=(work, orders, theirs))
    process.start()
    theirs.close()
    answer: str = ours.recv()
    process.join()
    return answer


def _send(work: Callable[[Orders], str], orders: Orders, pipe: Connection) -> None:
    pipe.send(work(orders))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [16, pytest.param(50, marks=pytest.mark.slow)])
def test_kills_at_random_moments_lose_nothing_and_repeat_nothing(tmp_path: Path, kills: int) -> None:
    found = killed_at_random(Run(tmp_path, ""), kills)
    assert found.seen["acknowledged"] > 10 * kills and found.seen["executed"] > 4 * kills
    assert found.seen["shout unknown"] > 0 or kills < 50, "some were killed where nobody can know"


@pytest.mark.timeout(300)
def test_kills_at_random_moments_lose_nothing_on_postgresql_either(tmp_path: Path, migrated_postgres_url: str) -> None:
    found = killed_at_random(Run(tmp_path, migrated_postgres_url), 12)
    assert found.seen["acknowledged"] > 100


@pytest.mark.timeout(300)
def test_of_two_processes_on_one_store_the_other_takes_over_what_was_killed(tmp_path: Path, database_url: str) -> None:
    run = Run(tmp_path, database_url)
    one, two = run.begin(), run.begin()
    for _ in range(8):
        one.hear(run.luck.randrange(1, 60))
        one.kill()
        one, two = two, run.begin()
    two.hear(20)
    one.kill()
    two.kill()
    assert run.judge().seen["acknowledged"] > 100


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_thousand_kills_at_random_moments_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    for seed in range(10):  # ten stores of a hundred kills each
        folder = tmp_path / str(seed)
        folder.mkdir()
        killed_at_random(Run(folder, "", seed), 100)


def killed_at_random(run: Run, kills: int) -> Judgement:
    """Kill as many lives: some while they begin and recover, most in the middle of work."""
    for number in range(kills):
        life = run.begin()
        life.hear(0 if number % 10 == 9 else run.luck.randrange(1, 60))
        life.kill()
    return run.judge()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", failpoint.NAMES)
def test_a_kill_at_a_named_place_loses_nothing_and_repeats_nothing(
    tmp_path: Path, database_url: str, point: str
) -> None:
    """At the first pass, where everything is fresh, and at later ones, with work under way all around."""
    run = Run(tmp_path, database_url)
    for passes in (1, 2, 7):
        life = run.begin(point, passes)
        assert life.end() == -signal.SIGKILL, f"`{point}` is passed {passes} times"
    run.judge()


def test_a_failpoint_is_armed_by_the_environment(tmp_path: Path) -> None:
    program = "from autonomy.kernel.failpoint import failpoint\nfor _ in range(3): failpoint('effect.done'); print(1)"
    environment = {**os.environ, "AUTONOMY_FAILPOINT": "effect.done:2"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"") or ended.stdout == b"1\n"
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.timeout(60)
def test_the_checker_finds_what_it_is_there_to_find(tmp_path: Path) -> None:
    run = Run(tmp_path, "")
    life = run.begin()
    life.hear(60)
    life.kill()
    run.judge()
    export, journal, witness = run.orders.export, run.orders.journal, tmp_path / "witness"
    lines = journal.read_bytes().splitlines(keepends=True)

    def faults(executed: list[bytes], *more: dict[str, Any]) -> list[str]:
        journal.write_bytes(b"".join(executed))
        return judge(export, journal, witness, [*run.acknowledged, *more]).faults

    assert faults(lines) == []
    assert "executed 2 times" in faults([*lines, lines[-1]])[0]
    assert "is said to be done" in faults(lines[1:])[0]
    unintended = json.dumps({"function": "shout", "action": "act_never"}).encode() + b"\n"
    assert "0 intents" in faults([*lines, unintended])[0]
    assert "has no intent" in faults(lines, {"action": "act_never", "tool": "press", "status": "done"})[0]
    assert "is lost" in faults(lines, {"action": "act_never", "approved": True})[0]
    assert "changes were told" in faults(lines, *[{"declared": True}] * 1_000)[0]
