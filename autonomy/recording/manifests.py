"""From what was seen to manifests that allow just that: a connector, tools, each caller's role and agent. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autonomy.catalog.model import API_VERSION
from autonomy.catalog.openapi import drafting
from autonomy.catalog.yaml_text import write
from autonomy.tools.mcp.importing import effect_of, is_doubtful, plain, tool_name

from .place import Place, foundation, role
from .policy import is_bounded, policy
from .seen import Operation, Seen, count_of

_READING = ("GET", "HEAD")


def tools_of(name: str, seen: Seen) -> dict[str, str]:
    """What each operation is called as a tool of the connector `name`; two never share a name.

    Those of which nothing is known but that somebody called them are none: the system may not even have them.
    """
    found: dict[str, str] = {}
    for operation in sorted(name for name, one in seen.operations.items() if one.is_known):
        called = drafting.tool_name if "method" in seen.operations[operation].about else tool_name
        wanted, count = called(name, operation), 2
        while wanted in found.values():
            wanted, count = f"{wanted[:58]}-{count}", count + 1
        found[operation] = wanted
    return found


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


def _tool(connector: str, tool: str, operation: str, seen: Operation, unit: str | None) -> str:
    known, risk = effect(seen)
    spec = {
        "connector": connector,
        "call": _call(operation, seen),
        "input": _input(seen),
        "effect": known,
        "risk": risk,
        "trust": "untrusted",
    }
    said = seen.about.get("description", "")
    about = plain(said) if said and not is_doubtful(said) else f"{operation} of {connector}"
    callers = ", ".join(sorted(seen.callers))
    lines = [f"Seen in {count_of(seen.calls, 'call')} by {callers}; {seen.failed} of them failed."]
    if said and is_doubtful(said):
        lines.append(
            f"CHECK: the server's description was left out, for it speaks to a model: {json.dumps(said[:300])}"
        )
    if known == "read":
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
