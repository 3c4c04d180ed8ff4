"""Shared memory at a million items: finding by words, recalling work, and writing, on SQLite and through the door.

The items are short notes whose words are as common as words are (Zipf's law); each is sealed. They are written in bulk,
by the tables' own statements; what is measured is the code that serves.
"""

from __future__ import annotations

import asyncio
import bisect
import gc
import itertools
import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from autonomy.catalog import read
from autonomy.gate import Request
from autonomy.memory import Author, Question, Work, store
from autonomy.memory.index import ADD, tend
from autonomy.memory.index import place as index_place
from autonomy.memory.rules import restriction
from autonomy.memory.shelves import place
from autonomy.wiring import Settings, System, open_system

from .measure import BLOCKS, Measured, RawCommits, Scale, medians, percentile

ITEMS = 1_000_000
VOCABULARY = 50_000
WORDS = 12  # of an item
BULK = 20_000  # items written by one statement
QUESTIONS = 100  # in a block
TENDED = 60  # minutes of housekeeping after the items were written
CALLS = 40  # through the door, in a block
COMMITS = 20
SPACES = ("notes", "sales", "hiring")

ORGANISATION = """\
apiVersion: autonomy/v1
kind: Unit
metadata: {name: company}
spec: {trustDomain: bench.example, currency: EUR}
---
apiVersion: autonomy/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, email: ana@bench.example, roles: [manager], access: [admin, approver]}
---
apiVersion: autonomy/v1
kind: Role
metadata: {name: manager}
spec:
  scope: {tools: []}
  responsibilities: [decides]
  decisionBoundaries: [none]
  escalationTargets: [manager]
  expectations: [{measure: time to decide, target: one hour}]
---
apiVersion: autonomy/v1
kind: Role
metadata: {name: worker}
spec:
  scope: {tools: ["*"], data: [sales]}
  responsibilities: [works]
  decisionBoundaries: [what policy permits]
  escalationTargets: [manager]
  expectations: [{measure: throughput, target: high}]
---
apiVersion: autonomy/v1
kind: Agent
metadata: {name: agent-1, unit: company}
spec: {roles: [worker], sponsor: ana, owner: ana, supervisor: manager, ratePerMinute: 1000000}
---
"""

SPACE = """\
apiVersion: autonomy/v1
kind: MemorySpace
metadata: {{name: {name}}}
spec: {{owner: ana, readers: {{roles: [{role}]}}, writers: {{roles: [{role}]}}, data: ["*"], retention: 3650d}}
---
"""

POLICY = '// description: all may\n@id("all")\npermit (principal, action, resource);\n'


def run(scale: Scale) -> Measured:
    """The metrics of a memory of a million items, a third of which the agent that asks may not read."""
    return asyncio.run(_run(scale))


async def _run(scale: Scale) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        system = open_system(replace(Settings(), data=folder))
        system.catalog.apply(read(_files()), by="person:bench")
        await system.start()
        key = await asyncio.to_thread(_key, system)
        count = scale.of(ITEMS, 2_000)
        started = time.perf_counter()
        await asyncio.to_thread(_fill, system, count)
        filled = time.perf_counter() - started
        gc.collect()
        gc.freeze()
        commits = RawCommits(folder)
        blocks = [await _block(system, key, number, commits, count) for number in range(BLOCKS)]
        commits.close()
        stored = sum(each.stat().st_size for each in folder.glob("autonomy.sqlite*"))
        await system.stop()
    fixed = {"items": float(count), "fill_s": filled, "bytes_per_item": stored / count}
    return Measured(medians(blocks) | fixed)


