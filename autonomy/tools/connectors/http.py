"""HTTP interfaces: declared requests, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from autonomy.catalog.model import Call, HttpConnector
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..credential import Credential
from ..errors import Refused, Stale, Unreachable, Unsure, excerpt
from ..model import Invocation, Result
from ..outbound import Outbound
from ..requests import Composed, compose
from ..ssrf import DEFAULT_PORTS, Target, parse_url

if TYPE_CHECKING:
    from ..endpoint import Answer, Endpoint

MAX_HOPS = 3  # redirects of one read

_REDIRECTS = {301, 302, 303, 307, 308}
_BUSY = {408, 425, 429}  # the request was not acted upon, or nobody says so


class HttpInterface:
    """One declared base URL."""

    def __init__(self, name: str, spec: HttpConnector, outbound: Outbound) -> None:
        self._name = name
        self._spec = spec
        self._outbound = outbound
        self._endpoint: Endpoint | None = None

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """The answer's JSON, or `{"text": …}` where it is another kind of text."""
        if call.request is None:
            raise Invalid("the tool declares no request", code="call.mismatch")
        if self._endpoint is None:
            self._endpoint = self._outbound.endpoint(self._spec)
        known = {"action_id": invocation.action_id, "agent": invocation.agent}
        composed = compose(self._endpoint.base, call.request, arguments, known)
        credential = await self._outbound.credential(self._spec.credential)
        answer = await self._send(self._endpoint, composed, attempt, credential)
        return Result(meaning(self._name, answer, attempt.write))

    async def close(self) -> None:
        if self._endpoint is not None:
            await self._endpoint.close()

    async def _send(
        self, endpoint: Endpoint, composed: Composed, attempt: Attempt, credential: Credential | None
    ) -> Answer:
        """Send it; for GET follow at most three redirects, each judged like the first address."""
        target = composed.target
        for _ in range(MAX_HOPS + 1):
            answer = await endpoint.send(composed.method, target, composed.headers, composed.body, attempt, credential)
            if answer.status not in _REDIRECTS or attempt.write or composed.method != "GET" or not answer.location:
                return answer
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


def meaning(name: str, answer: Answer, write: bool) -> Json:
    """The value of a good answer; raises Refused, Stale, Unreachable or Unsure as the status says."""
    status = answer.status
    if 200 <= status < 300:
        return _value(name, answer, write)
    if status == 404 and not write:
        raise Refused(f"`{name}` knows no such thing", code="upstream.not_found")
    if status == 412:
        raise Stale(f"`{name}` says the record has changed")
    if 400 <= status < 500 and status not in _BUSY:
        raise Refused(f"`{name}` refused with status {status}: {excerpt(answer.text or '')}", status=status)
    if write:
        raise Unsure(f"`{name}` answered with status {status}", status=status)
    raise Unreachable(f"`{name}` answered with status {status}", code="upstream.failed", status=status)


def _value(name: str, answer: Answer, write: bool) -> Json:
    if answer.text is not None and not _is_json(answer.kind):
        return {"text": answer.text} if answer.text else None
    try:
        if answer.text is None:
            raise Invalid("the text is not UTF-8", code="json.encoding")
        return canonical.parse(answer.text.encode(), max_bytes=len(answer.text) * 4) if answer.text else None
    except Invalid as error:
        if write:
            raise Unsure(f"`{name}` accepted it and answered with something unreadable: {error.message}") from None
        raise Unreachable(
            f"`{name}` answered with something unreadable: {error.message}", code="upstream.failed"
        ) from None


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
