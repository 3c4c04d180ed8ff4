"""A governed `tools/call` over MCP, beside the same call straight to the upstream and through a bare pass-through.

Upstream, pass-through and control plane are processes of their own. A read waits for one commit (its intent), a write
for two. The large organisation only starts and is weighed; the calls are made in a small one.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import uvloop

from autonomy.wiring import Settings, open_system

from .clients import ITEM, ORDER, Call, Clients, governed, read, write
from .door import noop
from .measure import BLOCKS, Measured, RawCommits, Scale, median, medians
from .organisation import organisation
from .processes import Process, running

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


def run(scale: Scale) -> Measured:
    """The metrics of the control plane as a gateway, and those of the pass-through."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(running(*_bare())).url
        passing = stack.enter_context(running(*_bare(upstream))).url
        large = _prepared(folder / "large", upstream, scale.of(LARGE_AGENTS), scale.of(LARGE_POLICIES, 50))
        with _serving(large) as process:
            weighed = {"ready_large_s": process.ready_s, "rss_large_mb": process.resident_mb()}
        place = _prepared(folder / "small", upstream, AGENTS, POLICIES)
        starts = [_ready_s(place) for _ in range(BLOCKS - 1)]
        process = stack.enter_context(_serving(place))
        raw = RawCommits(folder)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_load(_Ways(upstream, passing, place), raw, scale))
        raw.close()
        rss = process.resident_mb()
        starts.append(process.ready_s)
    own = ("direct_p50_ms", "direct_write_p50_ms", "raw_commit_p50_ms")
    metrics = {name: figure for name, figure in found.items() if name in own or not name.startswith(("direct", "bare"))}
    beside = {
        "bare pass-through": {name.removeprefix("bare_"): found[name] for name in found if name.startswith("bare_")}
    }
    return Measured(metrics | weighed | {"ready_s": median(starts), "rss_mb": rss}, beside)
