"""From an agent's words to what the gate is asked. Unknown words are refused: a mistyped `dry_run` would act."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from autonomy.gate import Request
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

REST_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "case": "case",
        "idempotency_key": "key",
        "rationale": "rationale",
        "dry_run": "dry_run",
        "parent": "parent",
        "run": "run",
        "task": "task",
        "step": "step",
    }
)
"""Fields of a REST request and what `Request` calls them."""

MCP_PREFIX = "autonomy/"
MCP_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "autonomy/case": "case",
        "autonomy/idempotencyKey": "key",
        "autonomy/rationale": "rationale",
        "autonomy/dryRun": "dry_run",
        "autonomy/parent": "parent",
        "autonomy/run": "run",
        "autonomy/task": "task",
        "autonomy/step": "step",
    }
)
"""Keys of an MCP request's `_meta` and what `Request` calls them."""

MAX_NAME = 128  # characters of a tool's name that MCP allows; it is written to the log as it was sent
MAX_LABEL = 200  # characters of a case, key or place in a run
MAX_RATIONALE = 8_000
PAGE_LIMIT = 500


def to_request(tool: Json, arguments: Json, said: Mapping[str, Json], words: Mapping[str, str]) -> Request:
    """The request of an agent; `said` is what came with the call, in the wire's own `words`; null says nothing.

    Raises Invalid (`request.tool`, `request.arguments`, `request.field`).
    """
    if not isinstance(tool, str) or not 1 <= len(tool) <= MAX_NAME:
        raise Invalid("no tool is named", code="request.tool", hint=f"a name of 1 to {MAX_NAME} characters")
    if not isinstance(arguments, dict):
        raise Invalid("the arguments are not an object", code="request.arguments")
    known: dict[str, Any] = {}
    for key, value in said.items():
        if key not in words:
            raise Invalid(f"there is no field `{key[:80]}`", code="request.field", hint=f"use {', '.join(words)}")
        if value is not None:
            known[words[key]] = _checked(key, words[key], value)
    return Request(tool, arguments, **known)


def page(names: Sequence[str], cursor: Json, size: int) -> tuple[list[str], str | None]:
    """The `size` names after `cursor` in their order, and the cursor of the next page where there is one.

    A cursor holds the last name seen, so that it stays good while tools come and go. Raises Invalid
    (`cursor.invalid`).
    """
    after = None if cursor is None else _name_in(cursor)
    left = sorted(name for name in names if after is None or name > after)
    window = left[:size]
    more = len(left) > size
    return window, _cursor(window[-1]) if more else None


def _checked(key: str, field: str, value: Json) -> Json:
    if field == "dry_run":
        if not isinstance(value, bool):
            raise Invalid(f"`{key}` is not true or false", code="request.field")
        return value
    longest = MAX_RATIONALE if field == "rationale" else MAX_LABEL
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Invalid(f"`{key}` is not a text of 1 to {longest} characters", code="request.field")
    if field != "rationale" and not value.isprintable():
        raise Invalid(f"`{key}` holds a character that cannot be printed", code="request.field")
    return value


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _name_in(cursor: Json) -> str:
    try:
        if isinstance(cursor, str) and 0 < len(cursor) <= 4 * MAX_NAME:
            return base64.b64decode(cursor, b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        pass
    raise Invalid("this cursor was not given here", code="cursor.invalid", hint="begin again without one")
