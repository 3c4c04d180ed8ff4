"""Workflows for tests, and a run of one that answers its commands and watches what must hold at every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from autonomy.catalog.model import SPECS
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.workflow import Advanced, Definition, State, advance, decode, define, encode, new_state
from autonomy.workflow.definition import ForeachWork, RepeatWork, Step
from autonomy.workflow.events import (
    AnyEvent,
    ApprovalEnded,
    Charged,
    ChildEnded,
    Chosen,
    EventArrived,
    PutBack,
    Resumed,
    Started,
    TaskEnded,
    TimerFired,
)
from autonomy.workflow.events import Performed as ActionEnded
from autonomy.workflow.model import (
    AskApproval,
    Command,
    Decide,
    EndRun,
    OpenTask,
    PerformTool,
    RaiseException,
    SetTimer,
    StartChild,
    Subscribe,
    Withdraw,
)
from autonomy.workflow.turn import SETTLED

GOING_ON = ("waiting", "running", "held", "retrying")
ANSWERED = (PerformTool, OpenTask, Decide, AskApproval, StartChild, SetTimer, Subscribe, RaiseException)


def definition(spec: str | Mapping[str, Any], name: str = "work") -> Definition:
    """A workflow's definition from the text or values of its `spec`; agent and escalation are filled in."""
    said: Any = yaml.safe_load(spec) if isinstance(spec, str) else dict(spec)
    anything = {"type": "object", "additionalProperties": True}
    words = {"escalation": "boss", "agent": "worker", "input": anything, **said}
    revision = Revision("Workflow", name, "acme", "", "", SPECS["Workflow"].model_validate(words))
    root = Revision("Unit", "acme", "acme", "", "", SPECS["Unit"].model_validate({"currency": "EUR"}))
    found = define(Organisation(1, [root, revision]), revision)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Definition) == found
    return found


def steps(text: str, **more: Any) -> Definition:
    """A definition from the text of its `steps` alone."""
    return definition({"steps": yaml.safe_load(text), **more})


