"""The least that a durable, decided action takes in Python on this machine: what the door's figures stand beside.

One Cedar decision over the rules of its tool, an intent in one durable commit of SQLite and its outcome in another:
budgets reserved and settled, an action, a leaf whose hash is folded into the head. Units are gathered on the event loop
and written in one batch on the raw cursor, as the door does it. There is nothing else: no credential, no rate limit,
no validation, no identity, no erasure, no containment, nobody to be told, one process. Whatever asks for less is not
durable or does not decide.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import queue
import random
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cedarpy

from autonomy.policy import Bundle
from autonomy.policy.source import policy_set

NAME = "a bare durable decision"
_SCHEMA = (
    "CREATE TABLE head (size INTEGER, frontier BLOB)",
    "CREATE TABLE epoch (name TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID",
    "CREATE TABLE budget (id INTEGER PRIMARY KEY, settled INTEGER, reserved INTEGER)",
    "CREATE TABLE action (id TEXT PRIMARY KEY, agent TEXT, tool TEXT, state TEXT, cost INTEGER, body TEXT) "
    "WITHOUT ROWID",
    "CREATE TABLE leaf (place INTEGER PRIMARY KEY, body BLOB, hash BLOB)",
    "INSERT INTO head VALUES (0, x'')",
    "INSERT INTO epoch VALUES ('organisation', 1), ('containment', 1)",
    "INSERT INTO budget VALUES (1, 0, 0), (2, 0, 0), (3, 0, 0)",
)
_LIMIT = 10**15


class Unit(NamedTuple):
    """A half of an action, and who waits for it."""

    action: str
    agent: str
    tool: str
    state: str
    cost: int
    leaf: bytes
    hash: bytes
    told: asyncio.Future[None]


class LeastDoor:
    """A door that does nothing but decide and write durably; effects take up to 20 ms where it is `slow`. `close` it at
    the end."""

    def __init__(self, folder: Path, bundle: Bundle, agents: Sequence[str], tools: Sequence[str]) -> None:
        self.slow = False
        self._agents, self._tools = agents, tools
        self._chance = random.Random(1)
        self._entities = bundle.engine.entities
        self._rules = _slices(bundle, tools)
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Unit] = []
        self._batches: queue.SimpleQueue[list[Unit] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=_write, args=(folder / "least.sqlite", self._batches, self._loop))
        self._writer.start()

    def close(self) -> None:
        self._batches.put(None)
        self._writer.join()

    async def act(self) -> None:
        """An allowed action of any agent with any tool, to its end."""
        agent, tool = self._chance.choice(self._agents), self._chance.choice(self._tools)
        amount = self._chance.randrange(1, 9_000)
        arguments = {"amount": amount, "item": "bolt", "quantity": 3}
        self._decide(agent, tool, arguments, amount * 100)
        action = f"act_{self._chance.getrandbits(96):024x}"
        for state in ("intent", "done"):
            body = {"action": action, "agent": agent, "tool": tool, "state": state, "arguments": arguments}
            leaf = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
            told = self._loop.create_future()
            unit = Unit(action, agent, tool, state, amount * 100, leaf, hashlib.sha256(b"\0" + leaf).digest(), told)
            self._hand_in(unit)
            await told
            if self.slow and state == "intent":
                await asyncio.sleep(self._chance.uniform(0, 0.02))

    def _decide(self, agent: str, tool: str, arguments: Mapping[str, Any], cost: int) -> None:
        context = {"arguments": arguments, "cost": cost, "approvals": []}
        request = {
            "principal": f'Agent::"{agent}"',
            "action": f'Action::"{tool}"',
            "resource": f'Tool::"{tool}"',
            "context": json.dumps(context),
        }
        if not cedarpy.is_authorized(request, self._rules[tool], self._entities).allowed:
            raise AssertionError(f"the bench measures allowed actions only: {request}")

    def _hand_in(self, unit: Unit) -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(unit)

    def _flush(self) -> None:
        self._batches.put(self._gathered)
        self._gathered = []


def _slices(bundle: Bundle, tools: Sequence[str]) -> dict[str, Any]:
    """For each tool the rules that can apply to it, parsed."""
    return {
        tool: policy_set({rule.id: rule.form for rule in bundle.rules.values() if _concerns(rule.form["action"], tool)})
        for tool in tools
    }


def _concerns(scope: Mapping[str, Any], tool: str) -> bool:
    return scope["op"] == "All" or bool(scope["entity"]["id"] == tool)


def _write(path: Path, batches: queue.SimpleQueue[list[Unit] | None], loop: asyncio.AbstractEventLoop) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *_SCHEMA):
        connection.execute(statement)
    cursor = connection.cursor()
    while (units := batches.get()) is not None:
        while not batches.empty() and (more := batches.get()) is not None:
            units += more
        _commit(cursor, units)
        loop.call_soon_threadsafe(_tell, units)
    connection.close()


def _tell(units: Sequence[Unit]) -> None:
    for unit in units:
        unit.told.set_result(None)


def _commit(cursor: sqlite3.Cursor, units: Sequence[Unit]) -> None:
    cursor.execute("BEGIN IMMEDIATE")
    size, frontier = cursor.execute("SELECT size, frontier FROM head").fetchone()
    cursor.execute("SELECT name, number FROM epoch").fetchall()
    budgets = cursor.execute("SELECT id, settled, reserved FROM budget").fetchall()
    begun, ended = [one for one in units if one.state == "intent"], [one for one in units if one.state != "intent"]
    spent, held = sum(one.cost for one in ended), sum(one.cost for one in begun)
    if any(settled + reserved + held > _LIMIT for _, settled, reserved in budgets):
        raise AssertionError("the bench measures allowed actions only")
    rows = [(settled + spent, reserved + held - spent, budget) for budget, settled, reserved in budgets]
    cursor.executemany("UPDATE budget SET settled = ?, reserved = ? WHERE id = ?", rows)
    cursor.executemany("INSERT INTO action VALUES (?, ?, ?, ?, ?, ?)", [(*one[:5], one.leaf) for one in begun])
    cursor.executemany("UPDATE action SET state = ? WHERE id = ?", [(one.state, one.action) for one in ended])
    leaves = [(size + number, one.leaf, one.hash) for number, one in enumerate(units)]
    cursor.executemany("INSERT INTO leaf VALUES (?, ?, ?)", leaves)
    for place, _, hashed in leaves:
        frontier = _folded(frontier, place, hashed)
    cursor.execute("UPDATE head SET size = ?, frontier = ?", (size + len(units), frontier))
    cursor.execute("COMMIT")


def _folded(frontier: bytes, size: int, hashed: bytes) -> bytes:
    """The roots of the full trees after one more leaf (RFC 6962, section 2.1), the largest first."""
    while size & 1:
        hashed = hashlib.sha256(b"\1" + frontier[-32:] + hashed).digest()
        frontier, size = frontier[:-32], size >> 1
    return frontier + hashed
