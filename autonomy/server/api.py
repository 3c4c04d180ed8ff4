"""The API for people: its routes, its errors, and the document that says both."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from .access import OPEN
from .answers import ErrorAnswer
from .errors import HANDLERS
from .faults import invalid
from .parts import Parts
from .routes import ROUTERS

OPENAPI_PATH = "/api/openapi.json"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "mend the input and send it again"},
    401: {"model": ErrorAnswer, "description": "sign in"},
    403: {"model": ErrorAnswer, "description": "ask for the permission"},
    "default": {"model": ErrorAnswer, "description": "any other error, in the same shape"},
}


class Api(FastAPI):
    """The API and its document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document: the contract of console, command line and SDK."""
        if self.openapi_schema is None:
            found = get_openapi(title=self.title, version=self.version, summary=self.summary, routes=self.routes)
            found["components"]["securitySchemes"] = {"session": {"type": "http", "scheme": "bearer"}}
            for methods in found["paths"].values():
                for operation in methods.values():
                    operation["security"] = [] if operation["x-permission"] == OPEN else [{"session": []}]
            self.openapi_schema = found
        return self.openapi_schema


def make_api(parts: Parts) -> Api:
    """The API for people, without the agents' protocols and the pages."""
    api = Api(
        title="Autonomy OS",
        summary="The control plane for AI agents",
        version=version("autonomy-os"),
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_PATH,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
        responses=_RESPONSES,
        exception_handlers={**HANDLERS, RequestValidationError: invalid},
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    api.state.parts = parts
    for router in ROUTERS:
        api.include_router(router)
    return api


def _operation(route: APIRoute) -> str:
    """The stable name of an operation: that of its function."""
    return str(route.name)
