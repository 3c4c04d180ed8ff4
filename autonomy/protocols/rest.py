"""Actions over plain HTTP, for agents that speak no MCP.

    POST /v1/actions        {tool, arguments} and of `rules.REST_WORDS` what applies
    GET  /v1/actions/{id}   what became of it
    GET  /v1/tools          the tools you may use, `?limit=&cursor=`
    GET  /v1/openapi.json   all of this as an OpenAPI document, for everybody

An action that was decided answers with the gate's reply; the status sums it up, and none of them invites a client
library to send the call again:

    200  done, or what a dry run found         404  no such tool, or none you may see
    202  held or still running                 409  nobody knows whether it happened: look, then decide
    403  denied, or rejected by a person       422  denied for its arguments: mend them
                                               424  the system of record refused or failed

Errors before a decision are `{"error": {code, message, hint?, detail?}}`.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import parse_qsl

from autonomy.gate import Reply
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid, NotFound
from autonomy.tools import Tool

from . import asgi
from .asgi import Answer, Incoming
from .ports import Door
from .refusals import bearer_of
from .rules import PAGE_LIMIT, REST_WORDS, page, to_request

T = TypeVar("T")

ACTIONS = "/v1/actions"
TOOLS = "/v1/tools"
REST_DOCUMENT = "/v1/openapi.json"

_STATUS = {"held": 202, "running": 202, "denied": 403, "rejected": 403, "unknown": 409, "failed": 424}
_ABOUT_ARGUMENTS = ("arguments.", "cost.", "money.", "window.", "record.missing")


class Rest:
    """The REST face of the door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def act(self, incoming: Incoming) -> Answer:
        """Perform an action; closing the connection cancels it."""
        bearer = bearer_of(incoming)
        check_json(incoming)
        body = asgi.read_json(await incoming.body())
        if not isinstance(body, dict):
            raise Invalid("the body is not an object", code="request.body")
        key = one_key(incoming.header(b"idempotency-key"), body.pop("idempotency_key", None))
        tool, arguments = body.pop("tool", None), body.pop("arguments", {})
        request = to_request(tool, arguments, body | {"idempotency_key": key}, REST_WORDS)
        reply = await incoming.unless_gone(self._door.perform(bearer, request))
        return _answer(reply)

    async def look(self, incoming: Incoming) -> Answer:
        """What became of an action."""
        reply = await self._door.result(bearer_of(incoming), incoming.path.removeprefix(f"{ACTIONS}/"))
        return asgi.json(200, reply.as_dict())

    async def tools(self, incoming: Incoming) -> Answer:
        """The tools the caller may use, by name."""
        bearer = bearer_of(incoming)
        limit, cursor = _window(incoming.query)
        found = {tool.name: tool for tool in await self._door.tools(bearer)}
        names, following = page(list(found), cursor, limit)
        shown: dict[str, Json] = {"tools": [_described(found[name]) for name in names]}
        return asgi.json(200, shown if following is None else shown | {"next": following})


def check_json(incoming: Incoming) -> None:
    """Raise Invalid (`body.type`) for what a web page could send without asking: forms and plain text."""
    kind = (incoming.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Invalid("the body is not declared as JSON", code="body.type", hint="say `application/json`")


def status_of(reply: Reply) -> int:
    """The HTTP status that sums up a reply."""
    code = reply.code or ""
    if reply.status == "denied" and code.startswith(_ABOUT_ARGUMENTS):
        return 422
    # A dry run leaves nothing behind that could be waited for.
    return _STATUS.get(reply.status, 200) if reply.action else 200


def _answer(reply: Reply) -> Answer:
    if reply.code == "tool.unknown":
        error = NotFound(reply.message or "", code="tool.unknown", hint="list the tools you may use")
        return asgi.json(error.status, {"error": error.as_dict()})
    status = status_of(reply)
    headers = ((b"location", f"{ACTIONS}/{reply.action}".encode()),) if status == 202 else ()
    return asgi.json(status, reply.as_dict(), *headers)


def one_key(header: str | None, field: T) -> T | str:
    """The idempotency key, which the body or the header (bare or quoted) may give. Raises Invalid (`request.field`)."""
    if header is None:
        return field
    said = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not said:
        raise Invalid("the idempotency key is empty", code="request.field")
    if field is not None and field != said:
        raise Invalid("header and body give two idempotency keys", code="request.field", hint="send one of them")
    return said


def _window(query: bytes) -> tuple[int, str | None]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), max_num_fields=2)
    except ValueError:
        raise Invalid("the query cannot be read", code="request.query") from None
    said = dict(pairs)
    limit = said.get("limit", "100")
    if set(said) - {"limit", "cursor"} or len(said) != len(pairs):
        raise Invalid("the query may hold `limit` and `cursor`, each once", code="request.query")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= PAGE_LIMIT):
        raise Invalid(f"`limit` is not a number from 1 to {PAGE_LIMIT}", code="request.query")
    return int(limit), said.get("cursor")


def _described(tool: Tool) -> dict[str, Json]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input": tool.schema.declared,
        "effect": tool.effect,
        "egress": tool.spec.egress,
        "risk": tool.spec.risk,
    }
