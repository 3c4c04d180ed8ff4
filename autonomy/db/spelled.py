"""Conditions whose values stand in the text of the statement.

An index over a part of a table is used for a question only where the database can see that the answer lies in that
part, and what is handed over as a parameter it does not see: SQLite never, PostgreSQL not once it keeps the plan.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, bindparam


def among(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """`column IN ('…', …)`, in the order of the alphabet: an index and a question must say it alike."""
    return column.in_(bindparam(None, sorted(values), expanding=True, literal_execute=True))


def equals(column: ColumnElement[str], value: str) -> ColumnElement[bool]:
    """`column = '…'`."""
    return column == bindparam(None, value, literal_execute=True)
