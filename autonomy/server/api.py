"""The API for people: its routes, its errors, and the document that says both."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from .access import OPEN
from .answers import EVERYWHERE, REFUSALS, ErrorAnswer, refusals
from .errors import HANDLERS, of_status
from .faults import invalid
from .routes import ROUTERS

OPENAPI_PATH = "/api/openapi.json"
_ERROR = {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}
_TEXT, _SECONDS = {"type": "string"}, {"type": "integer", "minimum": 1}
_HEADERS = {
    401: {"WWW-Authenticate": {"required": True, "schema": _TEXT, "description": "`Bearer`"}},
    429: {"Retry-After": {"required": True, "schema": _SECONDS, "description": "seconds"}},
}
# Without an answer called `default` FastAPI declares errors of a shape and status that we never give.
_UNDECLARED = "default"


class Api(FastAPI):
    """The API and its document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document: the contract of console, command line and SDK."""
        if self.openapi_schema is None:
            found = get_openapi(title=self.title, version=self.version, summary=self.summary, routes=self.routes)
            found["components"]["securitySchemes"] = {"session": {"type": "http", "scheme": "bearer"}}
            found["components"]["responses"] = {one.name: _refusal(status) for status, one in REFUSALS.items()}
            for methods in found["paths"].values():
                for operation in methods.values():
                    operation["security"] = [] if operation["x-permission"] == OPEN else [{"session": []}]
                    operation["responses"] = _referring(operation["responses"])
            self.openapi_schema = found
        return self.openapi_schema


@cache
def the_api() -> Api:
    """The API for people, without the agents' protocols and the pages; the same for every server of the process, for
    what a request works with comes with it (`parts_of`). Made ready here: it takes a third of a second."""
    api = Api(
        title="Autonomy OS",
        summary="The control plane for AI agents",
        version=version("autonomy-os"),
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_PATH,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
        responses={**refusals(*EVERYWHERE), _UNDECLARED: {}},
        exception_handlers={**HANDLERS, RequestValidationError: invalid, HTTPException: _refused},
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    for router in ROUTERS:
        api.include_router(router)
    for route in api.routes:  # what the framework makes of a router when it is first asked for one of its routes
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
    return api


async def _refused(request: Request, error: Exception) -> Response:
    """What the framework itself refuses; for a method it names all that the address knows (RFC 9110, 10.2.1)."""
    assert isinstance(error, HTTPException)  # registered for these only
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    here = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    # An address that is written out goes before a pattern that it fits, such as `/api/runs/signal` before a run's.
    here = [route for route in here if route.path == request.url.path] or here
    if error.status_code != 405 or not here:
        return of_status(error.status_code, error.headers)
    return of_status(405, {"Allow": ", ".join(sorted({method for route in here for method in route.methods or ()}))})


def _referring(responses: dict[str, Any]) -> dict[str, Any]:
    """`responses` with errors by reference: they are told once, for all operations."""
    told = {status: one for status, one in responses.items() if status != _UNDECLARED}
    shared = {status: REFUSALS[int(status)].name for status in told if int(status) in REFUSALS}
    return told | {status: {"$ref": f"#/components/responses/{name}"} for status, name in shared.items()}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": _ERROR}}
    told = {"description": REFUSALS[status].remedy, "content": content}
    return told | {"headers": _HEADERS[status]} if status in _HEADERS else told


def _operation(route: APIRoute) -> str:
    """The stable name of an operation: that of its function."""
    return str(route.name)
