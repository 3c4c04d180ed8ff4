"""Tasks in the agents' document: each operation by the fields that it is read by. Pure."""

from __future__ import annotations

from typing import Any

from .openapi import TEXT, Schema, answer, object_of, ref, refusals

MAX_TEXT = 4_000  # characters
_SAFE = 2**53 - 1

_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": _SAFE}
_CLAIM: Schema = _NUMBER | {"description": "the `claim` that came with the task"}
_SAID: Schema = {"type": ["string", "null"], "maxLength": MAX_TEXT}
_REASON: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}
_LEASE: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": 3_600, "description": "seconds without a word"}
_ANY: Schema = {"description": "what is known so far, for who goes on with it"}
_NULLABLE: Schema = {"type": ["string", "null"]}

_VERBS: dict[str, tuple[str, str, dict[str, Schema], tuple[str, ...]]] = {
    "heartbeat": (
        "keep_task",
        "still at it, and this is known so far",
        {"claim": _CLAIM, "text": _SAID, "data": _ANY, "question": _SAID, "lease": _LEASE},
        ("claim",),
    ),
    "complete": ("complete_own_task", "the result", {"claim": _CLAIM, "output": {}}, ("claim",)),
    "hand_off": (
        "hand_off_own_task",
        "another role or agent goes on with it",
        {"claim": _CLAIM, "role": _SAID, "agent": _SAID, "text": _SAID, "data": _ANY, "question": _SAID},
        ("claim",),
    ),
    "escalate": (
        "escalate_own_task",
        "a person of the role above decides",
        {"claim": _CLAIM, "reason": _REASON, "data": _ANY, "question": _SAID},
        ("claim", "reason"),
    ),
    "refuse": (
        "refuse_task",
        "not to do it, and why",
        {"claim": _CLAIM, "reason": _REASON},
        ("claim", "reason"),
    ),
}


def work_paths() -> dict[str, Any]:
    """The operations, by path."""
    wait = {"type": ["integer", "null"], "minimum": 0, "maximum": 20, "description": "seconds"}
    body = object_of({"wait": wait, "lease": _LEASE}) | {"additionalProperties": False}
    task = object_of({"task": {"anyOf": [ref("Task"), _NONE]}}, "task")
    found = answer("the task, or null where there was none", task)
    asked = _operation("next_task", "the next task, claimed", body) | {"responses": {**refusals(), "200": found}}
    shown = {
        "operationId": "see_own_task",
        "summary": "a task that the agent has, or had to its end",
        "tags": ["tasks"],
        "parameters": [_TASK],
        "responses": {**refusals("404"), "200": answer("as it is now", ref("Task"))},
    }
    paths: dict[str, Any] = {"/v1/tasks/next": {"post": asked}, "/v1/tasks/{task}": {"get": shown}}
    for verb, (name, summary, fields, required) in _VERBS.items():
        said = object_of(fields, *required) | {"additionalProperties": False}
        told = {**refusals("404"), "409": _LOST, "200": answer("where the task is now", ref("TaskStatus"))}
        operation = _operation(name, summary, said) | {"parameters": [_TASK], "responses": told}
        paths[f"/v1/tasks/{{task}}/{verb}"] = {"post": operation}
    return paths


def work_schemas() -> dict[str, Schema]:
    """What tasks look like."""
    where: dict[str, Schema] = {
        "task": TEXT,
        "state": {"enum": ["open", "claimed", "done", "failed", "returned", "escalated", "withdrawn"]},
        "role": TEXT,
        "holder": _NULLABLE,
        "claim": {"type": "integer"},
        "lease_until": {"type": ["integer", "null"], "description": "milliseconds"},
        "limit": _NULLABLE | {"description": "the limit that was reached"},
    }
    breach = TEXT | {"description": "what of its contract the result does not keep"}
    about: dict[str, Schema] = {
        "goal": TEXT,
        "input": {},
        "results": {"type": "object", "description": "outputs of the steps before, by name"},
        "sources": {"type": "array", "items": {"type": "object"}},
        "questions": {"type": "array", "items": TEXT},
        "constraints": {"type": "object"},
        "contract": {"type": ["object", "null"], "description": "JSON Schema of the result"},
        "notes": {"type": "array", "items": {"type": "object"}},
        "case": TEXT,
        "run": _NULLABLE,
        "step": _NULLABLE,
    }
    status = object_of({**where, "breach": breach}, *where)
    return {"TaskStatus": status, "Task": object_of(where | about, *where, *about)}


_NONE: Schema = {"type": "null"}
_LOST = answer("the task is the agent's no more: drop it, and ask for the next one", ref("Error"))
_TASK = {"name": "task", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _operation(name: str, summary: str, body: Schema) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["tasks"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
    }
