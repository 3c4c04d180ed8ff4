"""What happens, as it happens: server-sent events read from the log itself, so that nobody who returns misses any."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from autonomy.audit import read_leaf
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import AutonomyError, Invalid

from ..access import allowed
from ..answers import AfterIndex, streamed
from ..here import Here
from ..parts import Parts
from ..route import api
from ..session import session_of

router = api("events")

Listener = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_READ)]

EVENTS = "text/event-stream"
HEARTBEAT_SECONDS = 10.0  # under the idle time of every common proxy
BATCH = 500  # leaves read at once

VISIBLE = {
    "intent": Permission.GATE_ACTION_READ,
    "outcome": Permission.GATE_ACTION_READ,
    "denial": Permission.GATE_ACTION_READ,
    "reconcile": Permission.GATE_ACTION_READ,
    "hold": Permission.GATE_ACTION_READ,
    "approval": Permission.APPROVALS_HOLD_READ,
    "containment": Permission.IDENTITY_CONTAINMENT_READ,
    "change": Permission.CATALOG_OBJECT_READ,
    "delivery": Permission.TOOLS_DELIVERY_READ,
    "run": Permission.WORKFLOW_RUN_READ,
    "label": Permission.INSIGHT_FIGURE_READ,
}
"""What a person must be permitted to be told of each kind of leaf; any other kind is for readers of the log."""


@router.get(
    "/events", summary="what happens, as it happens", response_class=StreamingResponse, responses=streamed(EVENTS)
)
async def stream_events(
    request: Request,
    person: Listener,
    here: Here,
    after: Annotated[int | None, AfterIndex] = None,
    last_event_id: Annotated[str | None, Header(description="the id of the last event that was received")] = None,
) -> StreamingResponse:
    """Server-sent events: `id` is a leaf's index, `event` its kind, `data` the leaf.

    Kinds you may not see are left out. Ends when the session does; a client that comes back with `Last-Event-ID` goes
    on without a gap. Without `after` and that header it begins with what happens from now on.
    """
    last = _last(last_event_id, after)
    return StreamingResponse(
        _stream(here, session_of(request), person, last),
        media_type=EVENTS,
        headers={"X-Accel-Buffering": "no"},
    )


def is_visible(kind: str, person: PersonCaller) -> bool:
    """Whether the person is told of leaves of this kind."""
    return VISIBLE.get(kind, Permission.AUDIT_LOG_READ) in person.permissions


def event(index: int, leaf: dict[str, Any]) -> bytes:
    """One leaf as a server-sent event."""
    data = json.dumps({"index": index, **leaf}, separators=(",", ":"))
    return f"id: {index}\nevent: {leaf['kind']}\ndata: {data}\n\n".encode()


def _last(header: str | None, after: int | None) -> int | None:
    if header is None:
        return after
    if not header.isascii() or not header.isdigit() or len(header) > 15:
        raise Invalid("`Last-Event-ID` is not the index of a leaf", code="events.last_id")
    return int(header)


async def _stream(here: Parts, session: str, person: PersonCaller, after: int | None) -> AsyncIterator[bytes]:
    async with here.feed as feed:
        last = feed.size - 1 if after is None else after
        yield f": from leaf {last + 1}\n\n".encode()
        while not feed.closed:
            await feed.wait(last + 1, HEARTBEAT_SECONDS)
            try:
                # Looked at again each time: whoever has left or lost a permission is told nothing more.
                person = await run_in_threadpool(here.system.identity.person, session)
                found = await run_in_threadpool(here.evidence.leaves, last, BATCH)
            except AutonomyError as error:
                yield f": {error.code}\n\n".encode()
                return
            told = [(index, read_leaf(body)) for index, body, _ in found]
            last = told[-1][0] if told else last
            seen = [event(index, leaf) for index, leaf in told if is_visible(leaf["kind"], person)]
            # An id without data makes the client remember how far it has been told, even of what it may not see.
            yield b"".join(seen) or f": alive\nid: {last}\n\n".encode()
