"""W3C Trace Context, level 1: the place in a trace that a caller names, and the one that we hand on. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_STATE = 512  # characters of `tracestate` that section 3.3.1.5 asks everybody to carry

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE = re.compile(r"[ -~\t]*")


@dataclass(frozen=True, slots=True)
class Caller:
    """Where in a trace the caller stands. `state` is what its own tracer wants to be carried along."""

    trace: int
    span: int
    sampled: bool
    state: str = ""


def read_caller(parent: str | None, state: str | None = None) -> Caller | None:
    """The place that the headers `traceparent` and `tracestate` name; None where they name none that counts."""
    match = _PARENT.fullmatch(parent or "")
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    trace, span = int(match[2], 16), int(match[3], 16)
    if not trace or not span:
        return None
    carried = state if state and len(state) <= MAX_STATE and _STATE.fullmatch(state) else ""
    return Caller(trace, span, bool(int(match[4], 16) & 1), carried)


def outgoing(trace: int, span: int, state: str = "") -> dict[str, str]:
    """The headers by which a system we call continues the trace."""
    headers = {"traceparent": f"00-{trace:032x}-{span:016x}-01"}
    return headers | {"tracestate": state} if state else headers
