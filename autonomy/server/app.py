"""The whole server as one ASGI app: the agents' protocols on the short way, pages and the API beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette

from autonomy import protocols
from autonomy.kernel.clock import Clock, now
from autonomy.wiring import Instruments, System

from .console import fallback
from .errors import HANDLERS
from .faces import FaceFigures
from .feed import Feed
from .guard import App, Receive, Scope, Send, guarded, limited
from .measuring import measured
from .metrics import Metrics
from .pages import ROUTES
from .parts import PARTS, Parts
from .sites import SITE_ROUTES


class Server:
    """The ASGI app of one process, and its feed of events, which must be closed before it can stop."""

    def __init__(self, system: System, clock: Clock = now) -> None:
        self.feed = Feed(system.database)
        settings, faces = system.settings, FaceFigures()
        self.metrics = Metrics(Instruments(system, clock), faces, settings.metrics_token)
        self.parts = Parts(system, self.feed, self.metrics, clock)
        agents = protocols.app(
            system.gate,
            system.identity,
            system.workflows.workplace.of_agents,
            withdraw=system.approvals.withdraw,
            vouch=system.signon.vouch,
            consider=system.considering.consider,
            url=settings.public_url,
            origins=settings.origins,
            clock=clock,
        )
        secure = settings.public_url.startswith("https://")
        self._app = measured(guarded(_divided(agents, limited(_for_people(self.parts))), secure), faces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _divided(agents: App, people: App) -> App:
    """`agents` at the addresses of the protocols, `people` at all others."""

    async def divide(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_agents = scope["type"] == "http" and protocols.serves(scope["path"])
        await (agents if is_for_agents else people)(scope, receive, send)

    return divide


def _for_people(parts: Parts) -> App:
    """The pages, and the API once somebody asks it."""
    pages = Starlette(routes=[*ROUTES, *SITE_ROUTES], exception_handlers=HANDLERS)
    pages.router.default = fallback
    api = _Later(_api)

    async def divide(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        scope[PARTS] = parts
        if is_for_api:  # what an agent has heard of, whoever looks at it finds
            await parts.system.effects.caught_up()
        await (api if is_for_api else pages)(scope, receive, send)

    return divide


def _api() -> App:
    # Loaded here and not above: FastAPI and the models of all routes take 19 MB, which a process that only agents
    # call has no use for.
    from .api import the_api  # noqa: PLC0415

    return the_api()


class _Later:
    """An app that is made by `make`, in a thread, when it is asked for the first time."""

    def __init__(self, make: Callable[[], App]) -> None:
        self._make = make
        self._app: App | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app or await self._made()
        await app(scope, receive, send)

    async def _made(self) -> App:
        async with self._turn:
            if self._app is None:
                self._app = await asyncio.to_thread(self._make)
            return self._app
