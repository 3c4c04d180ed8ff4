"""Content of a result that is content already: pictures, sound, documents, handed on as MCP writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy.kernel.canonical import Json

MAX_BLOCKS = 1_000

_KINDS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("data", "mimeType"),
    "audio": ("data", "mimeType"),
    "resource_link": ("uri", "name"),
}
"""The texts a block of each kind must have; other members are optional."""

_OPTIONAL = ("title", "description", "mimeType", "annotations", "size")


def content_of(value: Json) -> list[dict[str, Any]] | None:
    """The blocks of a value that is `{"content": [blocks]}` and nothing else, as connectors to MCP servers return it.

    None for any other value: a result is data unless all of it is content. Members that MCP does not define are left
    out.
    """
    blocks = value.get("content") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(blocks, list) or not 0 < len(blocks) <= MAX_BLOCKS:
        return None
    read = [_block(block) for block in blocks]
    return None if any(block is None for block in read) else [block for block in read if block is not None]


def _block(block: Json) -> dict[str, Any] | None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "resource":
        return _resource(block)
    needed = _KINDS.get(kind) if isinstance(kind, str) else None
    if needed is None or not all(isinstance(block.get(name), str) for name in needed):
        return None
    return {name: block[name] for name in ("type", *needed, *_OPTIONAL) if name in block}


def _resource(block: Mapping[str, Json]) -> dict[str, Any] | None:
    inside = block.get("resource")
    if not isinstance(inside, dict) or not isinstance(inside.get("uri"), str):
        return None
    if [isinstance(inside.get(name), str) for name in ("text", "blob")].count(True) != 1:
        return None
    shown = {name: inside[name] for name in ("uri", "mimeType", "text", "blob") if name in inside}
    return {name: block[name] for name in ("type", "annotations") if name in block} | {"resource": shown}
