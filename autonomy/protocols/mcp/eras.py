"""Which protocol version a request speaks, and whether its headers say what its body says.

From 2026-07-28 on, parts of the body stand in headers as well, for the eyes of intermediaries. They decide nothing
here; where they differ from the body the request is refused, so that nobody on the way was told something else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Literal

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .message import HEADER_MISMATCH, INVALID_PARAMS, MISSING_CAPABILITY, UNSUPPORTED_VERSION, Fault, Message

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18")
SUPPORTED = (MODERN, *LEGACY)

Era = Literal["modern", "legacy"]

PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
TASKS = "io.modelcontextprotocol/tasks"

_NAMED_BY = {
    "tools/call": "name",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""The parameter that the header `Mcp-Name` repeats."""

_ENCODED = ("=?base64?", "?=")

Header = Callable[[bytes], str | None]


def era_of(message: Message, header: Header) -> Era:
    """The era to answer in; raises Fault for a version that is not spoken here and for headers that do not fit."""
    said = _once(header, b"mcp-protocol-version")
    stated = message.meta.get(PROTOCOL_VERSION)
    if message.method == "initialize" and said != MODERN:
        return "legacy"  # it negotiates the version in its parameters
    if stated is not None and stated != said:
        raise _mismatch("MCP-Protocol-Version", said, stated)
    if said is None:
        return "legacy"  # a client of 2025-06-18 may leave it out, and nothing it can ask was different before
    if said not in SUPPORTED:
        raise Fault(UNSUPPORTED_VERSION, "unsupported protocol version", {"supported": SUPPORTED, "requested": said})
    if said != MODERN:
        return "legacy"
    if message.id is not None:
        _check_modern(message, stated, header)
    return "modern"


def speaks_tasks(message: Message) -> bool:
    """Whether the client can take a task in place of a result."""
    capabilities = message.meta.get(CAPABILITIES)
    extensions = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(extensions, dict) and isinstance(extensions.get(TASKS), dict)


def check_speaks_tasks(message: Message) -> None:
    """Raise Fault where a client asks about tasks without having said that it knows them."""
    if not speaks_tasks(message):
        needed: Json = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
        raise Fault(MISSING_CAPABILITY, "missing required client capability", needed)


def decoded(value: str) -> str | None:
    """The text of a header value, `=?base64?…?=` undone; None where it is malformed."""
    opening, closing = _ENCODED
    if not (value.startswith(opening) and value.endswith(closing) and len(value) >= len(opening) + len(closing)):
        return value if value.isascii() and value.isprintable() else None
    payload = value[len(opening) : -len(closing)]
    try:
        found = base64.b64decode(payload, validate=True)
        # Base64 has several spellings of one text; only the one that encoders write is taken.
        return found.decode("utf-8") if base64.b64encode(found).decode() == payload else None
    except (binascii.Error, ValueError):
        return None


def _check_modern(message: Message, stated: Json, header: Header) -> None:
    if stated is None or not isinstance(message.meta.get(CAPABILITIES), dict):
        raise Fault(INVALID_PARAMS, f"`_meta` needs `{PROTOCOL_VERSION}` and `{CAPABILITIES}`")
    method = _once(header, b"mcp-method")
    if method != message.method:
        raise _mismatch("Mcp-Method", method, message.method)
    name = _once(header, b"mcp-name")
    if message.method in _NAMED_BY:
        _check_name(name, message.params, _NAMED_BY[message.method])


def _check_name(said: str | None, params: Mapping[str, Json], parameter: str) -> None:
    named = params.get(parameter)
    if not isinstance(named, str):
        raise Fault(INVALID_PARAMS, f"`{parameter}` is not a text")
    if said is None or decoded(said) != named:
        raise _mismatch("Mcp-Name", said, named)


def _once(header: Header, name: bytes) -> str | None:
    try:
        return header(name)
    except Invalid as error:
        raise Fault(HEADER_MISMATCH, error.message) from None


def _mismatch(name: str, said: str | None, stated: Json) -> Fault:
    shown = "is missing" if said is None else f"says `{said[:80]}`"
    return Fault(HEADER_MISMATCH, f"the header {name} {shown}, the body says `{str(stated)[:80]}`")
