"""What passes between the control plane and a site: a call to be performed, and how it ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, Protocol

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError

from ..errors import Refused, Stale, Unreachable, Unsure
from ..model import Cost, Result

Said = Literal["done", "refused", "stale", "unreachable", "unsure"]

KINDS: Mapping[str, type[AutonomyError]] = {
    "stale": Stale,
    "refused": Refused,
    "unreachable": Unreachable,
    "unsure": Unsure,
}
"""What an ending says is known, by the error that says it here. `stale` before `refused`, whose kind it is."""


class Order(msgspec.Struct, frozen=True):
    """One call as a site needs it: the connector's manifest in its wording, what to do, for which action. `places` are
    those of the agent that the connector's secrets name, `wording` is what a person accepted for a tool that drifted.
    """

    connector: str
    digest: str
    spec: dict[str, Any]
    call: dict[str, Any]
    arguments: dict[str, Any]
    action: str
    agent: str
    write: bool
    places: dict[str, str] = {}
    wording: str | None = None


class Assignment(msgspec.Struct, frozen=True):
    """An order that a worker has claimed, and the seconds left for it when it was."""

    id: str
    order: Order
    seconds_left: float


class Ending(msgspec.Struct, frozen=True):
    """How an assignment ended. It holds no credential: connectors scrub what they show."""

    said: Said
    value: Any = None
    money: int | None = None
    tokens: int | None = None
    code: str = ""
    message: str = ""
    hint: str = ""
    detail: dict[str, str | int | float | bool] = {}

    @classmethod
    def of(cls, outcome: Result | AutonomyError) -> Ending:
        """What a result or an error says."""
        if isinstance(outcome, Result):
            cost = outcome.cost
            return cls("done", outcome.value, cost.money if cost else None, cost.tokens if cost else None)
        said: Any = next((name for name, kind in KINDS.items() if isinstance(outcome, kind)), "unsure")
        plain = {name: value for name, value in outcome.detail.items() if isinstance(value, str | int | float)}
        return cls(said, code=outcome.code, message=outcome.message, hint=outcome.hint, detail=plain)

    def result(self) -> Result:
        """The result; raises the error that it says."""
        if self.said == "done":
            cost = None if self.money is None or self.tokens is None else Cost(self.money, self.tokens)
            value: Json = self.value
            return Result(value, cost)
        error = KINDS[self.said](self.message, code=self.code, hint=self.hint)
        error.detail = dict(self.detail)
        raise error


class Desk(Protocol):
    """What a worker needs of the control plane, near or far. Raises AutonomyError where that does not answer."""

    async def waiting(self, seconds: float) -> bool:
        """Whether something waits for the site; comes back at once where it does, else after `seconds`."""

    async def claim(self, worker: str, count: int) -> list[Assignment]:
        """Take up to `count` of what waits. Nobody else gets it, not even when this worker dies."""

    async def beat(self, worker: str, held: Collection[str]) -> list[str]:
        """Say that the worker lives and holds these; returns those that nobody waits for any more."""

    async def end(self, worker: str, assignment: str, ending: Ending) -> None:
        """Say how one ended. Raises Conflict (`site.late`) where nobody waits for it any more."""
