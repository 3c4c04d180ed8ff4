"""Where the agents work: it carries tasks from one to the next and listens to what they do."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

from .processes import Event, Events, Failed, Worker

SILENCE_SECONDS = 40.0

Listener = Callable[[str, Event], None]


class Office:
    """The agents at work."""

    def __init__(self, events: Events, workers: dict[str, Worker]) -> None:
        self._events = events
        self._workers = workers
        self._open = dict.fromkeys(workers, 0)
        self.used: list[tuple[str, Event]] = []
        self.handed: list[Event] = []

    def give(self, agent: str, task: str, **fields: Any) -> None:
        """Give an agent something to do."""
        self._deliver(agent, {"task": task, **fields})

    def until_quiet(self, listener: Listener) -> None:
        """Listen until everything that was given, and what came of it, is done."""
        while not self.is_quiet:
            agent, event = self._next()
            listener(agent, event)

    def happenings(self) -> Iterator[tuple[str, Event]]:
        """What happens next, and next; never ends by itself."""
        while True:
            yield self._next()

    @property
    def is_quiet(self) -> bool:
        """Whether everything that was given is done."""
        return not any(self._open.values())

    def close(self) -> None:
        """Everybody goes home."""
        for worker in self._workers.values():
            worker.stop()

    def _next(self) -> tuple[str, Event]:
        try:
            agent, event = self._events.get(timeout=SILENCE_SECONDS)
        except queue.Empty:
            raise Failed("the agents have fallen silent") from None
        self._note(agent, event)
        return agent, event

    def _note(self, agent: str, event: Event) -> None:
        match event["event"]:
            case "finished":
                self._open[agent] -= 1
            case "handover":
                self.handed.append(event)
                self._deliver(event["to"], event["task"])
            case "used":
                self.used.append((agent, event))
            case "locked_out":
                self._open[agent] = 0
            case "ended" if self._open[agent]:
                raise Failed(f"the program of {agent} ended with code {event['code']}")

    def _deliver(self, agent: str, task: Event) -> None:
        self._open[agent] += 1
        self._workers[agent].give(task)
