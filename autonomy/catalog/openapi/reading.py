"""From the text of a document to its JSON value: bounded in size, depth and number, every alias counted."""

from __future__ import annotations

import json

from autonomy.kernel import canonical
from autonomy.kernel.canonical import MAX_SAFE_INTEGER, Json
from autonomy.kernel.errors import Invalid, TooLarge

from .. import yaml_text
from ..yaml_text import MAX_NODES, Unreadable

MAX_BYTES = 1_048_576  # of a document that is declared; it is read by people


def read_document(text: str, max_bytes: int = MAX_BYTES) -> dict[str, Json]:
    """The document in `text`, JSON or YAML. Numbers beyond 2^53 become 2^53: documents bound 64-bit integers by them.

    Raises Invalid (`openapi.unreadable`, `json.*`, `manifest.yaml`) or TooLarge.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > max_bytes:
        raise TooLarge(
            f"the document has {size} bytes, more than {max_bytes}",
            code="openapi.too_large",
            hint="keep the operations that are needed: `autonomy tool import openapi FILE --operation ID`",
        )
    value = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    _count(value, MAX_NODES * max(1, max_bytes // MAX_BYTES))
    canonical.check(value)
    if not isinstance(value, dict):
        raise Invalid("this is not an OpenAPI document", code="openapi.unreadable", hint="it is an object at its top")
    return value


def _json(text: str) -> Json:
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_int=_number, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise Invalid(
            f"not JSON: {error.msg.lower()} at line {error.lineno} column {error.colno}", code="openapi.unreadable"
        ) from None
    except RecursionError:
        raise Invalid("nested too deep", code="openapi.unreadable") from None
    return value


def _yaml(text: str) -> Json:
    try:
        documents = yaml_text.read(text, clamp=True)
    except Unreadable as error:
        raise Invalid(f"line {error.line}: {error.message}", code="openapi.unreadable", hint=error.hint) from None
    if len(documents) != 1:
        raise Invalid(f"{len(documents)} documents stand in one file", code="openapi.unreadable", hint="keep one")
    return documents[0].value


def _count(value: Json, most: int) -> None:
    """Raise Invalid for more than `most` values."""
    left, waiting = most, [value]
    while waiting:
        one = waiting.pop()
        left -= 1
        if left < 0:
            raise Invalid(f"more than {most} values", code="openapi.unreadable", hint="keep what is needed")
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Invalid("a key stands twice in one object", code="openapi.unreadable", hint="keep one of them")
    return found


def _number(text: str) -> int:
    if len(text) > 20:
        return -MAX_SAFE_INTEGER if text.startswith("-") else MAX_SAFE_INTEGER
    return max(-MAX_SAFE_INTEGER, min(MAX_SAFE_INTEGER, int(text)))


def _no_number(name: str) -> Json:
    raise Invalid(f"`{name}` is not JSON", code="openapi.unreadable")
