"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request

from autonomy.kernel.clock import Clock
from autonomy.wiring import System

from .feed import Feed
from .metrics import Metrics

if TYPE_CHECKING:
    from autonomy.insight import Evidence, Insight
    from autonomy.insight.capable import Judging
    from autonomy.insight.figures import Figures
    from autonomy.insight.sampling import Sampling
    from autonomy.insight.telling import Telling
    from autonomy.insight.views import Views

PARTS = "autonomy.parts"  # the field of a request's scope
TAKEN_IN_SECONDS = 0.15  # how long a search waits for what has just happened


@dataclass(frozen=True)
class Parts:
    """The system and what reads it. One for each server."""

    system: System
    feed: Feed
    metrics: Metrics
    clock: Clock

    # What only people ask for is loaded when they do: agents alone need none of it.

    @cached_property
    def insight(self) -> Insight:
        """Why things happened."""
        from autonomy.insight import Insight  # noqa: PLC0415

        return Insight(self.system.database, self.system.vault, self.system.catalog)

    @cached_property
    def evidence(self) -> Evidence:
        """Proofs of what happened."""
        from autonomy.insight import Evidence  # noqa: PLC0415

        return Evidence(self.system.database, self.system.vault, self.clock)

    @cached_property
    def telling(self) -> Telling:
        """What happened in a case."""
        from autonomy.insight.telling import Telling  # noqa: PLC0415

        return Telling(self.system.database, self.system.searching.marks)

    @cached_property
    def sampling(self) -> Sampling:
        """Random samples of what happened."""
        from autonomy.insight.sampling import Sampling  # noqa: PLC0415

        return Sampling(self.system.database, self.system.searching.marks)

    @cached_property
    def judging(self) -> Judging:
        """Who could have done something."""
        from autonomy.insight.capable import Judging  # noqa: PLC0415

        return Judging(self.system.database, self.system.searching.marks, self.system.catalog.organisation)

    @cached_property
    def views(self) -> Views:
        """What people search for again and again."""
        from autonomy.insight.views import Views  # noqa: PLC0415

        return Views(self.system.database, self.system.queue, self.clock)

    async def taken_in(self) -> int:
        """Wait a moment until what has happened can be found; returns how many leaves cannot yet."""
        return await self.system.searching.following.reach(TAKEN_IN_SECONDS)

    @cached_property
    def figures(self) -> Figures:
        """What the workforce does, how well, at what cost."""
        from autonomy.insight.figures import Figures  # noqa: PLC0415

        return Figures(self.system.database, self.system.catalog, self.clock)


async def parts_of(request: Request) -> Parts:
    """The parts of the server that answers this request."""
    found: Parts = request.scope[PARTS]
    return found
