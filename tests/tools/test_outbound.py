"""What the sockets see: however an address is written, resolved or redirected to, nothing forbidden is connected to."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, ip_address
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from autonomy.catalog.model import HttpConnector
from autonomy.kernel.errors import AutonomyError
from autonomy.tools import Unreachable
from autonomy.tools.attempt import Attempt
from autonomy.tools.connectors.exchange import next_hop
from autonomy.tools.credential import Credential
from autonomy.tools.endpoint import Endpoint
from autonomy.tools.errors import excerpt
from autonomy.tools.ssrf import may_reach, parse_url

from .organisations import Bench, arguments, connector, tool
from .spellings import spellings
from .test_http import serving

_watchers: list[list[Any]] = []


def _watch(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for watcher in _watchers:
            watcher.append(details[1])


sys.addaudithook(_watch)


@contextmanager
def connections() -> Iterator[list[Any]]:
    """Every address that this process tries to connect to, as the interpreter itself reports it."""
    seen: list[Any] = []
    _watchers.append(seen)
    yield seen
    _watchers.remove(seen)


@contextmanager
def listeners() -> Iterator[list[socket.socket]]:
    """Listeners on one port of every address of this machine, IPv4 and IPv6."""
    found: list[socket.socket] = []
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        listener = socket.socket(family)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, found[0].getsockname()[1] if found else 0))
        listener.listen()
        listener.setblocking(False)
        found.append(listener)
    yield found
    for listener in found:
        listener.close()


def lookup(*addresses: str) -> Any:
    """A resolver that answers every name with `addresses`."""

    async def resolve(host: str, port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in addresses]

    return resolve


async def send(endpoint: Endpoint, url: str) -> AutonomyError | None:
    """Try a GET; what it raised."""
    try:
        await endpoint.send("GET", parse_url(url), {}, None, Attempt(False, 2.0))
    except AutonomyError as error:
        return error
    return None


def test_the_audit_hook_sees_connections() -> None:
    with connections() as seen, socket.socket() as listener, socket.socket() as caller:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        caller.connect(listener.getsockname())
        assert seen == [listener.getsockname()]


def test_no_spelling_leads_to_a_connection() -> None:
    async def try_all(urls: list[str]) -> int:
        endpoint = Endpoint(HttpConnector(type="http", baseUrl="http://example.org"), lookup("127.0.0.1", "::1"))
        refused = 0
        for url in urls:
            refused += await send(endpoint, url) is not None
        await endpoint.close()
        return refused

    with listeners() as open_doors, connections() as seen:
        urls = spellings(open_doors[0].getsockname()[1])
        assert asyncio.run(try_all(urls)) == len(urls) >= 500
        assert seen == []
        for door in open_doors:
            with pytest.raises(BlockingIOError):
                door.accept()


def test_no_redirect_leads_to_a_connection_either() -> None:
    async def follow_all() -> None:
        endpoint = Endpoint(HttpConnector(type="http", baseUrl="http://example.org"), lookup("10.0.0.1"))
        for url in spellings(80):
            try:
                target = next_hop(endpoint.base, endpoint.base, url)
            except Unreachable:
                continue
            with pytest.raises(Unreachable):
                await endpoint.send("GET", target, {}, None, Attempt(False, 2.0))
        await endpoint.close()

    with connections() as seen:
        asyncio.run(follow_all())
    assert [address for address in seen if not may_reach(address[0])] == []


def test_a_name_that_resolves_to_a_forbidden_address_is_not_connected_to() -> None:
    async def try_them() -> list[str]:
        codes = []
        for answers in (
            ["127.0.0.1"],
            ["169.254.169.254"],
            ["::1"],
            ["::ffff:127.0.0.1"],
            ["fe80::1"],
            ["10.0.0.1", "::"],
        ):
            endpoint = Endpoint(HttpConnector(type="http", baseUrl="http://example.org"), lookup(*answers))
            error = await send(endpoint, "http://rebinding.example.org:8099/")
            assert error is not None
            codes.append(error.code)
            await endpoint.close()
        return codes

    with connections() as seen:
        assert asyncio.run(try_them()) == ["egress.forbidden"] * 6
    assert seen == []


def test_a_name_is_resolved_once_and_that_very_address_is_connected_to() -> None:
    """DNS rebinding: the second answer, which would be forbidden, is never asked for."""
    answers = ["127.0.0.1", "127.0.0.2"]

    async def changing(host: str, port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, answers.pop(0))]

    async def once() -> AutonomyError | None:
        spec = HttpConnector(type="http", baseUrl="http://example.org:8099", allow=["127.0.0.1/32"])
        endpoint = Endpoint(spec, changing)
        error = await send(endpoint, "http://rebinding.example.org:8099/")
        await endpoint.close()
        return error

    with connections() as seen:
        assert asyncio.run(once()) is not None
    assert seen == [("127.0.0.1", 8099)]
    assert answers == ["127.0.0.2"]


async def test_no_redirect_on_any_hop_leads_to_a_forbidden_address() -> None:
    """A server that may be reached sends us on, at once or after one or two hops, to every spelling there is."""
    asked: list[str] = []
    ticks = count()

    async def steps(request: Any) -> web.Response:
        if "left" not in request.query:
            return web.Response(status=404)
        left, number = int(request.query["left"]), int(request.query["n"])
        asked.append(request.path_qs)
        onward = urls[number] if left == 0 else f"/api/things?left={left - 1}&n={number}"
        return web.Response(status=302, headers={"Location": _header(onward)})

    async with serving(steps) as port:
        urls = spellings(port)
        request = {"method": "GET", "path": "/things", "query": {"left": "left", "n": "n"}}
        made = Bench(
            connector("erp", type="http", baseUrl=f"http://127.0.0.1:{port}/api", allow=["127.0.0.1/32"], timeout="2s"),
            tool("t", call={"request": request}, input=arguments(left="integer", n="integer")),
            clock=lambda: next(ticks) * 10_000,  # so that the breaker has always rested
        )
        async with made:
            with connections() as seen:
                for number in range(len(urls)):
                    with pytest.raises(AutonomyError):
                        await made.call("t", left=number % 3, n=number)
    assert len(asked) > len(urls) >= 500
    assert {_plain(address[0]) for address in seen} == {"127.0.0.1"}, "only the address that may be reached"


def _plain(address: str) -> str:
    """The address that packets reach: IPv4 may be written inside IPv6 (v4-mapped, NAT64)."""
    found = ip_address(address)
    embedded = found.version == 6 and found.compressed.startswith(("::ffff:", "64:ff9b::"))
    return str(IPv4Address(int(found) & 0xFFFFFFFF)) if embedded else str(found)


def _header(url: str) -> str:
    """A URL as a header can carry it."""
    return "".join(char if char.isprintable() and ord(char) < 256 else quote(char) for char in url)


async def test_no_spelling_of_a_token_url_leads_to_a_connection() -> None:
    async def refuse(made: Bench) -> str:
        async with made:
            with pytest.raises(AutonomyError) as caught:
                await made.call("t")
            return caught.value.code

    with connections() as seen:
        for url in spellings(8099):
            if not url.startswith(("http://", "https://")):
                continue  # a manifest cannot hold it
            oauth = {"grant": "client_credentials", "tokenUrl": url, "clientId": "c", "clientSecret": "s"}
            made = Bench(
                connector("erp", type="http", baseUrl="http://127.0.0.9:1/", oauth=oauth),
                tool("t", call={"request": {"method": "GET", "path": "/"}}),
                reveal=lambda name: Credential(name, 1, "canary"),
            )
            assert await refuse(made) in ("egress.forbidden", "url.invalid", "upstream.unreachable", "upstream.overdue")
    assert [address for address in seen if isinstance(address, tuple)] == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:8099")

    async def once() -> None:
        endpoint = Endpoint(HttpConnector(type="http", baseUrl="http://example.org"), lookup("10.0.0.1"))
        assert await send(endpoint, "http://example.org/") is not None
        await endpoint.close()

    with connections() as seen:
        asyncio.run(once())
    assert seen == []


def test_an_excerpt_is_short_and_shows_nothing_unprintable() -> None:
    assert excerpt("a\r\n\x1b[31mb\u202e") == "a\\r\\n\\x1b[31mb\\u202e"
    assert len(excerpt("\0" * 10_000)) == 500
