"""Posting a webhook: through the same guarded sockets as every connector, so that none is a way around the guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autonomy.catalog.model import HttpConnector

from .attempt import Attempt
from .outbound import Outbound
from .ssrf import parse_url

SECONDS = 10.0


class Poster:
    """Posts to one URL. `allow` are CIDR ranges that may be reached although they are private."""

    def __init__(self, outbound: Outbound, allow: Sequence[str] = ()) -> None:
        self._outbound = outbound
        self._allow = tuple(allow)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; redirects are not followed. Raises Unreachable or Unsure where none came."""
        target = parse_url(url)
        endpoint = self._outbound.endpoint(HttpConnector(type="http", baseUrl=url, allow=list(self._allow)))
        try:
            attempt = Attempt(True, SECONDS)
            answer = await endpoint.send("POST", target, headers, body, attempt)
        finally:
            await endpoint.close()
        return answer.status
