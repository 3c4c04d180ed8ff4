"""What happens, as it happens: server-sent events read from the log itself, so that nobody who returns misses any."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args

from fastapi import Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from autonomy.audit import read_leaf
from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import AutonomyError, Invalid

from ..access import allowed
from ..answers import AfterIndex, streamed
from ..feed import Feed
from ..here import Here
from ..parts import Parts
from ..route import api
from ..session import session_of

router = api("events")

Listener = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_READ)]

EVENTS = "text/event-stream"
RETRY_MS = 1_000
HEARTBEAT_SECONDS = 10.0  # under the idle time of every common proxy
BATCH = 500  # leaves read at once
ANEW = "anew"  # the event of no leaf

Topic = Literal["actions", "approvals", "runs", "exceptions", "tasks", "incidents", "changes", "people", "other"]


class Told(NamedTuple):
    """What a kind of leaf is about, and what a person must be permitted to be told of it.

    `knows`: who may see something that it changes is told that it happened, and of nothing in it.
    """

    topics: tuple[Topic, ...]
    needs: Permission
    knows: Permission | None = None


_ACTION = Told(("actions",), Permission.GATE_ACTION_READ)

TOLD = {
    "intent": _ACTION,
    "outcome": _ACTION,
    "denial": _ACTION,
    "reconcile": _ACTION,
    "hold": Told(("actions", "approvals"), Permission.GATE_ACTION_READ),
    "approval": Told(("approvals", "actions"), Permission.APPROVALS_HOLD_READ, Permission.GATE_ACTION_READ),
    "absence": Told(("approvals",), Permission.AUDIT_LOG_READ, Permission.APPROVALS_HOLD_READ),
    "containment": Told(("incidents",), Permission.IDENTITY_CONTAINMENT_READ),
    "change": Told(("changes",), Permission.CATALOG_OBJECT_READ),
    "delivery": Told(("other",), Permission.TOOLS_DELIVERY_READ),
    "run": Told(("runs",), Permission.WORKFLOW_RUN_READ),
    "task": Told(("tasks",), Permission.TASKS_TASK_READ),
    "incident": Told(("incidents",), Permission.INCIDENTS_INCIDENT_READ),
    "identity": Told(("people",), Permission.AUDIT_LOG_READ, Permission.IDENTITY_AGENT_READ),
    "label": Told(("actions",), Permission.INSIGHT_FIGURE_READ, Permission.GATE_ACTION_READ),
    "secret": Told(("other",), Permission.AUDIT_LOG_READ, Permission.TOOLS_SECRET_READ),
    "memory": Told(("other",), Permission.AUDIT_LOG_READ, Permission.MEMORY_ITEM_READ),
    "erasure": Told(("other",), Permission.AUDIT_LOG_READ, Permission.GATE_ACTION_READ),
    "budget": Told(("other",), Permission.AUDIT_LOG_READ, Permission.BUDGET_ACCOUNT_READ),
    "dispatch": Told(("actions",), Permission.AUDIT_LOG_READ, Permission.GATE_ACTION_READ),
}
"""Of every kind of leaf; one that is not here is for readers of the log."""

_REST = Told(("other",), Permission.AUDIT_LOG_READ)
_EXCEPTIONS = frozenset({"exception", "chosen"})
"""Events of runs that begin or end an exception."""


async def _listening(_person: Listener, here: Here) -> AsyncIterator[Feed]:
    """The feed, for whoever may hear it: entered before the answer begins, so that a refusal has a status of its own.

    FastAPI leaves it when the answer has ended, however it does; a body that was never begun could not.
    """
    async with here.feed as feed:
        yield feed


@router.get(
    "/events", summary="what happens, as it happens", response_class=StreamingResponse, responses=streamed(EVENTS)
)
async def stream_events(
    request: Request,
    person: Listener,
    here: Here,
    feed: Annotated[Feed, Depends(_listening)],
    topics: Annotated[list[Topic] | None, Query(max_length=20, description="only of these; none: of all")] = None,
    after: Annotated[int | None, AfterIndex] = None,
    last_event_id: Annotated[str | None, Header(description="the id of the last event that was received")] = None,
) -> StreamingResponse:
    """Server-sent events: `id` is a leaf's index, `event` its kind, `data` the leaf with its `index` and its `topics`.

    Of kinds whose content is not for you, though you may see something that they change, `data` has only `index`,
    `kind` and `topics`; others are left out. Ends when the session does; a client that comes back with `Last-Event-ID`
    goes on without a gap. Without `after` and that header it begins with what happens from now on. Where there is no
    such leaf, as after a restore, so it does too, but with the event `anew`, about every topic: look at everything.
    """
    told = _last(last_event_id, after)
    size = feed.size  # before the answer begins: from its first byte on nothing is missed
    if told is not None and told >= size:
        size = await feed.measured()  # the leaf may have been told by another process, which has seen it before us
    is_anew = told is not None and told >= size
    last = size - 1 if told is None or is_anew else told
    return StreamingResponse(
        _stream(here, feed, session_of(request), person, last, frozenset(topics or ()), is_anew),
        media_type=EVENTS,
        headers={"X-Accel-Buffering": "no"},
    )


def seen_of(leaf: Mapping[str, Any], person: PersonCaller) -> Mapping[str, Any] | None:
    """What the person is told of a leaf: all of it, that there is one of its kind, or None."""
    told = TOLD.get(leaf["kind"], _REST)
    if told.needs in person.permissions:
        return leaf
    return {"kind": leaf["kind"]} if told.knows in person.permissions else None


def topics_of(leaf: Mapping[str, Any]) -> tuple[Topic, ...]:
    """What a leaf is about."""
    if leaf["kind"] == "run" and leaf.get("event") in _EXCEPTIONS:
        return "runs", "exceptions"
    return TOLD.get(leaf["kind"], _REST).topics


def opening(last: int, is_anew: bool) -> bytes:
    """How a stream begins that tells what comes after leaf `last`; `is_anew` says that whoever listens must forget what
    they were told of this log, and look at everything."""
    # Whoever is cut off comes back after a second; where it had got, it says by the id it was told last.
    place = f"id: {last}\n" if last >= 0 else ""
    begun = f": from leaf {last + 1}\nretry: {RETRY_MS}\n{place}\n".encode()
    return begun + event(last, get_args(Topic), {"kind": ANEW}) if is_anew else begun


def event(index: int, topics: tuple[Topic, ...], seen: Mapping[str, Any]) -> bytes:
    """One leaf, as far as it is seen, as a server-sent event."""
    data = json.dumps({"index": index, "topics": topics, **seen}, separators=(",", ":"))
    return f"id: {index}\nevent: {seen['kind']}\ndata: {data}\n\n".encode()


def _events(told: Sequence[tuple[int, Mapping[str, Any]]], person: PersonCaller, wanted: frozenset[Topic]) -> bytes:
    """The leaves that the person is told of, out of those of the topics `wanted`; of all where that is empty."""
    about = ((index, topics_of(leaf), seen_of(leaf, person)) for index, leaf in told)
    return b"".join(
        event(index, topics, seen)
        for index, topics, seen in about
        if seen is not None and (not wanted or wanted.intersection(topics))
    )


def _last(header: str | None, after: int | None) -> int | None:
    if header is None:
        return after
    if not header.isascii() or not header.isdigit() or len(header) > 15:
        raise Invalid("`Last-Event-ID` is not the index of a leaf", code="events.last_id")
    return int(header)


async def _stream(
    here: Parts, feed: Feed, session: str, person: PersonCaller, last: int, topics: frozenset[Topic], is_anew: bool
) -> AsyncIterator[bytes]:
    yield opening(last, is_anew)
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
        # An id without data makes the client remember how far it has been told, even of what it may not see.
        yield _events(told, person, topics) or f": alive\nid: {last}\n\n".encode()
