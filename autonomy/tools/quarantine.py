"""Pinned wordings: a tool whose definition differs from the accepted one is not offered and not called.

For the organisation's own manifests an approved apply accepts; a definition from elsewhere waits for a person, such as
an operation that a new document describes otherwise, or a tool that its MCP server offers in another wording than its
manifest pins.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from autonomy.audit import record
from autonomy.db import Tx

from . import drift, store
from .registry import Registry, Tool


def accepted(connection: Connection) -> dict[str, str]:
    """The accepted digest of each tool by name."""
    return store.pins(connection)


def accept(tx: Tx, tools: Iterable[Tool], by: str, at: int) -> list[str]:
    """Accept the present wording of `tools`; returns the names that changed, which the log records."""
    known = store.pins_within(tx)
    changed = {tool.name: tool.wording for tool in tools if known.get(tool.name) != tool.wording}
    if changed:
        store.put_pins(tx, changed, by, at)
        record(tx, "change", at, actor=by, operation="tool.accept", tools=changed)
    return sorted(changed)


def quarantined(connection: Connection, registry: Registry) -> set[str]:
    """The tools whose wording was never accepted, or is not the accepted one, here or at their server. The system's own
    need no acceptance."""
    known, drifts = store.pins(connection), drift.read(store.drifts(connection))
    return {
        name
        for name, tool in registry.tools.items()
        if not registry.is_own(name) and (known.get(name) != tool.wording or drift.waiting(tool, drifts))
    }


def accept_again(tx: Tx, tool: Tool, by: str, at: int) -> list[str]:
    """A person accepts the present wording of `tool` here and at its server; everybody decides anew from then on.

    Returns the name where anything changed.
    """
    declared, at_server = accept(tx, [tool], by, at), drift.accept(tx, tool, by, at)
    if declared or at_server:
        tx.bump("catalog")
    return [tool.name] if declared or at_server else []
