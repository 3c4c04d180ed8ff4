"""What requests and answers have in common."""

from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from autonomy.kernel.canonical import MAX_SAFE_INTEGER

from .limits import DEFAULT_PAGE, MAX_PAGE

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many entries the answer holds at most")]
After = Annotated[str | None, Query(max_length=400, description="the `next` of the page before; none: from the start")]
Number = Annotated[int, Path(ge=0, le=MAX_SAFE_INTEGER)]
"""A number in an address. The bound is that of JSON and of both databases."""

AfterIndex = Query(ge=-1, le=MAX_SAFE_INTEGER, description="the index of a leaf after which to begin")

Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
"""A name, an id or the like."""

Reason = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"\S")]
"""Why a person does this; it goes on record."""

PAGE = DEFAULT_PAGE


class Asked(BaseModel):
    """The body of a request: unknown fields are errors, values are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """What the API says. Times are milliseconds since the epoch, money is minor units of the base currency."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """Some entries of a list. `next` is the `after` of the page that follows; null on the last one."""

    items: list[T]
    next: str | None = None


class ErrorDetail(Answer):
    code: str = Field(examples=["agent.unknown"], description="stable; never changes its meaning")
    message: str = Field(examples=["there is no agent `buyer-9`"])
    hint: str | None = Field(None, description="what would be right")
    detail: dict[str, Any] | None = None


class ErrorAnswer(Answer):
    """Every error has this shape."""

    error: ErrorDetail


class Refusal(NamedTuple):
    """One kind of error: its name in the document, and what whoever asks can do about it."""

    name: str
    remedy: str


REFUSALS = {
    400: Refusal("Invalid", "mend the input and send it again"),
    401: Refusal("Unauthenticated", "sign in"),
    403: Refusal("Forbidden", "ask for the permission"),
    404: Refusal("NotFound", "name something that exists"),
    409: Refusal("Conflict", "look at the present state, then decide again"),
    413: Refusal("TooLarge", "send less"),
    429: Refusal("Busy", "wait as many seconds as `Retry-After` says"),
    500: Refusal("Broken", "stop: this is a defect of the server, or what is stored is not what was written"),
    503: Refusal("Unavailable", "nothing was done; try again later"),
    504: Refusal("Overdue", "no answer in time; look before trying again"),
}
"""Errors by their status."""

EVERYWHERE = (400, 401, 403, 413, 429, 500, 503, 504)
"""What any operation may answer: for its input, its caller, its size, or a store that cannot serve it."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route: the statuses of errors which it has beside those of `EVERYWHERE`."""
    return {status: {"model": ErrorAnswer, "description": REFUSALS[status].remedy} for status in statuses}


def streamed(media_type: str) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route whose answer comes piece by piece, as text of this type."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}
