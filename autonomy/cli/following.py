"""A run as it goes: a line for each change, until it has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from autonomy.sdk import Client

from .screen import say
from .words import moment

LOOK_SECONDS = 0.25
FOR_SOMEBODY = ("ask_approval", "raise_exception", "open_task", "subscribe")
"""Kinds of what a run waits for that does not come by itself."""

Change = dict[str, Any]


def follow_run(client: Client, run: str, as_json: bool = False) -> None:
    """Tell what changes in the run: its status, its steps, what it waits for. Returns when it ends."""
    before: Change = {}
    while True:
        found = client.run(run)
        for change in changes(before, found):
            say(json.dumps(change) if as_json else _line(change))
        if found["ended_at"] is not None:
            return
        before = found
        time.sleep(LOOK_SECONDS)


def changes(before: Change, now: Change) -> Iterator[Change]:
    """What is otherwise now than it was, in order: each step that moved, what it waits for, the run."""
    at = time.time_ns() // 1_000_000
    steps = {step["path"]: _standing(step) for step in before.get("steps", ())}
    for step in now["steps"]:
        if steps.get(step["path"]) != _standing(step):
            yield {"at": at, "step": step["path"], **_standing(step)}
    waited = {one["command"] for one in before.get("waits", ())}
    for one in now["waits"]:
        if one["kind"] in FOR_SOMEBODY and one["command"] not in waited:
            yield {"at": at, "waits": one["kind"], "command": one["command"], "action": one["action"]}
    if _status(before) != _status(now):
        yield {"at": at, "run": now["id"], "state": _status(now), "why": now["reason"]}


def _standing(step: Change) -> Change:
    return {"state": step["state"], "attempt": step["attempt"], "why": step["trouble"]}


def _status(run: Change) -> str | None:
    return "paused" if run.get("paused") else run.get("status")


def _line(change: Change) -> str:
    """A change as one line."""
    if "waits" in change:
        return (
            f"{moment(change['at'])} waits: {change['waits'].replace('_', ' ')} {change['action'] or change['command']}"
        )
    what = f"{change['step']}: {change['state']}" if "step" in change else f"{change['run']} is {change['state']}"
    again = f", attempt {change['attempt']}" if change.get("attempt", 1) > 1 else ""
    return f"{moment(change['at'])} {what}{again}{', ' + change['why'] if change['why'] else ''}"
