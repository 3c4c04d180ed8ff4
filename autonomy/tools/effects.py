"""Whether a write had its effect: the declared check of a tool, an expression over what was looked up later. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from autonomy.catalog.model import CheckSpec, FactType, ToolSpec
from autonomy.expressions import ANY, Expression, Type, compile, of_schema
from autonomy.expressions.types import of_fields
from autonomy.kernel import clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .report import Report
from .schema import Schema

MAX_AFTER = 30 * clock.DAY

_KINDS: Mapping[FactType, Type] = {
    "integer": Type("integer"),
    "string": Type("string"),
    "boolean": Type("boolean"),
    "money": Type("integer"),
}


def check_effect(report: Report, spec: ToolSpec, schema: Schema) -> None:
    """What is wrong with the check of a tool: its time, its expression, or that there is nothing to check."""
    if spec.check is None:
        return
    if spec.effect == "read":
        report.say("spec.check", "a tool that reads has no effect to check", "remove it, or declare the effect")
    with report.within("spec.check.after"):
        if clock.duration(spec.check.after) > MAX_AFTER:
            raise Invalid(f"`{spec.check.after}` is too long", hint="at most `30d`")
    with report.within("spec.check.expect"):
        found = compile(spec.check.expect, _variables(spec.check, dict(schema.declared), spec.output)).result
        if found.kind not in ("boolean", "any"):
            raise Invalid(f"it comes to a {found}, not to true or false", hint="compare it with something")


def had_effect(check: CheckSpec, arguments: Json, result: Json, facts: Mapping[str, Json]) -> bool:
    """Whether the effect is there. Raises Invalid (`expression.*`, `check.result`) where that cannot be told."""
    values = {"arguments": arguments, "result": result, "facts": dict(facts)}
    found = _expression(check.expect).evaluate(values)
    if not isinstance(found, bool):
        raise Invalid("the check is neither true nor false", code="check.result")
    return found


@lru_cache(maxsize=256)
def _expression(text: str) -> Expression:
    return compile(text, {"arguments": ANY, "result": ANY, "facts": ANY}, check=False)


def _variables(check: CheckSpec, input: Any, output: Any) -> Mapping[str, Type]:
    facts = {name: _KINDS[fact.type] for name, fact in check.facts.items()}
    return {
        "arguments": of_schema(input),
        "result": ANY if output is None else of_schema(output),
        "facts": of_fields(facts),
    }
