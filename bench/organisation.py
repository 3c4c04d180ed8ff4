"""An organisation of any size for benchmarks: one no-op tool with everything on, many agents, many policies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from autonomy.catalog import Folder, read

UNITS = 20
TOOLS = 200

_ROOT = """\
apiVersion: autonomy/v1
kind: Unit
metadata: {name: company}
spec: {trustDomain: bench.example, currency: EUR, rates: {USD: "0.92"}}
---
apiVersion: autonomy/v1
kind: Person
metadata: {name: ana}
spec: {displayName: Ana, email: ana@bench.example, roles: [manager], access: [admin, approver]}
---
apiVersion: autonomy/v1
kind: Role
metadata: {name: manager}
spec: &role
  scope: {tools: []}
  responsibilities: [decides what is asked of it]
  decisionBoundaries: [none]
  escalationTargets: [manager]
  expectations: [{measure: time to decide, target: one hour}]
---
apiVersion: autonomy/v1
kind: Role
metadata: {name: worker}
spec:
  scope: {tools: ["*"]}
  responsibilities: [works]
  decisionBoundaries: [what policy permits]
  escalationTargets: [manager]
  expectations: [{measure: throughput, target: high}]
---
apiVersion: autonomy/v1
kind: Connector
metadata: {name: noop}
spec: {use: {type: python, entryPoint: noop}}
---
apiVersion: autonomy/v1
kind: Budget
metadata: {name: company-month}
spec: {scope: {unit: company}, measure: money, period: month, limit: "900000000000.00 EUR"}
---
apiVersion: autonomy/v1
kind: Budget
metadata: {name: calls-day}
spec: {scope: {tool: "*"}, measure: calls, period: day, limit: 1000000000}
"""

_UNIT = """\
---
apiVersion: autonomy/v1
kind: Unit
metadata: {{name: unit-{0}}}
spec: {{parent: company}}
---
apiVersion: autonomy/v1
kind: Budget
metadata: {{name: unit-{0}-month}}
spec: {{scope: {{unit: unit-{0}}}, measure: money, period: month, limit: "900000000.00 EUR"}}
"""

_TOOL = """\
---
apiVersion: autonomy/v1
kind: Tool
metadata: {{name: work.t{0}}}
spec:
  connector: noop
  call: {{function: noop}}
  effect: write-keyed
  risk: medium
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

_AGENT = """\
---
apiVersion: autonomy/v1
kind: Agent
metadata: {{name: agent-{0}, unit: unit-{1}}}
spec: {{roles: [worker], sponsor: ana, owner: ana, supervisor: manager, ratePerMinute: 1000000}}
"""

_RULES = (
    '@id("permit-{0}") permit(principal in Role::"worker", action == Action::"work.t{0}", resource);',
    '@id("ask-{0}") @outcome("require_approval") @escalate("manager")\n'
    'forbid(principal, action == Action::"work.t{0}", resource) when {{ context.arguments.amount >= 1000000 }}\n'
    'unless {{ context.approvals.contains("manager") }};',
    '@id("never-{0}") forbid(principal, action == Action::"work.t{0}", resource) when {{ context.cost > 5000000 }};',
    '@id("item-{0}") forbid(principal, action == Action::"work.t{0}", resource)\n'
    'when {{ context.arguments.item == "x" }};',
    '@id("many-{0}") forbid(principal, action == Action::"work.t{0}", resource)\n'
    "when {{ context.arguments has quantity && context.arguments.quantity > 1000 }};",
)
_GLOBAL = '@id("global-{0}") forbid(principal, action, resource) when {{ context.cost > {1} }};'


def organisation(agents: int, policies: int, more: Mapping[str, str] = MappingProxyType({})) -> Folder:
    """`agents` agents in twenty units, `policies` rules of which one in fifty applies to every tool, and `more` files
    beside them."""
    everywhere = policies // 50
    tools = min(TOOLS, max(1, (policies - everywhere) // len(_RULES)))
    files = {
        "company.yaml": _ROOT + "".join(_UNIT.format(unit) for unit in range(UNITS)),
        "tools.yaml": "".join(_TOOL.format(tool) for tool in range(tools)),
        "rules.cedar": "\n".join(_rules(policies, everywhere, tools)),
    }
    for start in range(0, agents, 1_000):
        numbers = range(start, min(agents, start + 1_000))
        files[f"agents-{start}.yaml"] = "".join(_AGENT.format(number, number % UNITS) for number in numbers)
    return read(files | dict(more))


def _rules(policies: int, everywhere: int, tools: int) -> list[str]:
    local = [_RULES[kind].format(tool) for tool in range(tools) for kind in range(len(_RULES))]
    return local[: policies - everywhere] + [_GLOBAL.format(n, 6_000_000 + n) for n in range(everywhere)]
