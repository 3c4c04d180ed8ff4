"""What a cold use case may touch inside its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, CursorResult, Executable

from .many import Many, write_many
from .ports import Epochs, Page, Post, Row


class Tx:
    """One savepoint of a group. It is over when the use case returns; do not keep it."""

    __slots__ = ("_core", "_page", "_post", "dialect")

    def __init__(
        self, core: Connection, page: Page, dialect: Literal["sqlite", "postgresql"], post: Post | None = None
    ) -> None:
        self._core = core
        self._page = page
        self._post = post
        self.dialect: Literal["sqlite", "postgresql"] = dialect

    @property
    def epochs(self) -> Epochs:
        """The epochs in force, moves of this group included."""
        return self._page.epochs

    @property
    def size(self) -> int:
        """How many leaves the log holds, this group's included."""
        return self._page.size

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement."""
        result: CursorResult[Any] = self._core.execute(statement, values)
        return result

    def write(self, many: Many, rows: Sequence[Row]) -> None:
        """Write many rows at once, in the order of their columns; nothing where there are none."""
        write_many(self._core, self.dialect, many, rows)

    def bump(self, which: Literal["catalog", "identity"]) -> int:
        """Move an epoch: whoever decided under the old one decides again. Returns the new value."""
        return self._page.bump(which)

    def hand_over(self, posts: Sequence[Any]) -> None:
        """Hand something over in this transaction, where anybody takes it (`CommitQueue.post_with`)."""
        if posts and self._post is not None:
            self._post(self._core, posts)

    def append(self, leaf: Any) -> int:
        """Append a leaf to the log; returns its index."""
        return self._page.append(leaf)


Reader = Connection | Tx
"""What runs a question: a reading connection, or the transaction of a use case."""
