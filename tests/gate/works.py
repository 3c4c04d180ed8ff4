"""A small organisation for the gate's tests, and the plant its tools act upon: a system of record made to misbehave."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select

from autonomy.audit import read_leaf
from autonomy.audit.store import leaves
from autonomy.gate import Reply
from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation
from autonomy.wiring import System
from tests.house import House, house

PEOPLE = """
apiVersion: autonomy/v1
kind: Unit
metadata: { name: acme }
spec: { trustDomain: acme.example, currency: EUR }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: works }
spec: { parent: acme }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: office }
spec: { parent: acme }
""" + "".join(
    f"""---
apiVersion: autonomy/v1
kind: Role
metadata: {{ name: {name} }}
spec:
  scope: {{ tools: {tools} }}
  responsibilities: [does what it is for]
  decisionBoundaries: [nothing else]
  escalationTargets: [chief]
  expectations: [{{ measure: errors, target: none }}]
"""
    for name, tools in (("worker", '["*"]'), ("boss", "[]"), ("chief", "[]"))
)

STAFF = "---".join(
    f"""
apiVersion: autonomy/v1
kind: Person
metadata: {{ name: {name} }}
spec: {{ displayName: {name}, email: {name}@acme.example, roles: {roles}, access: [{access}] }}
"""
    for name, roles, access in (
        ("ada", "[]", "admin"),
        ("bea", "[boss]", "approver"),
        ("dora", "[boss]", "approver"),
        ("carl", "[chief]", "approver"),
        ("sam", "[boss]", "approver"),  # sponsors, so may not approve what the agents ask
        ("olga", "[boss]", "approver"),  # owns their work
    )
)


def agent(name: str, unit: str = "works", parent: str = "", sponsor: str = "sam", rate: int = 100_000) -> str:
    """The manifest of one agent."""
    return f"""
apiVersion: autonomy/v1
kind: Agent
metadata: {{ name: {name}, unit: {unit} }}
spec:
  roles: [worker]
  sponsor: {sponsor}
  owner: {"olga" if sponsor == "sam" else sponsor}
  supervisor: boss
  ratePerMinute: {rate}
{f"  parent: {parent}" if parent else ""}
"""


def tool(name: str, effect: str, properties: str = "", more: str = "", function: str = "") -> str:
    """The manifest of one tool that calls the plant's function of its own name; its arguments are all required."""
    fields = [part.split(":", 1)[0].strip(" {") for part in properties.split(";") if part]
    schema = ", ".join(part.strip() for part in properties.split(";") if part)
    reconcile = "  reconcile: { function: happened }\n" if effect == "write-queryable" else ""
    return f"""
apiVersion: autonomy/v1
kind: Tool
metadata: {{ name: {name}, description: {name} }}
spec:
  connector: plant
  call: {{ function: {function or name} }}
  input: {{ type: object, properties: {{ {schema} }}, required: [{", ".join(fields)}] }}
  effect: {effect}
{reconcile}{more}"""


NUMBER = "n: { type: integer }"
AMOUNT = 'amount: { type: string, pattern: "^[0-9]{1,9}[.][0-9]{2}$", x-money: EUR }'
TRUSTED = "  trust: trusted\n"

