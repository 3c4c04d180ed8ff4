"""Manifests to start from, for operations of a document: the least that does it, and what to decide. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from .operation import Operation

_KEY = re.compile(r"(x-)?idempotency-?key|x-request-id", re.IGNORECASE)
_MONEY = re.compile(r"(total|net|gross)?_?(amount|price|total|sum)", re.IGNORECASE)
_RISKS = {"GET": "low", "POST": "medium", "PUT": "medium", "PATCH": "medium", "DELETE": "high"}


def draft(name: str, base_url: str, operations: Iterable[Operation]) -> str:
    """One connector `name` and a tool for each operation, as YAML with comments."""
    return "---\n".join([_connector(name, base_url), *(_tool(name, one) for one in operations)])


def tool_name(connector: str, operation: str) -> str:
    """`crm.get_order` for `getOrder` of the connector `crm`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation)
    return f"{connector}.{re.sub(r'[^a-z0-9]+', '_', split.lower()).strip('_')}"[:63].rstrip("._-")


def _connector(name: str, base_url: str) -> str:
    return f"""# The document is pinned: a tool whose operation it describes anew rests until somebody accepts it.
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: {name} }}
spec:
  use:
    type: openapi
    document: documents/{name}.json
    baseUrl: {json.dumps(base_url)} # never taken from the document
    credential: {name}-credential # `autonomy secret set {name}-credential`; "{name}/{{agent}}" gives each agent its own
    timeout: 10s
"""


def _tool(connector: str, operation: Operation) -> str:
    key = next(
        (one.argument for one in operation.parameters if one.where == "header" and _KEY.fullmatch(one.name)), None
    )
    lines = [
        "apiVersion: autonomy/v1",
        "kind: Tool",
        f"metadata: {{ name: {tool_name(connector, operation.id)}, description: {json.dumps(_short(operation))} }}",
        "spec:",
        f"  connector: {connector}",
        f"  call: {_call(operation, key)}",
        f"  effect: {_effect(operation, key)}",
        f"  risk: {_RISKS[operation.method]} # guessed from {operation.method}: what would the worst call cost?",
        "  tags: [] # classes of the data it touches, such as pii or finance: roles and units must admit them",
        "  trust: untrusted # who writes what it returns? agents that read it are labelled",
        *_suggestions(operation),
        f"  # takes: {', '.join(sorted(operation.arguments - {key})) or 'nothing'}",
        "  # declare `input` yourself to allow less than the document does",
    ]
    return "\n".join(lines) + "\n"


def _call(operation: Operation, key: str | None) -> str:
    named = json.dumps(operation.id)
    if operation.reads or key is None:
        return f"{{ operation: {named} }}"
    return f"{{ operation: {{ id: {named}, fill: {{ {json.dumps(key)}: action_id }} }} }}"


def _effect(operation: Operation, key: str | None) -> str:
    if operation.reads:
        return "read # guessed from GET: does it really change nothing?"
    if key is not None:
        return f"write-keyed # guessed from `{key}`: does a repeat with the same key do nothing more?"
    return "write-neither # never repeated; better: a key it honours (write-keyed), or `reconcile` (write-queryable)"


def _suggestions(operation: Operation) -> Iterable[str]:
    if operation.reads:
        yield "  # egress: true # where reading carries data out of the house"
        return
    places = [one.argument for one in operation.parameters if one.where == "path"]
    if places:
        kind = re.sub(r"[^a-z0-9]+", "-", operation.path.partition("{")[0].strip("/").rpartition("/")[2].lower())
        yield f"  # record: {{ kind: {kind.strip('-') or 'record'}, key: {places[-1]} }} # changed by one at a time"
    money = next((one for one in sorted(operation.arguments) if _MONEY.fullmatch(one)), None)
    if money is not None:
        yield f"  # cost: {{ amount: {money} }} # what the budgets count"


def _short(operation: Operation) -> str:
    return operation.summary.partition("\n")[0][:120] or operation.id
