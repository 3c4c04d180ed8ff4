"""Manifests to start from, written from what an MCP server lists: for a person to read, narrow and apply. Pure.

Nothing a server says of itself is believed. Text that speaks to a model is not taken over, characters that cannot be
seen are dropped, and what a tool does to the world is assumed to be the worst unless the server claims that it only
reads, which the file then asks the person to check.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from autonomy.catalog.model import API_VERSION
from autonomy.catalog.yaml_text import write
from autonomy.kernel.errors import Invalid

from ..schema import DRAFT, Schema
from .definitions import Definition

MAX_DESCRIPTION = 500
MAX_NAME = 63

_DOUBTFUL = re.compile(
    r"ignore (all|any|every|the|your|previous|earlier)|disregard|system prompt|<\s*/?\s*(important|system|instruction)"
    r"|do not (tell|mention|inform|reveal)|don't (tell|mention)|without (telling|asking|informing)"
    r"|you (must|should) (always|never|first)|before (using|calling) (this|any)|instead of the (user|tool)"
    r"|\b(api[_ -]?key|password|credential|private key|\.ssh|id_rsa|\.env)\b|https?://|base64",
    re.IGNORECASE,
)
"""Words by which descriptions have been seen to steer models. Whatever passes is still read by a person."""

_ODD = re.compile(r"[^a-z0-9_.-]+")


class Imported(NamedTuple):
    """Files by path, and what a person has to know that cannot stand in them."""

    files: dict[str, str]
    tools: list[str]
    remarks: list[str]


def manifests(connector: str, use: Mapping[str, Any], tools: Iterable[Definition]) -> Imported:
    """The manifests of a connector called `connector`, used as `use` says, and of these tools of its server."""
    files = {f"connectors/{connector}.yaml": write(_object("Connector", connector, "", {"use": dict(use)}))}
    names: list[str] = []
    remarks: list[str] = []
    for tool in sorted(tools, key=lambda each: each.name):
        name = tool_name(connector, tool.name)
        if f"tools/{name}.yaml" in files:
            remarks.append(f"`{tool.name}` is left out: another tool would have the same name `{name}`")
            continue
        try:
            files[f"tools/{name}.yaml"] = _tool(connector, name, tool)
            names.append(name)
        except Invalid as error:
            remarks.append(f"`{tool.name}` is left out: its input cannot be checked ({error.message})")
    return Imported(files, names, remarks)


def tool_name(connector: str, name: str) -> str:
    """What a tool of a server is called here: `connector.name`, in the letters that names have."""
    return f"{connector}.{_ODD.sub('-', name.lower())}"[:MAX_NAME].strip("-_.")


def plain(text: str) -> str:
    """A description on one line, without what cannot be seen, 500 characters at most."""
    seen = "".join(char if unicodedata.category(char)[0] in "LMNPS" else " " for char in text if not _hidden(char))
    words = " ".join(seen.split())
    return words if len(words) <= MAX_DESCRIPTION else words[: MAX_DESCRIPTION - 1] + "…"


def is_doubtful(text: str) -> bool:
    """Whether a description speaks to a model rather than of a tool, or hides something."""
    return bool(_DOUBTFUL.search(text)) or any(map(_hidden, text))


def input_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The server's input schema as a tool may declare it; raises Invalid where it cannot be enforced here."""
    found = {word: value for word, value in schema.items() if word != "$schema"}
    if schema.get("$schema", DRAFT) != DRAFT and ("definitions" in found or "dependencies" in found):
        raise Invalid("it is written in an older draft of JSON Schema", code="schema.invalid")
    found.setdefault("type", "object")
    Schema(found)
    return found


def effect_of(hints: Mapping[str, Any]) -> tuple[str, str]:
    """Effect class and risk, from what the server claims of the tool."""
    if hints.get("readOnlyHint") is True:
        return "read", "low"
    return "write-neither", "medium" if hints.get("destructiveHint") is False else "high"


def _tool(connector: str, name: str, tool: Definition) -> str:
    declared = input_of(tool.schema)
    doubtful = [text for text in (tool.description, *_texts(declared)) if is_doubtful(text)]
    effect, risk = effect_of(tool.hints)
    spec: dict[str, Any] = {
        "connector": connector,
        "call": {"tool": {"name": tool.name, "wording": tool.wording}},
        "input": _without_texts(declared) if doubtful else declared,
        "effect": effect,
        "risk": risk,
        "trust": "untrusted",
    }
    if tool.hints.get("openWorldHint") is not False:
        spec["egress"] = True
    about = (
        f"The tool {tool.name} of {connector}" if doubtful or not plain(tool.description) else plain(tool.description)
    )
    return _comments(effect, doubtful) + write(_object("Tool", name, about, spec))


def _comments(effect: str, doubtful: list[str]) -> str:
    lines = ["Agents see the description and the input below, never the server's own. Narrow both to what is needed."]
    if effect == "read":
        lines.append("CHECK: the server claims that this only reads. If it does not, declare `write-neither`.")
    if doubtful:
        lines.append("CHECK: the server's texts speak to a model or hide characters, and were left out. They said:")
        lines += [json.dumps(text[:MAX_DESCRIPTION]) for text in doubtful]
    return "".join(f"# {line}\n" for line in lines)


def _object(kind: str, name: str, description: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    about = {"name": name} | ({"description": description} if description else {})
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": about, "spec": spec}


def _texts(schema: Any) -> list[str]:
    """Every title and description within a schema, and the names of its members, which a model reads as well."""
    if isinstance(schema, list):
        return [text for part in schema for text in _texts(part)]
    if not isinstance(schema, dict):
        return []
    own = [
        value
        for word, value in schema.items()
        if word in ("title", "description", "$comment") and isinstance(value, str)
    ]
    return [*own, *schema, *(text for part in schema.values() for text in _texts(part))]


def _without_texts(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_texts(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    texts = ("title", "description", "$comment")
    return {
        word: _without_texts(value) for word, value in schema.items() if not (word in texts and isinstance(value, str))
    }


def _hidden(char: str) -> bool:
    """Whether a character is not seen but read: format characters, tags, private use, half a character."""
    return unicodedata.category(char) in ("Cf", "Co", "Cs", "Cn") or "\U000e0000" <= char <= "\U000e007f"
