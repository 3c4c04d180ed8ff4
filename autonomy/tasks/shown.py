"""Tasks as every face shows them."""

from __future__ import annotations

import msgspec

from autonomy.kernel.canonical import Json

from .model import PRIORITY_WORDS, Body, Note, Task
from .waiting import Held


def shown(held: Held) -> dict[str, Json]:
    """A task with everything that goes with it."""
    return listed(held.task) | context(held.body)


def listed(task: Task) -> dict[str, Json]:
    """A task in a list: where it is, and nothing of what it is about."""
    return {
        "task": task.id,
        "state": task.state,
        "role": task.role,
        "unit": task.unit,
        "by": task.by,
        "priority": PRIORITY_WORDS[task.priority],
        "capability": task.capability,
        "case": task.case,
        "run": task.run,
        "step": task.path,
        "workflow": task.workflow,
        "holder": task.holder,
        "claim": task.claim,
        "lease_until": task.lease_until,
        "giver": task.giver,
        "parent": task.parent,
        "depth": task.depth,
        "limit": task.limit or None,
        "opened_by": task.opened_by,
        "opened_at": task.opened_at,
        "until": task.until,
        "ended_at": task.ended_at,
    }


def status(task: Task) -> dict[str, Json]:
    """What whoever said something about a task hears."""
    found = listed(task)
    return {name: found[name] for name in ("task", "state", "role", "holder", "claim", "lease_until", "limit")}


def context(body: Body) -> dict[str, Json]:
    """What goes with a task from hand to hand."""
    return {
        "goal": body.goal,
        "input": body.input,
        "results": body.results,
        "sources": list(body.sources),
        "questions": list(body.questions),
        "constraints": body.constraints,
        "contract": body.contract,
        "handed": body.handed,
        "notes": [_note(note) for note in body.notes],
        "output": body.output,
    }


def _note(note: Note) -> dict[str, Json]:
    return {"at": note.at, "by": note.by, "kind": note.kind, "text": note.text, "data": msgspec.to_builtins(note.data)}
