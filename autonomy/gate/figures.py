"""What the door counts of itself, and the trace of each action where traces are on.

Everything is written on the event loop, in plain integers. A step costs under a microsecond where nothing is traced.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import Token
from time import perf_counter
from types import TracebackType

from msgspec import Struct

from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.ids import number_of
from autonomy.telemetry import Histogram, Passage, Take, Tally, Trace, arrival, enter, leave, new_span, passage
from autonomy.telemetry.passage import Value

from .model import Attempt, Denied, Reply

STEPS = ("admit", "describe", "decide", "intent", "effect", "outcome")
GONE = "gone"  # the caller did not wait for an answer
_OUTWARD = frozenset({"effect"})  # steps in which another system is asked
_EVERY_SPAN = 1 << 64


class DoorFigures:
    """Counts of one process. `take` receives the spans of a share of `sampled` of the actions that begin a trace."""

    def __init__(self, take: Take | None = None, sampled: float = 1.0) -> None:
        self.decisions, self.replies, self.refusals = Tally(("allow",), ("hold",), ("deny",)), Tally(), Tally()
        self.taken_up = Tally(*(("recovered", state) for state in ("done", "failed", "unknown")))
        self.steps = {name: Histogram() for name in STEPS}
        self._take = take
        self._sampled = sampled

    def step(self, name: str) -> Step:
        """A context in which one step of an action is done."""
        return Step(self.steps[name], name, self._take is not None)

    def passing(self, tool: str = "") -> Passing:
        """A context in which an action passes the door."""
        found = arrival()
        caller = found.caller if found else None
        trace = None
        if self._take is not None and (caller is None or caller.sampled):
            trace = Trace.begin(self._take, caller)
            if caller is None and trace.root >= self._sampled * _EVERY_SPAN:
                trace = None
        return Passing(self, Passage(tool, found, trace))


def about(attempt: Attempt) -> None:
    """Say which action it is that passes, as soon as it has an id."""
    found = passage()
    if found is None:
        return
    found.tool, found.action, found.case = attempt.request.tool, attempt.id, attempt.case
    found.agent = attempt.caller.name
    if found.trace is not None:
        found.trace.named(number_of(attempt.id))


class Step(Struct):
    """One step, timed; a span of its own where the action is traced."""

    histogram: Histogram
    name: str
    traces: bool
    began: float = 0.0
    trace: Trace | None = None
    since: int = 0
    span: int = 0

    def __enter__(self) -> None:
        if self.traces and (found := passage()) is not None and (trace := found.trace) is not None:
            self.trace, self.since, self.span = trace, time.time_ns(), new_span()
            trace.inside = self.span
        self.began = perf_counter()

    def __exit__(self, _kind: type | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        self.histogram.observe(perf_counter() - self.began)
        if (trace := self.trace) is not None:
            trace.inside = trace.root
            kind = "client" if self.name in _OUTWARD else "internal"
            trace.finished(self.name, self.span, trace.root, self.since, kind=kind, error=code_of(error))


class Passing:
    """The whole way of one action. What it `ended` with is counted; so is the error that ended it."""

    __slots__ = ("_figures", "_passage", "_reply", "_token")

    def __init__(self, figures: DoorFigures, found: Passage) -> None:
        self._figures = figures
        self._passage = found
        self._reply: Reply | None = None

    def __enter__(self) -> Passing:
        self._token: Token[Passage | None] = enter(self._passage)
        return self

    def ended(self, reply: Reply) -> Reply:
        """Take note of the answer."""
        self._reply = reply
        return reply

    def __exit__(self, _kind: type | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        leave(self._token)
        reply, code = self._reply, code_of(error)
        self._figures.replies.add(reply.status if reply else GONE if code == GONE else "error")
        refused = code or (reply.code if reply and reply.status == "denied" else None)
        if refused is not None:
            self._figures.refusals.add(refused)
        if self._passage.trace is not None:
            self._end(self._passage.trace, refused or (reply.code if reply else None))

    def _end(self, trace: Trace, code: str | None) -> None:
        found = self._passage
        trace.named(new_span() << 64 | new_span())  # for what was refused before it was an action
        trace.finished(
            f"execute_tool {found.tool}" if found.tool else "execute_tool",
            trace.root,
            trace.caller.span if trace.caller else None,
            trace.began,
            kind="server",
            attributes=_attributes(found, self._reply),
            error=code,
        )


def code_of(error: BaseException | None) -> str | None:
    """The stable code of an error; of a defect the name of its kind, never its words."""
    if error is None:
        return None
    if isinstance(error, (AutonomyError, Denied)):
        return error.code
    return GONE if isinstance(error, asyncio.CancelledError) else type(error).__name__


def _attributes(found: Passage, reply: Reply | None) -> dict[str, Value]:
    """In the words of OpenTelemetry's conventions for generative AI and MCP where there are some, else in our own."""
    said: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.name": found.tool,
        "gen_ai.tool.call.id": found.action,
        "gen_ai.agent.name": found.agent,
        "gen_ai.conversation.id": found.case,
    }
    if found.arrival is not None:
        said |= {"autonomy.face": found.arrival.face, "autonomy.request": found.arrival.id}
        said |= {"mcp.method.name": found.arrival.method} if found.arrival.method else {}
    if reply is not None:
        said |= {"autonomy.action": reply.action, "autonomy.status": reply.status, "autonomy.policies": reply.policies}
    return {name: value for name, value in said.items() if value}
