"""A task in the hands of an agent: what it is about, and what the agent can say and do about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autonomy.kernel.errors import AutonomyError, Conflict

from .caller import part

if TYPE_CHECKING:
    from .agent import AgentClient, Outcome

Json = Any
LEASE = 60  # seconds without a word after which somebody else gets it
BEATS = 3  # signs of life within a lease


class Task:
    """A task that the agent has. `said` is everything that goes with it, as the server says it."""

    def __init__(self, agent: AgentClient, said: Mapping[str, Json], lease: int = LEASE) -> None:
        self._agent = agent
        self._lease = lease
        self.said = dict(said)

    def __repr__(self) -> str:
        return f"Task({self.id!r})"

    @property
    def id(self) -> str:
        return str(self.said["task"])

    @property
    def goal(self) -> str:
        """What is to be achieved."""
        return str(self.said["goal"])

    @property
    def input(self) -> Json:
        """What it is to be achieved with."""
        return self.said["input"]

    @property
    def notes(self) -> list[dict[str, Json]]:
        """What those found out who had it before, the oldest first."""
        return list(self.said["notes"])

    def act(self, tool: str, arguments: Mapping[str, Json], **more: Any) -> Outcome:
        """An action for this task: it belongs to the task's case and run. The rest is as `AgentClient.act` takes it."""
        lineage = {name: self.said[name] for name in ("run", "step") if self.said[name] is not None}
        return self._agent.act(tool, arguments, **{"case": self.said["case"], "task": self.id, **lineage, **more})

    def note(self, text: str = "", data: Json = None, question: str = "") -> None:
        """A sign of life, and what is known so far, for whoever may have to go on. Raises Conflict (`task.lost`)."""
        self._say("heartbeat", text=text, data=data, question=question)

    def complete(self, output: Json) -> dict[str, Json]:
        """The result. `state` is `done`; or `returned`, with the `breach` of the contract: it comes back once."""
        return self._say("complete", output=output)

    def hand_off(
        self, role: str | None = None, agent: str | None = None, text: str = "", data: Json = None, question: str = ""
    ) -> dict[str, Json]:
        """Give it to another role or agent with everything there is: work, not authority."""
        return self._say("hand_off", role=role, agent=agent, text=text, data=data, question=question)

    def escalate(self, reason: str, data: Json = None, question: str = "") -> dict[str, Json]:
        """Let a person decide who may decide more."""
        return self._say("escalate", reason=reason, data=data, question=question)

    def refuse(self, reason: str) -> dict[str, Json]:
        """Not to do it, and why; it goes back."""
        return self._say("refuse", reason=reason)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give signs of life from a thread meanwhile, so that long work stays one's own."""
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(ended,), name=f"{self.id} is kept", daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self._lease / BEATS):
            try:
                self._say("heartbeat")
            except Conflict:
                return  # it is somebody else's now; who does it hears so when they complete it
            except AutonomyError:
                continue  # the server is away for a moment: the next beat may come in time

    def _say(self, verb: str, **said: Json) -> dict[str, Json]:
        body = {"claim": self.said["claim"]} | {k: v for k, v in said.items() if v not in (None, "") or k == "output"}
        answer: dict[str, Json] = self._agent.ask("POST", f"/v1/tasks/{part(self.id)}/{verb}", body)
        return answer


Do = Callable[[Task], Json]
"""Does a task and returns its result."""
