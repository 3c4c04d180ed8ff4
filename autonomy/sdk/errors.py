"""The server's errors as the errors of this house, so that callers catch one kind wherever they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autonomy.kernel.errors import (
    AutonomyError,
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overdue,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class Unreachable(Unavailable):
    """the server cannot be reached"""

    default_code = "server.unreachable"


_KINDS: Mapping[int, type[AutonomyError]] = {
    kind.status: kind
    for kind in (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, Busy, Unavailable, Overdue)
}


def error_of(status: int, body: bytes, retry_after: str | None = None) -> AutonomyError:
    """The error that an answer with `status` >= 400 is: its code, message, hint and detail are the server's own."""
    told = _told(body)
    kind = _KINDS.get(status, Invalid if status < 500 else AutonomyError)
    error = kind(
        str(told.get("message") or f"the server answered {status}"),
        code=str(told.get("code") or f"http.{status}"),
        hint=str(told.get("hint") or ""),
    )
    error.detail = dict(told.get("detail") or {})
    if isinstance(error, Busy) and retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        error.retry_after = float(retry_after)
    return error


def _told(body: bytes) -> Mapping[str, Any]:
    """What the body says of the error: our shape, or that of RFC 6749; nothing where something else answered."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    error = found.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {"code": f"oauth.{error}", "message": found.get("error_description")}
    return {}
