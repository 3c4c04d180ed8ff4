"""What the commit queue needs from the floors above: the log it appends to and the plan of hot units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlalchemy import Connection

Row = tuple[Any, ...]
Read = tuple[str, Row]
"""SQL with `?` for every value, and the values. The SQL must be portable to both databases."""
Write = tuple[str, Sequence[Row]]
"""SQL with `?` and one tuple of values for each execution."""


@dataclass(slots=True)
class Epochs:
    """Counters that move when what is declared (`catalog`) or who may act (`identity`) changes."""

    catalog: int
    identity: int


class Leaf(Protocol):
    """A record ready for the log; its hash was computed by the caller's thread."""

    body: bytes
    hash: bytes


class Page(Protocol):
    """The log as one group of commits sees it: opened under the head lock, written at the end of the group."""

    epochs: Epochs

    @property
    def size(self) -> int:
        """How many leaves the log holds, this page's included."""

    def append(self, leaf: Any) -> int:
        """Take `leaf` into the log; returns its index."""

    def bump(self, which: Literal["catalog", "identity"]) -> int:
        """Move an epoch; returns the new value."""

    def mark(self) -> Any:
        """A point to come back to when a unit of the group fails."""

    def rewind(self, mark: Any) -> None:
        """Forget what came after `mark`."""

    def writes(self) -> list[Write]:
        """Rows of leaves, nodes and head; empty where nothing was appended or moved."""


class Ledger(Protocol):
    """The log."""

    head: str
    """SQL that reads the single head row; the queue adds the row lock where the database has one."""

    def open(self, row: Row, core: Connection, /) -> Page:
        """A page that continues from the head row just read, in the transaction of `core`."""


@dataclass(slots=True)
class Plan:
    """What a planner decided: one answer for each unit, in order, and what is to be written for the survivors."""

    answers: list[Any]
    writes: list[Write]
    posts: list[Any] = field(default_factory=list)
    """What is handed over in the same transaction to whoever the queue was told of (`CommitQueue.post_with`)."""


class Group(Protocol):
    """The hot units of one transaction, judged in order from rows read once for all of them."""

    def reads(self) -> list[Read]:
        """What must be known to judge them."""

    def judge(self, rows: list[list[Row]], page: Page) -> Plan:
        """Judge them from what `reads` found, in the same order."""


Post = Callable[[Connection, Sequence[Any]], None]
"""Takes what is handed over, on the connection and in the transaction of those who hand it over. What it raises
refuses them."""

Planner = Callable[[Sequence[Any]], Group]
"""Takes the hot units of a transaction; the gate's journal is the one there is."""
