"""Held calls as tasks, for clients that know the extension `io.modelcontextprotocol/tasks`.

An action is its own task: nothing else is stored, and whoever may see the action may see the task.
"""

from __future__ import annotations

from typing import Any

from autonomy.gate import Reply
from autonomy.kernel.clock import rfc3339

from .results import call_result

POLL_MS = 5_000  # people decide in minutes; a poll costs the agent one call of its rate

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARACTERS = 10

_WORKING = ("held", "running", "unknown")
"""What may still change: a person decides, the effect is under way, or a person has to look what happened."""


def created(reply: Reply) -> dict[str, Any]:
    """The result of a call that became a task."""
    return {"resultType": "task", **_task(reply, "working", _born(reply.action))}


def task_of(reply: Reply, at: int) -> dict[str, Any]:
    """The state of a task at `at` (milliseconds), with the result of the call where it has ended.

    An action says when it began, not when it ended, so an ended task was last updated at the latest when it is looked
    at. A call that was denied or failed is a completed task whose result is an error, as the extension demands.
    """
    if reply.status in _WORKING:
        return _task(reply, "working", _born(reply.action))
    return _task(reply, "completed", at) | {"result": call_result(reply, "modern") | {"resultType": "complete"}}


def _task(reply: Reply, status: str, updated: int) -> dict[str, Any]:
    shown = {
        "taskId": reply.action,
        "status": status,
        "createdAt": rfc3339(_born(reply.action)),
        "lastUpdatedAt": rfc3339(updated),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }
    return shown | {"statusMessage": reply.message} if reply.message else shown


def _born(action: str) -> int:
    """When the action of this id was asked for, in milliseconds: the first 48 bits of the id."""
    stamp = 0
    for char in action.partition("_")[2][:_TIME_CHARACTERS]:
        stamp = stamp * 32 + _ALPHABET.index(char)
    return stamp
