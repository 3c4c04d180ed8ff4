"""The circuit breaker of one connector: a system that is down is left alone for a while instead of waited for."""

from __future__ import annotations

import time

from autonomy.kernel.clock import Clock

from . import rules
from .errors import Unreachable, Unsure


def monotonic() -> int:
    """Milliseconds of a clock that never goes back; rests must not depend on the wall clock."""
    return time.monotonic_ns() // 1_000_000


class Breaker:
    """Counts consecutive failures of the system itself. Used from the event loop only."""

    __slots__ = ("_circuit", "_clock", "_name")

    def __init__(self, name: str, clock: Clock = monotonic) -> None:
        self._name = name
        self._clock = clock
        self._circuit = rules.Circuit()

    @property
    def failures(self) -> int:
        """How often in a row the system has failed."""
        return self._circuit.failures

    @property
    def is_open(self) -> bool:
        """Whether calls are kept from the system; while it rests, and until a probe was answered."""
        return self._circuit.failures >= rules.MAX_FAILURES

    def enter(self) -> None:
        """Let a call out; raises Unreachable (`upstream.resting`) while the circuit is open."""
        admitted, self._circuit = rules.admit(self._circuit, self._clock())
        if not admitted:
            raise Unreachable(
                f"connector `{self._name}` rests after {self._circuit.failures} failures",
                code="upstream.resting",
                hint=f"try again in {rules.REST // 1000} s",
            )

    def note(self, error: BaseException | None) -> None:
        """What became of the call: a refusal is an answer, silence and disorder are failures."""
        if isinstance(error, (Unreachable, Unsure)):
            self._circuit = rules.failed(self._circuit, self._clock())
        else:
            self._circuit = rules.answered(self._circuit)
