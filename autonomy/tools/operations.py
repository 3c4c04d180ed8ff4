"""How an operation of a document and an agent's arguments become one concrete request. Pure.

Values are written as OpenAPI 3.1, section 4.8.12, says (RFC 6570). Everything reserved is percent-encoded, whatever a
document allows: no argument can add a parameter or leave its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from autonomy.catalog.openapi import Operation, Parameter
from autonomy.catalog.services import OperationCall
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .requests import Composed, segment
from .ssrf import Target
from .template import scalar

_PLACE = re.compile(r"\{([^{}]*)\}")
_SEPARATORS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}


def compose(
    base: Target, operation: Operation, called: OperationCall, arguments: Mapping[str, Json], known: Mapping[str, str]
) -> Composed:
    """The request for `arguments`; `known` holds `action_id` and `agent`. Raises Invalid (`arguments.invalid`)."""
    values = {**arguments, **called.fixed, **{name: known[what] for name, what in called.fill.items()}}
    given = [(one, values[one.argument]) for one in operation.parameters if values.get(one.argument) is not None]
    headers = {"Accept": "application/json"}
    headers |= {one.name: header(one, value) for one, value in given if one.where == "header"}
    if called.idempotencyHeader:
        headers[called.idempotencyHeader] = known["action_id"]
    body = _body(operation, values)
    if body is not None and operation.body is not None:
        headers["Content-Type"] = operation.body.media
    query = "&".join(part for one, value in given if one.where == "query" for part in query_parts(one, value))
    path = base.path.rstrip("/") + _path(operation, values)
    return Composed(operation.method, base._replace(path=path + ("?" + query if query else "")), headers, body)


def query_parts(parameter: Parameter, value: Json) -> Iterator[str]:
    """The `name=value` parts of one query parameter, encoded."""
    name = quote(parameter.name, safe="")
    if parameter.style == "json":
        yield f"{name}={quote(canonical.encode(value).decode(), safe='')}"
    elif isinstance(value, dict):
        yield from _object_in_query(parameter, name, value)
    elif not isinstance(value, list):
        yield f"{name}={_text(parameter, value)}"
    elif parameter.explode:
        yield from (f"{name}={_text(parameter, one)}" for one in value)
    elif value:
        yield f"{name}={_SEPARATORS.get(parameter.style, ',').join(_text(parameter, one) for one in value)}"


def header(parameter: Parameter, value: Json) -> str:
    """The value of one header. Raises Invalid for what cannot stand there."""
    if parameter.style == "json":
        shown = canonical.encode(value).decode()
    elif isinstance(value, list):
        shown = ",".join(scalar(parameter.argument, one) for one in value)
    elif isinstance(value, dict):
        glue = "=" if parameter.explode else ","
        shown = ",".join(f"{key}{glue}{scalar(parameter.argument, one)}" for key, one in value.items())
    else:
        shown = scalar(parameter.argument, value)
    if not (shown.isascii() and shown.isprintable()) or shown != shown.strip():
        raise _unfit(parameter, "stand in a header", "send printable ASCII")
    return shown


def _path(operation: Operation, values: Mapping[str, Json]) -> str:
    parameters = {one.name: one for one in operation.parameters if one.where == "path"}
    return _PLACE.sub(lambda place: _in_path(parameters[place[1]], values), operation.path)


def _in_path(parameter: Parameter, values: Mapping[str, Json]) -> str:
    value = values.get(parameter.argument)
    if parameter.style == "json":
        return segment(parameter.argument, canonical.encode(value).decode())
    if isinstance(value, dict):
        pairs = [(str(key), one) for key, one in value.items()]
    else:
        pairs = [("", one) for one in (value if isinstance(value, list) else [value])]
    if not pairs:
        raise _unfit(parameter, "be empty", "send at least one value")
    return _styled(parameter, [(quote(key, safe=""), segment(parameter.argument, one)) for key, one in pairs])


def _styled(parameter: Parameter, pairs: list[tuple[str, str]]) -> str:
    """Path styles: `simple` a,b; `label` .a.b; `matrix` ;name=a,b."""
    named, name = bool(pairs[0][0]), quote(parameter.name, safe="")
    if named:
        parts = [f"{key}={one}" if parameter.explode else f"{key},{one}" for key, one in pairs]
    else:
        parts = [one for _, one in pairs]
    if parameter.style == "label":
        return "." + ("." if parameter.explode else ",").join(parts)
    if parameter.style == "matrix":
        if not parameter.explode:
            return f";{name}={','.join(parts)}"
        return "".join(f";{one}" if named else f";{name}={one}" for one in parts)
    return ",".join(parts)


def _object_in_query(parameter: Parameter, name: str, value: Mapping[str, Json]) -> Iterator[str]:
    pairs = [(quote(str(key), safe=""), _text(parameter, one)) for key, one in value.items() if one is not None]
    if parameter.style == "deepObject":
        yield from (f"{name}%5B{key}%5D={one}" for key, one in pairs)
    elif parameter.explode:
        yield from (f"{key}={one}" for key, one in pairs)
    elif pairs:
        yield f"{name}={','.join(f'{key},{one}' for key, one in pairs)}"


def _text(parameter: Parameter, value: Json) -> str:
    return quote(scalar(parameter.argument, value), safe="")


def _body(operation: Operation, values: Mapping[str, Json]) -> bytes | None:
    body = operation.body
    if body is None:
        return None
    if body.argument is not None:
        return canonical.encode(values[body.argument]) if body.argument in values else None
    fields = {name: values[argument] for argument, name in body.fields.items() if argument in values}
    return canonical.encode(fields) if fields or body.required else None


def _unfit(parameter: Parameter, what: str, hint: str) -> Invalid:
    return Invalid(f"the argument `{parameter.argument}` cannot {what}", code="arguments.invalid", hint=hint)
