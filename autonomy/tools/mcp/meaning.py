"""What an answer to `tools/call` means for the gate. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy.kernel.canonical import Json

from ..errors import Refused, Unreachable, Unsure, excerpt

_NOT_DONE = (-32700, -32600, -32601, -32602, -32020, -32021, -32022)
"""Errors that the protocol defines for requests that were not carried out."""


def value_of(name: str, result: Mapping[str, Any], write: bool) -> Json:
    """The value of a good result: its structured content, `{"text": …}`, or `{"content": […]}` for anything else.

    Raises Refused where a read says that it failed, Unsure where a write does: MCP (`isError`, `input_required`) does
    not say what a tool had done by then. Raises Unsure or Unreachable for a result that is none.
    """
    kind, content = result.get("resultType", "complete"), result.get("content", [])
    if kind == "input_required":
        raise _unfinished(f"`{name}` asks for input in the middle of a call, which nobody here can give", write)
    if kind != "complete" or not isinstance(content, list):
        raise unusable(name, "answered with something that is no result", write)
    if result.get("isError"):
        raise _unfinished(f"`{name}` says that it failed: {excerpt(_text(content) or 'no reason given')}", write)
    if result.get("structuredContent") is not None:
        return result["structuredContent"]
    if len(content) == 1 and _text(content):
        return {"text": _text(content)}
    return {"content": content}


def failure(name: str, error: Json, write: bool) -> Refused | Unreachable | Unsure:
    """What an error of JSON-RPC means: not done where the protocol says so, in doubt otherwise."""
    code = error.get("code") if isinstance(error, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    shown = excerpt(said) if isinstance(said, str) else "no reason given"
    if code in _NOT_DONE:
        return Refused(f"`{name}` refused: {shown}")
    if write:
        return Unsure(f"`{name}` failed: {shown}")
    return Unreachable(f"`{name}` failed: {shown}", code="upstream.failed")


def unusable(name: str, what: str, write: bool) -> Unreachable | Unsure:
    """An answer that says nothing: a write may have happened."""
    if write:
        return Unsure(f"`{name}` {what}")
    return Unreachable(f"`{name}` {what}", code="upstream.failed")


def _unfinished(what: str, write: bool) -> Refused | Unsure:
    """A tool that began and did not complete: a write may have happened, in part or wholly."""
    return Unsure(what) if write else Refused(what)


def _text(content: list[Any]) -> str:
    """All its text; nothing where a block is something else or malformed."""
    parts = [
        block.get("text") if isinstance(block, dict) and block.get("type") == "text" else None for block in content
    ]
    return "\n".join(str(part) for part in parts if isinstance(part, str))
