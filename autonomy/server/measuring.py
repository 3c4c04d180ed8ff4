"""What each face is asked, how it answers, how long it takes; and the number by which a request is found in the log.

Routes are named by their templates, never by what somebody sent, so that nobody but us can make a new series.
"""

from __future__ import annotations

import logging
from itertools import count
from time import perf_counter

from starlette.routing import Route

from autonomy import protocols
from autonomy.kernel.ids import new_id
from autonomy.telemetry import Arrival, arrived, read_caller
from autonomy.telemetry.arrival import REQUEST_ID

from .faces import FaceFigures
from .guard import App, Message, Receive, Scope, Send
from .pages import ROUTES
from .sites import SITE_ROUTES

log = logging.getLogger("autonomy.requests")

REQUEST_ID_HEADER = b"x-request-id"
GONE = "gone"  # the client left before an answer began
NO_ROUTE = "none"
_ORIGIN = new_id("req")
_NUMBERS = count(1)  # an id of its own for each request would cost more than all else that is done here
ROUTE = "autonomy.route"
"""The key of a scope under which the wires leave the template of what was asked."""
STATUS = "autonomy.status"
"""The key of a scope under which the wires leave the status that an answer would have, where its wire hides it."""


def measured(app: App, figures: FaceFigures) -> App:
    """`app`, with every request counted and numbered."""

    async def measure(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        found = _arrival(scope)
        arrived(found)
        sender = _Timed(send, found.id.encode())
        figures.in_flight[found.face] += 1
        try:
            await app(scope, receive, sender)
        finally:
            figures.in_flight[found.face] -= 1
            _count(figures, scope, found, sender)

    return measure


class _Timed:
    """Notes when an answer begins and with which status, and puts the request's number on it."""

    __slots__ = ("_number", "_send", "began", "seconds", "status")

    def __init__(self, send: Send, number: bytes) -> None:
        self._send = send
        self._number = number
        self.began = perf_counter()
        self.seconds = 0.0
        self.status = GONE

    async def __call__(self, message: Message) -> None:
        """Send a message of the answer."""
        if message["type"] == "http.response.start":
            self.seconds = perf_counter() - self.began
            self.status = str(message["status"])
            headers = list(message.get("headers", ()))
            if not any(name == REQUEST_ID_HEADER for name, _ in headers):  # AuthZEN sends back what it was sent
                headers.append((REQUEST_ID_HEADER, self._number))
            message["headers"] = headers
        await self._send(message)


def _arrival(scope: Scope) -> Arrival:
    """Who may be anybody says only a number of a harmless shape, and a place in a trace."""
    number = parent = state = None
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER:
            number = value.decode("latin-1")
        elif name == b"traceparent":
            parent = value.decode("latin-1")
        elif name == b"tracestate":
            state = value.decode("latin-1")
    caller = read_caller(parent, state) if parent else None
    if number is None or not REQUEST_ID.fullmatch(number):
        number = f"{_ORIGIN}.{next(_NUMBERS):x}"
    return Arrival(number, face_of(scope["path"]), caller)


def face_of(path: str) -> str:
    """The face that answers a path: `rest`, `mcp`, `oauth` for agents, `authzen`, `scim` for other systems, `api` or
    `pages` for people."""
    if not protocols.serves(path):
        return "api" if path.startswith("/api/") else "pages"
    return next((face for start, face in _WIRES if path.startswith(start)), "oauth")


_WIRES = ((protocols.MCP, "mcp"), ("/v1/", "rest"), ("/access/v1/", "authzen"), ("/scim/v2/", "scim"))


def _count(figures: FaceFigures, scope: Scope, found: Arrival, sender: _Timed) -> None:
    route, status = route_of(scope), str(scope.get(STATUS, sender.status))
    figures.requests.add(found.face, route, scope["method"], status)
    if sender.status != GONE:
        figures.seconds[found.face, route].observe(sender.seconds)
    if log.isEnabledFor(logging.DEBUG):
        milliseconds = (perf_counter() - sender.began) * 1000
        log.debug("%s %s %s in %.1f ms", scope["method"], route, status, milliseconds)


def route_of(scope: Scope) -> str:
    """The template of what was asked; `none` where nothing is there."""
    if ROUTE in scope:
        return scope[ROUTE] or NO_ROUTE
    route = scope.get("route")
    return str(route.path) if route is not None else _PAGES.get(scope.get("endpoint"), NO_ROUTE)


_PAGES: dict[object, str] = {
    route.endpoint: route.path for route in (*ROUTES, *SITE_ROUTES) if isinstance(route, Route)
}
"""The pages beside the API, which leave only their function in a scope."""
