"""What requests and answers have in common."""

from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .limits import DEFAULT_PAGE, MAX_PAGE

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many entries the answer holds at most")]
After = Annotated[str | None, Query(max_length=400, description="the `next` of the page before; none: from the start")]
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
