"""How a declared HTTP request and an agent's arguments become one concrete request. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from autonomy.catalog.services import HttpRequest, QueryPart
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .ssrf import Target
from .template import fill, names, scalar

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
    """The arguments that stand in path, query and a body of its own."""
    return {*places(request.path), *in_query(request), *in_body(request)}


def in_query(request: HttpRequest) -> set[str]:
    """The arguments that stand in the query."""
    found: set[str] = set()
    for part in request.query.values():
        found |= {part} if isinstance(part, str) else names(_template(part))
    return found


def in_body(request: HttpRequest) -> set[str]:
    """The arguments that stand in a body of its own."""
    return set() if isinstance(request.body, str) else names(request.body)


def compose(
    base: Target,
    request: HttpRequest,
    arguments: Mapping[str, Json],
    known: Mapping[str, str],
    always: Mapping[str, str] | None = None,
) -> Composed:
    """The request for `arguments`; `known` holds `action_id` and `agent`, which may be used like arguments, `always`
    the headers of every request.

    Raises Invalid (`arguments.invalid`) for values that cannot stand where they are declared to stand.
    """
    named = {**arguments, **known}
    path = base.path.rstrip("/") + _PLACE.sub(lambda place: segment(place[1], named.get(place[1])), request.path)
    query = list(_query(request, named))
    headers = {**(always or {}), "Accept": "application/json"}
    if request.idempotencyHeader:
        headers[request.idempotencyHeader] = known["action_id"]
    body = _body(request, arguments, named)
    if body is not None:
        headers["Content-Type"] = "application/json"
    target = base._replace(path=path + ("?" + urlencode(query, quote_via=quote, safe="") if query else ""))
    return Composed(request.method, target, headers, body)


def _body(request: HttpRequest, arguments: Mapping[str, Json], named: Mapping[str, Json]) -> bytes | None:
    if request.body == "none":
        return None
    if request.body == "arguments":
        return canonical.encode({name: value for name, value in arguments.items() if name not in used(request)})
    return canonical.encode(fill(request.body, named))


def _query(request: HttpRequest, named: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for key, part in request.query.items():
        if isinstance(part, str):
            if named.get(part) is not None:
                yield key, scalar(part, named[part])
        elif part.fixed is not None:
            yield from ((key, value) for value in ([part.fixed] if isinstance(part.fixed, str) else part.fixed))
        else:
            written = canonical.encode(fill(_template(part), named))
            encoded = base64.urlsafe_b64encode(written) if part.asBase64 is not None else written
            yield key, encoded.decode()


def _template(part: QueryPart) -> Json:
    return part.asJson if part.asJson is not None else part.asBase64


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
