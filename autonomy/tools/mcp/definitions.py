"""Tools as a server lists them, and the wording by which one is pinned. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

MAX_TOOLS: Final = 5_000  # a server with more is listing something else than tools
MAX_PAGES: Final = 100
MAX_DEFINITION: Final = 65_536  # bytes of one tool; a schema larger than this is no interface

_SAID = ("title", "description", "inputSchema", "outputSchema", "annotations")
_NAME = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Definition:
    """One tool in the server's own words, none of which an agent sees. `wording` is the digest of all it says."""

    name: str
    description: str
    schema: Mapping[str, Any]
    hints: Mapping[str, Json]
    wording: str


def read_definition(value: Json) -> Definition:
    """The tool that an entry of `tools/list` describes; raises Invalid (`mcp.definition`) for what describes none."""
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Invalid("a tool without a usable name is listed", code="mcp.definition")
    said = {word: value[word] for word in _SAID if value.get(word) is not None}
    if len(canonical.encode(said)) > MAX_DEFINITION:
        raise Invalid(f"the definition of `{name}` is larger than {MAX_DEFINITION} bytes", code="mcp.definition")
    schema, hints, description = said.get("inputSchema"), said.get("annotations", {}), said.get("description", "")
    if not isinstance(schema, dict) or not isinstance(hints, dict) or not isinstance(description, str):
        raise Invalid(f"the definition of `{name}` is malformed", code="mcp.definition")
    return Definition(name, description, schema, hints, canonical.digest({"name": name, **said}))


def read_page(result: Json, found: dict[str, Definition]) -> str | None:
    """Add the tools of one page to `found`; returns the cursor of the next page, or None.

    Raises Invalid (`mcp.listing`, `mcp.definition`): of a list that cannot be read whole, nothing is believed.
    """
    tools, cursor = result.get("tools"), result.get("nextCursor")
    if not isinstance(tools, list) or not isinstance(cursor, (str, type(None))):
        raise Invalid("the list of tools is malformed", code="mcp.listing")
    for entry in tools:
        tool = read_definition(entry)
        if tool.name in found:
            raise Invalid(f"the tool `{tool.name}` is listed twice", code="mcp.listing")
        found[tool.name] = tool
    if len(found) > MAX_TOOLS:
        raise Invalid(f"more than {MAX_TOOLS} tools are listed", code="mcp.listing")
    return cursor or None
