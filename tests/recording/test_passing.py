"""What is watched passes byte for byte, with its headers; what is heard is a copy that can be read, and bounded."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.recording import codings
from autonomy.recording.codings import Reading, read, readable
from autonomy.recording.listening import McpListening
from autonomy.recording.mcp import MAX_MESSAGE
from autonomy.recording.passing import Address, Passing
from autonomy.recording.seen import Seen
from autonomy.tools.outbound import relay_endpoint

BODY = b'{"hello": "world"}' * 50
CHUNKED = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:])) + b"0\r\n\r\n"
HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"x-of-this-connection"}


class Said(NamedTuple):
    """An answer as its client gets it."""

    status: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []
        self.answers: list[Mapping[str, str]] = []
        self.body = b""

    def __call__(self, method: str, _path: str, _query: str, headers: Mapping[str, str], body: bytes) -> Ear:
        self.asked.append((method, headers, body))
        return self

    def answered(self, _status: int, headers: Mapping[str, str]) -> None:
        self.answers.append(headers)

    def heard(self, chunk: bytes) -> None:
        self.body += chunk

    def ended(self) -> None:
        """Nothing is left to do."""


class Upstream(NamedTuple):
    """A server that sends just these bytes, the same to everybody, and what it was sent."""

    url: str
    sent: list[bytes]


@asynccontextmanager
async def upstream(answer: bytes) -> AsyncIterator[Upstream]:
    sent: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        sent.append(head + await reader.readexactly(int(length[0]) if length else 0))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Upstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", sent)


@asynccontextmanager
async def watched(url: str, listen: Any, hears_answers: bool = False) -> AsyncIterator[str]:
    endpoint, ready = relay_endpoint(url), asyncio.get_running_loop().create_future()
    address = Address(Passing(endpoint, listen, hears_answers=hears_answers), 0, ready.set_result)
    serving = asyncio.create_task(address.serve())
    try:
        yield await ready
    finally:
        address.should_exit = True
        await serving
        await endpoint.close()


async def ask(url: str, method: str = "GET", headers: bytes = b"", body: bytes = b"") -> Said:
    """One request on a connection of its own, and everything that is sent back."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    length = b"content-length: %d\r\n" % len(body) if body else b""
    first = f"{method} /x HTTP/1.1\r\nhost: {place.netloc}\r\nconnection: close\r\n".encode()
    writer.write(first + headers + length + b"\r\n" + body)
    everything = await reader.read()
    writer.close()
    head, _, rest = everything.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    found = _whole(rest) if (b"transfer-encoding", b"chunked") in pairs else rest
    return Said(status.split()[1], [pair for pair in pairs if pair[0] not in HOP], found)


def _whole(chunked: bytes) -> bytes:
    """A body sent in chunks (RFC 9112, section 7.1)."""
    found = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        found, chunked = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        if size == b"0":
            return found
    raise AssertionError("it has no end")


def said(headers: bytes, body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n%s" % (status, headers, len(body), body)


def raw_deflate(body: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(body) + made.flush()


GZIP = b"Content-Encoding: gzip\r\n"
DEFLATE = b"content-encoding: deflate\r\n"
LONG = b"content-length: 4711\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "answer", "heard"),
    [
        ("GET", said(GZIP, gzip.compress(BODY)), BODY),
        ("GET", said(DEFLATE, zlib.compress(BODY)), BODY),
        ("GET", said(DEFLATE, raw_deflate(BODY)), BODY),
        ("GET", said(GZIP, gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])), BODY),
        ("GET", said(b"Content-Encoding: br\r\n", b"\x8b\x03\x80abc\x03"), b""),
        ("GET", said(b"Content-Encoding: gzip, gzip\r\n", gzip.compress(gzip.compress(BODY))), b""),
        ("GET", said(GZIP, b"this is not gzip"), b""),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + LONG, b""),
        ("GET", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", b""),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n' + LONG, b""),
        ("GET", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKED, BODY),
        ("GET", b"HTTP/1.1 200 OK\r\n\r\n" + BODY, BODY),
        ("GET", said(b"Set-Cookie: a=1\r\nset-cookie: b=2; Path=/\r\nVary: x\r\nVary: y\r\n", BODY, b"418 T"), BODY),
        (
            "GET",
            said(b"X-Name: Gr\xc3\xb6\xc3\x9fe\r\nX-Old: Gr\xf6\xdfe\r\nX-Long: %s\r\n" % (b"l" * 20_000), BODY),
            BODY,
        ),
        ("GET", said(b"Connection: X-Of-This-Connection\r\nX-Of-This-Connection: 1\r\nX-B: 2\r\n", BODY), BODY),
    ],
)
async def test_an_answer_passes_as_it_came_and_a_copy_that_can_be_read_is_heard(
    method: str, answer: bytes, heard: bytes
) -> None:
    ear = Ear()
    async with upstream(answer) as there:
        direct = await ask(there.url, method)
        async with watched(there.url, ear) as at:
            assert await ask(at, method) == direct
    assert ear.body == heard


