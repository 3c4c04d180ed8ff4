"""Killed at any moment while it buys on Tryton: no purchase order twice, none lost, in Tryton's own tables."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from demo.tryton import organisation
from demo.tryton.server import Tryton

from . import driver
from .company import rows
from .driver import Orders

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.erp.driver"])
READS = ("contract.get", "purchase_order.get")
PATIENCE = 120.0  # seconds for a process to say something or to end: recovery itself tries Tryton again for sixty


def kill_again_and_again(folder: Path, tryton: Tryton, kills: int) -> Counter[str]:
    """Kill as many lives in the middle of work, recover, compare; returns what was seen."""
    orders = Orders(folder, tryton.url, organisation.secrets(tryton.keys))
    luck = random.Random(kills)
    keys = answer(driver.prepare, orders)
    heard: list[dict[str, str]] = []
    for _ in range(kills):
        heard += life(replace(orders, seed=luck.randrange(2**30)), keys, luck.randrange(1, 25))
    return compare(tryton, answer(driver.recover, orders), heard)


def life(orders: Orders, keys: Any, count: int) -> list[dict[str, str]]:
    """What one process acknowledged until it was killed after `count` acknowledgements."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=driver.drive, args=(orders, keys, theirs))
    process.start()
    theirs.close()
    said: list[dict[str, str]] = []
    try:
        while len(said) < count:
            assert ours.poll(PATIENCE), "the process says nothing"
            said.append(json.loads(ours.recv_bytes()))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        while True:
            said.append(json.loads(ours.recv_bytes()))
    except (EOFError, OSError):  # it is dead; half a message is no acknowledgement
        process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    return said


def answer(work: Callable[[Orders, Connection], None], orders: Orders) -> Any:
    """What `work` tells from a process of its own, so that nothing of the store is open here."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=work, args=(orders, theirs))
    process.start()
    theirs.close()
    assert ours.poll(PATIENCE), "the process ends by itself"
    told = ours.recv()
    process.join(PATIENCE)
    return told


Ended = dict[str, tuple[str, str, str | None]]
"""Tool, state and code of every action, by its id."""


def compare(tryton: Tryton, ended: Ended, heard: list[dict[str, str]]) -> Counter[str]:
    """What Tryton holds is exactly what is on record as done, and everything that was acknowledged is on record."""
    held = Counter(name for (name,) in rows(tryton, "SELECT reference FROM purchase_purchase WHERE reference <> ''"))
    assert [name for name, times in held.items() if times > 1] == []
    made = {name for name, (tool, state, _) in ended.items() if (tool, state) == ("purchase_order.create", "done")}
    assert set(held) == made
    undecided = {name: how for name, how in ended.items() if how[1] not in ("done", "failed", "denied")}
    assert undecided == {}
    # A read's outcome is written after its answer; what is lost of it settles as if it had failed.
    writes = [one for one in heard if one["status"] == "done" and one["tool"] not in READS]
    assert [one for one in writes if ended[one["action"]][1] != "done"] == []
    invoiced = rows(
        tryton,
        "SELECT purchase, COUNT(*) FROM (SELECT DISTINCT l.purchase, i.invoice FROM purchase_line l "
        "JOIN account_invoice_line i ON i.origin = 'purchase.line,' || l.id) GROUP BY purchase HAVING COUNT(*) > 1",
    )
    assert invoiced == []
    bought = sum(tool == "purchase_order.confirm" and state == "done" for tool, state, _ in ended.values())
    return Counter({"heard": len(heard), "placed": len(made), "bought": bought})


@pytest.mark.timeout(240)
def test_five_kills_leave_no_order_twice_and_lose_none(own_tryton: Tryton, tmp_path: Path) -> None:
    seen = kill_again_and_again(tmp_path, own_tryton, 5)
    assert seen["heard"] >= 5 and seen["placed"] > 0


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_fifty_kills_leave_no_order_twice_and_lose_none(own_tryton: Tryton, tmp_path: Path) -> None:
    seen = kill_again_and_again(tmp_path, own_tryton, 50)
    assert seen["placed"] > 50 and seen["bought"] > 5
