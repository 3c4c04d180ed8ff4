"""How a declared HTTP request and an agent's arguments become one concrete request. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from autonomy.catalog.model import HttpRequest
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .ssrf import Target

_PLACE = re.compile(r"\{([^{}]*)\}")
_STEP = re.compile(r"[/\\]")


class Composed(NamedTuple):
    """A request ready to be sent, except for the credential."""

    method: str
    target: Target
    headers: dict[str, str]
    body: bytes | None


def places(path: str) -> list[str]:
    """The names in braces of a declared path."""
    return _PLACE.findall(path)


def used(request: HttpRequest) -> set[str]:
    """The arguments that stand in path and query."""
    return {*places(request.path), *request.query.values()}


def compose(base: Target, request: HttpRequest, arguments: Mapping[str, Json], known: Mapping[str, str]) -> Composed:
    """The request for `arguments`; `known` holds `action_id` and `agent`, which may be used like arguments.

    Raises Invalid (`arguments.invalid`) for values that cannot stand where they are declared to stand.
    """
    named = {**arguments, **known}
    path = base.path.rstrip("/") + _PLACE.sub(lambda place: segment(place[1], named.get(place[1])), request.path)
    query = {key: scalar(name, named[name]) for key, name in request.query.items() if named.get(name) is not None}
    headers = {"Accept": "application/json"}
    if request.idempotencyHeader:
        headers[request.idempotencyHeader] = known["action_id"]
    body = None
    if request.body == "arguments":
        rest = {name: value for name, value in arguments.items() if name not in used(request)}
        body = canonical.encode(rest)
        headers["Content-Type"] = "application/json"
    target = base._replace(path=path + ("?" + urlencode(query, quote_via=quote, safe="") if query else ""))
    return Composed(request.method, target, headers, body)


def segment(name: str, value: Json) -> str:
    """One argument within a path. What a server could read as a way upwards is refused, encoded or not."""
    text = scalar(name, value)
    if not text or not text.isprintable() or any(set(step) <= {"."} for step in _STEP.split(text)):
        raise Invalid(
            f"the argument `{name}` cannot stand in a path",
            code="arguments.invalid",
            hint="send a plain name or number",
        )
    return quote(text, safe="")


def scalar(name: str, value: Json) -> str:
    """One value as text. Raises Invalid (`arguments.invalid`) for none and for several."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (list, dict)):
        raise Invalid(
            f"the argument `{name}` must be one value", code="arguments.invalid", hint="send a text or a number"
        )
    return canonical.encode(value).decode()
