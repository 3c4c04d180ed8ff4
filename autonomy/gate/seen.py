"""What cases have seen, as this process last heard it: a first guess, which the transaction of each intent compares."""

from __future__ import annotations

from collections import OrderedDict

MAX_CASES = 10_000


class Seen:
    """Labels of the cases that were last busy here. Another process may have added some; then the decision is made
    again on what is true, which costs a decision and nothing else."""

    def __init__(self) -> None:
        self._labels: OrderedDict[str, frozenset[str]] = OrderedDict()

    def guess(self, case: str) -> frozenset[str]:
        """What the case bears, as far as this process knows."""
        return self._labels.get(case, frozenset())

    def note(self, case: str, labels: frozenset[str]) -> None:
        """The case bears these at least."""
        known = self._labels.get(case, frozenset())
        if labels <= known:
            return
        self._labels[case] = known | labels
        self._labels.move_to_end(case)
        if len(self._labels) > MAX_CASES:
            self._labels.popitem(last=False)