class Run:
    """One run. Every event goes through `send`, which checks what must hold whatever happens."""

    def __init__(self, wanted: Definition, input: Any = None, id: str = "run_1", **started: Any) -> None:
        self.definition = wanted
        self.state: State = new_state(wanted, id)
        self.at = 1_000
        self.issued: dict[str, Command] = {}
        self.awaited: dict[str, Command] = {}
        self.accepted: list[AnyEvent] = []
        self.begun: list[str] = []
        self.told: list[Command] = []
        self.back: set[str] = set()
        self.start = Started(self.at, {} if input is None else input, **started)
        self.send(self.start)

    # ── asking ──

    def commands(self, kind: type[Any] = object) -> list[Any]:
        """What is awaited, of one kind."""
        return [command for command in self.awaited.values() if isinstance(command, kind)]

    def command(self, path: str, kind: type[Any] = object) -> Any:
        """The one awaited command of a step."""
        found = [one for one in self.commands(kind) if _path(one) == path]
        assert len(found) == 1, f"{path}: {found}; awaited are {sorted(self.awaited)}"
        return found[0]

    def status(self, path: str) -> str:
        found = self.state.steps.get(path)
        return found.state if found else "-"

    @property
    def statuses(self) -> dict[str, str]:
        return {path: found.state for path, found in self.state.steps.items()}

    @property
    def output(self) -> Any:
        assert self.state.status == "done", (self.state.status, self.state.reason, self.statuses)
        return self.state.output

    # ── answering ──

    def done(self, path: str, output: Any = None, **more: Any) -> Advanced:
        """The step's tool, task or decision is done."""
        command = self.command(path, PerformTool | OpenTask | Decide)
        kind = TaskEnded if isinstance(command, OpenTask) else ActionEnded
        return self.send(kind(self.tick(), command.id, "done", output, **more))

    def ended(self, path: str, outcome: Any, **more: Any) -> Advanced:
        command = self.command(path, PerformTool | OpenTask | Decide)
        kind = TaskEnded if isinstance(command, OpenTask) else ActionEnded
        return self.send(kind(self.tick(), command.id, outcome, **more))

    def approve(self, path: str, outcome: Any = "given") -> Advanced:
        return self.send(ApprovalEnded(self.tick(), self.command(path, AskApproval).id, outcome, by="ada"))

    def timer(self, path: str, part: str) -> Advanced:
        found = [one for one in self.commands(SetTimer) if _path(one) == path and one.id.endswith(":" + part)]
        self.at = max(self.at, found[0].at)
        return self.send(TimerFired(self.tick(), found[0].id))

    def arrives(self, path: str, name: str, data: Any = None) -> Advanced:
        found = [one for one in self.commands(Subscribe) if one.id.endswith(f"event.{name}") and _path(one) == path]
        return self.send(EventArrived(self.tick(), found[0].id, data))

    def child(self, path: str, status: Any = "done", output: Any = None, **more: Any) -> Advanced:
        return self.send(ChildEnded(self.tick(), self.command(path, StartChild).id, status, output, **more))

    def choose(self, path: str, choice: Any, **more: Any) -> Advanced:
        return self.send(Chosen(self.tick(), self.command(path, RaiseException).id, choice, by="ada", **more))

    def tick(self) -> int:
        self.at += 1
        return self.at

    def send(self, event: AnyEvent) -> Advanced:
        """Take in an event; the state may be stored and read, and the event come again, without a difference."""
        assert msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent) == event
        before = encode(self.state)
        found = advance(self.definition, self.state, event)
        assert encode(self.state) == before, "the state it began with has changed"
        again = advance(self.definition, decode(before), event)
        assert (encode(again.state), again.commands) == (encode(found.state), found.commands), "not deterministic"
        if found.ignored:
            assert (encode(found.state), found.commands) == (before, ()), "an ignored event has changed something"
            return found
        old, self.state = self.state, found.state
        self._take(found.commands, event)
        self._watch(old)
        twice = advance(self.definition, self.state, event)
        assert twice.ignored and not twice.commands, f"{event} was taken in twice"
        self.accepted.append(event)
        return found

    def move(self, wanted: Definition, moved: Advanced) -> None:
        """Go on under another definition."""
        old, self.state, self.definition = self.state, moved.state, wanted
        self._take(moved.commands, Resumed(self.at))
        self._watch(old)

    # ── what must hold ──

    def _take(self, commands: tuple[Command, ...], event: AnyEvent) -> None:
        answered = getattr(event, "command", getattr(event, "exception", ""))
        if isinstance(event, PutBack):
            answered = event.command.id
            self.back.add(answered)
        if not isinstance(event, Charged) and getattr(event, "outcome", "") not in ("held", "unknown"):
            self.awaited.pop(answered, None)
        if any(isinstance(command, PerformTool | OpenTask) and command.undoes for command in commands):
            moving = {path: one.state for path, one in self.state.steps.items() if one.state not in SETTLED}
            assert not moving, f"it is undone before the end of all is known: {moving}"
        for command in commands:
            assert msgspec.json.decode(msgspec.json.encode(command), type=Command) == command
            again = self.issued.get(command.id)
            repeated = isinstance(command, Withdraw) and again is not None  # of a stopped step that a person settles
            assert again is None or repeated or command.id in self.back, f"{command.id} was asked for twice"
            self.back.discard(command.id)
            self.issued[command.id] = command
            self.told.append(command)
            if isinstance(command, ANSWERED) and not getattr(command, "detached", False):
                self.awaited[command.id] = command
            if isinstance(command, Withdraw):
                self._withdrawn(command.target)
            if isinstance(command, EndRun):
                self.awaited.clear()

    def _withdrawn(self, target: str) -> None:
        assert target in self.issued, f"{target} was never asked for"
        if not (isinstance(self.issued[target], PerformTool | OpenTask | StartChild) and target in self._open()):
            self.awaited.pop(target, None)

    def _open(self) -> set[str]:
        found = {id for one in self.state.steps.values() for id in one.open} | set(self.state.open)
        return found - {command.id for command in self.state.back}

    def _watch(self, old: State) -> None:
        if not self.state.ended:
            assert self._open() <= self.issued.keys()
            run = self.state.run
            waits = {id for id in self._open() if not id.startswith(f"{run}::")} | set(self.state.open) - _clocks(run)
            assert waits or self.state.back or self._open() - _clocks(run), "it waits for nothing that has a name"
            assert self._open() <= self.awaited.keys(), self._open() - self.awaited.keys()
        for path, found in self.state.steps.items():
            if found.attempt and (path not in old.steps or not old.steps[path].attempt):
                self.begun.append(path)
                _in_order(self, path)
            if isinstance(self.definition.steps[path.rpartition("/")[2]].work, ForeachWork | RepeatWork):
                _one_after_the_other(self, path)


def _clocks(run: str) -> set[str]:
    return {f"{run}::0:time", f"{run}::0:deadline"}


def _in_order(run: Run, path: str) -> None:
    """No step begins before what it needs."""
    prefix, _, name = path.rpartition("/")
    step: Step = run.definition.steps[name]
    states = [run.status(f"{prefix}/{needed}" if prefix else needed) for needed in step.needs]
    if step.join == "any":
        assert not states or "done" in states, (path, states)
    else:
        assert all(state in ("done", "skipped", "cancelled", "undoing", "undone") for state in states), (path, states)
        assert not states or "done" in states or "undone" in states or "undoing" in states, (path, states)


def _one_after_the_other(run: Run, path: str) -> None:
    """No more items or rounds of a loop are under way than may be at once, and none once it has come to its end."""
    found, work = run.state.steps[path], run.definition.steps[path.rpartition("/")[2]].work
    going_on = [one for one in run.state.steps if one.startswith(f"{path}[") and run.status(one) in GOING_ON]
    under_way = {one[: one.index("/", len(path))] for one in going_on}
    at_once = work.at_once if isinstance(work, ForeachWork) else 1
    assert len(under_way) <= (at_once if found.state == "running" else 0), (path, found.state, going_on)


def _path(command: Any) -> str:
    return str(command.id.split(":")[1])
