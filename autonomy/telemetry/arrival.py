"""The request that is being answered: its number, its wire, and where its caller stands in a trace."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

from .traceparent import Caller

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a caller may choose as the number of its request; anything else is replaced by one of ours."""


@dataclass(slots=True)
class Arrival:
    """What is known of a request before anybody has read it."""

    id: str
    face: str
    caller: Caller | None = None
    method: str | None = None
    """The MCP method, where it is one."""


_arrival: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


arrival = _arrival.get
"""The request that the code at hand answers; None outside of any."""

arrived = _arrival.set
"""Says that from here on, in this task and those it begins, a request is answered."""
