"""HTTP interfaces: declared requests, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from autonomy.catalog.model import Call, HttpConnector
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from ..attempt import Attempt
from ..errors import Refused, Stale, Unreachable, Unsure, excerpt
from ..model import Invocation, Result
from ..outbound import Outbound
from ..requests import compose
from ..template import at, keep
from ..wanted import of_service
from .exchange import Exchange

if TYPE_CHECKING:
    from ..endpoint import Answer

MAX_WAIT = 86_400  # seconds that a service may ask to wait; more is said as a day

_REASONS = ("/detail", "/title", "/message", "/error/msg", "/error/message", "/error")  # RFC 9457 first, then customs
_BUSY = {408, 425, 429}  # the request was not acted upon, or nobody says so
_STALE = {409, 412}  # it conflicts with the present state, or a precondition failed (RFC 9110, sections 15.5.10, .13)


class HttpInterface:
    """One declared base URL."""

    def __init__(self, name: str, spec: HttpConnector, outbound: Outbound) -> None:
        self._name = name
        self._headers = spec.headers
        self._wanted = of_service(spec)
        self._exchange = Exchange(name, spec, outbound)

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """The answer's JSON, or `{"text": …}` where it is another kind of text."""
        if call.request is None:
            raise Invalid("the tool declares no request", code="call.mismatch")
        known = {"action_id": invocation.action_id, "agent": invocation.agent}
        composed = compose(self._exchange.base, call.request, arguments, known, self._headers)
        answer = await self._exchange.send(composed, self._wanted, invocation, attempt)
        return Result(keep(meaning(self._name, answer, attempt.write), call.request.rows, call.request.fields))

    async def close(self) -> None:
        await self._exchange.close()


def meaning(name: str, answer: Answer, write: bool) -> Json:
    """The value of a good answer; raises Refused, Stale, Unreachable or Unsure as the status says."""
    status = answer.status
    if 200 <= status < 300:
        return _value(name, answer, write)
    if status == 404 and not write:
        raise Refused(f"`{name}` knows no such thing", code="upstream.not_found")
    if status in _STALE:
        raise Stale(f"`{name}` says the record has changed: {excerpt(answer.text or '')}", status=status)
    if (wait := _wait(answer, write)) is not None:
        raise Unreachable(
            f"`{name}` is busy and did nothing",
            code="upstream.later",
            hint=f"try again in {wait} s" if wait else "try again later",
            status=status,
            retry_after_s=wait,
        )
    if 400 <= status < 500 and status not in _BUSY:
        raise Refused(f"`{name}` refused with status {status}: {excerpt(_reason(answer))}", status=status)
    if write:
        raise Unsure(f"`{name}` answered with status {status}", status=status)
    raise Unreachable(f"`{name}` answered with status {status}", code="upstream.failed", status=status)


def _wait(answer: Answer, write: bool) -> int | None:
    """The seconds a service asks to wait, where that means that it did nothing; 0 for a date, None otherwise.

    A 503 does not say so of a write: gateways answer with it after they have passed the request on, and RFC 9110
    (sections 10.2.3 and 15.6.4) has it tell only how long the service expects to be unavailable.
    """
    stated = answer.headers.get("Retry-After")
    if stated is None or not (answer.status == 429 or (answer.status == 503 and not write)):
        return None
    return min(int(stated), MAX_WAIT) if stated.isascii() and stated.isdigit() and len(stated) < 10 else 0


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


def _reason(answer: Answer) -> str:
    """Why the other system refuses, in its own words: what its JSON names as the reason, else all it said."""
    said = answer.text or ""
    if not _is_json(answer.kind):
        return said
    try:
        told = canonical.parse(said.encode(), max_bytes=len(said) * 4)
    except Invalid:
        return said
    found = next((reason for pointer in _REASONS if isinstance(reason := at(told, pointer), str) and reason), None)
    return found or said


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")
