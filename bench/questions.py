"""What is asked of every policy engine: a fixed mix of actions, drawn at random from a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from autonomy.kernel.canonical import Json
from autonomy.policy import Question

_ALLOWED: dict[str, Json] = {"item": "bolt", "quantity": 3}

MIX: tuple[tuple[int, str, int, dict[str, Json]], ...] = (
    (80, "allow", 120, _ALLOWED),
    (10, "hold", 12_000, _ALLOWED),
    (5, "deny", 120, {"item": "x", "quantity": 3}),
    (5, "deny", 120, {"item": "bolt", "quantity": 2_000}),
)
"""How many of a hundred, the effect they must have, the amount in whole euros, the other arguments."""


class Asked(NamedTuple):
    """A question and the effect it must have."""

    effect: str
    question: Question


class Draw:
    """Draws questions: any agent, any tool, the kinds of `MIX` by their share."""

    def __init__(self, tools: Sequence[str], agents: int) -> None:
        self._chance = random.Random(7)
        self._tools = tools
        self._agents = agents
        self._shares = [share for share, *_ in MIX]

    def __call__(self, count: int) -> list[Asked]:
        kinds = self._chance.choices(MIX, self._shares, k=count)
        return [self._one(effect, amount, arguments) for _, effect, amount, arguments in kinds]

    def _one(self, effect: str, amount: int, arguments: dict[str, Json]) -> Asked:
        agent, tool = f"agent-{self._chance.randrange(self._agents)}", self._chance.choice(self._tools)
        return Asked(effect, Question((agent,), tool, arguments | {"amount": amount}, cost=amount * 100))
