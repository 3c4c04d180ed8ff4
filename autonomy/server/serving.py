"""Serves a system over HTTP until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from autonomy.kernel import interpreter
from autonomy.kernel.errors import Unavailable
from autonomy.wiring import System

from .app import Server
from .metrics import Metrics, check_token, listener, place_of

if sys.platform != "win32":
    import uvloop

log = logging.getLogger("autonomy.server")

GRACE_SECONDS = 10  # what is under way when we are told to stop has this long
THREADS = 4  # of the API: each may hold a reading connection, and the pool admits eight with those of the data plane
BACKLOG = 2_048  # connections that wait to be taken; ten thousand agents may come back at once
IDLE_SECONDS = 75  # longer than clients and proxies keep idle connections, so that they close first

Ready = Callable[[str], None]
"""Told the URL as soon as requests are answered."""


def serve(system: System, host: str | None = None, port: int | None = None, ready: Ready | None = None) -> None:
    """Start `system` and serve it until SIGINT or SIGTERM, then stop it in order.

    Host and port are those of the settings, loopback by default; port 0 takes a free one. Raises Unavailable where
    the address is taken, Invalid where a scrape token is too short or needed.
    """
    settings = system.settings
    check_token(settings.metrics_token)
    if settings.metrics:
        place_of(settings.metrics, settings.metrics_token)  # an address that is none is said before anything begins
    bound = bind(host or settings.host, settings.port if port is None else port)

    def started(url: str) -> None:
        interpreter.calm()
        if ready is not None:
            ready(url)

    loop_factory = None if sys.platform == "win32" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serving(system, bound, started))


async def serving(
    system: System, bound: socket.socket, ready: Ready | None = None, stop: asyncio.Event | None = None
) -> None:
    """The same inside a running event loop, on a socket from `bind`, until a signal comes or `stop` is set."""
    current_default_thread_limiter().total_tokens = THREADS
    await system.start()
    try:
        app = Server(system)
        server = _Uvicorn(app, bound, ready)
        with _told(server, system, stop or asyncio.Event()):
            async with _figures(app.metrics, system.settings.metrics):
                await server.serve([bound])
    finally:
        await system.stop()


@asynccontextmanager
async def _figures(metrics: Metrics, address: str) -> AsyncIterator[None]:
    """The listener of its own for figures, where the settings name an address; raises Unavailable where it is taken."""
    if not address:
        yield
        return
    bound = bind(*place_of(address, metrics.token))
    config = uvicorn.Config(listener(metrics), lifespan="off", ws="none", log_config=None, access_log=False)
    server = _Quiet(config)
    task = asyncio.create_task(server.serve([bound]))
    log.info("figures at %s:%d", *bound.getsockname()[:2])
    try:
        yield
    finally:
        server.should_exit = True
        await task


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address; raises Unavailable where that cannot be."""
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise Unavailable(
            f"`{host}:{port}` cannot be listened on: {error.strerror}",
            code="server.address",
            hint="choose another `--port`, or stop what uses it",
        ) from None
    return bound


class _Quiet(uvicorn.Server):
    """uvicorn that leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are set up around this, so that the system can be stopped in order after the server."""
        yield


class _Uvicorn(_Quiet):
    """uvicorn with our sign of readiness, and event streams that end when it stops."""

    def __init__(self, app: Server, bound: socket.socket, ready: Ready | None) -> None:
        config = uvicorn.Config(
            app,
            http="httptools" if sys.platform != "win32" else "auto",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,  # addresses hold one-time links
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._app = app
        self._bound = bound
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._bound.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        log.info("ready at %s", url)
        if self._ready is not None:
            self._ready(url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.feed.close()
        self._app.parts.system.workflows.workplace.waiting.close()
        await super().shutdown(sockets)


@contextmanager
def _told(server: uvicorn.Server, system: System, stop: asyncio.Event) -> Iterator[None]:
    """Let signals and `stop` end the server: it says that it is not ready any more, answers for as long as the settings
    say, so that balancers hear of it, then takes nothing new. The second signal does not wait for what is under way."""
    loop = asyncio.get_running_loop()

    def close() -> None:
        server.should_exit = True

    def end() -> None:
        server.force_exit = server.should_exit
        if system.stopping or not system.settings.drain_seconds:
            close()
        else:
            loop.call_later(system.settings.drain_seconds, close)
        system.stopping = True

    async def watch() -> None:
        await stop.wait()
        end()

    signals = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    for each in signals:
        loop.add_signal_handler(each, end)
    watching = loop.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        for each in signals:
            loop.remove_signal_handler(each)
