"""What starts a run: which input a trigger gives it, and which live run it is the same as. Pure."""

from __future__ import annotations

from functools import lru_cache

from autonomy import expressions
from autonomy.expressions import ANY, Expression, Type
from autonomy.kernel.canonical import Json

from .definition import Definition, Trigger
from .prepared import prepare

_VARIABLES = {"trigger": ANY, "now": Type("timestamp")}


def key_of(definition: Definition, input: Json) -> str | None:
    """The key of a run with this input: while one with the same key is live, no other begins. None without a key.

    Raises Invalid (`expression.*`) where it cannot be computed.
    """
    if definition.key is None:
        return None
    return str(prepare(definition).expression(definition.key).evaluate({"input": input}))


def input_of(trigger: Trigger, came: Json, at: int) -> Json:
    """The input of the run that `trigger` begins for what came at `at` (milliseconds); None where `when` is false.

    Raises Invalid (`expression.*`) where it cannot be computed: then somebody has to look, and no run begins.
    """
    values = {"trigger": came, "now": at}
    if trigger.when is not None and _compiled(trigger.when).evaluate(values) is not True:
        return None
    return _value(trigger.input or {}, values)


def _value(value: Json, values: dict[str, Json]) -> Json:
    if isinstance(value, str):
        return _compiled(value).evaluate(values)
    if isinstance(value, dict):
        return {name: _value(one, values) for name, one in value.items()}
    return [_value(one, values) for one in value] if isinstance(value, list) else value


@lru_cache(maxsize=1_024)
def _compiled(text: str) -> Expression:
    return expressions.compile(text, _VARIABLES, check=False)
