"""A bounded pool of threads for blocking drivers. Its threads are daemons: a connector that hangs for ever must not
keep the process from ending, which the standard executor's threads would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Future[Any], Callable[[], Any]]


class Workers:
    """At most `size` threads, started when needed; further work waits in order."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Cancelling before a thread took it means that it never runs."""
        future: Future[T] = Future()
        self._jobs.put((future, work))
        self._start_one()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let every thread end after its present work."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _start_one(self) -> None:
        with self._lock:
            if self._idle >= self._jobs.qsize() or self._started == self._size:
                return
            self._started += 1
        threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            future, work = job
            if future.set_running_or_notify_cancel():
                _settle(future, work)

    def _next(self) -> _Job | None:
        with self._lock:
            self._idle += 1
        job = self._jobs.get()
        with self._lock:
            self._idle -= 1
        return job


def _settle(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for exactly this
        future.set_exception(error)
