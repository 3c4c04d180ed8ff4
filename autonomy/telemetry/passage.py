"""One action on its way through the door: what log lines and spans say of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from .arrival import Arrival
from .traceparent import Caller, outgoing

Value = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A finished piece of a trace. Times are nanoseconds since the epoch; `error` is the code of what went wrong."""

    name: str
    trace: int
    id: int
    parent: int | None
    began: int
    ended: int
    kind: str
    attributes: dict[str, Value]
    error: str | None = None
    state: str = ""


Take = Callable[[Span], None]
"""Takes a finished span; never blocks, and drops what is too much."""


@dataclass(slots=True)
class Trace:
    """The trace of one action. It has no id before the action has one, unless its caller gave it one."""

    take: Take
    caller: Caller | None
    root: int
    began: int
    id: int = 0
    inside: int = 0
    """The span in which we are now."""
    waiting: list[Span] = field(default_factory=list)

    @classmethod
    def begin(cls, take: Take, caller: Caller | None) -> Trace:
        """A trace below its caller's place, or one of its own."""
        root = new_span()
        return cls(take, caller, root, time.time_ns(), caller.trace if caller else 0, root)

    def named(self, number: int) -> None:
        """Take the action's own number for a trace that has none."""
        if not self.id:
            self.id = number
            waiting, self.waiting = self.waiting, []
            for span in waiting:
                self.take(replace(span, trace=number))

    def finished(
        self,
        name: str,
        id: int,
        parent: int | None,
        began: int,
        *,
        kind: str = "internal",
        attributes: dict[str, Value] | None = None,
        error: str | None = None,
    ) -> None:
        """Hand on a span that ends now, or keep it until the trace has an id."""
        state = self.caller.state if self.caller else ""
        span = Span(name, self.id, id, parent, began, time.time_ns(), kind, attributes or {}, error, state)
        if self.id:
            self.take(span)
        else:
            self.waiting.append(span)

    def headers(self) -> dict[str, str]:
        """What tells a system that is called now where in the trace it stands."""
        return outgoing(self.id, self.inside, self.caller.state if self.caller else "")


@dataclass(slots=True)
class Passage:
    """An action on its way. `action` and `case` are empty until it has them."""

    tool: str
    arrival: Arrival | None = None
    trace: Trace | None = None
    action: str = ""
    case: str = ""
    agent: str = ""


_passage: ContextVar[Passage | None] = ContextVar("passage", default=None)


passage = _passage.get
"""The action that the code at hand is about; None outside of any."""

enter = _passage.set
leave = _passage.reset


def trace_headers() -> dict[str, str]:
    """The W3C headers for a system that is called for the present action; none where nothing is traced."""
    found = _passage.get()
    return found.trace.headers() if found is not None and found.trace is not None else {}


def new_span() -> int:
    """The id of a span: 64 random bits, never zero."""
    return int.from_bytes(os.urandom(8), "big") | 1
