"""A small company as files, and ways to change it; what the tests of the catalog start from."""

from __future__ import annotations

from collections.abc import Mapping

from autonomy.catalog import Folder, Organisation, read
from autonomy.catalog.proposal import planned, propose
from autonomy.catalog.snapshot import Snapshot

NOTHING = Snapshot(Organisation(0, []), {})

OF_NOBODY = {"access-needs-lead", "access-to-finance"}
"""The starter's rules for a tool that it grants to nobody; `test_starter` shows them by an agent that has it."""

ROLE = """
apiVersion: autonomy/v1
kind: Role
metadata: {{ name: {name}, unit: {unit} }}
spec:
  scope: {{ tools: [{tools}] }}
  responsibilities: [Do the work]
  decisionBoundaries: [Ask when in doubt]
  escalationTargets: [{escalates}]
  expectations: [{{ measure: errors, target: none }}]
"""

UNITS = """
apiVersion: autonomy/v1
kind: Unit
metadata: { name: acme }
spec: { trustDomain: acme.example, currency: EUR, rates: { USD: "0.9" } }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: sales }
spec: { parent: acme, tools: [crm.*], data: [customers] }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: finance }
spec: { parent: acme, tools: [ledger.*] }
---
apiVersion: autonomy/v1
kind: Unit
metadata: { name: sales-north }
spec: { parent: sales, tools: [crm.read] }
"""

PEOPLE = """
apiVersion: autonomy/v1
kind: Person
metadata: { name: ada }
spec: { displayName: Ada, email: ada@acme.example, access: [admin] }
---
apiVersion: autonomy/v1
kind: Person
metadata: { name: lee }
spec: { displayName: Lee, email: lee@acme.example, roles: [lead], access: [approver], manager: ada }
"""

AGENTS = """
apiVersion: autonomy/v1
kind: Agent
metadata: { name: seller-1, unit: sales }
spec: { roles: [seller], sponsor: ada, owner: ada, supervisor: lead }
---
apiVersion: autonomy/v1
kind: Agent
metadata: { name: seller-2, unit: sales }
spec: { roles: [seller], sponsor: ada, owner: ada, supervisor: lead, parent: seller-1 }
"""

TOOLS = """
apiVersion: autonomy/v1
kind: Connector
metadata: { name: crm, unit: sales }
spec: { use: { type: sql, url: "sqlite:///crm.sqlite" } }
---
apiVersion: autonomy/v1
kind: Connector
metadata: { name: books, unit: finance }
spec: { use: { type: sql, url: "sqlite:///books.sqlite" } }
---
apiVersion: autonomy/v1
kind: Tool
metadata: { name: crm.read, unit: sales }
spec:
  connector: crm
  call: { statements: [ { sql: SELECT name FROM customer } ] }
  input: { type: object }
  effect: read
---
apiVersion: autonomy/v1
kind: Tool
metadata: { name: ledger.read, unit: finance }
spec:
  connector: books
  call: { statements: [ { sql: SELECT total FROM ledger } ] }
  input: { type: object }
  effect: read
"""

BUDGETS = """
apiVersion: autonomy/v1
kind: Budget
metadata: { name: company }
spec: { scope: { unit: acme }, measure: money, period: month, limit: 1000.00 EUR }
---
apiVersion: autonomy/v1
kind: Budget
metadata: { name: sales, unit: sales }
spec: { scope: { unit: sales }, measure: money, period: month, limit: 900.00 USD }
"""

POLICY = """// unit: sales

@id("sellers-read")
permit (principal in Role::"seller", action == Action::"crm.read", resource);
"""

FILES: Mapping[str, str] = {
    "units.yaml": UNITS,
    "roles.yaml": ROLE.format(name="seller", unit="sales", tools="crm.read", escalates="lead")
    + "---"
    + ROLE.format(name="lead", unit="acme", tools="", escalates="seller"),
    "people.yaml": PEOPLE,
    "agents.yaml": AGENTS,
    "tools.yaml": TOOLS,
    "budgets.yaml": BUDGETS,
    "policies/sellers.cedar": POLICY,
}


def files(*replacements: tuple[str, str], **more: str) -> dict[str, str]:
    """The company's files with each `(old, new)` replaced, which must occur, and `more` files without `.yaml`."""
    changed = dict(FILES)
    for old, new in replacements:
        places = [path for path, text in changed.items() if old in text]
        assert places, f"{old!r} is not in the company's files"
        for path in places:
            changed[path] = changed[path].replace(old, new)
    return changed | {f"{name}.yaml": text for name, text in more.items()}


def folder(*replacements: tuple[str, str], **more: str) -> Folder:
    return read(files(*replacements, **more))


def without(path: str, start: str) -> dict[str, str]:
    """The company's files without the one document of `path` that holds `start`."""
    documents = FILES[path].split("---")
    kept = [document for document in documents if start not in document]
    assert len(kept) == len(documents) - 1
    return {**FILES, path: "---".join(kept)}


def organisation(found: Folder) -> Organisation:
    """The organisation a folder declares by itself, unchecked."""
    _, wanted = planned(found, NOTHING, retire=False)
    return propose(NOTHING, wanted).organisation
