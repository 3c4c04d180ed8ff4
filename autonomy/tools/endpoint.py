"""HTTP to systems of record: connections are judged where they are made.

The resolver drops what may not be reached, the connection goes to the very address that was judged, and the socket
factory judges once more, literal addresses and redirects included.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from autonomy.catalog.services import HttpService
from autonomy.kernel.errors import TooLarge

from .attempt import Attempt
from .credential import Presented, scrubbed
from .errors import Unreachable, Unsure
from .ssrf import Network, Target, may_reach, parse_url, ranges

Lookup = Callable[[str, int], Awaitable[list[tuple[int, str]]]]
"""Resolves a host and a port into socket families and addresses."""

CONNECTIONS = 64  # per HTTP connector; an upstream that is slow must not eat every descriptor
CHUNK = 65_536
RELAY_S = 3_600.0  # of an answer that is only handed on, which may be a stream
RELAY_HEADER = 65_536  # bytes of one of its headers

_SAID_BY_US = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What the client says where nobody has said it; of somebody else's request it says nothing."""


class Answer(NamedTuple):
    """An HTTP answer. `text` is None where the body is not UTF-8; no credential that was presented is in it."""

    status: int
    kind: str
    location: str | None
    text: str | None
    headers: Mapping[str, str] = MappingProxyType({})


class Relayed(NamedTuple):
    """An HTTP answer on its way to somebody else: headers and body are the bytes that came."""

    status: int
    headers: list[tuple[bytes, bytes]]
    chunks: AsyncIterator[bytes]


class ForbiddenAddress(OSError):
    """An address the connector may not reach."""


class Endpoint:
    """HTTP to one declared base URL. Reads share connections; each write has its own, so that a connection which the
    server had already given up never leaves a write in doubt."""

    def __init__(self, spec: HttpService, lookup: Lookup | None = None) -> None:
        lookup = lookup or look_up
        self.base = parse_url(spec.baseUrl)
        self._spec = spec
        self._allow = ranges(spec.allow)
        self._reading = self._session(lookup, force_close=False)
        self._writing = self._session(lookup, force_close=True)

    async def send(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        attempt: Attempt,
        presented: Sequence[Presented] = (),
        tls: ssl.SSLContext | None = None,
        enough: Callable[[bytes], bool] | None = None,
    ) -> Answer:
        """Send one request, follow nothing. Credentials and client certificates (`tls`) go to the declared origin and
        to no other. `enough` is told each chunk of the body as it comes, with the
        credentials still in it; once it says so, nothing more is read.

        Raises Unreachable where nothing was sent, Unsure where a write may have arrived.
        """
        session = self._writing if attempt.write else self._reading
        at_home = target.origin == self.base.origin
        try:
            async with session.request(
                method,
                _url(target),
                headers={**headers, **(_authorisation(presented) if at_home else {})},
                data=body,
                allow_redirects=False,
                ssl=tls if tls is not None and at_home else True,
                trace_request_ctx=attempt,
                middlewares=(_Once(),) if attempt.write else (),
            ) as response:
                return await self._answer(response, attempt, presented, enough)
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error, target, attempt) from None

    @asynccontextmanager
    async def relay(
        self, method: str, target: Target, headers: Sequence[tuple[str, str]], body: bytes
    ) -> AsyncIterator[Relayed]:
        """Send what somebody else has asked, as it is, and hand on the answer as it comes; nothing is decompressed,
        bounded or scrubbed. Raises Unreachable where nothing came."""
        attempt = Attempt(False, RELAY_S)
        try:
            async with self._writing.request(
                method,
                _url(target),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                trace_request_ctx=attempt,
                middlewares=(_Once(),),
                skip_auto_headers=_SAID_BY_US,
                auto_decompress=False,
                max_line_size=RELAY_HEADER,
                max_field_size=RELAY_HEADER,
            ) as response:
                yield Relayed(response.status, list(response.raw_headers), response.content.iter_any())
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error, target, attempt) from None

    async def close(self) -> None:
        await self._reading.close()
        await self._writing.close()

    def _session(self, lookup: Lookup, force_close: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(lookup, self._allow),
            socket_factory=self._socket,
            use_dns_cache=False,
            limit=CONNECTIONS,
            force_close=force_close,
        )
        return aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # the attempt's deadline holds for all of it
            trace_configs=[_trace()],
        )

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, place = address
        if not may_reach(place[0], self._allow):
            raise ForbiddenAddress(f"`{place[0]}` may not be reached")
        return socket.socket(family, kind, protocol)

    async def _answer(
        self,
        response: aiohttp.ClientResponse,
        attempt: Attempt,
        presented: Sequence[Presented],
        enough: Callable[[bytes], bool] | None,
    ) -> Answer:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > self._spec.maxBytes:
                raise _too_large(self._spec.maxBytes, attempt)
            if enough is not None and enough(chunk):
                response.close()  # the rest would have to be read before the connection could be used again
                break
        location, text = response.headers.get("Location"), scrubbed(body, presented)
        return Answer(response.status, response.content_type, location, text, response.headers)


