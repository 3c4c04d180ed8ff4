"""Where a candidate is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonomy.tools.conformance import Behaviour


@dataclass(frozen=True)
class Place:
    """An empty folder, and an empty PostgreSQL database."""

    folder: Path
    postgres: str


NOTE: dict[str, Any] = {"note": "hello"}
"""What every candidate's tools take."""

INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {"note": {"type": "string", "maxLength": 100}},
    "required": ["note"],
}


class Stood:
    """What systems that live in the test's own process have in common."""

    def __init__(self) -> None:
        self.how: Behaviour = "well"
        self.done: Counter[str] = Counter()
        self.heard = 0

    async def behave(self, how: Behaviour) -> None:
        self.how = how

    def effects(self, action: str) -> int:
        return self.done[action]

    def calls(self) -> int:
        return self.heard

    async def close(self) -> None:
        """Nothing is held."""
