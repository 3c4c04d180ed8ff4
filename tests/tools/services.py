"""A shop with an OpenAPI document, for tests: on loopback, remembering what it heard."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from .organisations import Bench, connector, tool
from .test_http import serving

__all__ = ["DOCUMENT", "Shop", "bench_of", "operation", "serving"]

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "http://169.254.169.254/"}],  # a lie: addresses come from the connector
    "security": [{"key": []}],
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "summary": "List orders",
                "parameters": [
                    {"name": "state", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "cursor", "in": "query", "schema": {"type": "string"}},
                    {"$ref": "#/components/parameters/Trace"},
                ],
            },
            "post": {
                "operationId": "createOrder",
                "summary": "Place an order",
                "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                },
            },
        },
        "/orders/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "format": "int64"}}
            ],
            "get": {"operationId": "getOrder"},
            "delete": {"operationId": "deleteOrder"},
        },
    },
    "components": {
        "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}},
        "schemas": {
            "Order": {
                "allOf": [
                    {"$ref": "#/components/schemas/Named"},
                    {
                        "type": "object",
                        "required": ["amount", "id"],
                        "properties": {
                            "id": {"type": "integer", "readOnly": True},
                            "amount": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                            "note": {"type": "string", "nullable": True},
                            "part": {"$ref": "#/components/schemas/Part"},
                        },
                    },
                ]
            },
            "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "Part": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                },
            },
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
}


class Shop:
    """What the shop heard, and how it answers: its last answer is repeated."""

    def __init__(self, *answers: tuple[int, Any] | web.Response) -> None:
        self.answers = list(answers) or [(200, {"ok": True})]
        self.heard: list[dict[str, Any]] = []

    async def __call__(self, request: Any) -> web.StreamResponse:
        body = (await request.read()).decode()
        self.heard.append(
            {
                "method": request.method,
                "path": request.raw_path,
                "headers": dict(request.headers),
                "body": json.loads(body) if body else None,
            }
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, web.Response):
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        return web.json_response(answer[1], status=answer[0])


def operation(call: Any, effect: str = "read", **spec: Any) -> Any:
    """A tool `t` that calls an operation, its input taken from the document unless given."""
    declared = tool("t", connector="shop", effect=effect, **{"input": None, "call": {"operation": call}, **spec})
    return declared


def bench_of(port: int, call: Any, effect: str = "read", **use: Any) -> Bench:
    """Connectors over a shop at `port`."""
    spec = use.pop("spec", {})
    how = use.pop("how", {})
    more = use.pop("more", ())
    settings = {
        "type": "openapi",
        "document": DOCUMENT,
        "baseUrl": f"http://127.0.0.1:{port}/v1",
        "allow": ["127.0.0.1/32"],
        "credential": "shop-key",
        **use,
    }
    return Bench(connector("shop", **settings), operation(call, effect, **spec), *more, **how)
