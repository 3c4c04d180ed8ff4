"""What every answer passes: security headers, a limit on what is sent to us, silence about what went wrong inside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from autonomy.kernel.errors import AutonomyError, TooLarge

from .errors import answer, unexpected
from .limits import limit_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"cache-control", b"no-store"),
)
"""Set on every answer that does not say otherwise itself."""

_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")


def guarded(app: App, secure: bool) -> App:
    """`app` behind the guard; `secure` where clients reach us by https."""
    headers = (*HEADERS, _HTTPS_ONLY) if secure else HEADERS

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        sender = _Sender(send, headers)
        try:
            await app(scope, receive, sender)
        except Exception as error:  # noqa: BLE001 - the last place where anything can still become an answer
            if not sender.finished:
                await _refuse(error, scope, receive, sender)

    return guard


def limited(app: App) -> App:
    """`app`, handed the whole body of each request at once, or never called where it is too large."""

    async def limit(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        body = await _body(scope, receive)
        if body is not None:
            await app(scope, _replayed(body, receive), send)

    return limit


class _Sender:
    """Adds our headers to the answer's own, which win."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._send = send
        self._headers = headers
        self.started = False
        self.finished = False

    async def __call__(self, message: Message) -> None:
        """Send a message of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            own = list(message.get("headers", ()))
            known = {name.lower() for name, _ in own}
            message["headers"] = own + [header for header in self._headers if header[0] not in known]
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.finished = True
        await self._send(message)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body; None where the client went away. Raises TooLarge."""
    limit, found = limit_of(scope["path"]), bytearray()
    _check(_announced(scope), limit)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        found += message.get("body", b"")
        _check(len(found), limit)
        if not message.get("more_body", False):
            return bytes(found)


def _announced(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"a request here has at most {limit} bytes", code="request.too_large")


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def _refuse(error: Exception, scope: Scope, receive: Receive, sender: _Sender) -> None:
    if isinstance(error, AutonomyError) and not sender.started:
        await answer(error)(scope, receive, sender)
        return
    told = unexpected(error)
    if sender.started:
        # What has been sent cannot be taken back: the client must see that the answer is not whole.
        raise ConnectionAbortedError("the answer broke off") from None
    await told(scope, receive, sender)
