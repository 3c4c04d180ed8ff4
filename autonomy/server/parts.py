"""What the routes work with."""

from dataclasses import dataclass

from starlette.requests import Request

from autonomy.insight import Evidence, Insight
from autonomy.kernel.clock import Clock
from autonomy.wiring import System

from .feed import Feed
from .metrics import Metrics


@dataclass(frozen=True, slots=True)
class Parts:
    """The system and what reads it. One for each app."""

    system: System
    insight: Insight
    evidence: Evidence
    feed: Feed
    metrics: Metrics
    clock: Clock


async def parts_of(request: Request) -> Parts:
    """The parts of the app that answers this request."""
    found: Parts = request.app.state.parts
    return found
