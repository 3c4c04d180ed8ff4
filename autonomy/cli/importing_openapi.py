"""`autonomy tool import openapi`: manifests to start from, written from an OpenAPI document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from autonomy.catalog.files import write
from autonomy.catalog.openapi import Document, read_document
from autonomy.catalog.openapi.drafting import draft, tool_name
from autonomy.catalog.openapi.pruning import pruned
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.tools.ssrf import parse_url

from .options import AsJson
from .screen import say, show_json, table

MAX_BYTES = 33_554_432  # the largest published documents have some ten megabytes

_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?")


def openapi(
    file: Annotated[Path, typer.Argument(help="The document, JSON or YAML.")],
    operation: Annotated[
        list[str] | None, typer.Option(help="An `operationId`, or `GET /path`; may be given several times.")
    ] = None,
    name: Annotated[str, typer.Option(help="The connector's name.")] = "api",
    base_url: Annotated[
        str, typer.Option(help="Where the service is; it is not taken from the document.")
    ] = "https://api.example",
    into: Annotated[Path, typer.Option(help="The organisation's folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a connector and tools for operations of an OpenAPI document; without operations, list them.

    Effect and risk are guessed from the method: read what was written before it is applied. The document is cut down to
    what the operations need.

    \b
      autonomy tool import openapi crm.json --operation getOrder --name crm --base-url https://crm.example --into org
    """
    document = Document(_read(file))
    parse_url(base_url)
    if not _NAME.fullmatch(name):
        raise Invalid(f"`{name[:60]}` is not a name", code="import.name", hint="lower case letters, digits, `-`, `_`")
    if not operation:
        _list(document, as_json)
        return
    written = {
        f"documents/{name}.json": json.dumps(pruned(document, operation), indent=2, ensure_ascii=False) + "\n",
        f"{name}.yaml": draft(name, base_url, [document.operation(one) for one in operation]),
    }
    for path in written:
        if (into / path).exists():
            raise Conflict(f"`{into / path}` is there already", code="import.exists", hint="choose another `--name`")
    write(into, written)
    if as_json:
        show_json({"written": sorted(written), "tools": [tool_name(name, one) for one in operation]})
    else:
        say(f"written into `{into}`: {', '.join(sorted(written))}; read them, then `autonomy plan`")
        say(f"until a unit, a role and a rule admit `{name}.*`, the tools exist for no agent")


def _read(file: Path) -> dict[str, object]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(f"`{file}` is not UTF-8 text", code="openapi.unreadable") from None
    except OSError:
        raise NotFound(f"`{file}` cannot be read", code="openapi.no_document") from None
    return read_document(text, MAX_BYTES)


def _list(document: Document, as_json: bool) -> None:
    found = document.operations()
    if as_json:
        show_json([one._asdict() for one in found])
        return
    rows = ([one.id, one.method, one.path, "deprecated" if one.deprecated else "", one.summary] for one in found)
    table(["OPERATION", "METHOD", "PATH", "STATE", "WHAT IT DOES"], rows, "the document has no operation")
