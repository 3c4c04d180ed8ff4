"""Runs inside runs, in a world that knows what was really done: when all is undone, somebody was asked what stands.

Every tool may be done, or not, or nobody knows; every person may choose anything. Runs inside are real runs.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonomy.workflow import paths
from autonomy.workflow.definition import Step
from autonomy.workflow.events import Cancelled, ChildEnded, Chosen, Performed, TaskEnded, TimerFired
from autonomy.workflow.left import leaves_something
from autonomy.workflow.model import OpenTask, PerformTool, RaiseException, SetTimer, StartChild, Withdraw
from autonomy.workflow.withdrawing import not_begun
from tests.examples import tried

from .works import Run, definition

MOST_EVENTS = 2_000  # to bring any of these worlds to its end
LENIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
UNDO = st.sampled_from([{}, {"compensate": {"tool": "u"}}, {"compensate": {"task": {"role": "r", "goal": "undo"}}}])
RULES = st.sampled_from(
    [
        {},
        {},
        {"onException": [{"then": "skip"}]},
        {"onException": [{"then": "fail"}]},
        {"onException": [{"then": "compensate"}]},
        {"onException": [{"kinds": ["unknown"], "then": "skip"}]},
        {"retry": {"attempts": 2}},
    ]
)
TIMES = st.sampled_from([{}, {}, {"deadline": "1h"}])


@st.composite
def spec(draw: st.DrawFn, level: int) -> dict[str, Any]:
    """A workflow of two to four steps; above the lowest `level` some of them are runs of the next one."""
    steps: dict[str, Any] = {}
    for number in range(draw(st.integers(2, 4))):
        one = dict(draw(work(level))) | draw(UNDO) | draw(RULES) | draw(TIMES)
        if "workflow" in one and "compensate" not in one and draw(st.booleans()):
            one["compensate"] = {"nothing": "used up"}
        if steps and draw(st.booleans()):
            one["needs"] = [draw(st.sampled_from(sorted(steps)))]
        looped = {"items": "[1, 2]", "most": 4, "steps": {f"i{number}": one}}
        if draw(st.integers(0, 4)) == 0:
            one.pop("needs", None)
            one = {"foreach": looped}
        steps[f"s{number}"] = one
    caps = {"caps": {"spend": "0.20 EUR"}} if draw(st.integers(0, 5)) == 0 else {}
    return {"steps": steps, **caps}


@st.composite
def work(draw: st.DrawFn, level: int) -> dict[str, Any]:
    kind = draw(st.integers(0, 4))
    if kind <= 1 and level < 2:
        return {"workflow": {"name": f"w{level + 1}"}}
    if kind == 2:
        return {"task": {"role": "r", "goal": "g"}}
    return {"tool": "t", **draw(st.sampled_from([{}, {}, {"output": {"type": "integer"}}]))}


class Life(Run):
    """A run, what was really done in it, and the runs inside it by the commands that began them."""

    def __init__(self, world: World, level: int, id: str) -> None:
        self.world = world
        self.level = level
        self.inside: dict[str, Life] = {}
        self.truth: dict[str, bool] = {}
        self.concerned: set[str] = set()
        self.heard = 0
        super().__init__(world.definitions[level], id=id)
        self.hear()

    def tell(self, event: Any) -> None:
        self.send(event)
        self.hear()

    def hear(self) -> None:
        """Take note of whom the run asks about what, and let runs inside hear that they are withdrawn."""
        fresh, self.heard = self.told[self.heard :], len(self.told)
        for command in fresh:
            if isinstance(command, RaiseException):
                about = (command.detail or {}).get("command", "") if isinstance(command.detail, dict) else ""
                place = paths.place(self.state.run, about)
                self.concerned |= {command.path, place.path if place else ""}
            elif isinstance(command, Withdraw) and command.target in self.inside:
                child = self.inside[command.target]
                if not child.state.ended:
                    child.tell(Cancelled(self.world.tick(), "run:x", "withdrawn", command.compensate))

    def step(self, path: str) -> Step:
        return self.definition.steps[paths.split(path)[1]]

    def answer(self, draw: Any, command: Any, good: bool) -> None:
        """Let what was asked for be done, or not, and say so; or say that nobody knows."""
        at, id = self.world.tick(), command.id
        if isinstance(command, PerformTool):
            if id not in self.truth and not good and draw(st.integers(0, 3)) == 0:
                self.truth[id] = draw(st.booleans())
                self.tell(Performed(at, id, "unknown", cost=draw(COSTS)))
                return
            was_done = self.truth.setdefault(id, good or draw(st.integers(0, 3)) > 0)
            outcome = "done" if was_done else "failed"
            self.tell(
                Performed(at, id, outcome, 1 if good else draw(OUTPUTS), cost=draw(COSTS), again=draw(st.booleans()))
            )
        elif isinstance(command, OpenTask):
            was_done = self.truth.setdefault(id, good or draw(st.booleans()))
            self.tell(TaskEnded(at, id, "done" if was_done else "failed", 1, cost=draw(COSTS)))
        elif isinstance(command, StartChild):
            self.answer_child(draw, command, good)
        elif isinstance(command, SetTimer):
            self.at = max(self.at, command.at)
            self.world.at = max(self.world.at, command.at)
            self.tell(TimerFired(self.world.tick(), id))
        elif isinstance(command, RaiseException):
            choices = [one for one in command.choices if not good or one in ("edit", "skip")]
            self.tell(Chosen(at, id, draw(st.sampled_from(choices)), 1))

    def answer_child(self, draw: Any, command: StartChild, good: bool) -> None:
        """Begin the run inside, or say how it ended."""
        child = self.inside.get(command.id)
        if child is None and f"{command.id}:withdraw" in self.issued:
            self.tell(not_begun(command, self.world.tick()))
        elif child is None:
            self.inside[command.id] = self.world.begin(self.level + 1, paths.derived("run", command.id))
        elif child.state.ended:
            state, left = child.state, leaves_something(child.definition, child.state)
            told = (state.status, state.output, state.reason, state.spent, (), bool(state.unsure), left)
            self.tell(ChildEnded(self.world.tick(), command.id, *told))
        elif not good and draw(st.integers(0, 4)) == 0:
            child.tell(Cancelled(self.world.tick(), "person:x", "r", compensate=draw(st.booleans())))

    def is_due(self, command: StartChild) -> bool:
        """Whether there is something to say of a run inside: that it begins, or has ended."""
        child = self.inside.get(command.id)
        return child is None or child.state.ended

    def lost(self) -> list[str]:
        """What was done and can be undone, stands, and nobody was asked about."""
        done, undone, found = Counter[str](), Counter[str](), list[str]()
        for id, was_done in self.truth.items():
            place = paths.place(self.state.run, id)
            assert place is not None
            (undone if place.part else done)[place.path] += was_done
        for id, child in self.inside.items():
            place = paths.place(self.state.run, id)
            assert place is not None
            step = self.step(place.path)
            if step.undo is not None and child.state.status == "done":
                done[place.path] += 1
            elif not step.stays and not self.is_told(place.path, step) and not undone[place.path]:
                found += child.lost()
        can_be = {path for path in done if self.step(path).undo is not None and path not in self.concerned}
        found += [f"{self.state.run}:{path}" for path in sorted(can_be) if done[path] > undone[path]]
        found += [f"{self.state.run}:{path}: undone twice" for path in sorted(can_be) if done[path] < undone[path]]
        return found

    def is_told(self, path: str, step: Step) -> bool:
        """Whether somebody was asked about a run inside: of a step that does not say what undoes it, about one item of
        it for all."""
        others = {paths.split(one)[1] for one in self.concerned if one}
        return path in self.concerned or (step.undo is None and step.id in others)


COSTS = st.sampled_from([0, 0, 5])
OUTPUTS = st.sampled_from([1, 1, "wrong"])


class World:
    """All runs, the outermost first."""

    def __init__(self, specs: list[dict[str, Any]]) -> None:
        self.definitions = [definition(said, f"w{level}") for level, said in enumerate(specs)]
        self.at = 1_000
        self.lives: list[Life] = []
        self.top = self.begin(0, "run_1")

    def tick(self) -> int:
        self.at += 1
        return self.at

    def begin(self, level: int, id: str) -> Life:
        life = Life(self, level, id)
        self.lives.append(life)
        return life

    def open(self) -> list[tuple[Life, Any]]:
        """What is still to be answered: of a run that has ended, how what was under way in it ended."""
        found = []
        for life in self.lives:
            ids = set(life.state.unsure) | (set() if life.state.ended else life._open() & life.awaited.keys())
            ids -= {f"{life.state.run}::0:time"}
            found += [(life, life.issued[id]) for id in sorted(ids) if self.answerable(life, life.issued[id])]
        return found

    def answerable(self, life: Life, command: Any) -> bool:
        """Whether there is anything to say: an end that was told is told."""
        if not isinstance(command, StartChild):
            return True
        is_open = any(command.id in found.open for found in life.state.steps.values())
        return is_open and (not life.state.ended or command.id in life.inside)

    def live(self, draw: Any, most: int) -> None:
        """Let something happen, so often at most."""
        for _ in range(draw(st.integers(0, most))):
            if self.top.state.ended or not (choices := self.open()):
                return
            life, command = choices[draw(st.integers(0, len(choices) - 1))]
            life.answer(draw, command, good=False)

    def end(self, draw: Any) -> None:
        """Give all up, undone, and answer everything until that has come to an end."""
        if not self.top.state.ended:
            self.top.tell(Cancelled(self.tick(), "person:x", "r", compensate=True))
        for _ in range(MOST_EVENTS):
            if self.top.state.ended:
                return
            choices = [(life, one) for life, one in self.open() if not isinstance(one, StartChild) or life.is_due(one)]
            life, command = min(choices, key=lambda pair: _urgency(pair[1]))
            life.answer(draw, command, good=True)
        raise AssertionError("it does not end")


def _urgency(command: Any) -> int:
    """People are asked once nothing is under way, and clocks go on when nobody has anything to say."""
    return 2 if isinstance(command, SetTimer) else 1 if isinstance(command, RaiseException) else 0


def all_is_undone(specs: list[dict[str, Any]], data: Any) -> None:
    world = World(specs)
    world.live(data.draw, 30)
    world.end(data.draw)
    if world.top.state.status == "compensated":
        assert world.top.lost() == []


SPECS = st.tuples(spec(0), spec(1), spec(2)).map(list)


@settings(LENIENT, max_examples=tried(100))
@given(specs=SPECS, data=st.data())
def test_what_stands_in_runs_inside_runs_somebody_was_asked_about(specs: list[dict[str, Any]], data: Any) -> None:
    all_is_undone(specs, data)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(LENIENT, max_examples=3_000)
@given(specs=SPECS, data=st.data())
def test_what_stands_in_thousands_of_worlds_somebody_was_asked_about(specs: list[dict[str, Any]], data: Any) -> None:
    all_is_undone(specs, data)
