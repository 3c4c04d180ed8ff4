"""Stands between the house and Tryton and spoils answers: lost, late, doubled. What reaches Tryton is as it was."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

_HOST = re.compile(rb"\r\nhost:[^\r]*", re.IGNORECASE)

Forward = Callable[[], Awaitable[bytes]]
Spoil = Callable[[str, Forward], Awaitable[bytes | None]]
"""Gets the first line of a request and what forwards it; returns what the caller hears, None for a broken line."""


@asynccontextmanager
async def between(url: str, spoil: Spoil) -> AsyncIterator[str]:
    """Yields the URL that leads to `url` through `spoil`."""
    parts = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await _message(reader)
                forward = partial(_forward, str(parts.hostname), int(parts.port or 80), request)
                told = await spoil(request.split(b"\r\n", 1)[0].decode(), forward)
                if told is None:
                    break
                writer.write(told)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{parts.path}"
    finally:
        server.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


async def _forward(host: str, port: int, request: bytes) -> bytes:
    """Tryton's whole answer to a request on a line of its own; it closes each of its lines after one answer."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(_HOST.sub(f"\r\nHost: {host}:{port}".encode(), request, count=1))
    await writer.drain()
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(kept) + b"\r\n\r\n" + body
