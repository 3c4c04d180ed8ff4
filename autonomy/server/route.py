"""A route of the API: it cannot exist without saying who may use it, and it reads its body strictly."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from autonomy.kernel import canonical
from autonomy.kernel.errors import AutonomyError, Invalid, TooLarge

from .access import OPEN, Access
from .limits import STRANGERS_BODY, limit_of
from .parts import parts_of

_ESCAPED_NUL = b"\\u0000"  # the only way to write it in JSON


class GuardedRoute(APIRoute):
    """Refuses to be made without one `Access`; shows it in the OpenAPI document as `x-permission`."""

    needs: str

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        found = [one.call for one in self.dependant.dependencies if isinstance(one.call, Access)]
        if len(found) != 1:
            raise TypeError(f"the route `{path}` must declare exactly one permission")
        self._access = found[0]
        self.needs = self._access.needs
        self.openapi_extra = {**(self.openapi_extra or {}), "x-permission": self.needs}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_strictly(request: Request) -> Response:
            # A key that stands twice, or a number no two readers agree on, must not be decided by a lenient reader.
            body = await request.body()
            if len(body) > STRANGERS_BODY:
                self._check_not_open()
                await self._check_admitted(request)
            try:
                _check_address(request)
                if body:
                    _check_body(body, limit_of(request.url.path))
            except AutonomyError:
                await self._check_admitted(request)  # what is wrong with it is for those who may ask
                raise
            return await handle(request)

        return read_strictly

    def _check_not_open(self) -> None:
        if self.needs == OPEN:
            raise TooLarge(f"a request here has at most {STRANGERS_BODY} bytes", code="request.too_large")

    async def _check_admitted(self, request: Request) -> None:
        """Raise for who may not ask this, before their body costs anything or is said anything about."""
        await run_in_threadpool(self._access, request, await parts_of(request))


def _check_address(request: Request) -> None:
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise _unwritable()


def _check_body(body: bytes, limit: int) -> None:
    said = canonical.parse(body, limit)
    if _ESCAPED_NUL in body and _holds_nul(said):
        raise _unwritable()


def _holds_nul(value: canonical.Json) -> bool:
    if isinstance(value, dict):
        return any("\0" in name or _holds_nul(one) for name, one in value.items())
    if isinstance(value, list):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value


def _unwritable() -> Invalid:
    """PostgreSQL keeps no such character in a text, and nobody means one."""
    return Invalid("the character U+0000 is in no name and no text here", code="request.nul", hint="leave it out")


def api(tag: str) -> APIRouter:
    """An empty router under `/api`."""
    return APIRouter(prefix="/api", tags=[tag], route_class=GuardedRoute)
