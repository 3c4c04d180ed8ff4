"""Where MCP servers have left the wording that was pinned: a tool that drifted rests until a person accepts it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from autonomy.audit import record
from autonomy.catalog.mcp_server import McpTool
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import Clock

from . import store
from .errors import Refused
from .registry import Tool

_DRIFTED = "tool.drifted"
_WORDING = re.compile(r"([0-9a-f]{64})?")


class Place(NamedTuple):
    """A pinned wording of one tool of one server."""

    connector: str
    tool: str
    pinned: str


class Drift(NamedTuple):
    """What was found in place of a pinned wording, nothing where the tool was gone, and what was accepted."""

    found: str
    accepted: str | None

    @property
    def waits(self) -> bool:
        """Whether a person has to look."""
        return self.accepted != self.found


def drifted(server: str, tool: str, found: str) -> Refused:
    """The refusal of a call whose tool the server lists in another wording than the pinned one (`found`), or not."""
    what = "is not in the wording that was pinned" if found else "is not offered any more"
    return Refused(
        f"`{tool}` of `{server}` {what}; nothing was sent",
        code=_DRIFTED,
        hint="a person has to look at it and accept it",
        found=found,
    )


def found_by(error: Refused) -> str | None:
    """The wording that was found where a call was refused for its drift; None where it was refused for anything else,
    and where what is told of it is no wording."""
    found = error.detail.get("found")
    return found if error.code == _DRIFTED and isinstance(found, str) and _WORDING.fullmatch(found) else None


class Drifts:
    """What every process of the house knows of drifted tools. Blocks on the store; call it from plain threads."""

    def __init__(self, database: Database, queue: CommitQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def accepted(self, connector: str, tool: str, pinned: str) -> str | None:
        """The wording that a person has accepted in place of the pinned one."""
        with self._database.reading() as connection:
            found = read(store.drifts(connection)).get(Place(connector, tool, pinned))
        return found.accepted if found else None

    def note(self, connector: str, tool: str, pinned: str, found: str) -> None:
        """Put the tool to rest, once for each wording it is found in. Everybody decides anew from then on."""
        place = Place(connector, tool, pinned)

        def write(tx: Tx) -> None:
            known = read(store.drifts(tx)).get(place)
            at, accepted = self._clock(), known.accepted if known and known.accepted else None
            store.put_drift(tx, *place, found=found, at=at, accepted=accepted, accepted_by=None)
            if known is not None and known.waits:
                return  # it rests already, whatever it says by now
            record(tx, "change", at, actor="system", operation="tool.drift", tools={tool: found}, connector=connector)
            tx.bump("catalog")

        self._queue.run(write)


class Unremembered:
    """Remembers nothing: what drifted is refused each time."""

    def accepted(self, connector: str, tool: str, pinned: str) -> str | None:  # noqa: ARG002 - the port's signature
        return None

    def note(self, connector: str, tool: str, pinned: str, found: str) -> None:
        """Nobody asks."""


def read(rows: Iterable[tuple[str, str, str, str, str | None]]) -> dict[Place, Drift]:
    """What drifted, by what was pinned."""
    return {Place(*row[:3]): Drift(*row[3:]) for row in rows}


def waiting(tool: Tool, drifts: Mapping[Place, Drift]) -> dict[Place, Drift]:
    """What a person has to look at before `tool` may be used again."""
    return {place: drifts[place] for place in _places(tool) if place in drifts and drifts[place].waits}


def accept(tx: Tx, tool: Tool, by: str, at: int) -> bool:
    """Accept what was found in place of what `tool` pins; whether there was anything. What was gone is looked for again
    with the next call."""
    found = waiting(tool, read(store.drifts(tx)))
    for place, drift in found.items():
        store.put_drift(tx, *place, found=drift.found, at=at, accepted=drift.found, accepted_by=by)
        record(
            tx,
            "change",
            at,
            actor=by,
            operation="tool.accept",
            tools={place.tool: drift.found},
            connector=place.connector,
        )
    return bool(found)


def _places(tool: Tool) -> Iterator[Place]:
    for call in (tool.spec.call, tool.spec.reconcile):
        if call is not None and isinstance(call.tool, McpTool):
            yield Place(tool.connector, call.tool.name, call.tool.wording)
