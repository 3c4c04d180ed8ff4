"""Windows: counts and sums over a sliding time, so that ten orders just under a limit are seen as what they are.

A window is kept in sixty buckets; the oldest, partly past one still counts in full, so that a window never sees too
little. A bucket is known by the time at which it ends, so that the past still counts where a window is declared anew
over another time. Keys are keyed hashes, because what a window runs by may name a person. Of a window that runs by the
subject of its tool they are made with the subject's own key: whoever is erased takes what was counted of them along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from autonomy.catalog.model import ToolSpec, WindowSpec
from autonomy.db.ports import Row
from autonomy.kernel import canonical
from autonomy.kernel.clock import duration
from autonomy.kernel.errors import Invalid

BUCKETS = 60

Buckets = Mapping[str, Mapping[int, tuple[int, int]]]
"""Key → end of the bucket in milliseconds → count and total."""


class WindowUse(Struct, frozen=True):
    """What one action adds to one window, and which buckets make up its present value.

    Times are in milliseconds: `bucket` ends then, what ended until `since` is past.
    """

    name: str
    key: str
    bucket: int
    since: int
    amount: int
    sums: bool
    expires_at: int

    def value(self, buckets: Buckets) -> int:
        """The window's value with this action included: a count, or a sum in the argument's own unit."""
        found = buckets.get(self.key, {})
        held = sum(total if self.sums else count for end, (count, total) in found.items() if end > self.since)
        return held + (self.amount if self.sums else 1)

    def row(self, sign: int = 1) -> Row:
        """Values for PUT_WINDOW; `sign` -1 takes an action back that had no effect."""
        return self.key, self.bucket, sign, sign * self.amount, self.expires_at


def uses(
    tool: str,
    spec: ToolSpec,
    facts_of: Mapping[str, str],
    arguments: Mapping[str, Any],
    money: Mapping[str, int],
    at: int,
    key: canonical.Keyed,
    subject_key: canonical.Keyed,
) -> tuple[WindowUse, ...]:
    """What an action adds to the windows its tool declares.

    `facts_of` gives `agent`, `unit` and `record`; `money` the arguments that are money, in minor units; windows by the
    tool's subject are kept under `subject_key`, others under `key`. Raises Invalid where an argument to add up is not a
    whole number, or below zero.
    """
    keys = key, subject_key
    return tuple(
        _use(f"{tool}/{name}", name, window, facts_of, arguments, money, at, keys[_runs_by_subject(window, spec)])
        for name, window in spec.windows.items()
    )


def _runs_by_subject(window: WindowSpec, spec: ToolSpec) -> bool:
    if spec.subject is None:
        return False
    is_record = spec.record is not None and spec.record.key == spec.subject
    return f"arguments.{spec.subject}" in window.by or (is_record and "record" in window.by)


def gather(rows: Iterable[Row]) -> dict[str, dict[int, tuple[int, int]]]:
    """Rows of `read_windows` as buckets."""
    found: dict[str, dict[int, tuple[int, int]]] = {}
    for key, bucket, count, total in rows:
        found.setdefault(key, {})[bucket] = (count, total)
    return found


def add(buckets: dict[str, dict[int, tuple[int, int]]], used: Sequence[WindowUse]) -> None:
    """Let later actions of the same group see what an earlier one added."""
    for use in used:
        count, total = buckets.setdefault(use.key, {}).get(use.bucket, (0, 0))
        buckets[use.key][use.bucket] = (count + 1, total + use.amount)


def _use(
    path: str,
    name: str,
    window: WindowSpec,
    facts_of: Mapping[str, str],
    arguments: Mapping[str, Any],
    money: Mapping[str, int],
    at: int,
    key: canonical.Keyed,
) -> WindowUse:
    over = duration(window.over)
    width = max(1, over // BUCKETS)
    by = [_subject(subject, facts_of, arguments) for subject in window.by]
    hashed = key.hash(canonical.encode([path, *by]))
    amount = _amount(window.sum, arguments, money) if window.sum else 0
    end = (at // width + 1) * width
    return WindowUse(name, hashed, end, at - over, amount, window.sum is not None, end + over)


def _subject(subject: str, facts_of: Mapping[str, str], arguments: Mapping[str, Any]) -> Any:
    if subject.startswith("arguments."):
        return arguments.get(subject.removeprefix("arguments."))
    return facts_of[subject]


def _amount(name: str, arguments: Mapping[str, Any], money: Mapping[str, int]) -> int:
    value = money[name] if name in money else arguments.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid(f"`{name}` cannot be added up", code="window.amount", hint="a window sums whole numbers or money")
    if value < 0:  # it would make room for what the window is there to stop
        raise Invalid(f"`{name}` is below zero", code="window.amount", hint="a window only ever adds up")
    return value
