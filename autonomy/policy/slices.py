"""The rules that can decide about one tool, apart from all others: exact, because a rule whose head does not fit the
action can neither match nor fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cedarpy

from autonomy.catalog.model import Mode

from .model import Rule
from .reads import Path, paths_of
from .scope import Reach, tools_of
from .source import policy_set
from .tool import Tool

TRIALS: tuple[Mode, ...] = ("warn", "shadow")


@dataclass(frozen=True, slots=True)
class Slice:
    """`rules` in force for a tool, and for each mode in trial the same with that mode's rules beside them; `paths` are
    what all of them read of the context."""

    rules: Mapping[str, Rule]
    paths: frozenset[Path]
    enforced: cedarpy.PolicySet
    trials: tuple[tuple[Mode, cedarpy.PolicySet], ...]


def sliced(rules: Sequence[Rule], reach: Reach, tools: Mapping[str, Tool]) -> dict[str, Slice]:
    """One slice for every tool; tools about which the same rules speak share one."""
    spoken: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        for name in tools_of(rule.form, reach, tools):
            spoken[name].append(rule)
    made: dict[tuple[str, ...], Slice] = {}
    found = {}
    for name in tools:
        ids = tuple(rule.id for rule in spoken[name])
        if ids not in made:
            made[ids] = _slice(spoken[name])
        found[name] = made[ids]
    return found


def _slice(rules: Sequence[Rule]) -> Slice:
    in_force = _set(rules, "enforce")
    trials = tuple((mode, _set(rules, "enforce", mode)) for mode in TRIALS if any(rule.mode == mode for rule in rules))
    paths = frozenset(path for rule in rules for path in paths_of(rule.form))
    return Slice({rule.id: rule for rule in rules}, paths, in_force, trials)


def _set(rules: Sequence[Rule], *modes: Mode) -> cedarpy.PolicySet:
    return policy_set({rule.id: rule.form for rule in rules if rule.mode in modes})
