"""What a batch of leaves changes in the search over what happened. Pure: leaves in, rows out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .found import BLOCK
from .marking import ACTIONS, SEALED, Marks, state_after

Leaf = Mapping[str, Any]


@dataclass(slots=True)
class Seen:
    """What a batch tells of one action; None: nothing. `first` is the index of the leaf that began it (`began`), none
    where an earlier batch told of that. A `code` that is empty says that there is none any more."""

    first: int | None = None
    began: Leaf | None = None
    state: str | None = None
    effect: str | None = None
    money: int | None = None
    ended_at: int | None = None
    code: str | None = None
    marks: set[int] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)

    @property
    def changes(self) -> tuple[str | None, str | None, int | None, int | None, str | None]:
        """State, effect, money, end and code, as far as they change."""
        return self.state, self.effect, self.money, self.ended_at, self.code


@dataclass(slots=True)
class Batch:
    """What a batch of leaves changes; `stop` is the index after its last."""

    stop: int = 0
    actions: dict[str, Seen] = field(default_factory=dict)
    others: dict[int, set[int]] = field(default_factory=dict)
    """The marks of leaves that are about no action, by their index."""
    census: Counter[tuple[int, str]] = field(default_factory=Counter)


def take_in(leaves: Iterable[tuple[int, Leaf]], marks: Marks) -> Batch:
    """What these leaves, which follow one another, change."""
    batch = Batch()
    for index, leaf in leaves:
        batch.stop = index + 1
        batch.census[index // BLOCK, leaf["kind"]] += 1
        action = leaf.get("action")
        if action is None or leaf["kind"] not in ACTIONS:
            batch.others[index] = marks.of_other(leaf)
            continue
        seen = batch.actions.get(action)
        if seen is None:
            seen = batch.actions[action] = Seen()
        _take(seen, index, leaf, marks)
    return batch


def sealed_parts(seen: Seen) -> set[str]:
    """The parts that the action is found by, by who may read them."""
    return {part for part in seen.parts if part.partition(".")[0] in SEALED}


def row_of(action: str, seen: Seen, sealed: bytes | None) -> tuple[Any, ...]:
    """The row of an action that this batch began, in the order of the table's columns."""
    leaf = seen.began or {}
    return (
        seen.first,
        action,
        seen.state or "held",
        seen.effect,
        leaf["agent"],
        leaf.get("agent_name", ""),
        leaf.get("unit", ""),
        leaf.get("case", ""),
        leaf["tool"],
        leaf.get("run"),
        seen.money or 0,
        leaf["at"],
        seen.ended_at,
        seen.code or None,
        sealed,
    )


def _take(seen: Seen, index: int, leaf: Leaf, marks: Marks) -> None:
    decision = leaf.get("decision")
    if decision is not None:
        if seen.began is None:
            seen.first, seen.began = index, leaf
        seen.effect = decision.get("effect", "deny")
    seen.marks |= marks.of_action(leaf)
    seen.parts.update(leaf.get("commitments", ()))
    money = (leaf.get("cost") or {}).get("money")
    if money is not None:
        seen.money = money
    state = state_after(leaf)
    if state is not None:
        seen.state = state
        if state not in ("held", "running"):
            seen.ended_at, seen.code = leaf["at"], leaf.get("code") or ""