def _authorisation(presented: Sequence[Presented]) -> dict[str, str]:
    """The headers that hold the credentials. Raises Unreachable where one cannot stand in a header."""
    found = {}
    for one in presented:
        value = one.credential.reveal()
        if one.basic:
            value = base64.b64encode(value.encode("utf-8")).decode()
        shown = f"{'Basic' if one.basic else one.scheme} {value}".strip()
        if not shown.isprintable() or not shown.isascii():
            raise Unreachable(
                f"the credential `{one.credential.name}` cannot stand in a header", code="credential.malformed"
            )
        found[one.header] = shown
    return found


class _Resolver(AbstractResolver):
    """Resolves once and hands on only what may be reached; the connection goes to that very address."""

    def __init__(self, lookup: Lookup, allow: tuple[Network, ...]) -> None:
        self._lookup = lookup
        self._allow = allow

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the client's own signature
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        admitted = [(kind, address) for kind, address in found if may_reach(address, self._allow)]
        if not admitted:
            raise ForbiddenAddress(f"`{host}` leads to nothing that may be reached")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in admitted
        ]

    async def close(self) -> None:
        """Nothing is kept open."""


class _Once:
    """Keeps the client from sending a write a second time by itself, as it would with PUT and DELETE."""

    def __init__(self) -> None:
        self._error: aiohttp.ClientError | None = None

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._error is not None:
            raise self._error
        try:
            return await handler(request)
        except aiohttp.ClientError as error:
            self._error = error
            raise


async def look_up(host: str, port: int) -> list[tuple[int, str]]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _trace() -> aiohttp.TraceConfig:
    """Marks the attempt once there is a connection: from then on, bytes may have left."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_connected)
    trace.on_connection_reuseconn.append(_connected)
    return trace


async def _connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    attempt: Attempt = context.trace_request_ctx
    attempt.commit()


def _url(target: Target) -> URL:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return URL(f"{target.scheme}://{host}:{target.port}{target.path}", encoded=True)


def _failure(error: Exception, target: Target, attempt: Attempt) -> Unreachable | Unsure:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ForbiddenAddress):
        return Unreachable(
            f"`{target.host}` is not an address this connector may reach",
            code="egress.forbidden",
            hint="add its range to the connector's `allow`",
        )
    if isinstance(error, aiohttp.ClientConnectorError) or not attempt.is_committed:
        return Unreachable(f"`{target.host}` cannot be reached; nothing was sent")
    if attempt.write:
        return Unsure(f"the connection to `{target.host}` broke before the answer")
    return Unreachable(f"the connection to `{target.host}` broke before the answer", code="upstream.failed")


def _too_large(limit: int, attempt: Attempt) -> TooLarge | Unsure:
    if attempt.write:
        return Unsure(f"the answer is larger than {limit} bytes and was not read")
    return TooLarge(f"the answer is larger than {limit} bytes", code="result.too_large", hint="ask for less")
