"""A governed `tools/call` over MCP, beside the same call straight to the upstream and through a bare pass-through.

Upstream, pass-through and control plane are processes of their own. A read waits for one commit (its intent), a write
for two. The large organisation only starts and is weighed; the calls are made in a small one.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import uvloop

from autonomy.wiring import Settings, open_system
from demo.processes import free_port

from .clients import ITEM, ORDER, Call, Clients, governed, read, write
from .door import noop
from .measure import BLOCKS, Measured, RawCommits, Scale, median, medians
from .organisation import organisation
from .processes import Process, running

COMMAND = Path(sys.executable).with_name("autonomy")
CLIENTS = 32
AGENTS, POLICIES = 100, 100
LARGE_AGENTS, LARGE_POLICIES = 10_000, 1_000

_SHOP = """\
apiVersion: autonomy/v1
kind: Connector
metadata: {{name: shop}}
spec: {{use: {{type: http, baseUrl: "{0}", allow: [127.0.0.1/32]}}}}
---
apiVersion: autonomy/v1
kind: Tool
metadata: {{name: stock.get}}
spec:
  connector: shop
  call: {{request: {{method: GET, path: "/stock/{{item}}"}}}}
  effect: read
  trust: trusted
  input: {{type: object, properties: {{item: {{type: string, maxLength: 40}}}}, required: [item]}}
---
apiVersion: autonomy/v1
kind: Tool
metadata: {{name: orders.create}}
spec:
  connector: shop
  call: {{request: {{method: POST, path: /orders, body: arguments, idempotencyHeader: Idempotency-Key}}}}
  effect: write-keyed
  trust: trusted
  input:
    type: object
    properties:
      amount: {{type: number, minimum: 0, x-money: EUR}}
      item: {{type: string, maxLength: 40}}
      quantity: {{type: integer, minimum: 0}}
    required: [amount, item]
  cost: {{amount: amount}}
"""
_SHOP_RULES = """\
@id("may-look") permit(principal in Role::"worker", action == Action::"stock.get", resource);
@id("may-order") permit(principal in Role::"worker", action == Action::"orders.create", resource);
@id("dear") forbid(principal, action == Action::"orders.create", resource) when { context.cost > 5000000 };
"""


class Place(NamedTuple):
    """A data folder with an organisation in force, the port it is served at, and the key of one of its agents."""

    data: Path
    port: int
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Ways(NamedTuple):
    """The same call by three ways: straight, through the pass-through, through the control plane."""

    direct: Call
    bare: Call
    governed: Call


def run(scale: Scale) -> Measured:
    """The metrics of the control plane as a gateway, and beside them the upstream and the pass-through."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(_bare()).url
        passing = stack.enter_context(_bare(upstream)).url
        metrics = _large(_prepared(folder / "large", upstream, scale.of(LARGE_AGENTS), scale.of(LARGE_POLICIES, 50)))
        place = _prepared(folder / "small", upstream, AGENTS, POLICIES)
        starts = [_ready_s(place) for _ in range(BLOCKS - 1)]
        served = stack.enter_context(_served(place))
        raw = RawCommits(folder)
        reads = Ways(read(upstream), read(passing), governed(place.url, place.key, "stock.get", {"item": ITEM}))
        writes = Ways(write(upstream), write(passing), governed(place.url, place.key, "orders.create", ORDER))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            blocks = runner.run(_blocks(reads, writes, raw, scale))
        raw.close()
        metrics |= {"ready_s": median([*starts, served.ready_s]), "rss_mb": served.resident_mb()}
    ours, upstreams, bares = (medians(found) for found in zip(*blocks, strict=True))
    return Measured(ours | metrics, {"the upstream itself": {**upstreams}, "bare pass-through": {**bares}})


Block = tuple[dict[str, float], dict[str, float], dict[str, float]]
"""Figures of the control plane, the upstream and the pass-through."""


async def _blocks(reads: Ways, writes: Ways, raw: RawCommits, scale: Scale) -> list[Block]:
    clients = Clients()
    try:
        for call in (*reads, *writes):
            await clients.together(call, CLIENTS, scale.of(200, CLIENTS))
        return [await _block(clients, reads, writes, raw, scale) for _ in range(BLOCKS)]
    finally:
        await clients.close()


async def _block(clients: Clients, reads: Ways, writes: Ways, raw: RawCommits, scale: Scale) -> Block:
    commits = median(raw.block(scale.of(200)))
    looked = [median(await clients.one_by_one(call, scale.of(200))) for call in reads]
    ordered = [median(await clients.one_by_one(call, scale.of(100))) for call in writes]
    rates = [await clients.together(call, CLIENTS, scale.of(1_000, CLIENTS)) for call in reads]
    write_rate = await clients.together(writes.governed, CLIENTS, scale.of(500, CLIENTS))
    ours = {
        "added_p50_ms": looked[2] - looked[0],
        "added_write_p50_ms": ordered[2] - ordered[0],
        "raw_commit_p50_ms": commits,
        "c32_per_s": rates[2],
        "c32_write_per_s": write_rate,
    }
    upstream = {"p50_ms": looked[0], "write_p50_ms": ordered[0], "c32_per_s": rates[0]}
    bare = {
        "added_p50_ms": looked[1] - looked[0],
        "added_write_p50_ms": ordered[1] - ordered[0],
        "c32_per_s": rates[1],
    }
    return ours, upstream, bare


def _large(place: Place) -> dict[str, float]:
    """What it takes to start and to hold the large organisation."""
    with _served(place) as process:
        return {"ready_large_s": process.ready_s, "rss_large_mb": process.resident_mb()}


def _ready_s(place: Place) -> float:
    with _served(place) as process:
        return process.ready_s


def _prepared(data: Path, upstream: str, agents: int, policies: int) -> Place:
    """The bench organisation with the shop's two tools, its upstream at `upstream`."""
    place = Place(data, free_port(), "")
    system = open_system(replace(Settings(), data=data, port=place.port), functions={"noop": noop})
    more = {"shop.yaml": _SHOP.format(upstream), "shop.cedar": _SHOP_RULES}
    system.catalog.apply(organisation(agents, policies, more), by="person:bench")
    key = system.identity.issue_credential("agent-1", "api_key", "system").secret
    system.close()
    return place._replace(key=key)


def _served(place: Place) -> AbstractContextManager[Process]:
    """The server as anybody starts it."""
    options = ("--data", str(place.data), "--port", str(place.port), "--log", "warning")
    return running(place.url, str(COMMAND), "serve", *options, path="/readyz")


def _bare(*target: str) -> AbstractContextManager[Process]:
    """An upstream, or a pass-through to one."""
    port = free_port()
    command = (sys.executable, "-m", "bench.bare", str(port), *target)
    return running(f"http://127.0.0.1:{port}", *command, path="/stock/bolt")
