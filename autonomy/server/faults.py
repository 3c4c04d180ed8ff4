"""What is wrong with the input of a request to the API, in our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from autonomy.kernel.errors import Invalid

from .errors import answer

MAX_PROBLEMS = 50  # of one request; whoever sends more of them does not read them


async def invalid(_request: Request, error: Exception) -> Response:
    """The answer to input that does not fit its route."""
    assert isinstance(error, RequestValidationError)  # registered for these only
    return answer(_invalid(error.errors()))


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
