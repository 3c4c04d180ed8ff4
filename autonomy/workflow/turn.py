"""One turn of a run: its state while an event is taken in, and the commands that come of it. Pure.

A turn works on a copy: the state it began with stays as it was. What has to be looked at next waits in a queue, so that
long chains of steps cost no stack.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from autonomy.kernel.canonical import Json

from . import paths
from .definition import ROOT, ChildWork, Definition, Step, ToolWork
from .model import (
    AskApproval,
    Command,
    Decide,
    Emit,
    EndRun,
    OpenTask,
    PerformTool,
    RunStatus,
    StartChild,
    State,
    StepState,
    StepStatus,
    Withdraw,
)
from .prepared import prepare
from .reading import Reading

SETTLED = frozenset({"done", "skipped", "cancelled", "undoing", "undone"})

_BEGINS_WORK = (PerformTool, OpenTask, Decide, AskApproval, StartChild, Emit)
"""What a paused run holds back; timers, withdrawals and exceptions go out."""

Task = Literal["consider", "begin", "close", "unlock", "undo", "compensate"]

_replace = msgspec.structs.replace


class Turn:
    """The working copy of one run."""

    def __init__(self, definition: Definition, state: State, at: int) -> None:
        self.definition = definition
        self.prepared = prepare(definition)
        self.state = _replace(state, steps=dict(state.steps))
        self.at = at
        self.commands: list[Command] = []
        self.ignored = ""
        self.queue: deque[tuple[Task, str]] = deque()

    def step(self, path: str) -> Step:
        return self.definition.steps[paths.split(path)[1]]

    def reading(self, path: str) -> Reading:
        """What expressions of the step at `path` see."""
        return Reading(self.prepared, self.state, self.at, paths.split(path)[0])

    def change(self, path: str, **changes: Any) -> StepState:
        """Replace parts of a step's state."""
        found = self.state.steps[path] = _replace(self.state.steps[path], **changes)
        return found

    def id(self, path: str, part: str = "") -> str:
        """The id of a command of the step's present attempt; of the run itself where the path is empty."""
        number = self.state.steps[path].attempt if path else 0
        return paths.command(self.state.run, path, number, part)

    def order(self, command: Command, path: str = "", awaited: bool = True) -> None:
        """Ask for something; its answer is awaited by the step at `path`, or by the run."""
        if awaited and path:
            found = self.state.steps[path]
            self.change(path, open=(*found.open, command.id))
        elif awaited:
            self.state.open = (*self.state.open, command.id)
        if self.state.paused and isinstance(command, _BEGINS_WORK):
            self.state.back = (*self.state.back, command)
        else:
            self.commands.append(command)

    def withdraw(self, id: str) -> bool:
        """Take a command back; whether it may have been carried out already."""
        kept = tuple(command for command in self.state.back if command.id != id)
        fresh = [command for command in self.commands if command.id != id]
        if len(kept) < len(self.state.back) or len(fresh) < len(self.commands):
            self.state.back, self.commands = kept, fresh
            return False
        self.commands.append(Withdraw(f"{id}:withdraw", id))
        return True

    def answered(self, path: str, id: str) -> None:
        """The step no longer waits for the command."""
        self.change(path, open=tuple(one for one in self.state.steps[path].open if one != id))

    def settle(self, path: str, status: StepStatus, output: Json = None) -> None:
        """The step has come to its end: what it still waits for is withdrawn, what follows is looked at."""
        found = self.state.steps.get(path) or StepState("skipped")
        for id in found.open:
            self.withdraw(id)
        done = 0
        if status == "done":
            done = self.state.completed = self.state.completed + 1
        data = found.data if isinstance(found.data, dict) and "items" in found.data else None
        self.state.steps[path] = StepState(status, found.attempt, output, done, found.since, data=data)
        if (word := self.step(path).alone) is not None:
            self.queue.append(("unlock", word))
        self.follow(path)

    def follow(self, path: str) -> None:
        """Look at the steps that need this one, and whether those beside it are all settled."""
        prefix, _ = paths.split(path)
        if self.state.status == "compensating":
            self.queue.append(("undo", ""))
        elif self.alive(prefix):
            self.queue.extend(("consider", prefix + name) for name in self.step(path).followers)
            self.queue.append(("close", prefix))
        else:
            self.queue.append(("close", ""))  # the run's end may have waited for this one

    def alive(self, prefix: str) -> bool:
        """Whether steps with this prefix may go on: the run goes on, and the step around them does."""
        if self.state.status != "running":
            return False
        if not prefix:
            return True
        found = self.state.steps.get(paths.owner(prefix))
        return found is not None and found.state == "running" and max(found.attempt, 1) == paths.attempt(prefix)

    def unsettled(self) -> Iterator[tuple[str, StepState]]:
        """Every step that has begun and has not come to its end."""
        return ((path, found) for path, found in list(self.state.steps.items()) if found.state not in SETTLED)

    def inside(self, path: str) -> list[str]:
        """The paths of all steps inside the one at `path`, the innermost last."""
        return [one for one in self.state.steps if one.startswith(path + "[")]

    def abandon(self, path: str) -> None:
        """Let a step and all inside it go no further. One whose effect may still happen is `stopping` until that is
        known; one about whose effect a person is asked stays `blocked`.
        """
        for one in (*self.inside(path), path):
            found = self.state.steps[one]
            if found.state in SETTLED or found.state == "stopping":
                continue
            main = self.id(one)
            in_flight = isinstance(self.step(one).work, ToolWork | ChildWork) and main in found.open
            if found.state == "blocked" and found.trouble == "unknown":
                continue
            if in_flight and self.withdraw(main):
                for id in found.open:
                    if id != main:
                        self.withdraw(id)
                self.change(one, state="stopping", open=(main,), trouble="")
            else:
                if in_flight:
                    self.answered(one, main)
                self.settle(one, "cancelled")

    def end(self, status: RunStatus, reason: str = "", output: Json = None) -> None:
        """The run has ended. Whatever is still under way is withdrawn; what was only held back is dropped."""
        for _, found in self.unsettled():
            for id in found.open:
                self.withdraw(id)
        for id in self.state.open:
            self.withdraw(id)
        self.commands.extend(one for one in self.state.back if _is_settled_work(one))
        state = self.state
        state.back, state.open, state.waiting, state.paused = (), (), (), False
        state.status, state.reason, state.output = status, reason, output
        self.queue.clear()
        self.commands.append(EndRun(self.id("", "end"), status, reason, output))

    def taken(self, word: str) -> bool:
        """Whether a step is under way that others with this word must not run beside."""
        return any(found.state != "waiting" and self.step(path).alone == word for path, found in self.unsettled())


def _is_settled_work(command: Command) -> bool:
    """Whether a command held back belongs to a step that is done already: its event or its detached child is owed."""
    return isinstance(command, Emit) or (isinstance(command, StartChild) and command.detached)


def block_of(turn: Turn, prefix: str) -> str:
    """The id of the block whose steps have this prefix."""
    if not prefix:
        return ROOT
    inside = paths.split(paths.owner(prefix))[1]
    way = f"{inside}[{paths.key(prefix)}]"
    return way if way in turn.definition.blocks else f"{inside}[]"