async def test_a_request_passes_as_it_came_with_headers_that_are_repeated_and_no_others() -> None:
    ear, packed = Ear(), gzip.compress(BODY)
    headers = (
        b"x-tag: one\r\nx-tag: two\r\ncookie: a=1\r\ncontent-encoding: gzip\r\naccept-encoding: br, gzip\r\n"
        b"x-name: Gr\xc3\xb6\xc3\x9fe\r\nx-hop: 1\r\nconnection: x-hop\r\nexpect: 100-continue\r\n"
    )
    async with upstream(said(b"", b"")) as there, watched(there.url, ear) as at:
        await ask(at, "POST", headers, packed)
    head, _, body = there.sent[0].partition(b"\r\n\r\n")
    assert body == packed
    sent = [tuple(line.lower().split(b": ")) for line in head.split(b"\r\n")[1:]]
    assert sorted(pair for pair in sent if pair[0] not in (b"host", b"connection")) == [
        (b"accept-encoding", b"br, gzip"),
        (b"content-encoding", b"gzip"),
        (b"content-length", b"%d" % len(packed)),
        (b"cookie", b"a=1"),
        (b"x-name", "größe".encode()),
        (b"x-tag", b"one"),
        (b"x-tag", b"two"),
    ]
    ((method, together, read_body),) = ear.asked
    assert (method, together["x-tag"], read_body) == ("POST", "one, two", BODY)


async def test_of_an_answer_that_is_listened_to_no_coding_is_asked_for_that_only_its_client_reads() -> None:
    listed = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "find", "inputSchema": {"type": "object"}}]}}
    answer = said(b"content-type: application/json\r\n" + GZIP, gzip.compress(json.dumps(listed).encode()))
    seen = Seen()
    async with upstream(answer) as there, watched(there.url, McpListening(seen, lambda: None), True) as at:
        for message in (
            {"id": 1, "method": "tools/list"},
            {"id": 2, "method": "tools/call", "params": {"name": "find", "arguments": {}}},
        ):
            await ask(at, "POST", b"accept-encoding: gzip;q=0.5, br, zstd\r\n", json.dumps(message).encode())
    assert all(b"\r\naccept-encoding: gzip;q=0.5\r\n" in one.lower() for one in there.sent)
    assert seen.operations["find"].is_known


@pytest.mark.parametrize(
    ("offered", "left"),
    [
        ("gzip, deflate, br, zstd", "gzip, deflate"),
        ("br", "identity"),
        ("*", "identity"),
        ("BR;q=1, GZIP;q=0.3", "GZIP;q=0.3"),
    ],
)
def test_codings_that_can_be_read_are_told_from_others(offered: str, left: str) -> None:
    assert readable(offered) == left


@given(st.binary(max_size=2_000), st.integers(1, 50), st.sampled_from(["gzip", "X-GZip", "deflate", "identity, gzip"]))
def test_whatever_pieces_a_body_comes_in_it_is_read_whole(body: bytes, size: int, coding: str) -> None:
    packed = gzip.compress(body) if "gzip" in coding.lower() else zlib.compress(body)
    reading = Reading(coding)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(found for piece in pieces for found in reading.feed(piece)) == body


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "gzip, br", ""]))
def test_whatever_comes_nothing_is_raised(body: bytes, coding: str) -> None:
    assert isinstance(read(body, coding), bytes)


def test_a_bomb_is_read_in_small_pieces_and_no_further_than_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codings, "MOST", 1_000_000)
    bomb = gzip.compress(bytes(8_000_000))
    sizes = [len(piece) for piece in Reading("gzip").feed(bomb)]
    assert max(sizes) <= codings.PIECE and sum(sizes) == 1_000_000


def test_an_event_without_end_is_not_kept_and_those_after_it_are_heard() -> None:
    seen = Seen()
    exchange = McpListening(seen, lambda: None)("POST", "/", "", {}, b'{"id": 1, "method": "tools/list"}')
    exchange.answered(200, {"content-type": "text/event-stream"})
    exchange.heard(b"data: " + bytes(MAX_MESSAGE))
    listed = {"id": 1, "result": {"tools": [{"name": "find", "inputSchema": {"type": "object"}}]}}
    exchange.heard(f"data: {json.dumps(listed)}\n\n".encode())
    exchange.ended()
    listening = exchange._conversation
    listening.asked(b'{"id": 2, "method": "tools/call", "params": {"name": "find"}}')
    assert seen.operations["find"].is_known
