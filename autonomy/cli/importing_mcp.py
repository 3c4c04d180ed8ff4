"""`autonomy tool import mcp`: manifests to start from, written from what an MCP server lists."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from autonomy.catalog.files import write
from autonomy.catalog.mcp_server import McpConnector
from autonomy.kernel.errors import Conflict, NotFound

from .ending import Misused
from .options import AsJson
from .screen import note, say, show_json

SECONDS = 60.0  # for a server to start and say what it has


def mcp(
    name: Annotated[str, typer.Option(help="What the connector is called.")],
    command: Annotated[str | None, typer.Option(help="The command that starts the server.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="The URL the server is at.")] = None,
    only: Annotated[list[str] | None, typer.Option("--tool", help="Only this tool; may be said several times.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="A private range that may be reached, in CIDR.")] = None,
    token_from: Annotated[str | None, typer.Option(help="The environment variable that holds the credential.")] = None,
    credential: Annotated[str | None, typer.Option(help="Which secret the connector will use.")] = None,
    into: Annotated[Path, typer.Option(help="The organisation's folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a connector and tools from what an MCP server lists.

    Each tool is pinned to the wording the server has now. Nothing goes live before somebody applies the folder.

    \b
      autonomy tool import mcp --name desk --command "desk-server --stdio" --tool get_ticket --into org
    """
    use = _use(command, at, allow or [], credential, token_from)
    imported = asyncio.run(_imported(name, use, only, token_from))
    if taken := [path for path in imported.files if (into / path).exists()]:
        raise Conflict(f"`{into / taken[0]}` is there already", code="import.exists", hint="remove it, or use --tool")
    write(into, imported.files)
    if as_json:
        show_json({"written": sorted(imported.files), "tools": imported.tools, "remarks": imported.remarks})
        return
    for remark in imported.remarks:
        note(remark)
    say(f"written into `{into}`: {', '.join(sorted(imported.files))}; read them, narrow them, then `autonomy plan`")


def _use(
    command: str | None, at: str | None, allow: list[str], credential: str | None, token_from: str | None
) -> dict[str, Any]:
    """The `use` of the connector, as its manifest will say it."""
    if (command is None) == (at is None):
        raise Misused("say either `--command` or `--at`")
    use: dict[str, Any] = {"type": "mcp"}
    use |= {"command": shlex.split(command)} if command is not None else {"url": at}
    if allow:
        use["allow"] = allow
    if credential:
        use["credential"] = credential
        if command is not None:
            use["variable"] = token_from or "TOKEN"
    return use


async def _imported(name: str, use: Mapping[str, Any], only: list[str] | None, token_from: str | None) -> Any:
    # The client of MCP and HTTP is loaded where it is used: help and every other command start without it.
    from autonomy.tools.mcp.importing import manifests  # noqa: PLC0415
    from autonomy.tools.mcp.looking import look  # noqa: PLC0415

    secret = os.environ.get(token_from) if token_from else None
    if token_from and not secret:
        raise NotFound(f"the environment has no `{token_from}`", code="import.no_token")
    found = await look(_connector(use), secret, SECONDS)
    if missing := set(only or ()) - set(found):
        raise NotFound(f"the server has no tool `{min(missing)[:80]}`", code="import.no_tool")
    return manifests(name, use, [tool for tool in found.values() if not only or tool.name in only])


def _connector(use: Mapping[str, Any]) -> McpConnector:
    try:
        return McpConnector.model_validate(dict(use))
    except ValidationError as error:
        raise Misused(f"this is no MCP server: {error.errors()[0]['msg'].lower()}") from None
