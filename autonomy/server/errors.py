"""Errors as people's faces show them: `{"error": {code, message, hint?, detail?}}`, whatever went wrong."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from autonomy.kernel.errors import AutonomyError, Busy, Unauthenticated
from autonomy.kernel.ids import new_id

log = logging.getLogger("autonomy.server")

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]
"""What makes an answer of what was raised."""


def answer(error: AutonomyError) -> Response:
    """The response that `error` is."""
    headers = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": error.as_dict()}, error.status, headers)


def unexpected(error: Exception) -> Response:
    """The response to a defect of ours: a number to be found in the server's log, and nothing else.

    The log tells where it happened, but not the error's own words: they may hold what somebody sent.
    """
    number = new_id("err")
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", number, type(error).__name__, frames)
    message = "something went wrong inside the server"
    told = {"code": "server.unexpected", "message": message, "hint": f"its log says more under `{number}`"}
    return JSONResponse({"error": told | {"detail": {"id": number}}}, 500)


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """What the framework itself refuses."""
    code, message = _STATUSES.get(status, ("request.invalid", "the request cannot be answered"))
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


_STATUSES = {
    404: ("route.unknown", "there is nothing at this address"),
    405: ("route.method", "this address does not know this method"),
}


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AutonomyError)  # registered for these only
    return answer(error)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return of_status(error.status_code, error.headers)


async def _broken(_request: Request, error: Exception) -> Response:
    return unexpected(error)


HANDLERS: dict[int | type[Exception], Handler] = {AutonomyError: _ours, HTTPException: _http, Exception: _broken}
"""How the API and the pages answer each kind of error."""
