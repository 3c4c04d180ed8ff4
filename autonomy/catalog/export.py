"""The declared organisation as files again: one object a file, the same places every time. Comments are not kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from .documents import extracted
from .manifest import CONFIG, STATE
from .model import PolicySpec
from .revision import restore, written
from .yaml_text import write

FOLDERS = {
    "Unit": "units",
    "Role": "roles",
    "IdentityProvider": "identity-providers",
    "Person": "people",
    "Agent": "agents",
    "Connector": "connectors",
    "Tool": "tools",
    "Workflow": "workflows",
    "Hook": "hooks",
    "MemorySpace": "memory",
    "Decision": "decisions",
    "Budget": "budgets",
    "Policy": "policies",
}


def folder(scope: str, stored: Iterable[str], agreed: Mapping[str, str]) -> dict[str, str]:
    """The files of one scope by path, from the stored bodies of its objects."""
    files = {CONFIG: write({"scope": scope}), STATE: state(agreed)}
    for body in stored:
        files |= files_of(body)
    return files


def files_of(body: str) -> dict[str, str]:
    """The files of one stored object by path: its own first, then the document it names."""
    manifest = restore(body)
    place = place_of(manifest.kind, manifest.metadata.name)
    if isinstance(manifest.spec, PolicySpec):
        return {f"{place}.cedar": manifest.spec.text}
    shown, documents = extracted(written(manifest))
    return {f"{place}.yaml": write(shown), **documents}


def place_of(kind: str, name: str) -> str:
    """Where an object is written, without the ending."""
    return f"{FOLDERS[kind]}/{name}"


def state(agreed: Mapping[str, str]) -> str:
    """The text of `.autonomy/state.json`: the digests folder and server last agreed on."""
    return json.dumps({"version": 1, "objects": dict(sorted(agreed.items()))}, indent=1) + "\n"
