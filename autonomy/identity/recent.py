"""What admission remembers, in bounded memory and without secrets: keys are SHA-256 of the whole bearer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

from .model import Caller

T = TypeVar("T")

MAX_REMEMBERED = 16_384  # bearers in use at once; ten thousand agents hold one or two each


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whom a bearer admitted: good at this epoch only, and no longer than `until`."""

    epoch: int
    until: int
    caller: Caller


class Recent(Generic[T]):
    """The last `MAX_REMEMBERED` things put in. Tokens live equally long, so the oldest is the next to expire."""

    def __init__(self) -> None:
        self._found: dict[bytes, T] = {}
        self._putting = threading.Lock()

    def get(self, key: bytes) -> T | None:
        return self._found.get(key)

    def put(self, key: bytes, value: T) -> None:
        with self._putting:
            self._found.pop(key, None)
            if len(self._found) >= MAX_REMEMBERED:
                del self._found[next(iter(self._found))]
            self._found[key] = value
