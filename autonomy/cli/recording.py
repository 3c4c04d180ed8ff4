"""`autonomy record`: watch an existing system in use, then write the rules that allow what was seen."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from autonomy.catalog.yaml_text import read
from autonomy.kernel.errors import Invalid
from autonomy.recording.folder import Folder
from autonomy.recording.mcp import Conversation
from autonomy.recording.place import Place
from autonomy.tools.outbound import private_ranges, relay_endpoint

from .ending import Misused
from .options import AsJson, commands
from .screen import note

MAX_DOCUMENT = 16_777_216

app = commands()


@app.command(context_settings={"ignore_unknown_options": True})
def record(
    folder: Annotated[Path, typer.Argument(help="Where manifests and report are written; again to go on.")],
    command: Annotated[list[str] | None, typer.Argument(help="After `--`: the command of an MCP server.")] = None,
    name: Annotated[str, typer.Option(help="What the connector is called.")] = "recorded",
    mcp: Annotated[str | None, typer.Option(help="The URL of an MCP server.")] = None,
    api: Annotated[str | None, typer.Option(help="The base URL of an HTTP interface.")] = None,
    document: Annotated[Path | None, typer.Option(help="Its OpenAPI document, which names its operations.")] = None,
    port: Annotated[int, typer.Option(help="Where to listen on this machine; a free one by default.")] = 0,
    pages: Annotated[
        list[str] | None,
        typer.Option("--page", help="Origin of web pages that may use the address, such as `http://localhost:5173`."),
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="Also keep short texts, where they are few.")] = False,
    unit: Annotated[str | None, typer.Option(help="The unit it is for; with --sponsor and --supervisor.")] = None,
    sponsor: Annotated[str | None, typer.Option(help="The person who answers for the agents.")] = None,
    supervisor: Annotated[str | None, typer.Option(help="The role that watches them.")] = None,
    as_json: AsJson = False,
) -> None:
    """Watch an existing system in use and write a first organisation from it.

    Everything is passed on unchanged; no rule is needed and none is applied. When it ends (Ctrl-C, or the client's
    end), the folder holds a connector, the tools that were used, a role and an agent for each caller, a policy that
    permits what was seen and no more, and a report. Of arguments it keeps types, lengths and bounds of numbers.

    \b
      autonomy record desk-org --name desk -- desk-server --stdio
      autonomy record crm-org --name crm --api https://crm.example/api
    """
    if [bool(command), mcp is not None, api is not None].count(True) != 1:
        raise Misused("say what to watch: `-- COMMAND`, `--mcp URL` or `--api URL`")
    origins = [_origin(page) for page in pages or ()]
    kept = Folder(folder, name, _use(command, mcp, api), _place(unit, sponsor, supervisor), values)
    signal.signal(signal.SIGTERM, _ended)
    status = 0
    try:
        if command:
            status = _watch_program(command, kept)
        else:
            asyncio.run(_watch_url(mcp or api or "", api is not None, document, port, kept, origins))
    except KeyboardInterrupt:
        pass  # the usual way to say that enough was seen
    finally:
        signal.signal(signal.SIGTERM, lambda *_: None)  # once is enough: what was seen is still to be written
        _say_written(folder, kept.finish(), kept.next_step, as_json)
    raise typer.Exit(status)


def _say_written(folder: Path, files: Mapping[str, str], next_step: str, as_json: bool) -> None:
    """On the error stream, for the other one may be the watched program's own."""
    if as_json:
        print(json.dumps({"folder": str(folder), "files": sorted(files)}), file=sys.stderr)
    else:
        note(f"{len(files)} files are in `{folder}`; read `{folder / 'REPORT.md'}`, then `{next_step}`")


def _use(command: list[str] | None, mcp: str | None, api: str | None) -> dict[str, Any]:
    if command:
        return {"type": "mcp", "command": command}
    url = mcp or api or ""
    allow = private_ranges(url)
    use: dict[str, Any] = {"type": "http", "baseUrl": url} if api else {"type": "mcp", "url": url}
    return use | ({"allow": allow} if allow else {})


def _origin(page: str) -> str:
    """The origin of pages as a browser writes it (RFC 6454, section 6.2); a mistake would admit nobody, or too many."""
    if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?", page):
        raise Misused(
            f"`{page[:80]}` is no origin of pages: write it like `http://localhost:5173`, with nothing after it"
        )
    return page


def _place(unit: str | None, sponsor: str | None, supervisor: str | None) -> Place:
    if unit is None and sponsor is None and supervisor is None:
        return Place()
    if unit is None or sponsor is None or supervisor is None:
        raise Misused("`--unit`, `--sponsor` and `--supervisor` belong together")
    return Place(unit, sponsor, supervisor, whole=False)


def _watch_program(command: list[str], kept: Folder) -> int:
    from autonomy.recording.pipes import relay  # noqa: PLC0415 - what the other way needs is not loaded

    conversation = Conversation(kept.seen, {})

    def asked(line: bytes) -> None:
        conversation.asked(line)
        kept.keep()

    return relay(command, asked, conversation.answered)


async def _watch_url(url: str, is_api: bool, document: Path | None, port: int, kept: Folder, pages: list[str]) -> None:
    # The HTTP client and server are loaded where they are used: help and every other command start without them.
    from autonomy.recording.listening import McpListening, RestListening  # noqa: PLC0415
    from autonomy.recording.passing import Address, Passing  # noqa: PLC0415
    from autonomy.recording.rest import Interface, operations  # noqa: PLC0415

    endpoint = relay_endpoint(url)
    base = endpoint.base.path
    listen: Any = McpListening(kept.seen, kept.keep)
    if is_api:
        known = operations(_document(document)) if document else []
        listen = RestListening(Interface(kept.seen, known), base, kept.keep)
    try:
        await Address(
            Passing(endpoint, listen, pages, hears_answers=not is_api), port, lambda at: _say_address(at, base, url)
        ).serve()
    finally:
        await endpoint.close()


def _say_address(at: str, base: str, url: str) -> None:
    note(f"watching {url}; let its clients use {at}{base} instead; Ctrl-C ends it")
    sys.stderr.flush()


def _document(path: Path) -> Any:
    """An OpenAPI document, in JSON or YAML."""
    text = path.read_text("utf-8")
    if len(text) > MAX_DOCUMENT:
        raise Invalid(f"`{path}` is too large for an OpenAPI document", code="record.document")
    found = read(text)
    return found[0].value if found else None


def _ended(*_: object) -> NoReturn:
    raise KeyboardInterrupt
