"""A way to PostgreSQL that can be cut: everything passes, or nothing answers, or nobody is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["open", "hung", "gone", "lose commit"]

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # by which the server says that it has committed; a client says "Q…"
WRITTEN = b"INSERT 0 "  # by which it says that it has taken rows


class Proxy:
    """Forwards between a loopback port and a server, in a thread of its own. `mode` may change at any time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 0)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._resumed: asyncio.Event
        self._over: asyncio.Event
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.mode: Mode = "open"
        self.lost = threading.Event()
        self._thread.start()
        self._ready.wait()
        self.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{self._port}").geturl()

    def set(self, mode: Mode) -> None:
        """Change how it behaves; what is there is cut where nobody is to be there any more."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._set, mode, done)
        done.wait()

    def close(self) -> None:
        self.set("gone")
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _set(self, mode: Mode, done: threading.Event) -> None:
        self.mode = mode
        if mode == "hung":
            self._resumed.clear()
        else:
            self._resumed.set()
        if mode == "gone":
            self._cut()
        done.set()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.close()

    async def _listen(self) -> None:
        """Serve until it is over."""
        self._resumed = asyncio.Event()
        self._resumed.set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._over = asyncio.Event()
        self._ready.set()
        await self._over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "gone":
            writer.transport.abort()
            return
        upstream_reader, upstream = await asyncio.open_connection(*self._target)
        self._writers |= {writer, upstream}
        await asyncio.gather(self._pump(reader, upstream), self._pump(upstream_reader, writer), return_exceptions=True)
        self._writers -= {writer, upstream}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wrote = False  # a look at what is there commits as well, and nobody misses its answer
        while data := await reader.read(65_536):
            await self._resumed.wait()
            wrote = wrote or WRITTEN in data
            if self.mode == "lose commit" and wrote and COMMITTED in data:
                self.mode = "open"
                self._cut()
                self.lost.set()
                return
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """A proxy before the server of `url`."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
