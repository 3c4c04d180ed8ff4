"""One connection to a business database, with the limits of one call on it: what both kinds have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import TooLarge

from ..attempt import Attempt
from ..errors import Unreachable
from ..statements import Parsed


class Rows(NamedTuple):
    """What one statement returned: column names and rows where it returns any, and how many rows it touched."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    touched: int


class Session(Protocol):
    """Errors are alike in both kinds: Refused where the database said no, Unreachable where nothing was changed."""

    def begin(self, seconds: float, attempt: Attempt) -> None:
        """Start a transaction in which no statement lasts longer than `seconds`."""

    def execute(self, parsed: Parsed, parameters: Mapping[str, Json], max_rows: int) -> Rows:
        """Run one statement; raises TooLarge where it returns more than `max_rows`."""

    def commit(self) -> None:
        """Make it last; raises Unsure where nobody can say whether it did."""

    def rollback(self) -> None:
        """Undo it."""

    def close(self) -> None:
        """Close the connection, undoing what is open."""


def too_many(max_rows: int) -> TooLarge:
    return TooLarge(f"there are more than {max_rows} rows", code="result.too_large", hint="ask for less")


def columns_of(description: Any) -> tuple[str, ...]:
    return tuple(column[0] for column in description or ())


def late() -> Unreachable:
    """Time was up before the point of no return."""
    return Unreachable("no answer in time; nothing was changed", code="upstream.overdue")
