"""The ASGI application: exact paths to endpoints, one place where errors become answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from starlette.types import Receive, Scope, Send

from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Forbidden, NotFound

from . import asgi
from .asgi import Answer, Disconnected, Incoming
from .authzen import EVALUATION, EVALUATIONS, AuthZen
from .documents import WELL_KNOWN, document, documents
from .mcp import McpEndpoint
from .oauth import NOBODY_SIGNS_IN, OAuth
from .ports import Clients, Consider, Door, Vouch, Withdraw
from .refusals import refused
from .rest import ACTIONS, REST_DOCUMENT, TOOLS, Rest
from .scim import ROOT as SCIM
from .scim import Scim
from .site import Site

log = logging.getLogger("autonomy.protocols")

Handler = Callable[[Incoming], Awaitable[Answer]]
Routes = dict[str, dict[str, Handler]]

MCP = "/mcp"
_ONE_ACTION = f"{ACTIONS}/"
_ROOTS = ("/v1/", "/oauth/", "/access/v1/", f"{SCIM}/", WELL_KNOWN)


def serves(path: str) -> bool:
    """Whether a path belongs to the wires; the server hands those over as they are."""
    return path == MCP or path.startswith(_ROOTS)


def app(
    door: Door,
    clients: Clients,
    *,
    withdraw: Withdraw,
    vouch: Vouch,
    consider: Consider,
    url: str,
    origins: Iterable[str] = (),
    clock: Clock = clock.now,
) -> App:
    """The application behind every path that `serves` names.

    `door` is the gate, `clients` identity, `withdraw` ends a hold, `vouch` verifies tokens of others, `consider`
    answers questions of others, `url` is how clients know this server, `origins` are the web pages besides our own
    that may call. Raises Invalid (`settings.url`).
    """
    site = Site.of(url, origins)
    mcp = McpEndpoint(door, clients, withdraw, site.well_known("oauth-protected-resource", site.mcp), clock)
    routes = _routes(
        site, mcp, Rest(door), OAuth(clients, site, vouch), AuthZen(consider, clients), Scim(clients, site)
    )
    return App(site, routes)


class App:
    """Dispatches requests by their exact path, which is never rebuilt from headers."""

    def __init__(self, site: Site, routes: Routes) -> None:
        self._site = site
        self._routes = routes
        self._metadata = site.well_known("oauth-protected-resource", site.url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the wires speak HTTP, not {scope['type']}")
        incoming = Incoming(scope, receive)
        try:
            answer = await self._answer(incoming)
        except Disconnected:
            return
        finally:
            scope["autonomy.route"] = incoming.route
            if incoming.status is not None:
                scope["autonomy.status"] = incoming.status
        await asgi.respond(send, answer)

    async def _answer(self, incoming: Incoming) -> Answer:
        try:
            self._check_origin(incoming)
            methods = self._methods(incoming)
            handler = methods.get(incoming.method)
            if handler is None:
                return _not_allowed(methods)
            return await handler(incoming)
        except AutonomyError as error:
            return refused(error, self._metadata)
        except Disconnected:
            raise
        except Exception:
            log.exception("%r broke", incoming.path[:80])
            return asgi.json(500, {"error": {"code": "error", "message": "internal error"}})

    def _check_origin(self, incoming: Incoming) -> None:
        """No foreign page may call through a browser (DNS rebinding); the public documents are for everybody."""
        origin = incoming.header(b"origin")
        if not self._site.allows(origin) and not incoming.path.startswith(WELL_KNOWN):
            raise Forbidden("this page may not call", code="origin.refused", hint="add its origin to the settings")

    def _methods(self, incoming: Incoming) -> dict[str, Handler]:
        path = _family(incoming.path)
        found = self._routes.get(path)
        if found is None:
            raise NotFound("there is nothing at this path", code="route.unknown")
        incoming.route = f"{path}{{id}}" if path == _ONE_ACTION else path
        return found


def _routes(site: Site, mcp: McpEndpoint, rest: Rest, oauth: OAuth, authzen: AuthZen, scim: Scim) -> Routes:
    return {
        MCP: {"POST": mcp.post},
        ACTIONS: {"POST": rest.act},
        _ONE_ACTION: {"GET": rest.look},
        TOOLS: {"GET": rest.tools},
        REST_DOCUMENT: {"GET": _described(site)},
        "/oauth/token": {"POST": oauth.token},
        "/oauth/authorize": {"GET": _always(NOBODY_SIGNS_IN)},
        f"{WELL_KNOWN}jwks.json": {"GET": oauth.keys},
        SCIM: dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), scim.answer),
        EVALUATION: {"POST": authzen.evaluation},
        EVALUATIONS: {"POST": authzen.evaluations},
        **{path: {"GET": _always(answer)} for path, answer in documents(site).items()},
    }


def _family(path: str) -> str:
    """The path under which a request is routed: that of its family where it names one of many."""
    if path.startswith(_ONE_ACTION):
        return _ONE_ACTION
    return SCIM if path.startswith(f"{SCIM}/") else path


def _always(answer: Answer) -> Handler:
    async def handler(_: Incoming) -> Answer:
        return answer

    return handler


def _described(site: Site) -> Handler:
    """The document of actions over HTTP, made for who asks first."""
    made: list[Answer] = []

    async def handler(_: Incoming) -> Answer:
        if not made:
            # Loaded here: most processes are never asked for it.
            from .rest_document import rest_document  # noqa: PLC0415

            made.append(document(rest_document(site.url)))
        return made[0]

    return handler


def _not_allowed(methods: Iterable[str]) -> Answer:
    allowed = ", ".join(methods)
    error = {"code": "route.method", "message": f"this path takes {allowed}"}
    return asgi.json(405, {"error": error}, (b"allow", allowed.encode()))
