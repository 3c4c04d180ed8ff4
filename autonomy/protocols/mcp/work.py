"""The tools by which an agent asks for work and brings it back. They are the system's own and offered to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge

from ..ports import Work

_TASK: Json = {"type": "string", "description": "The task id, such as `task_…`"}
_CLAIM: Json = {"type": "integer", "minimum": 0, "description": "The `claim` that came with the task"}
_TEXT: Json = {"type": "string", "maxLength": 4_000}
_ANY: Json = {"description": "What you have found out, for who goes on with it"}
_QUESTION: Json = {"type": "string", "maxLength": 4_000, "description": "A question that is still open"}


def _tool(name: str, description: str, properties: dict[str, Json], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
        },
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": False,
            "idempotentHint": False,
            "openWorldHint": False,
        },
    }


_SHOWN = (
    _tool(
        "tasks.next",
        "Ask for the next task you may do; it is then yours until you complete it, hand it off, escalate or refuse it. "
        "Its `case` and its id belong to every call you make for it, as `autonomy/case` and `autonomy/task`. "
        "No task within `wait` seconds: ask again.",
        {
            "wait": {"type": "integer", "minimum": 0, "maximum": 20},
            "lease": {"type": "integer", "minimum": 1, "maximum": 3_600, "description": "Seconds without a word"},
        },
        (),
    ),
    _tool(
        "tasks.heartbeat",
        "Say that you are still at a task, and note what you have found out so far.",
        {"task": _TASK, "claim": _CLAIM, "text": _TEXT, "data": _ANY, "question": _QUESTION},
        ("task", "claim"),
    ),
    _tool(
        "tasks.complete",
        "Bring the result of a task. One that does not fit its `contract` comes back once.",
        {"task": _TASK, "claim": _CLAIM, "output": {"description": "The result, as the task's `contract` wants it"}},
        ("task", "claim", "output"),
    ),
    _tool(
        "tasks.hand_off",
        "Give a task to another role or agent with everything there is. It gives them work, not your authority.",
        {
            "task": _TASK,
            "claim": _CLAIM,
            "role": {"type": "string"},
            "agent": {"type": "string"},
            "text": _TEXT,
            "data": _ANY,
            "question": _QUESTION,
        },
        ("task", "claim"),
    ),
    _tool(
        "tasks.escalate",
        "Let a person decide who may decide more than you.",
        {"task": _TASK, "claim": _CLAIM, "reason": _TEXT, "data": _ANY, "question": _QUESTION},
        ("task", "claim", "reason"),
    ),
    _tool(
        "tasks.refuse",
        "Say that you will not do a task that was given to you, and why; it goes back.",
        {"task": _TASK, "claim": _CLAIM, "reason": _TEXT},
        ("task", "claim", "reason"),
    ),
)
TOOLS: Mapping[str, dict[str, Any]] = {one["name"]: one for one in _SHOWN}
"""By name, as they are listed."""


async def call(work: Work, bearer: str, tool: str, arguments: Mapping[str, Json]) -> dict[str, Any]:
    """What the caller of one of these tools hears; what is refused is an error that the model reads."""
    verb, said = tool.partition(".")[2], dict(arguments)
    try:
        if verb == "next":
            return _told(await work.next(bearer, said), False)
        return _told(await work.say(bearer, verb, _id(said.pop("task", None)), said), False)
    except (Conflict, Forbidden, Invalid, NotFound, TooLarge) as error:
        return _told(error.as_dict(), True)


def _id(task: Json) -> str:
    if not isinstance(task, str):
        raise Invalid("`task` is not the id of a task", code="task.field")
    return task


def _told(value: dict[str, Json], is_error: bool) -> dict[str, Any]:
    text = msgspec.json.encode(value).decode()
    return {"content": [{"type": "text", "text": text}], "structuredContent": value, "isError": is_error}
