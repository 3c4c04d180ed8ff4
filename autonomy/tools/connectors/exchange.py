"""One request to a declared service and its answer: credentials shown, redirects of reads followed, a refused
credential renewed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from autonomy.catalog.services import HttpService
from autonomy.kernel.errors import Invalid
from autonomy.telemetry import trace_headers

from ..attempt import Attempt
from ..credential import Presented
from ..errors import Unreachable
from ..model import Invocation
from ..outbound import Outbound
from ..requests import Composed
from ..showing import showing
from ..ssrf import DEFAULT_PORTS, Target, parse_url
from ..wanted import Wanted

if TYPE_CHECKING:
    import ssl

    from ..endpoint import Answer, Endpoint

MAX_HOPS = 3  # redirects of one read

_REDIRECTS = {301, 302, 303, 307, 308}


class Exchange:
    """Requests to one service. Used from one event loop."""

    def __init__(self, name: str, service: HttpService, outbound: Outbound) -> None:
        self._name = name
        self._service = service
        self._outbound = outbound
        self._endpoint: Endpoint | None = None

    @property
    def base(self) -> Target:
        """The declared base URL."""
        return self._open().base

    async def send(
        self, composed: Composed, wanted: Sequence[Wanted], invocation: Invocation, attempt: Attempt
    ) -> Answer:
        """The answer. Raises Refused, Unreachable or Unsure."""
        if self._service.traceContext:
            composed.headers.update(trace_headers())

        async def send(shown: Sequence[Presented], tls: ssl.SSLContext | None) -> tuple[Answer, bool]:
            answer, last = await self._follow(composed, attempt, shown, tls)
            return answer, last.origin == self.base.origin

        return await showing(self._outbound, self._service, wanted, invocation.agent, attempt, send)

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()

    def _open(self) -> Endpoint:
        if self._endpoint is None:
            self._endpoint = self._outbound.endpoint(self._service)
        return self._endpoint

    async def _follow(
        self, composed: Composed, attempt: Attempt, shown: Sequence[Presented], tls: ssl.SSLContext | None
    ) -> tuple[Answer, Target]:
        """Send it; for GET follow at most three redirects, each judged like the first address."""
        endpoint, target = self._open(), composed.target
        for _ in range(MAX_HOPS + 1):
            answer = await endpoint.send(composed.method, target, composed.headers, composed.body, attempt, shown, tls)
            if answer.status not in _REDIRECTS or attempt.write or composed.method != "GET" or not answer.location:
                return answer, target
            target = next_hop(endpoint.base, target, answer.location)
        raise Unreachable(f"`{self._name}` redirects more than {MAX_HOPS} times", code="upstream.redirect")


def next_hop(base: Target, here: Target, location: str) -> Target:
    """Where a redirect leads: an http(s) URL on an ordinary port, never from https down to http.

    Raises Unreachable (`upstream.redirect`).
    """
    try:
        target = parse_url(urljoin(f"{here.scheme}://{_authority(here)}{here.path}", location))
    except (Invalid, ValueError):
        raise Unreachable("a redirect leads to something that is no plain URL", code="upstream.redirect") from None
    if (here.scheme, target.scheme) == ("https", "http"):
        raise Unreachable("a redirect leads from https down to http", code="upstream.redirect")
    if target.port not in (base.port, DEFAULT_PORTS[target.scheme]):
        raise Unreachable("a redirect leads to an unusual port", code="upstream.redirect")
    return target


def _authority(target: Target) -> str:
    return f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"
