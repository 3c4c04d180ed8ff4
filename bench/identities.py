"""What it costs in memory that every agent is itself at the other system: a server whose agents each have a credential
there, beside the same server whose agents share one."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import uvloop

from autonomy.wiring import Settings, open_system
from demo.processes import free_port

from .bare import CALLERS
from .clients import ITEM, Call, Clients, governed
from .door import noop
from .measure import Scale
from .organisation import organisation
from .processes import Process, running

COMMAND = Path(sys.executable).with_name("autonomy")
AGENTS = 5_000
AT_ONCE = 16

_SHOP = """\
apiVersion: autonomy/v1
kind: Connector
metadata: {{name: shop}}
spec: {{use: {{type: http, baseUrl: "{0}", credential: "{1}", allow: [127.0.0.0/8]}}}}
---
apiVersion: autonomy/v1
kind: Tool
metadata: {{name: stock.get}}
spec:
  connector: shop
  call: {{request: {{method: GET, path: "/stock/{{item}}"}}}}
  effect: read
  trust: trusted
  input:
    type: object
    properties: {{item: {{type: string, maxLength: 40}}}}
    required: [item]
"""
_RULE = '@id("may-look") permit(principal in Role::"worker", action == Action::"stock.get", resource);\n'


def measure(scale: Scale) -> dict[str, float]:
    """`agents_mb`: megabytes of resident memory that credentials of their own cost, after each agent has called once;
    beside it what the server with one credential for all takes."""
    agents = scale.of(AGENTS, 50)
    shared, own = _resident_mb(agents, "shop", 1), _resident_mb(agents, "shop/{agent}", agents)
    return {"agents_mb": own - shared, "agents_shared_mb": shared}


def _resident_mb(agents: int, credential: str, callers: int) -> float:
    """Resident memory of a server after each of its agents has called; raises AssertionError where the other system
    did not see as many callers."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "data"
        port = free_port()
        upstream = f"http://127.0.0.1:{port}"
        stack.enter_context(running(upstream, sys.executable, "-m", "bench.bare", str(port), path=CALLERS))
        keys, url = _prepare(data, upstream, agents, credential)
        options = ("--data", str(data), "--port", url.rsplit(":", 1)[1], "--log", "warning")
        served = stack.enter_context(running(url, str(COMMAND), "serve", *options, path="/readyz"))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_called(url, keys, Call("GET", upstream + CALLERS, None, {}, b"%d" % callers), served))


async def _called(url: str, keys: list[str], proof: Call, served: Process) -> float:
    clients = Clients()
    try:
        left = iter(keys)

        async def call() -> None:
            for key in left:
                await clients.one_by_one(governed(url, key, "stock.get", {"item": ITEM}), 1)

        await asyncio.gather(*(call() for _ in range(AT_ONCE)))
        await clients.one_by_one(proof, 1)
        return served.resident_mb()
    finally:
        await clients.close()


def _prepare(data: Path, upstream: str, agents: int, credential: str) -> tuple[list[str], str]:
    """An organisation whose agents all have a key; the keys, and where the server is to be."""
    port = free_port()
    system = open_system(replace(Settings(), data=data, port=port), functions={"noop": noop})
    names = [f"agent-{number}" for number in range(agents)]
    for secret in dict.fromkeys(credential.replace("{agent}", name) for name in names):
        system.secrets.set(secret, f"secret of {secret}", "person:bench")
    more = {"shop.yaml": _SHOP.format(upstream, credential), "shop.cedar": _RULE}
    system.catalog.apply(organisation(agents, 50, more), by="person:bench")
    keys = [system.identity.issue_credential(name, "api_key", "system").secret for name in names]
    system.close()
    return keys, f"http://127.0.0.1:{port}"
