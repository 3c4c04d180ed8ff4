"""MCP servers behind the door: tools in the wording that was pinned, and nothing else a server may offer or ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from autonomy.catalog.mcp_server import McpConnector, McpTool
from autonomy.catalog.model import Call
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError, Invalid

from ..attempt import Attempt
from ..credential import Credential
from ..errors import Refused, Unreachable, Unsure
from ..mcp.conversation import Conversation, SessionOver
from ..mcp.definitions import Definition
from ..mcp.http import HttpWire
from ..mcp.stdio import StdioWire
from ..model import Invocation, Result
from ..outbound import Outbound
from ..ports import Wordings
from ..rules import rest_after
from ..wanted import of_service

OPEN_S = 60.0  # for a program to start and shake hands; calls do not wait longer than their own deadline
BELIEVED_S = 60.0  # how long a list of tools is taken to be true without a word from the server
NOBODY = ""  # the agent on whose behalf a server is spoken to: one conversation, and one credential, serves them all
IDLE_S = 300.0  # for calls under way at a program that has been replaced


class McpServer:
    """One declared server. A program is started with the first call, and again after it ended, ever later."""

    def __init__(self, name: str, spec: McpConnector, outbound: Outbound, wordings: Wordings) -> None:
        self._name = name
        self._spec = spec
        self._outbound = outbound
        self._wordings = wordings
        self._open: Conversation | None = None
        self._version = 0  # of the credential the program was started with
        self._starting: asyncio.Task[Conversation] | None = None
        self._starts = 0  # that failed, or ended before an answer, in a row
        self._rests_until = 0.0
        self._ending: set[asyncio.Task[None]] = set()
        self._listed: dict[str, Definition] = {}
        self._listed_at = float("-inf")
        self._listing = asyncio.Lock()

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """What the tool returns, once its definition was found to be the pinned one."""
        if call.tool is None:
            raise Invalid("the tool declares no tool of the server", code="call.mismatch")
        sent = _sent(call.tool, arguments, invocation)
        try:
            return await self._call(call.tool, sent, invocation.action_id, attempt)
        except SessionOver:
            self._forget()
        try:
            return await self._call(call.tool, sent, invocation.action_id, attempt)
        except SessionOver:
            raise Unreachable(f"`{self._name}` forgets its sessions at once", code="upstream.failed") from None

    async def list_tools(self, attempt: Attempt) -> dict[str, Definition]:
        """Every tool the server lists now, by name. Raises Refused or Unreachable."""
        conversation = await self._conversation()
        async with self._listing:
            if not self._is_listed(conversation):
                asked_at = time.monotonic()
                self._listed = await conversation.tools(Attempt(False, attempt.seconds_left))
                self._listed_at = asked_at
                self._starts = 0
            return self._listed

    async def close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._open is not None:
            await self._open.wire.close()

    async def _call(self, tool: McpTool, sent: Mapping[str, Json], action: str, attempt: Attempt) -> Result:
        definition = await self._pinned(tool, attempt)
        conversation = await self._conversation()
        return Result(await conversation.call(definition, sent, action, attempt))

    async def _pinned(self, tool: McpTool, attempt: Attempt) -> Definition:
        """The tool as listed. One whose wording is neither pinned nor accepted is noted, and refused."""
        found = (await self.list_tools(attempt)).get(tool.name)
        wording = found.wording if found else ""
        if found and wording == tool.wording:
            return found
        accepted = await asyncio.to_thread(self._wordings.accepted, self._name, tool.name, tool.wording)
        if found and wording == accepted:
            return found
        await asyncio.to_thread(self._wordings.note, self._name, tool.name, tool.wording, wording)
        what = "is not in the wording that was pinned" if found else "is not offered any more"
        raise Refused(
            f"`{tool.name}` of `{self._name}` {what}; nothing was sent",
            code="tool.drifted",
            hint="a person has to look at it and accept it",
        )

    def _is_listed(self, conversation: Conversation) -> bool:
        fresh = time.monotonic() - self._listed_at < BELIEVED_S
        return fresh and conversation.wire.changed_at < self._listed_at

    async def _conversation(self) -> Conversation:
        """The open conversation; one that ended, or has an outdated credential, is replaced.

        Starting goes on although whoever asked first has stopped waiting: the next call finds it ready.
        """
        credential = await self._outbound.credential(self._spec.credential) if self._spec.command else None
        if self._open is not None and self._outdated(self._open, credential):
            self._retire(self._open)
            self._forget()
        if self._open is not None:
            return self._open
        if self._starting is None or self._starting.done():
            if time.monotonic() < self._rests_until:
                raise Unreachable(f"the program of `{self._name}` rests after it failed", code="upstream.resting")
            self._starting = asyncio.create_task(self._start(credential))
        return await asyncio.shield(self._starting)

    def _outdated(self, conversation: Conversation, credential: Credential | None) -> bool:
        return not conversation.wire.is_open or (credential.version if credential else 0) != self._version

    async def _start(self, credential: Credential | None) -> Conversation:
        self._starts += 1
        self._rests_until = time.monotonic() + rest_after(self._starts)
        conversation = Conversation(self._name, await self._wire(credential))
        try:
            await conversation.open(OPEN_S)
        except (AutonomyError, SessionOver, asyncio.CancelledError) as error:
            await conversation.wire.close()
            if isinstance(error, SessionOver):
                raise Unreachable(f"`{self._name}` forgets its sessions at once", code="upstream.failed") from None
            if isinstance(error, Unsure):
                raise Unreachable(error.message, code="upstream.failed") from None
            raise
        self._open, self._version = conversation, credential.version if credential else 0
        self._listed_at = float("-inf")
        return conversation

    async def _wire(self, credential: Credential | None) -> StdioWire | HttpWire:
        spec, service = self._spec, self._spec.service
        if service is not None:
            present = partial(self._outbound.present, service, of_service(service), NOBODY)
            return HttpWire(self._name, self._outbound.endpoint(service), present)
        child = await self._outbound.program(
            spec.command or (), spec.environment, spec.variable, credential, spec.maxBytes
        )
        return StdioWire(self._name, child, credential, spec.maxBytes)

    def _forget(self) -> None:
        self._open = None
        self._listed_at = float("-inf")

    def _retire(self, conversation: Conversation) -> None:
        task = asyncio.create_task(_end_when_idle(conversation))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _end_when_idle(conversation: Conversation) -> None:
    """End a conversation that was replaced, once the calls under way there have their answers."""
    try:
        async with asyncio.timeout(IDLE_S):
            while conversation.wire.is_open and not conversation.wire.is_idle:
                await asyncio.sleep(0.1)
    except TimeoutError:
        return
    finally:
        await conversation.wire.close()


def _sent(tool: McpTool, arguments: Mapping[str, Json], invocation: Invocation) -> dict[str, Json]:
    """The arguments under the names the server knows them by."""
    if tool.arguments is None:
        return dict(arguments)
    known = {**arguments, "action_id": invocation.action_id, "agent": invocation.agent}
    return {theirs: known[ours] for theirs, ours in tool.arguments.items() if ours in known}
