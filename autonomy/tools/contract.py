"""A contract of what work comes to: a JSON Schema that the result must fit, whatever kind of value it is (R049)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .schema import Schema

MAX_OUTPUT = 262_144  # bytes as JSON; whatever goes on with it carries it along

_encoder = msgspec.json.Encoder()


class Contract:
    """What an output must fit. Raises Invalid (`schema.invalid`) where `declared` is no JSON Schema."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self._schema = Schema(_wrapped(declared))

    def breach(self, output: Json) -> str:
        """What of the contract the output does not keep; empty where it keeps all of it."""
        try:
            self._schema.validate({"output": output})
        except Invalid as error:
            return str(error).replace("argument `/output", "`output")
        return ""


def too_large(output: Json) -> str:
    """Why an output goes no further; empty where it does: what is larger stays where it is, and is named instead."""
    if (size := len(_encoder.encode(output))) > MAX_OUTPUT:
        return f"the output has {size} bytes, {MAX_OUTPUT} are allowed; send a reference to it"
    return ""


def _wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for an object whose member `output` fits `schema`; its own `$defs` stay where references find them."""
    inner = dict(schema)
    definitions = inner.pop("$defs", None)
    outer: dict[str, Any] = {"type": "object", "properties": {"output": inner}, "required": ["output"]}
    return outer | ({"$defs": definitions} if definitions is not None else {})
