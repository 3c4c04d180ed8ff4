"""A company with customers in Europe: support and billing work on the same cases, in two places."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.gate.works import Plant, tool
from tests.house import house
from tests.memory.team import POLICY, Team, agent, role, space

UNITS = """
apiVersion: autonomy/v1
kind: Unit
metadata: { name: acme }
spec: { trustDomain: acme.example, currency: EUR }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: support }
spec: { parent: acme, data: [customers] }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: billing }
spec: { parent: acme, data: [customers, accounts] }
"""

ROLES = "---".join(
    (
        role("support", '["*"]', "[customers]"),
        role("billing", '["*"]', "[customers, accounts]"),
        role("boss", "[]", "[]", "chief"),
        role("chief", "[]", "[]"),
    )
)

STAFF = "---".join(
    f"""
apiVersion: autonomy/v1
kind: Person
metadata: {{ name: {name} }}
spec: {{ displayName: {name}, email: {name}@acme.example, roles: {roles}, access: [{access}] }}
"""
    for name, roles, access in (("ada", "[]", "admin"), ("bea", "[boss, chief]", "supervisor"))
)

AGENTS = "---".join(
    (
        agent("support-1", "support", "support"),
        agent("billing-1", "billing", "billing"),
        agent("support-us", "support", "support", site="us"),
        agent("billing-us", "billing", "billing", site="us"),
    )
)

BOTH = "roles: [support, billing]"
SPACES = "---".join(
    (
        space(
            "cases",
            "roles: [support, billing]",
            "roles: [support, billing]",
            "  data: [customers]\n  residency: [eu]\n",
        ),
        space("accounts", "roles: [billing]", "roles: [billing]", "  data: [customers, accounts]\n  residency: [eu]\n"),
        space("company", "units: [acme]", "units: [acme]", '  data: ["*"]\n'),
    )
)


PATIENCE = "deadline: 10s"
"""How long whoever asks waits, wherever the call is performed."""


def connector(name: str, site: str) -> str:
    return f"""
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: {name} }}
spec: {{ {site} use: {{ type: python, entryPoint: plant, timeout: 5s }} }}
"""


def reads(name: str, at: str, tags: str) -> str:
    made = tool(name, "read", "n: { type: integer }", f"  trust: trusted\n  tags: [{tags}]\n  {PATIENCE}\n")
    return made.replace("connector: plant", f"connector: {at}")


TOOLS = "---".join(
    (
        connector("europe", "site: eu,"),
        connector("america", "site: us,"),
        reads("crm.customer", "europe", "customers"),
        reads("ledger.account", "europe", "accounts"),
        tool("mail.us", "write-neither", "n: { type: integer }", f"  egress: true\n  {PATIENCE}\n").replace(
            "connector: plant", "connector: america"
        ),
        tool("mail.eu", "write-neither", "n: { type: integer }", f"  egress: true\n  {PATIENCE}\n").replace(
            "connector: plant", "connector: europe"
        ),
    )
)

DECISION = """
apiVersion: autonomy/v1
kind: Decision
metadata: { name: refund, description: Whether a customer gets the money back }
spec:
  inputs: { amount: { type: integer, minimum: 0 }, late: { type: boolean } }
  outputs: { answer: { type: string } }
  rows:
    - { when: "amount < 5000 && !late", then: { answer: refund } }
    - { when: "amount >= 5000 || late", then: { answer: ask-a-person } }
  tests:
    - { name: small, inputs: { amount: 10, late: false }, expect: { answer: refund } }
"""

RESIDENCY = """// description: What is Europe's stays in Europe
@id("all")
permit (principal, action, resource);

@id("europe-reads-europe")
@reason("what lies in Europe is read by agents that work there")
forbid (principal, action in Action::"read", resource)
when { resource.site == "eu" && context.site != "eu" };

@id("europe-stays-in-europe")
@reason("this case has seen data of Europe, which may not leave it")
forbid (principal, action in Action::"write", resource)
when {
  (context.labels.contains("data:customers") || context.labels.contains("data:accounts")) &&
  resource.site != "eu" && resource.site != ""
};
"""


@asynccontextmanager
async def shop(
    folder: Path,
    database: str = "",
    plant: Plant | None = None,
    *,
    site: str = "eu",
    policy: str = POLICY,
    patience: str = PATIENCE,
    **more: Any,
) -> AsyncIterator[Team]:
    """The company in force, in a process of one site."""
    tools = TOOLS.replace(PATIENCE, patience)
    files = {"units": UNITS, "roles": ROLES, "staff": STAFF, "agents": AGENTS, "spaces": SPACES, "tools": tools}
    named = {f"{name}.yaml": text for name, text in (files | {"decision": DECISION}).items()}
    functions = {"plant": plant or Plant()}
    async with house(folder, database, named | {"policy.cedar": policy}, functions=functions, site=site, **more) as it:
        yield Team(it)
