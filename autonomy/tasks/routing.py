"""Who may do a task, and who of several gets it. Pure: scope is a rule, everything else a preference (R034)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from .model import Task, Worker

SMOOTHING = 1  # tasks everybody is credited with, half of them done: one failure does not end a newcomer


class Given(NamedTuple):
    """A task and who gets it."""

    task: Task
    worker: Worker


def obstacle(task: Task, worker: Worker) -> str:
    """Why this worker may not have the task; empty where they may. The first word of the reason is stable."""
    if not worker.fit:
        return "state: they may not act now"
    if task.role not in worker.roles:
        return f"role: the task is for `{task.role}`"
    if task.by not in ("anybody", worker.kind):
        return f"by: only {'an agent' if task.by == 'agent' else 'a person'} may do it"
    if worker.kind == "agent" and task.unit not in worker.lineage:
        return f"scope: the task belongs to `{task.unit}`, and they do not"
    if worker.kind == "agent" and task.capability and task.capability not in worker.capabilities:
        return f"capability: it takes `{task.capability}`"
    if worker.id in task.refused:
        return "refused: they have refused it"
    if task.meant is not None and worker.id != task.meant:
        return "meant: it was handed to somebody else"
    if worker.kind == "agent" and not worker.funded:
        return "budget: a budget of theirs is used up"
    if worker.kind == "agent" and worker.busy >= worker.at_once:
        return f"busy: they have {worker.busy} tasks already"
    return ""


def is_eligible(task: Task, worker: Worker) -> bool:
    """Whether the task may be given to this worker now."""
    return not obstacle(task, worker)


def could_ever(task: Task, worker: Worker) -> bool:
    """Whether they might have it at another time: when they are free again, or funded again."""
    return is_eligible(task, replace(worker, busy=0, funded=True, fit=True))


def standing(task: Task, worker: Worker) -> tuple[int, float, float, str]:
    """What workers are compared by; the lowest is the best: declared preference, load, measured success, name."""
    preferred = task.prefer.index(worker.name) if worker.name in task.prefer else len(task.prefer)
    load = worker.busy / worker.at_once
    success = (worker.done + SMOOTHING / 2) / (worker.done + worker.missed + SMOOTHING)
    return preferred, load, -success, worker.id


def best(task: Task, workers: Iterable[Worker]) -> Worker | None:
    """Who gets the task; None where nobody may have it."""
    return min((one for one in workers if is_eligible(task, one)), key=lambda one: standing(task, one), default=None)


def assign(tasks: Sequence[Task], waiting: Sequence[Worker]) -> list[Given]:
    """Who of those who wait gets which task: the most urgent task first, each worker one."""
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
