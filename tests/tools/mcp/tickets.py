"""A real MCP server, by the official SDK: tickets of a help desk. Speaks over its pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("tickets")


@server.tool(description="Look a ticket up", structured_output=False)
def get_ticket(id: int) -> str:
    return f"ticket {id} is open"


@server.tool(description="Write a note on a ticket")
def add_note(id: int, note: str) -> dict[str, Any]:
    return {"id": id, "note": note, "notes": 1}


@server.tool(description="Close a ticket; refuses the ones above 100")
def close_ticket(id: int) -> str:
    if id > 100:
        raise ToolError(f"there is no ticket {id}")
    return f"ticket {id} is closed"


@server.tool(description="What the program can see", structured_output=False)
def environment() -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()))


@server.tool(description="Never answers", structured_output=False)
async def hang() -> str:
    await asyncio.Event().wait()
    return "never"


@server.tool(description="Ends the whole program", structured_output=False)
def crash() -> str:
    os._exit(3)


@server.tool(description="Asks the client's model", structured_output=False)
async def ask_model(context: Context) -> str:
    try:
        await context.session.list_roots()
    except Exception as error:
        return f"was refused: {type(error).__name__}"
    return "was answered"


if __name__ == "__main__":
    if "--http" in sys.argv:
        server.run("streamable-http")
    else:
        server.run("stdio")
