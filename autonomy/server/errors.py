"""Errors as the API shows them: `{"error": {code, message, hint?, detail?}}`, whatever went wrong."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from autonomy.kernel.errors import AutonomyError, Busy, Invalid, Unauthenticated
from autonomy.kernel.ids import new_id

log = logging.getLogger("autonomy.server")

MAX_PROBLEMS = 50  # of one request; whoever sends more of them does not read them


def handle_errors(app: FastAPI) -> None:
    """Let `app` answer every error in our shape."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, AutonomyError)  # registered for these only
        return answer(error)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(_invalid(error.errors()))

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _of_status(error.status_code, error.headers)

    async def broken(_request: Request, error: Exception) -> Response:
        return unexpected(error)

    app.add_exception_handler(AutonomyError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broken)


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


def _of_status(status: int, headers: Mapping[str, str] | None) -> Response:
    """What the framework itself refuses."""
    code, message = _STATUSES.get(status, ("request.invalid", "the request cannot be answered"))
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


_STATUSES = {
    404: ("route.unknown", "there is nothing at this address"),
    405: ("route.method", "this address does not know this method"),
}


def _invalid(faults: Iterable[Mapping[str, Any]]) -> Invalid:
    """Every fault with its field, in our words; never the value, which may be a secret."""
    problems = [{"field": _field(fault["loc"]), "message": _words(fault)} for fault in faults][:MAX_PROBLEMS]
    first = problems[0]
    return Invalid(f"`{first['field']}`: {first['message']}", code="request.invalid", problems=problems)


def _field(location: Iterable[Any]) -> str:
    """`body.cases.0.agent` as `cases.0.agent`: people do not care which part of a request a field travels in."""
    return ".".join(str(part) for part in list(location)[1:]) or "body"


def _words(fault: Mapping[str, Any]) -> str:
    words = _WORDS.get(fault["type"])
    if words is not None:
        return words
    message = str(fault["msg"]).removeprefix("Input ").removesuffix(".")
    return message[:1].lower() + message[1:]


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "should be text",
    "json_invalid": "is not JSON",
    "model_attributes_type": "should be a JSON object, sent with `Content-Type: application/json`",
}
