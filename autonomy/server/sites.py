"""The desk at which workers of sites claim work and say how it ended. They come to us; we never connect to them."""

from __future__ import annotations

import time
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from autonomy.kernel.errors import Invalid, Unauthenticated
from autonomy.tools.sites import Counter, Ending
from autonomy.tools.sites.office import MAX_WAIT_S

from .parts import parts_of

SLICE_S = 0.5  # how often a waiting look asks whether worker and server are still there
T = TypeVar("T")
Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
"""Of a worker or an assignment, as both databases can look for it."""


class Look(msgspec.Struct, forbid_unknown_fields=True):
    """A worker looks for work."""

    seconds: float


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    """A worker takes up to `count` assignments."""

    worker: Name
    count: int


class Beat(msgspec.Struct, forbid_unknown_fields=True):
    """A worker lives and holds these assignments."""

    worker: Name
    held: list[Name]


class End(msgspec.Struct, forbid_unknown_fields=True):
    """How an assignment ended."""

    worker: Name
    assignment: Name
    ending: Ending


async def look(request: Request) -> Response:
    """Whether something waits for the site; answers at once where it does."""
    counter, said = await _counter(request), await _said(request, Look)
    feed, until = (await parts_of(request)).feed, time.monotonic() + min(said.seconds, MAX_WAIT_S)
    while not (found := await counter.waiting(min(SLICE_S, max(0.0, until - time.monotonic())))):
        if time.monotonic() >= until or feed.closed or await request.is_disconnected():
            break
    return _answer({"waiting": found})


async def claim(request: Request) -> Response:
    """What waits becomes the worker's."""
    counter, said = await _counter(request), await _said(request, Claim)
    return _answer({"assignments": await counter.claim(said.worker, max(0, said.count))})


async def beat(request: Request) -> Response:
    """The worker lives; which of its assignments nobody waits for any more."""
    counter, said = await _counter(request), await _said(request, Beat)
    return _answer({"left": await counter.beat(said.worker, said.held)})


async def end(request: Request) -> Response:
    """How one ended."""
    counter, said = await _counter(request), await _said(request, End)
    await counter.end(said.worker, said.assignment, said.ending)
    return _answer({})


SITE_ROUTES: list[BaseRoute] = [
    Route(f"/sites/{name}", endpoint, methods=["POST"])
    for name, endpoint in (("look", look), ("claim", claim), ("beat", beat), ("end", end))
]


async def _counter(request: Request) -> Counter:
    """The desk of the site whose key is presented; its name is nothing the worker says."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("this needs the key of a site", code="site.key_missing")
    system = (await parts_of(request)).system
    return Counter(system.sites.office, await system.sites.keys.site_of(key.strip()))


async def _said(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Invalid("this is not what a worker says", code="site.said") from None


def _answer(said: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(said), media_type="application/json")
