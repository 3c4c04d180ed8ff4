"""MCP servers behind the door: tools in the wording that was pinned, and nothing else a server may offer or ask for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from autonomy.catalog.mcp_server import McpConnector, McpTool
from autonomy.catalog.model import Call
from autonomy.catalog.services import HttpService
from autonomy.kernel import clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import SECOND
from autonomy.kernel.errors import Invalid
from autonomy.telemetry import trace_headers

from ..attempt import Attempt
from ..credential import Credential
from ..drift import drifted
from ..errors import Refused, Unreachable
from ..mcp.contact import Contact, Listing, Listings, Looked
from ..mcp.conversation import SessionOver
from ..mcp.definitions import Definition
from ..mcp.http import HttpWire
from ..mcp.stdio import StdioWire
from ..model import Invocation, Result
from ..outbound import Outbound
from ..ports import Wordings
from ..secret_names import named_secrets, places_in

if TYPE_CHECKING:
    from ..endpoint import Endpoint

KNOWN = 10_000  # identities met at once, some kilobytes each; others begin anew
LOOKS = 3  # at a server that says, while it is looked at, that its tools have changed
NOBODY = ""  # the agent on whose behalf a server is looked at


class McpServer:
    """One declared server: a program, or a URL. Where each agent has a credential of its own there, each has a
    conversation of its own and sees what is listed to it; otherwise one serves them all."""

    def __init__(self, name: str, spec: McpConnector, outbound: Outbound, wordings: Wordings) -> None:
        self._name = name
        self._spec = spec
        self._outbound = outbound
        self._wordings = wordings
        self._service = spec.service
        self._secrets = [secret for _, secret in named_secrets(spec)]
        self._is_personal = any(places_in(secret) for secret in self._secrets)
        self._endpoint: Endpoint | None = None
        self._contacts: OrderedDict[tuple[str, ...], Contact] = OrderedDict()
        self._listings = Listings()
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """What the tool returns, once its definition was found to be the pinned one."""
        if call.tool is None:
            raise Invalid("the tool declares no tool of the server", code="call.mismatch")
        sent = _sent(call.tool, arguments, invocation)
        contact = self._contact(invocation.agent)
        try:
            return await self._call(contact, call.tool, sent, invocation.action_id, attempt)
        except SessionOver:
            contact.forget()
        try:
            return await self._call(contact, call.tool, sent, invocation.action_id, attempt)
        except SessionOver:
            raise Unreachable(f"`{self._name}` forgets its sessions at once", code="upstream.failed") from None

    async def list_tools(self, attempt: Attempt, agent: str = NOBODY) -> Listing:
        """Every tool the server lists now to `agent`, by name. Raises Refused or Unreachable."""
        return (await self._contact(agent).look(attempt)).tools

    async def close(self) -> None:
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await asyncio.gather(*(contact.close() for contact in self._contacts.values()))
        if self._endpoint is not None:
            await self._endpoint.close()

    def _contact(self, agent: str) -> Contact:
        """The identity that the server knows `agent` by. Raises Refused (`credential.whose`) where it is nobody's."""
        key = tuple(self._outbound.meant(secret, agent) for secret in self._secrets) if self._is_personal else ()
        found = self._contacts.get(key)
        if found is None:
            found = self._contacts[key] = self._met(agent)
            if len(self._contacts) > KNOWN:
                self._let_go(self._contacts.popitem(last=False)[1])
        self._contacts.move_to_end(key)
        return found

    def _met(self, agent: str) -> Contact:
        service = self._service
        if service is None:
            return Contact(self._name, self._for_program, self._program, self._listings)

        async def wire(_: Credential | None) -> HttpWire:
            return HttpWire(self._name, self._at(service), self._outbound, service, agent)

        believed_s = clock.duration(self._spec.believeFor) / SECOND
        return Contact(self._name, None, wire, self._listings, believed_s)

    def _let_go(self, contact: Contact) -> None:
        task = asyncio.create_task(contact.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _for_program(self) -> Credential | None:
        return await self._outbound.credential(self._spec.credential)

    async def _program(self, credential: Credential | None) -> StdioWire:
        spec = self._spec
        child = await self._outbound.program(
            spec.command or (), spec.environment, spec.variable, credential, spec.maxBytes
        )
        return StdioWire(self._name, child, credential, spec.maxBytes)

    def _at(self, service: HttpService) -> Endpoint:
        if self._endpoint is None:
            self._endpoint = self._outbound.endpoint(service)
        return self._endpoint

    async def _call(
        self, contact: Contact, tool: McpTool, sent: Mapping[str, Json], action: str, attempt: Attempt
    ) -> Result:
        looked, definition = await self._pinned(contact, tool, attempt)
        # MCP carries W3C Trace Context in `_meta`, over pipes as over HTTP.
        traced = trace_headers() if self._spec.traceContext else {}
        beside = {"autonomy/action": action, **traced}
        # Asked of the conversation that was looked at: another one may be with a program that means something else.
        return Result(await looked.conversation.call(definition, sent, beside, attempt))

    async def _pinned(self, contact: Contact, tool: McpTool, attempt: Attempt) -> tuple[Looked, Definition]:
        """The tool as listed, and where. Raises Unreachable where the server changes its tools as fast as one looks."""
        for _ in range(LOOKS):
            looked = await contact.look(attempt)
            definition = await self._approved(looked.tools.get(tool.name), tool)
            if looked.holds:
                return looked, definition
        raise Unreachable(f"`{self._name}` does not stop changing its tools", code="upstream.failed")

    async def _approved(self, found: Definition | None, tool: McpTool) -> Definition:
        """What was found. One whose wording is neither pinned nor accepted is noted, and refused."""
        wording = found.wording if found else ""
        if found and wording == tool.wording:
            return found
        if found is None and self._is_personal:
            # What the server does not show to one agent may be there for all others.
            raise Refused(
                f"`{tool.name}` of `{self._name}` is not offered to this agent there",
                code="upstream.not_offered",
                hint="look at what its account there may do",
            )
        accepted = await asyncio.to_thread(self._wordings.accepted, self._name, tool.name, tool.wording)
        if found and wording == accepted:
            return found
        await asyncio.to_thread(self._wordings.note, self._name, tool.name, tool.wording, wording)
        raise drifted(self._name, tool.name, wording)


def _sent(tool: McpTool, arguments: Mapping[str, Json], invocation: Invocation) -> dict[str, Json]:
    """The arguments under the names the server knows them by."""
    if tool.arguments is None:
        return dict(arguments)
    known = {**arguments, "action_id": invocation.action_id, "agent": invocation.agent}
    return {theirs: known[ours] for theirs, ours in tool.arguments.items() if ours in known}
