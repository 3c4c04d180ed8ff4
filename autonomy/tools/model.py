"""The values that pass between the gate, the registry and the connectors."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal, NamedTuple

from autonomy.kernel.canonical import Json

from .credential import Credential


class Cost(NamedTuple):
    """What a call costs: money in minor units of the base currency, and tokens."""

    money: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Invocation:
    """Who calls, under which action, and how many seconds it may take.

    `action_id` is the idempotency key and the client reference that connectors hand to the system of record.
    `credential` is empty until the outbound module fills it in for a Python connector that declares one.
    """

    action_id: str
    agent: str
    deadline_s: float
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a connector returned, and what it cost where the system of record says so."""

    value: Json
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the system of record says about an earlier write: it happened (and what it left), or it did not."""

    state: Literal["happened", "absent"]
    value: Json = None


class Abandoned(Exception):
    """The caller gave up before anything was done; the work must be undone."""


class Attempt:
    """One try at a call. It knows whether the point was passed after which nobody can say that nothing happened.

    Worker threads call `commit` right before that point; the event loop calls `abandon` when time is up. Exactly one
    of the two wins, so that "nothing happened" is never said of a write that is on its way.
    """

    __slots__ = ("_abandoned", "_committed", "_lock", "deadline", "write")

    def __init__(self, write: bool, seconds: float) -> None:
        self.write = write
        self.deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._committed = False
        self._abandoned = False

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; zero or less when it has passed."""
        return self.deadline - time.monotonic()

    @property
    def is_abandoned(self) -> bool:
        return self._abandoned

    @property
    def is_committed(self) -> bool:
        return self._committed

    def commit(self) -> None:
        """Pass the point of no return. Raises Abandoned where the caller has given up."""
        with self._lock:
            if self._abandoned:
                raise Abandoned
            self._committed = True

    def abandon(self) -> bool:
        """Give up. True when the point of no return was not passed and never will be."""
        with self._lock:
            self._abandoned = not self._committed
            return self._abandoned
