"""Asking the tables in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autonomy.catalog.decision import DecisionSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.kernel.errors import NotFound

from .model import Decided, Inputs
from .table import Table

MAX_KEPT = 500  # compiled tables; another one is compiled when it is asked


class Decisions:
    """The decision tables of the organisation in force. Used from one event loop."""

    def __init__(self, organisation: Callable[[], Organisation]) -> None:
        self._organisation = organisation
        self._kept: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """The table as declared now. Raises NotFound (`decision.unknown`)."""
        found = self._organisation().get("Decision", name)
        if found is None:
            raise NotFound(f"there is no decision `{name[:63]}`", code="decision.unknown")
        kept = self._kept.get(found.digest)
        if kept is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[found.digest] = Table(name, found.digest, spec(found, DecisionSpec))
        return kept

    def tags(self, name: str) -> Sequence[str]:
        """The classes of data that the table is of. Raises NotFound (`decision.unknown`)."""
        return self.table(name).spec.tags

    def decide(self, name: str, inputs: Inputs) -> Decided:
        """The answer of a table for a case. Raises as `table` and `Table.decide` do."""
        return self.table(name).decide(inputs)
