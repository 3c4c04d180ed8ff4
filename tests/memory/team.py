"""A small organisation with memory spaces, and its agents: who sells, who helps customers, who hires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonomy.gate import Reply
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock, now
from autonomy.wiring import System
from tests.gate.works import Plant, tool
from tests.house import House, house

UNITS = """
apiVersion: autonomy/v1
kind: Unit
metadata: { name: acme }
spec: { trustDomain: acme.example, currency: EUR }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: front }
spec: { parent: acme, data: [customers, sales] }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: people }
spec: { parent: acme, data: [customers, hr] }
"""


def role(name: str, tools: str, data: str, target: str = "boss") -> str:
    return f"""
apiVersion: autonomy/v1
kind: Role
metadata: {{ name: {name} }}
spec:
  scope: {{ tools: {tools}, data: {data} }}
  responsibilities: [does what it is for]
  decisionBoundaries: [nothing else]
  escalationTargets: [{target}]
  expectations: [{{ measure: errors, target: none }}]
"""


ROLES = "---".join(
    (
        role("seller", '["*"]', "[customers, sales]"),
        role("helper", '["*"]', "[customers]"),
        role("recruiter", '["*"]', "[customers, hr]"),
        role("stranger", '["*"]', "[]"),
        role("boss", "[]", "[]", "chief"),
        role("chief", "[]", "[]"),
    )
)

STAFF = "---".join(
    f"""
apiVersion: autonomy/v1
kind: Person
metadata: {{ name: {name} }}
spec: {{ displayName: {name}, email: {name}@acme.example, roles: [{roles}], access: [{access}] }}
"""
    for name, roles, access in (
        ("ada", "", "admin"),
        ("bea", "boss, chief", "supervisor"),
        ("carl", "helper", "viewer"),
        ("hank", "recruiter", "supervisor"),
    )
)


def agent(name: str, role: str, unit: str, site: str = "eu") -> str:
    return f"""
apiVersion: autonomy/v1
kind: Agent
metadata: {{ name: {name}, unit: {unit} }}
spec: {{ roles: [{role}], sponsor: bea, owner: bea, supervisor: boss, site: {site}, ratePerMinute: 100000 }}
"""


AGENTS = "---".join(
    (
        agent("seller", "seller", "front"),
        agent("seller-2", "seller", "front"),
        agent("helper", "helper", "front"),
        agent("recruiter", "recruiter", "people"),
        agent("stranger", "stranger", "front"),
        agent("abroad", "helper", "front", site="us"),
    )
)


def space(name: str, readers: str, writers: str, more: str = "", unit: str = "acme") -> str:
    return f"""
apiVersion: autonomy/v1
kind: MemorySpace
metadata: {{ name: {name}, unit: {unit} }}
spec:
  owner: {"hank" if name == "hiring" else "bea"}
  readers: {{ {readers} }}
  writers: {{ {writers} }}
{more}"""


SPACES = "---".join(
    (
        space("customers", "roles: [seller, helper]", "roles: [seller, helper]", "  data: [customers, sales]\n"),
        space("hiring", "roles: [recruiter]", "roles: [recruiter]", "  data: [hr, customers]\n  retention: 30d\n"),
        space("company", "units: [acme]", "units: [acme]", '  data: ["*"]\n  freshness: 1d\n'),
        space("europe", "units: [acme]", "units: [acme]", "  residency: [eu]\n"),
        space("open", "units: [front]", "units: [acme]", "  data: [customers]\n  derived: data\n"),
    )
)

TOOLS = "---".join(
    (
        """
apiVersion: autonomy/v1
kind: Connector
metadata: { name: plant }
spec: { use: { type: python, entryPoint: plant, timeout: 5s } }
""",
        tool("crm.read", "read", "n: { type: integer }", "  trust: trusted\n  tags: [sales]\n"),
        tool("cv.read", "read", "n: { type: integer }", "  trust: trusted\n  tags: [hr]\n"),
        tool("web.read", "read", "n: { type: integer }", "  trust: untrusted\n"),
    )
)

POLICY = """// description: all may
@id("all")
permit (principal, action, resource);
"""


def organisation(**changed: str) -> dict[str, str]:
    """The files by name; `changed` replaces some."""
    files = {"units": UNITS, "roles": ROLES, "staff": STAFF, "agents": AGENTS, "spaces": SPACES, "tools": TOOLS}
    named = {f"{name}.yaml": text for name, text in (files | changed).items()}
    return named | {"policy.cedar": POLICY}


@dataclass(slots=True)
class Team:
    """A running system with the agents above."""

    house: House

    @property
    def system(self) -> System:
        return self.house.system

    async def ask(self, agent: str, tool: str, /, case: str = "", **arguments: Json) -> Reply:
        """A call through the door."""
        return await self.house.ask(agent, tool, arguments, case=case)

    async def done(self, agent: str, tool: str, /, case: str = "", **arguments: Json) -> Any:
        """What came back of a call that has to succeed."""
        reply = await self.ask(agent, tool, case, **arguments)
        assert reply.status == "done", (reply.status, reply.code, reply.message)
        return reply.result

    async def write(self, agent: str, space: str, text: str, /, case: str = "", **more: Json) -> str:
        """The id of a new item."""
        found: Mapping[str, str] = await self.done(agent, "memory.write", case, space=space, text=text, **more)
        return found["item"]

    async def found(self, agent: str, query: str, /, case: str = "", **more: Json) -> list[str]:
        """The texts that a search finds, the best first."""
        answer = await self.done(agent, "memory.search", case, query=query, **more)
        return [item["text"] for item in answer["items"]]

    async def settle(self) -> None:
        """Wait until everything begun is written."""
        await self.system.effects.idle()
        await asyncio.to_thread(self.system.queue.run, lambda tx: None)


@asynccontextmanager
async def team(
    folder: Path, database: str = "", clock: Clock = now, *, living: bool = False, **changed: str
) -> AsyncIterator[Team]:
    """The organisation in force, on its own database."""
    functions = {"plant": Plant()}
    files = organisation(**changed)
    async with house(folder, database, files, functions=functions, clock=clock, living=living) as found:
        yield Team(found)
