"""Who may do a task, and who of several gets it. Pure: scope is a rule, everything else a preference (R034)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from autonomy.policy.labels import spaces_of, tags_of

from .model import Candidate, Task

SMOOTHING = 1  # tasks everybody is credited with, half of them done: one failure does not end a newcomer


class Given(NamedTuple):
    """A task and who gets it."""

    task: Task
    candidate: Candidate


def obstacle(task: Task, candidate: Candidate) -> str:
    """Why this candidate may not have the task; empty where they may. The first word of the reason is stable."""
    if not candidate.fit:
        return "state: they may not act now"
    if task.role not in candidate.roles:
        return f"role: the task is for `{task.role}`"
    if task.by not in ("anybody", candidate.kind):
        return f"by: only {'an agent' if task.by == 'agent' else 'a person'} may do it"
    if why := _beyond(task, candidate):
        return why
    if candidate.id in task.refused:
        return "refused: they have refused it"
    if task.meant is not None and candidate.id != task.meant:
        return "meant: it was handed to somebody else"
    if candidate.kind == "agent" and (not candidate.funded or task.workflow in candidate.spent_for):
        return "budget: a budget of theirs, or of the workflow, is used up"
    if candidate.kind == "agent" and candidate.busy >= candidate.at_once:
        return f"busy: they have {candidate.busy} tasks already"
    return ""


def _beyond(task: Task, candidate: Candidate) -> str:
    """Why the task lies beyond what they are for, whatever they have in hand; empty where it does not."""
    if candidate.kind == "agent" and task.unit not in candidate.lineage:
        return f"scope: the task belongs to `{task.unit}`, and they do not"
    if candidate.kind == "agent" and task.capability and task.capability not in candidate.capabilities:
        return f"capability: it takes `{task.capability}`"
    return "data: its case has seen what they may not see" if hidden(task, candidate) else ""


def hidden(task: Task, candidate: Candidate) -> bool:
    """Whether the task's case has seen what the candidate may not: data of a class, or of a memory space."""
    data = frozenset() if "*" in candidate.data else tags_of(task.bears) - candidate.data
    return bool(data or spaces_of(task.bears) - candidate.spaces)


def is_eligible(task: Task, candidate: Candidate) -> bool:
    """Whether the task may be given to this candidate now."""
    return not obstacle(task, candidate)


def could_ever(task: Task, candidate: Candidate) -> bool:
    """Whether they might have it at another time: when they are free again, or funded again."""
    return is_eligible(task, replace(free_and_funded(candidate), fit=True))


def free_and_funded(candidate: Candidate) -> Candidate:
    """The candidate at a time when nothing is in hand and every budget has room."""
    return replace(candidate, busy=0, funded=True, spent_for=frozenset())


def standing(task: Task, candidate: Candidate) -> tuple[int, float, float, str]:
    """What candidates are compared by; the lowest is the best: declared preference, load, measured success, name."""
    preferred = task.prefer.index(candidate.name) if candidate.name in task.prefer else len(task.prefer)
    load = candidate.busy / candidate.at_once
    success = (candidate.done + SMOOTHING / 2) / (candidate.done + candidate.missed + SMOOTHING)
    return preferred, load, -success, candidate.id


def best(task: Task, candidates: Iterable[Candidate]) -> Candidate | None:
    """Who gets the task; None where nobody may have it."""
    return min((one for one in candidates if is_eligible(task, one)), key=lambda one: standing(task, one), default=None)


def assign(tasks: Sequence[Task], waiting: Sequence[Candidate]) -> list[Given]:
    """Who of those who wait gets which task: the most urgent task first, each candidate one."""
    left, given = list(waiting), list[Given]()
    for task in sorted(tasks, key=urgency):
        chosen = best(task, left)
        if chosen is not None:
            left.remove(chosen)
            given.append(Given(task, chosen))
    return given


def urgency(task: Task) -> tuple[int, int, str]:
    """The order in which tasks are given out: priority, then age."""
    return task.priority, task.opened_at, task.id
