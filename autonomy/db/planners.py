"""Several planners behind one: each kind of hot unit is judged by its own, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .ports import Group, Page, Plan, Planner, Read, Row


class Planners:
    """Hands each unit to the planner of its type, every other one to `rest`. What they read and write must not meet."""

    def __init__(self, rest: Planner, by_type: Mapping[type, Planner]) -> None:
        self._rest = rest
        self._by_type = dict(by_type)

    def __call__(self, units: Sequence[Any]) -> Group:
        parts: dict[Planner, list[int]] = {}
        for place, unit in enumerate(units):
            parts.setdefault(self._by_type.get(type(unit), self._rest), []).append(place)
        if len(parts) == 1:
            return next(iter(parts))(units)
        return _Together([(planner([units[place] for place in places]), places) for planner, places in parts.items()])


class _Together:
    """Groups of several planners as one."""

    def __init__(self, parts: Sequence[tuple[Group, list[int]]]) -> None:
        self._parts = parts
        self._counts: list[int] = []

    def reads(self) -> list[Read]:
        wanted = [group.reads() for group, _ in self._parts]
        self._counts = [len(one) for one in wanted]
        return [read for one in wanted for read in one]

    def judge(self, rows: list[list[Row]], page: Page) -> Plan:
        together = Plan([None] * sum(len(places) for _, places in self._parts), [])
        start = 0
        for (group, places), count in zip(self._parts, self._counts, strict=True):
            plan = group.judge(rows[start : start + count], page)
            start += count
            together.writes += plan.writes
            for place, answer in zip(places, plan.answers, strict=True):
                together.answers[place] = answer
        return together
