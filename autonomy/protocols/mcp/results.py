"""Replies of the gate as results of `tools/call`: words a model understands, and the same as data.

A held call is no error, for nothing went wrong and nothing should be tried again. What was denied, rejected, failed or
cannot be known is one, so that the model hears of it and can do something else.
"""

from __future__ import annotations

from typing import Any

import msgspec

from autonomy.gate import Reply
from autonomy.kernel.canonical import Json

from .blocks import content_of
from .eras import Era
from .listing import RESULT_TOOL

_ERRORS = ("denied", "rejected", "failed", "unknown")


def call_result(reply: Reply, era: Era) -> dict[str, Any]:
    """What the caller of a tool hears."""
    if reply.status == "done":
        return _done(reply, era) | {"isError": False}
    return _content(told(reply), reply.as_dict(), era, reply) | {"isError": reply.status in _ERRORS}


def look_result(reply: Reply, era: Era) -> dict[str, Any]:
    """What the caller of `actions.result` hears: looking succeeded, whatever it found."""
    shown = reply.as_dict()
    text = _as_text(shown) if reply.status == "done" else told(reply)
    return _content(text, shown, era, reply) | {"isError": False}


def refused_look(code: str, message: str) -> dict[str, Any]:
    """The answer of `actions.result` to arguments that name no action of the caller."""
    return {
        "content": [_text(f"{message} (code {code})")],
        "structuredContent": {"code": code, "message": message},
        "isError": True,
    }


def told(reply: Reply) -> str:
    """A reply that is no result, in sentences: what happened, by which rule, what to do now."""
    parts = [f"{reply.status}: {reply.message or 'no reason is on record'}"]
    if reply.code:
        parts[0] += f" (code {reply.code})"
    if reply.policies:
        parts.append(f"rules: {', '.join(reply.policies)}")
    if reply.needed:
        parts.append(f"needed: {', '.join(reply.needed)}")
    if reply.notices:
        parts.append(f"notices: {'; '.join(reply.notices)}")
    advice = _advice(reply)
    return ".\n".join([*parts, advice] if advice else parts)


def _advice(reply: Reply) -> str:
    if not reply.action:
        return "this was a dry run; nothing was done"
    asking = f'call the tool `{RESULT_TOOL}` with {{"action": "{reply.action}"}}'
    match reply.status:
        case "held" | "running":
            return f"stop retrying: sending it again changes nothing. To hear what became of it, {asking} later"
        case "denied":
            return f"a person learns more from: autonomy policy why --action {reply.action}"
        case "unknown":
            return f"do not send it again: it may have happened. A person has to look; {asking} later"
    return ""


def _done(reply: Reply, era: Era) -> dict[str, Any]:
    blocks = content_of(reply.result)
    if blocks is None:
        return _content(_as_text(reply.result), reply.result, era, reply)
    # What is content already is not said a second time as data: a picture would be sent twice.
    return {"content": [*blocks, *_notices(reply)], "_meta": _about(reply)}


def _content(text: str, structured: Json, era: Era, reply: Reply) -> dict[str, Any]:
    # Until 2025-11-25 structured content had to be an object.
    shown = structured if era == "modern" or isinstance(structured, dict) else {"result": structured}
    return {"content": [_text(text), *_notices(reply)], "structuredContent": shown, "_meta": _about(reply)}


def _notices(reply: Reply) -> list[dict[str, str]]:
    wanted = reply.status == "done" and reply.notices
    return [_text(f"notices: {'; '.join(reply.notices)}")] if wanted else []


def _about(reply: Reply) -> dict[str, str]:
    about = {"autonomy/status": reply.status, "autonomy/case": reply.case}
    return about | {"autonomy/action": reply.action} if reply.action else about


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
