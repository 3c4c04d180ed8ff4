"""From what was seen to manifests that allow just that: a connector, tools, each caller's role and agent. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from autonomy.catalog.mcp_server import McpConnector
from autonomy.catalog.model import API_VERSION, HttpConnector, ToolSpec
from autonomy.catalog.openapi import drafting
from autonomy.catalog.yaml_text import write
from autonomy.kernel.errors import Invalid
from autonomy.tools.calls import check_call
from autonomy.tools.mcp.importing import effect_of, is_doubtful, plain, tool_name
from autonomy.tools.report import Report
from autonomy.tools.schema import Schema

from .place import Place, foundation, role
from .policy import is_bounded, policy
from .rest import METHODS
from .seen import Operation, Seen, count_of

_READING = ("GET", "HEAD")

_ANY_INTERFACE = HttpConnector(type="http", baseUrl="https://example.com")
_ANY_SERVER = McpConnector(type="mcp", url="https://example.com")


def tools_of(name: str, seen: Seen) -> dict[str, str]:
    """What each operation is called as a tool of the connector `name`; two never share a name.

    Those that cannot be declared (`fault_of`) are none.
    """
    found: dict[str, str] = {}
    for operation in sorted(each for each, one in seen.operations.items() if fault_of(each, one) is None):
        called = drafting.tool_name if "method" in seen.operations[operation].about else tool_name
        wanted, count = called(name, operation), 2
        while wanted in found.values():
            wanted, count = f"{wanted[:58]}-{count}", count + 1
        found[operation] = wanted
    return found


def fault_of(operation: str, seen: Operation) -> str | None:
    """Why an operation cannot be declared as a tool; None where it can."""
    if not seen.is_known:
        return "the system was not heard to have it"
    method = seen.about.get("method", "GET")
    if method not in METHODS:
        return f"tools know no {method} requests"
    report = Report("Tool", operation)
    try:
        spec = ToolSpec.model_validate(_spec("any", operation, seen))
        check_call(report, spec, Schema(spec.input or {}), _ANY_INTERFACE if "method" in seen.about else _ANY_SERVER)
    except (Invalid, ValidationError):
        return "its names are not what a tool can say"
    return report.problems[0].message if report.problems else None


def manifests(name: str, use: Mapping[str, Any], seen: Seen, place: Place) -> dict[str, str]:
    """The files of a folder by path: everything that `autonomy plan` needs to know what was seen."""
    tools = tools_of(name, seen)
    folder = {"autonomy.yaml": write({"scope": f"recorded-{name}"[:63].rstrip("-.")})}
    unit = place.unit if not place.whole else None
    if place.whole:
        for kind, called, spec in foundation(place):
            folder[f"{kind.lower()}s/{called}.yaml"] = _file(kind, called, "", spec)
    folder[f"connectors/{name}.yaml"] = _file("Connector", name, "", {"use": _use(name, use, seen)}, unit)
    for operation, tool in tools.items():
        folder[f"tools/{tool}.yaml"] = _tool(name, tool, operation, seen.operations[operation], unit)
    for caller in seen.callers:
        used = sorted(tools[each] for each in tools if caller in seen.operations[each].callers)
        if not used:
            continue
        position = position_of(name, caller)
        about = f"Does with {name} what {caller} was seen to do"
        folder[f"roles/{position}.yaml"] = _file("Role", position, about, role(about, used, place), unit)
        agent = {"roles": [position], "sponsor": place.sponsor, "owner": place.sponsor, "supervisor": place.supervisor}
        folder[f"agents/{position}.yaml"] = _file("Agent", position, f"Was seen as {caller}", agent, unit)
    folder[f"policies/{name}-recorded.cedar"] = policy(name, seen, tools, unit)
    return folder


def credential_of(name: str, seen: Seen) -> dict[str, str]:
    """How the connector shows a secret where its callers showed one of theirs; nothing where they showed none, or
    several, of which a person has to choose."""
    shown = [(header, scheme) for header, scheme in seen.shown.items() if header != "cookie"]
    if len(shown) != 1:
        return {}
    [(header, scheme)] = shown
    place = {} if (header, scheme) == ("authorization", "Bearer") else {"header": header.title(), "scheme": scheme}
    return {"credential": f"{name}-credential"} | place


def position_of(name: str, caller: str) -> str:
    """What the role, and the agent, of a caller are called."""
    return f"{name[:30]}-{caller}"[:63].rstrip("-.")


def effect(operation: Operation) -> tuple[str, str]:
    """Effect class and risk of an operation, as far as can be told from outside."""
    about = operation.about
    if "method" not in about:
        return effect_of(about.get("hints", {}))
    if about["method"] in _READING:
        return "read", "low"
    risk = "high" if about["method"] == "DELETE" else "medium"
    return ("write-keyed" if "idempotencyHeader" in about else "write-neither"), risk


def _use(name: str, use: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    return dict(use) | (credential_of(name, seen) if use["type"] == "http" else {})


def _spec(connector: str, operation: str, seen: Operation) -> dict[str, Any]:
    known, risk = effect(seen)
    return {
        "connector": connector,
        "call": _call(operation, seen),
        "input": _input(seen),
        "effect": known,
        "risk": risk,
        "trust": "untrusted",
    }


def _tool(connector: str, tool: str, operation: str, seen: Operation, unit: str | None) -> str:
    spec = _spec(connector, operation, seen)
    said = seen.about.get("description", "")
    about = plain(said) if said and not is_doubtful(said) else f"{operation} of {connector}"
    callers = ", ".join(sorted(seen.callers))
    lines = [f"Seen in {count_of(seen.calls, 'call')} by {callers}; {seen.failed} of them failed."]
    if said and is_doubtful(said):
        lines.append(
            f"CHECK: the server's description was left out, for it speaks to a model: {json.dumps(said[:300])}"
        )
    if spec["effect"] == "read":
        lines.append("CHECK: that this only reads. If it does not, declare `write-neither`.")
    return "".join(f"# {line}\n" for line in lines) + _file("Tool", tool, about, spec, unit)


def _input(seen: Operation) -> dict[str, Any]:
    """What was seen of the arguments. Bounds that the policy holds stand only there, with their reason."""
    schema = {"type": "object", "properties": {}} | seen.shape.schema() | {"type": "object"}
    for name, shape in seen.shape.members.items():
        if is_bounded(shape):
            schema["properties"][name] = {"type": "integer"}
    return schema


def _call(operation: str, seen: Operation) -> dict[str, Any]:
    about = seen.about
    if "method" not in about:
        return {"tool": {"name": operation, "wording": about["wording"]}}
    wanted = ("method", "path", "query", "body", "idempotencyHeader")
    request = {key: about[key] for key in wanted if about.get(key)}
    return {"request": request | {"path": about["path"] or "/"}}


def _file(kind: str, name: str, description: str, spec: Mapping[str, Any], unit: str | None = None) -> str:
    about = {"name": name} | ({"unit": unit} if unit else {}) | ({"description": description} if description else {})
    return write({"apiVersion": API_VERSION, "kind": kind, "metadata": about, "spec": dict(spec)})