TOOLS = "---".join(
    (
        """
apiVersion: autonomy/v1
kind: Connector
metadata: { name: plant }
spec: { use: { type: python, entryPoint: plant, timeout: 5s } }
""",
        tool("look", "read", NUMBER, TRUSTED),
        tool("hear", "read", NUMBER, "  trust: untrusted\n"),
        tool("press", "write-keyed", NUMBER, TRUSTED),
        tool("post", "write-queryable", NUMBER, TRUSTED + "  deadline: 700ms\n"),  # so long a "no" may be too early
        tool("shout", "write-neither", NUMBER, TRUSTED),
        tool("hasty", "write-neither", NUMBER, TRUSTED + "  deadline: 50ms\n"),
        tool("tell", "write-neither", NUMBER, TRUSTED + "  egress: true\n"),
        tool(
            "pay",
            "write-keyed",
            f"payee: {{ type: string }};{AMOUNT}",
            TRUSTED
            + "  subject: payee\n  cost: { amount: amount }\n"
            + "  windows: { payee_day: { over: 24h, sum: amount, by: [arguments.payee] } }\n",
        ),
        tool("buy", "write-keyed", AMOUNT, TRUSTED + "  cost: { amount: amount }\n"),
        tool(
            "edit",
            "write-keyed",
            "doc: { type: string };version: { type: integer }",
            TRUSTED
            + "  record: { kind: doc, key: doc, version: version, current: doc_version }\n"
            + "  facts: { doc_version: { function: version_of, type: integer } }\n",
        ),
        tool("heat", "write-keyed", NUMBER, TRUSTED + "  facts: { level: { function: level, type: integer } }\n"),
    )
)

BUDGETS = """
apiVersion: autonomy/v1
kind: Budget
metadata: { name: buying-month }
spec: { scope: { tool: buy }, measure: money, period: month, limit: 500.00 EUR }
---
apiVersion: autonomy/v1
kind: Budget
metadata: { name: works-month }
spec: { scope: { unit: works }, measure: money, period: month, limit: 10000000.00 EUR }
"""

POLICY = """// description: what workers may do
@id("workers-work")
permit (principal in Role::"worker", action, resource);

@id("pay-boss")
@reason("payments from 100 EUR need the boss")
@outcome("require_approval")
@escalate("boss")
@expires("1d")
forbid (principal, action == Action::"pay", resource)
when { context.cost >= 10000 }
unless { context.approvals.contains("boss") };

@id("pay-split")
@reason("payments to this payee within a day pass 1,000 EUR together")
@outcome("require_approval")
@escalate("boss")
@expires("1d")
forbid (principal, action == Action::"pay", resource)
when { context.windows.payee_day >= 100000 }
unless { context.approvals.contains("boss") };

@id("pay-never")
@reason("no agent pays a million")
@needs("a person")
forbid (principal, action == Action::"pay", resource)
when { context.cost >= 100000000 };

@id("heat-boss")
@reason("heating at this level needs the boss")
@outcome("require_approval")
@escalate("boss")
@expires("1d")
forbid (principal, action == Action::"heat", resource)
when { context.facts.level >= 1 }
unless { context.approvals.contains("boss") };

@id("heat-chief")
@reason("heating at this level needs the chief as well")
@outcome("require_approval")
@escalate("chief")
@expires("1d")
forbid (principal, action == Action::"heat", resource)
when { context.facts.level >= 2 }
unless { context.approvals.contains("chief") };

@id("untrusted-egress")
@reason("the agent has read untrusted text and now sends data out")
@needs("another case")
forbid (principal, action in Action::"write", resource)
when { resource.egress && context.labels.contains("untrusted") };
"""


def organisation(**changed: str) -> dict[str, str]:
    """The files, by their names without endings; `changed` replaces some of them or adds further ones."""
    files = {
        "people.yaml": PEOPLE + "---" + STAFF,
        "agents.yaml": "---".join(
            (agent("w1"), agent("w2"), agent("child", parent="w1"), agent("clerk", "office", sponsor="bea"))
        ),
        "tools.yaml": TOOLS,
        "budgets.yaml": BUDGETS,
        "policy.cedar": POLICY,
    }
    for name, text in changed.items():
        files[f"{name}.cedar" if name == "policy" else f"{name}.yaml"] = text
    return files


Behaviour = Callable[[Mapping[str, Json], Invocation], Json | Awaitable[Json]]


