"""Intents that nobody carries out: who asked had given up, or the store was lost as it took them down.

Each ends as not done. Where an intent is not there after all, nothing ends.
"""

from __future__ import annotations

import asyncio

from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Unavailable
from autonomy.policy import Verdict

from .endings import Endings
from .errand import End
from .judging import Cleared, errand_of
from .model import Action
from .units import Answer, Committed

GAVE_UP = "the caller gave up before it began"


class Abandoned:
    """Ends them."""

    def __init__(self, endings: Endings, clock: Clock) -> None:
        self._endings = endings
        self._clock = clock

    def told(self, action: Action, verdict: Verdict, answer: Answer | Exception, heard: bool) -> None:
        """What the store said of the intent, and whether somebody still waited for that."""
        if isinstance(answer, Committed) and not heard:
            self._end(action, verdict, GAVE_UP)
        elif isinstance(answer, Unavailable) and answer.code == "store.uncertain":
            self._end(action, verdict, "the store was lost as it began")

    def left(self, action: Action, verdict: Verdict, answer: asyncio.Future[Answer]) -> None:
        """Who waited was cancelled. An answer that was given in that very moment was heard, but nobody goes on."""
        given = answer.done() and not answer.cancelled() and answer.exception() is None
        if given and isinstance(answer.result(), Committed):
            self._end(action, verdict, GAVE_UP)

    def _end(self, action: Action, verdict: Verdict, why: str) -> None:
        errand = errand_of(Cleared(action, verdict), self._clock())
        self._endings.later(errand, End("failed", code="action.abandoned", message=why))
