"""The hot units of runs: values that say what is to be written, and what must still be true for it."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from autonomy.audit import Leaf

Row: TypeAlias = tuple[Any, ...]


class Fence(Struct, frozen=True):
    """A command whose answer counts only while it is there and `owner` carries it out; nobody where that is None."""

    command: str
    owner: str | None


class Wish(Struct, frozen=True):
    """What somebody else has written that must still stand: `sql` finds a row with `values` as long as it does."""

    sql: str
    values: Row


class Stay(Struct, frozen=True):
    """A command stays, and nobody carries it out: until `due` where that is said, or until its `action` ends.

    `forgiven` attempts are not counted: what kept it from being carried out was nothing of its own.
    """

    command: str
    action: str | None = None
    due: int | None = None
    forgiven: int = 0


class Change(Struct):
    """What is written beside a run's state: commands that are new, gone, that stay, that are due now; leaves; its new
    priority and the definition it is pinned to, where they change."""

    put: list[Row] = []
    gone: list[str] = []
    stay: list[Stay] = []
    due: list[str] = []
    leaves: list[Leaf] = []
    priority: int | None = None
    digest: str | None = None


class Begin(Struct):
    """A run begins. `key` is the live key; `row` is complete."""

    run: str
    key: str | None
    row: Row
    change: Change


class Move(Struct):
    """A run goes from version `ver` to the next, while `fence` holds; `values` are state, ver, status and priority."""

    run: str
    ver: int
    values: Row
    ended_at: int | None
    fence: Fence | Wish | None
    change: Change


class Settle(Struct, frozen=True):
    """A command of a run that does not move: it is dropped, or stays."""

    fence: Fence
    stay: Stay | None = None


class Written(Struct, frozen=True):
    """It is durable."""


class Joined(Struct, frozen=True):
    """Another live run has the same key; or this very run has begun already."""

    run: str


class Stale(Struct, frozen=True):
    """The run has moved: look at it again."""


class Lost(Struct, frozen=True):
    """Somebody else carries the command out, or it is gone, or what was to stand does no more: stand down."""


Answer: TypeAlias = Written | Joined | Stale | Lost
"""What becomes of a unit."""
