"""Where the time of a run goes: for each step how long somebody worked at it, and how long it waited. Pure.

A step begins when the run comes to it, or when the first thing is done for it, whichever is earlier. It ends with what
was done last for it; where nothing was, with the beginning of the first step that needed it. *Working* is the time in
which a tool performed or somebody had its task; what ran at once counts once. All the rest is *waiting*: for people,
for somebody who takes the task, for a time, an event, another try.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autonomy.workflow import paths
from autonomy.workflow.definition import Definition, WaitWork
from autonomy.workflow.model import State

from .cases import Span

UNDER_WAY = frozenset({"waiting", "running", "held", "retrying", "blocked", "stopping", "undoing"})
TAKEN = frozenset({"claimed", "taken_over"})
"""Events of a task after which somebody has it."""

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stay:
    """The time of a run at one step, by its `path`, in milliseconds. Without `ended_at` the run is still there.
    `tries` are the actions and tasks that it took."""

    path: str
    step: str
    at: int
    ended_at: int | None
    working: int
    waiting: int
    tries: int


def stays(definition: Definition, state: State, spans: Sequence[Span], now: int) -> list[Stay]:
    """Every step that the run came to, in that order. Steps that hold others have no time of their own."""
    own: dict[str, list[Span]] = {}
    for span in spans:
        if span.step is not None:
            own.setdefault(span.step, []).append(span)
    holders = {block.owner for block in definition.blocks.values()}
    wanted = [path for path in dict.fromkeys((*state.steps, *own)) if paths.split(path)[1] not in holders]
    found = [_stay(definition, state, path, own.get(path, []), spans, now) for path in wanted if _came(state, path)]
    found += _gaps(definition, {stay.path: stay for stay in found})
    return sorted(found, key=lambda stay: (stay.at, stay.path))


def _gaps(definition: Definition, known: Mapping[str, Stay]) -> Iterator[Stay]:
    """Waits that nothing else tells of, inside of a step that is done: from what they needed until what needed them."""
    for prefix in sorted({paths.split(path)[0] for path in known}):
        for step in definition.steps.values():
            before = [known[prefix + one].ended_at for one in step.needs if prefix + one in known]
            after = [known[prefix + one].at for one in step.followers if prefix + one in known]
            if not isinstance(step.work, WaitWork) or prefix + step.id in known or not before or not after:
                continue
            at, end = max(one or 0 for one in before), min(after)
            if at < end:
                yield Stay(prefix + step.id, step.id, at, end, 0, end - at, 0)


def _came(state: State, path: str) -> bool:
    return path not in state.steps or state.steps[path].state != "skipped"


def _stay(
    definition: Definition, state: State, path: str, own: Sequence[Span], spans: Sequence[Span], now: int
) -> Stay:
    known = state.steps.get(path)
    begun = [span.at for span in own] + ([known.since] if known is not None and known.since else [])
    at = min(begun, default=state.started)
    is_open = known is not None and known.state in UNDER_WAY and not state.ended
    end = now if is_open else max(at, _end(definition, state, path, own, at))
    working = _length(_clipped(_work(own, spans, end), at, end))
    tries = sum(span.kind in ("action", "task") for span in own)
    return Stay(path, paths.split(path)[1], at, None if is_open else end, working, end - at - working, tries)


def _end(definition: Definition, state: State, path: str, own: Sequence[Span], at: int) -> int:
    ends = [span.ended_at for span in own if span.ended_at is not None]
    if ends:
        return max(ends)
    prefix, name = paths.split(path)
    step = definition.steps.get(name)
    followers = () if step is None else step.followers
    begun = [state.steps[prefix + one].since for one in followers if prefix + one in state.steps]
    return min((since for since in begun if since >= at), default=at)


def _work(own: Sequence[Span], spans: Sequence[Span], end: int) -> list[Interval]:
    """When tools performed for the step, and when somebody had its task."""
    found: list[Interval] = []
    for span in own:
        within = [one for one in spans if one.parent == span.id]
        if span.kind == "action":
            found += [(one.at, _or(one.ended_at, end)) for one in within if one.kind == "perform"]
        elif span.kind == "task":
            found += _had(span, within, end)
    return found


def _had(task: Span, moves: Iterable[Span], end: int) -> list[Interval]:
    """When somebody had the task: from when it was taken until it moved on."""
    told = sorted((one.at, one.what) for one in moves if one.kind == "handoff")
    course = [*told, (_or(task.ended_at, end), "")]
    return [(at, until) for (at, what), (until, _) in pairwise(course) if what in TAKEN]


def _or(at: int | None, end: int) -> int:
    return end if at is None else at


def _clipped(intervals: Iterable[Interval], at: int, end: int) -> list[Interval]:
    return [(max(at, start), min(end, stop)) for start, stop in intervals if stop > at and start < end]


def _length(intervals: Iterable[Interval]) -> int:
    """The length of their union."""
    total, reached = 0, 0
    for start, stop in sorted(intervals):
        total += max(0, stop - max(start, reached))
        reached = max(reached, stop)
    return total
