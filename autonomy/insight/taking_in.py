"""What a batch of leaves changes in the search over what happened. Pure: leaves in, rows out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .found import BLOCK
from .marking import ACTIONS, Marks, state_after

Row = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What a batch tells of one action. `first` is the index of the leaf that began it, none where an earlier batch
    told of that."""

    first: int | None = None
    began: Row = field(default_factory=dict)
    changed: Row = field(default_factory=dict)
    marks: set[int] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Batch:
    """What a batch of leaves changes."""

    stop: int
    actions: dict[str, Seen] = field(default_factory=dict)
    others: set[tuple[int, int]] = field(default_factory=set)
    """Mark and index of leaves that are about no action."""
    census: Counter[tuple[int, str]] = field(default_factory=Counter)


def take_in(leaves: Sequence[tuple[int, Mapping[str, Any]]], marks: Marks) -> Batch:
    """What these leaves, which follow one another and of which there is one at least, change."""
    batch = Batch(leaves[-1][0] + 1)
    for index, leaf in leaves:
        batch.census[index // BLOCK, leaf["kind"]] += 1
        if leaf["kind"] in ACTIONS and "action" in leaf:
            _take(batch.actions.setdefault(leaf["action"], Seen()), index, leaf, marks)
        else:
            batch.others |= {(mark, index) for mark in marks.of_other(leaf)}
    return batch


def _take(seen: Seen, index: int, leaf: Mapping[str, Any], marks: Marks) -> None:
    if "decision" in leaf:
        if not seen.began:
            seen.first, seen.began = index, _began(leaf)
        seen.changed["effect"] = leaf["decision"].get("effect", "deny")
    seen.marks |= marks.of_action(leaf)
    seen.parts |= set(leaf.get("commitments", ()))
    seen.changed |= _changed(leaf)


def _began(leaf: Mapping[str, Any]) -> Row:
    return {
        "id": leaf["action"],
        "agent": leaf["agent"],
        "agent_name": leaf.get("agent_name", ""),
        "unit": leaf.get("unit", ""),
        "case_id": leaf.get("case", ""),
        "tool": leaf["tool"],
        "run": leaf.get("run"),
        "at": leaf["at"],
    }


def _changed(leaf: Mapping[str, Any]) -> Row:
    """What a leaf changes of its action's row."""
    state, money = state_after(leaf), (leaf.get("cost") or {}).get("money")
    changed: Row = {} if money is None else {"money": money}
    if state is None:
        return changed
    if state not in ("held", "running"):
        changed |= {"ended_at": leaf["at"], "code": leaf.get("code")}
    return changed | {"state": state}


NEW: Row = {"state": "held", "effect": "deny", "money": 0, "ended_at": None, "code": None, "sealed": None}
"""What a row says until a leaf says otherwise."""
