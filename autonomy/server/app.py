"""The whole server as one ASGI app: the agents' protocols on the short way, everything else through the API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from autonomy import protocols
from autonomy.insight import Evidence, Insight
from autonomy.kernel.clock import Clock, now
from autonomy.wiring import System

from .access import OPEN
from .answers import ErrorAnswer
from .errors import handle_errors
from .feed import Feed
from .guard import App, Receive, Scope, Send, guarded, limited
from .pages import ROUTES
from .parts import Parts
from .routes import ROUTERS
from .sites import SITE_ROUTES

OPENAPI_PATH = "/api/openapi.json"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "mend the input and send it again"},
    401: {"model": ErrorAnswer, "description": "sign in"},
    403: {"model": ErrorAnswer, "description": "ask for the permission"},
    "default": {"model": ErrorAnswer, "description": "any other error, in the same shape"},
}


class Api(FastAPI):
    """The API and its document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document: the contract of console, command line and SDK."""
        if self.openapi_schema is None:
            found = get_openapi(title=self.title, version=self.version, summary=self.summary, routes=self.routes)
            found["components"]["securitySchemes"] = {"session": {"type": "http", "scheme": "bearer"}}
            for methods in found["paths"].values():
                for operation in methods.values():
                    operation["security"] = [] if operation["x-permission"] == OPEN else [{"session": []}]
            self.openapi_schema = found
        return self.openapi_schema


class Server:
    """The ASGI app of one process, and its feed of events, which must be closed before it can stop."""

    def __init__(self, system: System, clock: Clock = now) -> None:
        self.feed = Feed(system.database)
        insight = Insight(system.database, system.vault, system.catalog)
        evidence = Evidence(system.database, system.vault, clock)
        self.api = make_api(Parts(system, insight, evidence, self.feed, clock))
        settings = system.settings
        agents = protocols.app(
            system.gate,
            system.identity,
            withdraw=system.approvals.withdraw,
            url=settings.public_url,
            origins=settings.origins,
            clock=clock,
        )
        secure = settings.public_url.startswith("https://")
        self._app = guarded(_divided(agents, limited(self.api)), secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def make_api(parts: Parts) -> Api:
    """The API for people, without the protocols."""
    api = Api(
        title="Autonomy OS",
        summary="The control plane for AI agents",
        version=version("autonomy-os"),
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_PATH,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
        responses=_RESPONSES,
        routes=[*ROUTES, *SITE_ROUTES],
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    api.state.parts = parts
    handle_errors(api)
    for router in ROUTERS:
        api.include_router(router)
    return api


def _operation(route: APIRoute) -> str:
    """The stable name of an operation: that of its function."""
    return str(route.name)


def _divided(agents: App, people: App) -> App:
    """`agents` at the addresses of the protocols, `people` at all others."""

    async def divide(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_agents = scope["type"] == "http" and protocols.serves(scope["path"])
        await (agents if is_for_agents else people)(scope, receive, send)

    return divide
