"""A conversation with one MCP server: which era it speaks, what it lists, what it is asked."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Protocol

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..errors import Refused, Unreachable
from . import meaning
from .definitions import MAX_PAGES, Definition, read_page
from .messages import LEGACY, MODERN, UNSUPPORTED_VERSION, Request, handshake, meta, mirrored

PROBE_S = 3.0  # an old server that does not know the first question may leave it unanswered


class Wire(Protocol):
    """A way to a server. `version` is set once it is known; `changed_at` (monotonic seconds) is when the server last
    said that its tools have changed, long ago where it never did."""

    version: str | None
    changed_at: float

    @property
    def tells_changes(self) -> bool:
        """Whether the server can say at any time that its tools have changed."""

    async def ask(self, request: Request, attempt: Attempt) -> Mapping[str, Any]:
        """The JSON-RPC response. Raises Refused, Unreachable or Unsure where none came, and SessionOver."""

    async def tell(self, method: str, params: Mapping[str, Json]) -> None:
        """Send a notification; whether it arrives is not known."""

    @property
    def is_open(self) -> bool:
        """Whether anything can still be asked."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer."""

    async def close(self) -> None:
        """End it, and the program behind it."""


class SessionOver(Exception):
    """The server does not know our session; it did nothing. Begin anew and ask again."""


class Conversation:
    """One server by one wire. Request ids are ours alone, so that no two callers ever share one."""

    def __init__(self, name: str, wire: Wire) -> None:
        self._name = name
        self._ids = itertools.count(1)
        self.wire = wire

    async def open(self, seconds: float) -> None:
        """Find out which era the server speaks, and shake hands where it is the old one.

        Raises Refused or Unreachable where it speaks neither.
        """
        wire = self.wire
        wire.version = MODERN
        attempt = Attempt(False, min(PROBE_S, seconds))
        answer = await self._probed(attempt)
        if _speaks_modern(answer):
            return
        wire.version = None
        answer = await self._asked("initialize", handshake(), Attempt(False, seconds))
        if _names_modern(answer):
            wire.version = MODERN  # it had only been slow to answer the first question
            return
        version = answer.get("result", {}).get("protocolVersion") if isinstance(answer.get("result"), dict) else None
        if version not in LEGACY:
            raise Unreachable(f"`{self._name}` speaks no version of MCP that is known here", code="mcp.version")
        wire.version = version
        await wire.tell("notifications/initialized", {})

    async def tools(self, attempt: Attempt) -> dict[str, Definition]:
        """Every tool the server lists, by name. Raises Unreachable (`mcp.listing`) where the list is not usable."""
        found: dict[str, Definition] = {}
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            answer = await self._asked("tools/list", {"cursor": cursor} if cursor else {}, attempt)
            if not isinstance(answer.get("result"), dict):
                raise meaning.failure(self._name, answer.get("error"), False)
            try:
                cursor = read_page(answer["result"], found)
            except Invalid as error:
                raise Unreachable(f"`{self._name}`: {error.message}", code="mcp.listing") from None
            if cursor is None:
                return found
        raise Unreachable(f"`{self._name}` lists more than {MAX_PAGES} pages of tools", code="mcp.listing")

    async def call(
        self, tool: Definition, arguments: Mapping[str, Json], beside: Mapping[str, str], attempt: Attempt
    ) -> Json:
        """What the tool returns; `beside` goes along in `_meta`. Raises Refused, Unreachable, Unsure, SessionOver."""
        params: dict[str, Json] = {
            "name": tool.name,
            "arguments": dict(arguments),
            "_meta": dict(beside),
        }
        extra = mirrored(tool.schema, arguments) if self.wire.version == MODERN else {}
        answer = await self._asked("tools/call", params, attempt, extra)
        if "error" in answer:
            raise meaning.failure(self._name, answer["error"], attempt.write)
        if not isinstance(answer.get("result"), dict):
            raise meaning.unusable(self._name, "answered with something that is no result", attempt.write)
        return meaning.value_of(self._name, answer["result"], attempt.write)

    async def _probed(self, attempt: Attempt) -> Mapping[str, Any]:
        """The answer to the first question of 2026-07-28; nothing where the server did not understand it."""
        try:
            return await self._asked("server/discover", {}, attempt)
        except SessionOver:
            return {}
        except (Refused, Unreachable) as error:
            if error.code in ("upstream.refused", "upstream.failed", "upstream.overdue"):
                return {}  # the handshake will tell whether it is there at all
            raise

    async def _asked(
        self, method: str, params: Mapping[str, Json], attempt: Attempt, extra: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        version = self.wire.version
        if version == MODERN:
            params = {**params, "_meta": {**params.get("_meta", {}), **meta(version)}}
        try:
            async with asyncio.timeout(attempt.seconds_left):
                return await self.wire.ask(Request(next(self._ids), method, params, extra or {}), attempt)
        except TimeoutError:
            if attempt.write:
                raise  # whoever made the attempt knows whether it may have happened
            raise Unreachable(f"`{self._name}` did not answer in time", code="upstream.overdue") from None


def _speaks_modern(answer: Mapping[str, Any]) -> bool:
    result = answer.get("result")
    supported = result.get("supportedVersions") if isinstance(result, dict) else None
    return isinstance(supported, list) and MODERN in supported


def _names_modern(answer: Mapping[str, Any]) -> bool:
    """Whether an error says that the server has settled on 2026-07-28."""
    error = answer.get("error")
    if not isinstance(error, dict) or error.get("code") != UNSUPPORTED_VERSION:
        return False
    data = error.get("data")
    return isinstance(data, dict) and isinstance(data.get("supported"), list) and MODERN in data["supported"]