async def _block(system: System, key: str, number: int, commits: RawCommits, count: int) -> dict[str, float]:
    chance = random.Random(number)
    questions = [" ".join(words) for words in itertools.islice(_texts(chance, 3), QUESTIONS)]
    searched = [await _timed(system.own.memory.search(_AUTHOR, Question(question))) for question in questions]
    recalled = [await _timed(system.own.reuse.recall(_AUTHOR, _work(chance.randrange(count)))) for _ in range(CALLS)]
    found = [await _timed(_ask(system, key, "memory.search", query=each)) for each in questions[:CALLS]]
    written = [await _timed(_ask(system, key, "memory.write", space="notes", text=each)) for each in questions[:CALLS]]
    return {
        "recall_p50_ms": percentile(searched, 0.5),
        "recall_p99_ms": percentile(searched, 0.99),
        "reuse_p50_ms": percentile(recalled, 0.5),
        "door_search_p50_ms": percentile(found, 0.5),
        "door_write_p50_ms": percentile(written, 0.5),
        "raw_commit_p50_ms": percentile(commits.block(COMMITS), 0.5),
    }


_AUTHOR = Author("agent-1", "act_bench", "bench")


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) * 1000


async def _ask(system: System, key: str, tool: str, **arguments: Any) -> None:
    reply = await system.gate.perform(key, Request(tool, arguments))
    if reply.status != "done":
        raise AssertionError(f"`{tool}` ended as {reply.status}: {reply.message}")


def _work(number: int) -> Work:
    return Work("notes", "summarise", {"number": number // 3 * 3}, claim=False)


def _key(system: System) -> str:
    return system.identity.issue_credential("agent-1", "api_key", "system").secret


def _files() -> dict[str, str]:
    roles = {"notes": "worker", "sales": "worker", "hiring": "manager"}
    spaces = "".join(SPACE.format(name=name, role=role) for name, role in roles.items())
    return {"organisation.yaml": ORGANISATION + spaces.rstrip("-\n"), "policy.cedar": POLICY}


def _texts(chance: random.Random, words: int) -> Iterator[list[str]]:
    """Texts of so many words, each as common as its rank says: the hundredth a hundredth as common as the first."""
    bounds = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    while True:
        yield [f"word{bisect.bisect(bounds, chance.random() * bounds[-1])}" for _ in range(words)]


def _fill(system: System, count: int) -> None:
    """Write the items, a share of each to each space, every one with the result of some work."""
    key = asyncio.run(system.vault.key("memory:bench", 0))
    numbered = zip(range(count), _texts(random.Random(42), WORDS), strict=False)
    while group := list(itertools.islice(numbered, BULK)):
        rows = [_row(system, key, number, words) for number, words in group]
        system.queue.run(lambda tx, rows=rows: _put(tx, rows), within=120)  # type: ignore[misc]
    for _ in range(TENDED):
        system.queue.run(tend)


def _row(system: System, key: Any, number: int, words: list[str]) -> dict[str, Any]:
    name, space = f"mem_{number:026}", SPACES[number % len(SPACES)]
    content = json.dumps({"text": " ".join(words)}).encode()
    (_, _, subject, generation, box, at), _ = key.seal(name, "memory", content, 1_800_000_000_000 + number)
    work = system.own.memory.work_of("notes", "summarise", {"number": number}) if space == "notes" else None
    return {
        **{"seq": number + 1, "id": name, "space": space, "author": "agent-1", "revision": "", "source": name},
        **{"case_id": "bench", "untrusted": 0, "at": at, "valid_from": None, "valid_until": None, "reused": 0},
        **{"subject": subject, "generation": generation, "box": box, "work": work},
        "marks": " ".join(system.own.memory.marks_of(words)),
    }


def _put(tx: Any, rows: list[dict[str, Any]]) -> None:
    shelves = {space: place(tx, space, *restriction(space, (), ()), "agent-1").id for space in SPACES}
    standing = [row | {"shelf": shelves[row["space"]]} for row in rows]
    tx.execute(insert(store.item), standing)
    tx.execute(ADD, [{"place": index_place(row["shelf"], row["seq"]), "marks": row["marks"]} for row in standing])
