"""A look at what an MCP server lists, for somebody at a terminal who named it: no manifest, no policy, no call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autonomy.catalog.mcp_server import McpConnector
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..connectors.mcp import McpServer
from ..credential import Credential
from ..drift import Unremembered
from ..outbound import Outbound
from ..secret_names import PLACES
from .definitions import Definition


async def look(use: McpConnector, secret: str | None, seconds: float) -> Mapping[str, Definition]:
    """Every tool the server lists, by name. `secret` is what its credential is, where it has one, whosever it is later.

    Raises Refused, Unreachable or Invalid.
    """

    def reveal(name: str) -> Credential:
        if secret is None:
            raise Invalid(f"the credential `{name}` was not handed in", code="import.no_token", hint="use --token-from")
        return Credential(name, 1, secret)

    # Whoever types a command may start it.
    outbound = Outbound(reveal, Path(), programs=["*"], places=lambda _: dict.fromkeys(PLACES, "whoever"))
    server = McpServer("server", use, outbound, Unremembered())
    try:
        return await server.list_tools(Attempt(False, seconds))
    finally:
        await server.close()
