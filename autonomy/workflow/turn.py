"""One turn of a run: its state while an event is taken in, and the commands that come of it. Pure.

A turn works on a copy: the state it began with stays as it was. What has to be looked at next waits in a queue, so that
long chains of steps cost no stack.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from autonomy.kernel.canonical import Json

from . import paths
from .definition import ROOT, ChildWork, Definition, EndWork, Step, TaskWork, ToolWork
from .model import (
    AskApproval,
    Command,
    Decide,
    Emit,
    EndRun,
    Items,
    Known,
    OpenTask,
    PerformTool,
    RunStatus,
    StartChild,
    State,
    StepState,
    StepStatus,
    Task,
    TellChildren,
    Then,
    Withdraw,
)
from .prepared import prepare
from .reading import Reading

SETTLED = frozenset({"done", "skipped", "cancelled", "undoing", "undone"})

BEGINS_WORK = (PerformTool, OpenTask, Decide, AskApproval, StartChild, Emit)
"""What a run that rests holds back; timers, withdrawals and exceptions go out."""

TWICE = "twice."
"""How the part of an exception begins without which a run does not end: somebody has to have seen it."""

_replace = msgspec.structs.replace


class Orders:
    """What is asked for and taken back while the state of a run changes, whatever its definition says."""

    def __init__(self, state: State, at: int) -> None:
        self.state = _replace(state, steps=dict(state.steps))
        self.at = at
        self.commands: list[Command] = []

    def withdraw(self, id: str) -> bool:
        """Take a command back; whether it may have been carried out already."""
        kept = tuple(command for command in self.state.back if command.id != id)
        fresh = [command for command in self.commands if command.id != id]
        if len(kept) < len(self.state.back) or len(fresh) < len(self.commands):
            self.state.back, self.commands = kept, fresh
            return False
        self.commands.append(Withdraw(f"{id}:withdraw", id, compensate=self.state.status == "compensating"))
        return True

    def drop(self, found: StepState) -> None:
        """Take back what is still awaited. Of an action of unknown ending somebody may find out what it has cost."""
        for id in found.open:
            if self.withdraw(id) and found.trouble == "unknown" and self.has_effect(id):
                self._unsure(id, found)

    def is_held_back(self, id: str) -> bool:
        """Whether a command has not gone out yet."""
        return any(command.id == id for command in self.state.back)

    def has_effect(self, id: str) -> bool:
        """Whether a command may have had an effect."""
        return paths.is_effect(self.state.run, id)

    def _unsure(self, id: str, found: StepState) -> None:
        self.state.unsure = {**self.state.unsure, id: found.charged}

    def end(self, status: RunStatus, reason: str = "", output: Json = None) -> None:
        """The run has ended. Whatever is still under way is withdrawn; what was only held back is dropped."""
        for found in self.state.steps.values():
            for id in found.open:
                if self.withdraw(id) and self.has_effect(id):
                    self._unsure(id, found)  # nobody waits for it any more, and it may still happen
        for id in self.state.open:
            self.withdraw(id)
        self.commands.extend(one for one in self.state.back if is_owed(one))
        state = self.state
        state.back, state.open, state.waiting, state.put_off = (), (), (), ()
        state.paused, state.paused_by, state.above = False, "", False
        state.status, state.reason, state.output = status, reason, output
        self.commands.append(EndRun(paths.command(state.run, "", 0, "end"), status, reason, output))


class Turn(Orders):
    """The working copy of one run."""

    def __init__(self, definition: Definition, state: State, at: int) -> None:
        super().__init__(state, at)
        self.definition = definition
        self.prepared = prepare(definition)
        self.queue: deque[tuple[Task, str]] = deque()
        self._ending: list[str] | None = None

    def has_effect(self, id: str) -> bool:
        place = paths.place(self.state.run, id)
        assert place is not None  # a command of this run
        is_work = bool(place.part) or isinstance(self.step(place.path).work, ToolWork | TaskWork | ChildWork)
        return super().has_effect(id) and is_work

    def step(self, path: str) -> Step:
        return self.definition.steps[paths.split(path)[1]]

    def reading(self, path: str) -> Reading:
        """What expressions of the step at `path` see."""
        return Reading(self.prepared, self.state, self.at, paths.split(path)[0])

    def next_attempt(self, path: str) -> int:
        """The number of the attempt under which a step is begun, for the first time or again."""
        found = self.state.steps.get(path)
        return max(found.attempt if found else 0, self.state.removed.get(path, 0)) + 1

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
        if self.state.rests and isinstance(command, BEGINS_WORK):
            self.state.back = (*self.state.back, command)
        else:
            self.commands.append(command)

    def go_on(self) -> None:
        """Ask for what was held back."""
        self.commands.extend(self.state.back)
        state = self.state
        state.paused, state.paused_by, state.above, state.back = False, "", False, ()

    def tell_children(self, what: str) -> None:
        """Let the runs inside this one hear whether it rests."""
        if any(self.in_flight(path, ChildWork) for path in self.state.steps):
            self.commands.append(TellChildren(self.word(what)))

    def word(self, what: str) -> str:
        """A new id for what the run as a whole tells others, however soon after the last."""
        self.state.words += 1
        return self.id("", f"{what}.{self.state.words}")

    def answered(self, path: str, id: str) -> None:
        """The step no longer waits for the command."""
        self.change(path, open=tuple(one for one in self.state.steps[path].open if one != id))

    def leave_behind(self, id: str) -> None:
        """What the command did may stand, and its step does not tell of it."""
        if id not in self.state.left:
            self.state.left = (*self.state.left, id)

    def stands_no_more(self, *ids: str) -> None:
        """Somebody has said what becomes of it, or a step tells of it."""
        self.state.left = tuple(id for id in self.state.left if id not in ids)

    def supersede(self, path: str, found: StepState) -> None:
        """What an earlier attempt did stands beside what the present one did, if that did anything."""
        step, did = self.step(path), found.trouble in ("", "contract", "unknown") or self.id(path) in self.state.left
        if isinstance(step.work, ChildWork) and step.undo is None:
            return  # what a run inside has left was remembered when it ended
        if found.known.untold and found.state not in SETTLED and did:
            self.leave_behind(paths.command(self.state.run, path, found.known.untold))

    def take_back_twice(self, path: str) -> bool:
        """Nobody has to see any more that a step was done twice, now that its present attempt came to nothing; whether
        an earlier one is known to have been done."""
        known = self.state.steps[path].known
        if not known.told:
            return False
        self.need_not_see(f"{TWICE}{path}.{known.told}")
        self.change(path, known=_replace(known, told=0, output_of=known.told))
        return True

    def need_not_see(self, part: str) -> None:
        """Nobody has to see this exception of the run any more; its end may have waited for that."""
        id = self.id("", part)
        if id in self.state.open:
            self.state.open = tuple(one for one in self.state.open if one != id)
            self.withdraw(id)
            self.queue.extend((("end", ""), ("close", ""), ("undo", "")))

    def unsure_of(self, path: str) -> list[str]:
        """The attempts of a step of which nobody knows how they ended, by their commands."""
        if not isinstance(self.step(path).work, ToolWork):
            return []
        places = ((id, paths.place(self.state.run, id)) for id in self.state.unsure)
        return [id for id, place in places if place is not None and place.path == path and not place.part]

    def settle(self, path: str, status: StepStatus, output: Json = None) -> None:
        """The step has come to its end: what it still waits for is withdrawn, what follows is looked at."""
        found = self.state.steps.get(path) or StepState("skipped")
        self.drop(found)
        if status == "done" or found.trouble == "contract":
            self.supersede(path, found)
        if status == "done" and found.state not in SETTLED and self.step(path).undo is not None:
            self.stands_no_more(self.id(path))  # the step tells of it
        known = _kept(found.known) if self.unsure_of(path) else Known()
        lost, known = _given_up(found, status, known) if status in ("skipped", "cancelled") else ("", known)
        fresh = StepState(status, found.attempt, output, found.order, found.since, trouble=lost, known=known)
        fresh.loop = found.loop if isinstance(found.loop, Items) else None  # what undoes its steps reads the items
        fresh.unasked = found.unasked and status != "done"
        self.state.steps[path] = fresh
        if status == "done" or lost:
            self.count_done(path)
        if lost == "done" and self.state.status == "compensating" and self.step(path).undo is not None:
            self.settle(path, "done", known.output)  # nobody goes on without it any more: it is undone
            return
        if (word := self.step(path).alone) is not None:
            self.queue.append(("unlock", word))
        self.follow(path)

    def count_done(self, path: str) -> None:
        """The step was done after all that were done before, whether or not others go on with it."""
        if not self.state.steps[path].order:
            self.state.completed += 1
            self.change(path, order=self.state.completed)

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

    def goes_on(self, path: str) -> bool:
        """Whether others may go on with what the step comes to."""
        return not self.state.steps[path].abandoned and self.alive(paths.split(path)[0])

    def unsettled(self) -> Iterator[tuple[str, StepState]]:
        """Every step that has begun and has not come to its end."""
        return ((path, found) for path, found in list(self.state.steps.items()) if found.state not in SETTLED)

    @property
    def ending(self) -> list[str]:
        """The steps that wait to end the run until somebody has seen something."""
        if self._ending is None:
            self._ending = [path for path, _ in self.unsettled() if isinstance(self.step(path).work, EndWork)]
        found = ((path, self.state.steps.get(path)) for path in self._ending)
        return [path for path, step in found if step is not None and step.state == "running"]

    def waits_to_end(self, path: str) -> None:
        """The step at `path` has come to the end of the run."""
        if path not in self.ending:
            self._ending = [*self.ending, path]

    def inside(self, path: str) -> list[str]:
        """The paths of all steps inside the one at `path`, the innermost last."""
        return [one for one in self.state.steps if one.startswith(path + "[")]

    def in_flight(self, path: str, kinds: Any = ToolWork | TaskWork | ChildWork) -> bool:
        """Whether the step has asked for something that has an effect, whose end is not known and will be."""
        found = self.state.steps[path]
        asked_for = isinstance(self.step(path).work, kinds) and self.id(path) in found.open
        return asked_for and found.trouble != "unknown"

    def abandon(self, path: str) -> None:
        """Let a step and all inside it go no further. One about whose effect a person is asked stays `blocked`."""
        for one in (*self.inside(path), path):
            found = self.state.steps[one]
            if found.state in SETTLED:
                continue
            self.change(one, abandoned=True)
            if found.state == "stopping" or (found.state == "blocked" and found.trouble == "unknown"):
                continue
            if found.trouble == "contract" and self.state.status == "compensating":
                self.settle(one, "done", found.output)  # what it came to was wrong, and it was done
            else:
                self.leave(one)

    def leave(self, path: str, then: Then = "cancelled", output: Json = None) -> None:
        """Withdraw what the step asked for. Where its effect may still happen it is `stopping` until that is known;
        without one it comes to `then`.
        """
        main, in_flight = self.id(path), self.in_flight(path)
        if in_flight and self.withdraw(main):
            for id in self.state.steps[path].open:
                if id != main:
                    self.withdraw(id)
            self.change(path, state="stopping", open=(main,), trouble="", then=then, output=output)
            return
        if in_flight:
            self.answered(path, main)
            if then != "begin":
                self.take_back_twice(path)  # it has not gone out, and no other will
        self.come_to(path, then, output)

    def come_to(self, path: str, then: Then, output: Json = None) -> None:
        """What becomes of a step that was left, once nothing of it is under way."""
        if then == "begin" and self.goes_on(path):
            self.change(path, state="retrying")
            self.queue.append(("begin", path))
        elif then == "done":
            self.settle(path, "done", output)
        elif then == "skipped" or self.state.steps[path].trouble == "unknown":
            self.settle(path, "skipped", output)
        else:
            self.settle(path, "cancelled")

    def end(self, status: RunStatus, reason: str = "", output: Json = None) -> None:
        super().end(status, reason, output)
        self.queue.clear()

    def taken(self, word: str) -> bool:
        """Whether a step is under way that others with this word must not run beside."""
        begun = (path for path, found in self.unsettled() if found.state != "waiting" and not found.unasked)
        return any(self.step(path).alone == word for path in begun)


def _kept(known: Known) -> Known:
    """What is still to be known of a step that has come to its end, where nobody knows of one of its attempts: which
    other one was done."""
    return Known(untold=known.untold, told=known.told, output_of=known.output_of)


def _given_up(found: StepState, status: StepStatus, known: Known) -> tuple[str, Known]:
    """What is remembered of a step that others go on without: whether it was done all the same, and what it came to."""
    if found.trouble == "contract":
        return "done", _replace(known, was_done=True, output=found.output)
    if found.known.was_done:
        return "done", _replace(known, was_done=True, output=found.known.output)
    return "unknown" if status == "skipped" and found.trouble == "unknown" else "", known


def is_owed(command: Command) -> bool:
    """Whether a command belongs to a step that is done already: its event or its detached child goes out whatever
    becomes of the run."""
    return isinstance(command, Emit) or (isinstance(command, StartChild) and command.detached)


def block_of(turn: Turn, prefix: str) -> str:
    """The id of the block whose steps have this prefix."""
    if not prefix:
        return ROOT
    inside = paths.split(paths.owner(prefix))[1]
    way = f"{inside}[{paths.key(prefix)}]"
    return way if way in turn.definition.blocks else f"{inside}[]"