class Plant:
    """The system of record. It honours keys, can be asked what happened, and does as it is told to misbehave.

    `calls` counts what arrived, `effects` what was done: by action id.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.effects: Counter[str] = Counter()
        self.done: dict[str, Json] = {}
        self.behaves: dict[str, Behaviour] = {}
        self.arrived = asyncio.Condition()

    async def __call__(self, function: str, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        self.calls.append((function, invocation.action_id))
        async with self.arrived:
            self.arrived.notify_all()
        behaviour = self.behaves.get(function)
        if behaviour is not None:
            answer = behaviour(arguments, invocation)
            return await answer if inspect.isawaitable(answer) else answer
        if function == "happened":
            return self.done.get(invocation.action_id)
        return self.do(arguments, invocation)

    def do(self, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        """The effect: once for each key, whoever asks how often."""
        key = invocation.action_id
        if key not in self.done:
            self.effects[key] += 1
            self.done[key] = {"ok": dict(arguments)}
        return self.done[key]

    async def called(self, function: str, times: int = 1) -> None:
        """Wait until `function` was called `times` times."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: sum(name == function for name, _ in self.calls) >= times)

    def executions(self) -> int:
        """How many effects there were in all."""
        return sum(self.effects.values())


def say(value: Json) -> Behaviour:
    """Always this answer."""
    return lambda arguments, invocation: value


def fail(error: Exception) -> Behaviour:
    """Always this error, before anything is done."""

    def behaviour(arguments: Mapping[str, Any], invocation: Invocation) -> Json:
        raise error

    return behaviour


def fail_first(times: int, error: Exception, value: Json) -> Behaviour:
    """This error so many times, then always this answer."""
    left = [error] * times

    def behaviour(arguments: Mapping[str, Any], invocation: Invocation) -> Json:
        if left:
            raise left.pop()
        return value

    return behaviour


def never(arguments: Mapping[str, Any], invocation: Invocation) -> Awaitable[Json]:
    """No answer."""
    return asyncio.Event().wait()


class Door:
    """A behaviour that waits until it is opened, then does what `then` does."""

    def __init__(self, then: Behaviour) -> None:
        self._opened = asyncio.Event()
        self._then = then

    def open(self) -> None:
        self._opened.set()

    async def __call__(self, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        await self._opened.wait()
        answer = self._then(arguments, invocation)
        return await answer if inspect.isawaitable(answer) else answer


@dataclass(slots=True)
class Works:
    """A running system with the small organisation, and its plant."""

    house: House
    plant: Plant

    @property
    def system(self) -> System:
        return self.house.system

    async def ask(
        self, tool: str, agent: str = "w1", /, *, key: str | None = None, case: str = "", **arguments: Json
    ) -> Reply:
        """A call through the door."""
        return await self.house.ask(agent, tool, arguments, key=key, case=case)

    async def result(self, action: str, agent: str = "w1") -> Reply:
        """What the agent hears of an earlier action."""
        return await self.system.gate.result(self.house.key(agent), action)

    async def settle(self) -> None:
        """Wait until everything begun has ended and is written."""
        await self.system.taking_up.idle()
        for _ in range(2):  # the first may share its group with what was handed in before; then that has been told
            await self.system.queue.perform(lambda tx: None)
        await self.system.effects.idle()

    def leaves(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What the log says, in order."""
        with self.system.database.reading() as connection:
            found = [read_leaf(body) for _, body in leaves(connection)]
        return [leaf for leaf in found if kind is None or leaf["kind"] == kind]

    def story(self, action: str) -> list[str]:
        """The kinds of an action's leaves in order, an outcome with its status."""
        told = [leaf for leaf in self.leaves() if leaf.get("action") == action]
        return [f"{leaf['kind']} {leaf['status']}" if "status" in leaf else leaf["kind"] for leaf in told]

    def count(self, table: Table) -> int:
        """How many rows a table holds."""
        with self.system.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@asynccontextmanager
async def works(folder: Path, database: str, plant: Plant | None = None, **more: Any) -> AsyncIterator[Works]:
    """The small organisation in force. A second one on the same database is a second process."""
    acted_on = plant or Plant()
    files = more.pop("files", None) or organisation()
    async with house(folder, database, files, functions={"plant": acted_on}, **more) as found:
        yield Works(found, acted_on)
