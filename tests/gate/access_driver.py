"""An organisation in which an agent asks for access, and a process that carries out what was approved, to be killed.

`python -m tests.gate.access_driver FOLDER DATABASE`, with `AUTONOMY_FAILPOINT` where it dies.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from autonomy.wiring import Settings, System, open_system
from tests.gate.works import PEOPLE as UNITS
from tests.gate.works import STAFF, TOOLS, Plant
from tests.gate.works import organisation as plain
from tests.house import declare


def role(name: str, tools: str, unit: str = "acme") -> str:
    return f"""
apiVersion: autonomy/v1
kind: Role
metadata: {{ name: {name}, unit: {unit} }}
spec:
  scope: {{ tools: {tools} }}
  responsibilities: [does what it is for]
  decisionBoundaries: [nothing else]
  escalationTargets: [chief]
  expectations: [{{ measure: errors, target: none }}]
"""


def agent(name: str, held: str, unit: str) -> str:
    return f"""
apiVersion: autonomy/v1
kind: Agent
metadata: {{ name: {name}, unit: {unit} }}
spec: {{ roles: [{held}], sponsor: sam, owner: olga, supervisor: boss, ratePerMinute: 100000 }}
"""


PEOPLE = "---".join(
    (
        UNITS,
        STAFF,
        role("reader", "[look]"),
        role("presser", "[press]", "works"),
        role("teller", "[tell]", "works"),
        role("clerk", "[look]", "office"),
        role("asker", "[look, access.request]"),
    )
)

AGENTS = "---".join(
    (agent("desk", "asker", "works"), agent("novice", "reader", "works"), agent("clerk-1", "clerk", "office"))
)

RULES = """// description: who may do what, and who gives access
@id("work")
permit (principal, action, resource);

@id("access-boss")
@reason("a role more needs the boss")
@outcome("require_approval")
@escalate("boss")
@expires("1d")
forbid (principal, action == Action::"access.request", resource)
unless { context.approvals.contains("boss") };

@id("access-chief")
@reason("who tells strangers needs the chief as well")
@outcome("require_approval")
@escalate("chief")
@expires("1d")
forbid (principal, action == Action::"access.request", resource)
when { context.facts.role_unit == "works" && context.arguments.role == "teller" }
unless { context.approvals.contains("chief") };
"""


def organisation(**changed: str) -> dict[str, str]:
    """The files; `changed` replaces some."""
    return plain(**({"people": PEOPLE, "agents": AGENTS, "tools": TOOLS, "policy": RULES} | changed))


def opened(folder: Path, database: str) -> System:
    """The system on its store, with the organisation in force."""
    system = open_system(Settings(data=folder, database=database), functions={"plant": Plant()})
    if system.catalog.organisation().epoch == 0:
        declare(system, organisation())
    return system


async def take_up(folder: Path, database: str) -> None:
    """Carry out what is ready, until killed."""
    system = opened(folder, database)
    await system.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(take_up(Path(sys.argv[1]), sys.argv[2]))
